//! The kinds of entries, which are types: whether entries are [plain](crate::codegen::plain), and how they expire. So a cache has no
//! code for options that its function does not use.

use crate::sys::clock::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

use crate::cache::lifetime::{Ends, Lifetime, LifetimeOf};
use crate::cache::stale::claim::Claim;

use crate::advice::sampler::Sampler;
use crate::advice::watch::Watch;

/// A kind of entries.
pub trait Kind {
    /// Whether keys and values are compared and cloned without user code.
    const PLAIN: bool;
    /// The part of an entry that says when it expires.
    type Expiry: Expiry;
    /// Records the uses of keys.
    type Watch: Watch;
}

/// Says when an entry expires, if it ever does.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Expiry: Send + Sync + 'static {
    /// Whether entries may expire.
    const EXPIRES: bool;
    /// Whether each use moves the deadline (`idle`).
    const IDLES: bool = false;

    /// Whether old entries are served (`stale`).
    const STALES: bool = false;

    /// How a cache keeps the lifetime of its entries.
    type Lifetime: LifetimeOf;

    /// Returns the value for an entry that is stored now and may reach this age.
    fn new(now: Option<Instant>, age: Option<Duration>, lifetime: Lifetime) -> Self;
    /// Returns the deadline, if there is one.
    fn deadline(&self) -> Option<Instant>;
    /// Returns when the entry becomes old. Without `stale`, that is the deadline.
    #[inline]
    fn fresh_until(&self) -> Option<Instant> {
        self.deadline()
    }
    /// Returns the word by which a caller claims the run for an old entry.
    fn claim(&self) -> Option<&Arc<Claim>> {
        None
    }
    /// Notes a use, which moves the deadline.
    #[inline]
    fn put_off(&self, _now: Instant, _idle: Duration) {}
}

/// Entries that are plain if `PLAIN`, and that expire by a `ttl` if `EXPIRES`.
#[derive(Debug)]
pub enum Kept<const PLAIN: bool, const EXPIRES: bool> {}

impl<const PLAIN: bool> Kind for Kept<PLAIN, false> {
    const PLAIN: bool = PLAIN;
    type Expiry = ();
    type Watch = ();
}

impl<const PLAIN: bool> Kind for Kept<PLAIN, true> {
    const PLAIN: bool = PLAIN;
    type Expiry = Option<Instant>;
    type Watch = ();
}

/// Like `P`, for entries that are served for some time after they have become old.
#[derive(Debug)]
pub struct Staling<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for Staling<P> {
    const PLAIN: bool = P::PLAIN;
    type Expiry = Stale<P::Expiry>;
    type Watch = P::Watch;
}

/// Like `P`, for entries that expire if nobody uses them.
#[derive(Debug)]
pub struct Idling<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for Idling<P> {
    const PLAIN: bool = P::PLAIN;
    type Expiry = PutOff;
    type Watch = P::Watch;
}

/// Like `P`, for a cache that advises on its bound.
#[derive(Debug)]
pub struct Advising<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for Advising<P> {
    const PLAIN: bool = P::PLAIN;
    type Expiry = P::Expiry;
    type Watch = Box<Sampler>;
}

impl Expiry for () {
    const EXPIRES: bool = false;
    type Lifetime = ();

    #[inline]
    fn new(_: Option<Instant>, _: Option<Duration>, _: Lifetime) {}

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        None
    }
}

impl Expiry for Option<Instant> {
    const EXPIRES: bool = true;
    type Lifetime = Ends;

    #[inline]
    fn new(now: Self, age: Option<Duration>, _: Lifetime) -> Self {
        now.zip(age).and_then(|(now, age)| now.checked_add(age))
    }

    #[inline]
    fn deadline(&self) -> Self {
        *self
    }
}

/// When an entry with `idle` expires, in nanoseconds after it was stored.
#[derive(Debug)]
pub struct PutOff {
    stored: Option<Instant>,
    /// When the entry expires however often it is used.
    ends: u64,
    /// When the entry expires if it is not used again. Only grows.
    unused: AtomicU64,
}

impl Expiry for PutOff {
    const EXPIRES: bool = true;
    const IDLES: bool = true;
    type Lifetime = Ends;

    fn new(now: Option<Instant>, age: Option<Duration>, lifetime: Lifetime) -> Self {
        let [ends, unused] = [age, lifetime.idle].map(|length| length.map_or(u64::MAX, nanoseconds));
        Self { stored: now, ends, unused: AtomicU64::new(unused) }
    }

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        // Relaxed: a thread that happens after a use sees it, as it sees any write.
        let after = self.ends.min(self.unused.load(Relaxed));
        self.stored?.checked_add(Duration::from_nanos(after))
    }

    #[inline]
    fn put_off(&self, now: Instant, idle: Duration) {
        /// A use within so many nanoseconds after another is not noted, so that threads do not contend for the cache line.
        const MOST: u64 = 1_000_000;
        let Some(stored) = self.stored else { return };
        let idle = nanoseconds(idle);
        let unused = nanoseconds(now.saturating_duration_since(stored)).saturating_add(idle);
        let gained = unused.saturating_sub(self.unused.load(Relaxed));
        if gained > (idle / 1024).min(MOST) {
            self.unused.fetch_max(unused, Relaxed);
        }
    }
}

/// When an entry becomes old, when it expires, and which caller recomputes it in between.
#[derive(Debug)]
pub struct Stale<E> {
    fresh_until: Option<Instant>,
    ends: E,
    claim: Arc<Claim>,
}

impl<E: Expiry> Expiry for Stale<E> {
    const EXPIRES: bool = true;
    const IDLES: bool = E::IDLES;
    const STALES: bool = true;
    type Lifetime = Ends;

    fn new(now: Option<Instant>, age: Option<Duration>, lifetime: Lifetime) -> Self {
        let in_all = age.zip(lifetime.stale).and_then(|(age, stale)| age.checked_add(stale));
        Self {
            fresh_until: now.zip(age).and_then(|(now, age)| now.checked_add(age)),
            ends: E::new(now, in_all, lifetime),
            claim: Arc::default(),
        }
    }

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        self.ends.deadline()
    }

    #[inline]
    fn fresh_until(&self) -> Option<Instant> {
        [self.fresh_until, self.ends.deadline()].into_iter().flatten().min()
    }

    fn claim(&self) -> Option<&Arc<Claim>> {
        Some(&self.claim)
    }

    #[inline]
    fn put_off(&self, now: Instant, idle: Duration) {
        self.ends.put_off(now, idle);
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
