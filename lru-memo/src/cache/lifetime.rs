//! How long an entry may stay: its `ttl`, or less by its value (`ttl_of`) and by its key (`jitter`).

use core::hash::BuildHasher;
use core::time::Duration;

use foldhash::quality::FixedState;

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

impl Lifetime {
    /// Whether `ttl` alone does not say how long entries may stay.
    pub(crate) fn needs_more_than_ttl(self) -> bool {
        self.jitter.is_some() || self.idle.is_some() || self.stale.is_some()
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
