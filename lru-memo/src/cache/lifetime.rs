//! How long an entry may stay: its `ttl`, or less by its value (`ttl_of`) and by its key (`jitter`).

use alloc::boxed::Box;
use core::hash::BuildHasher;
use core::time::Duration;

use foldhash::quality::FixedState;

use crate::info::CacheParameters;

/// The lengths that decide how long an entry may stay.
#[derive(Debug, Clone, Copy, Default)]
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Lifetime {
    /// The longest age.
    pub(crate) ttl: Option<Duration>,
    /// What the age is shortened by, at most.
    pub(crate) jitter: Option<Duration>,
    /// How long an entry stays that nobody uses.
    pub(crate) idle: Option<Duration>,
    /// How long an entry is served after it has become old.
    pub(crate) stale: Option<Duration>,
}

/// The lifetime of a cache's entries, as the cache keeps it.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait LifetimeOf {
    /// Keeps a lifetime.
    fn new(lifetime: Lifetime) -> Self;
    /// Returns the longest age.
    fn ttl(&self) -> Option<Duration>;
    /// Returns the whole.
    fn whole(&self) -> Lifetime;
}

/// Of entries that never expire.
impl LifetimeOf for () {
    fn new(_: Lifetime) {}

    #[inline(always)]
    fn ttl(&self) -> Option<Duration> {
        None
    }

    #[inline]
    fn whole(&self) -> Lifetime {
        Lifetime::default()
    }
}

/// The lifetime of entries that may expire.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Ends {
    ttl: Option<Duration>,
    /// The whole, if it is more than a `ttl`. In a box, because few caches need it.
    whole: Option<Box<Lifetime>>,
}

impl LifetimeOf for Ends {
    fn new(lifetime: Lifetime) -> Self {
        let Lifetime { ttl, jitter, idle, stale } = lifetime;
        let is_more = jitter.is_some() || idle.is_some() || stale.is_some();
        Self { ttl, whole: is_more.then(|| Box::new(lifetime)) }
    }

    #[inline(always)]
    fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    #[inline]
    fn whole(&self) -> Lifetime {
        match &self.whole {
            Some(whole) => **whole,
            None => Lifetime { ttl: self.ttl, ..Lifetime::default() },
        }
    }
}

impl Lifetime {
    /// Returns how long entries may stay, as the options say.
    pub(crate) fn of(parameters: CacheParameters) -> Self {
        let CacheParameters { ttl, jitter, idle, stale, .. } = parameters;
        Self { ttl, jitter, idle, stale }
    }

    /// Returns the age that an entry may reach, from the age that its value gives it, if any, and the hash of its key.
    pub(crate) fn age(self, of_value: Option<Duration>, hash: u64) -> Option<Duration> {
        let ttl = self.ttl?;
        let age = of_value.map_or(ttl, |own| own.min(ttl));
        Some(age.saturating_sub(self.jitter.map_or(Duration::ZERO, |jitter| share(jitter, hash))))
    }
}

/// A share of the whole, the same for each key. Hashes need not be spread well: a hasher of the user's may return numbers
/// as they are.
fn share(whole: Duration, hash: u64) -> Duration {
    let nanoseconds = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
    let spread = FixedState::default().hash_one(hash);
    Duration::from_nanos(((u128::from(nanoseconds) * u128::from(spread)) >> 64) as u64)
}
