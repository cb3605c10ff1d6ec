//! What is known of a cache's entries when it is compiled: whether they are [plain](crate::codegen::plain), and whether they
//! may expire.

use crate::sys::clock::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

use crate::cache::lifetime::Lifetime;
use crate::cache::stale::claim::Claim;

use crate::advice::{Sampler, Watch};

/// A kind of entries.
pub trait Kind {
    /// Whether keys and values are compared and copied without foreign code.
    const PLAIN: bool;
    /// Whether a hit looks for entries beyond the first block on its shortest way.
    const IN_BLOCKS: bool = false;
    /// What an entry has that tells when it expires.
    type Expiry: Expiry;
    /// What watches the uses of keys.
    type Watch: Watch;
}

/// Tells when an entry expires, if it may.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Expiry: Send + Sync + 'static {
    /// Whether entries may expire; where they do not, no time is spent on it.
    const EXPIRES: bool;
    /// Whether a use puts it off.
    const IDLES: bool = false;

    /// Whether an entry is served for some time after it has become old.
    const STALES: bool = false;

    /// That of an entry which is stored now, of the age that it may reach, in a cache whose entries live like that.
    fn new(now: Option<Instant>, age: Option<Duration>, lifetime: Lifetime) -> Self;
    /// The deadline, if there is one.
    fn deadline(&self) -> Option<Instant>;
    /// When the entry becomes old, if ever: without `stale` that is the deadline.
    #[inline]
    fn fresh_until(&self) -> Option<Instant> {
        self.deadline()
    }
    /// The right to recompute an old entry.
    fn claim(&self) -> Option<&Arc<Claim>> {
        None
    }
    /// Notes a use.
    #[inline]
    fn put_off(&self, _now: Instant, _idle: Duration) {}
}

/// Plain entries if `PLAIN`, else any; entries that may expire if `EXPIRES`.
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

/// As `P`, for a cache whose first block is [short](crate::cache::Cache::unlisted).
#[derive(Debug)]
pub struct InBlocks<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for InBlocks<P> {
    const PLAIN: bool = P::PLAIN;
    const IN_BLOCKS: bool = true;
    type Expiry = P::Expiry;
    type Watch = P::Watch;
}

/// As `P`, for entries that are served for some time after they have become old.
#[derive(Debug)]
pub struct Staling<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for Staling<P> {
    const PLAIN: bool = P::PLAIN;
    const IN_BLOCKS: bool = P::IN_BLOCKS;
    type Expiry = Stale<P::Expiry>;
    type Watch = P::Watch;
}

/// As `P`, for entries that expire when nobody uses them.
#[derive(Debug)]
pub struct Idling<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for Idling<P> {
    const PLAIN: bool = P::PLAIN;
    const IN_BLOCKS: bool = P::IN_BLOCKS;
    type Expiry = PutOff;
    type Watch = P::Watch;
}

/// As `P`, for a cache that advises on its bound.
#[derive(Debug)]
pub struct Advising<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for Advising<P> {
    const PLAIN: bool = P::PLAIN;
    const IN_BLOCKS: bool = P::IN_BLOCKS;
    type Expiry = P::Expiry;
    type Watch = Box<Sampler>;
}

impl Expiry for () {
    const EXPIRES: bool = false;

    #[inline]
    fn new(_: Option<Instant>, _: Option<Duration>, _: Lifetime) {}

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        None
    }
}

impl Expiry for Option<Instant> {
    const EXPIRES: bool = true;

    #[inline]
    fn new(now: Self, age: Option<Duration>, _: Lifetime) -> Self {
        now.zip(age).and_then(|(now, age)| now.checked_add(age))
    }

    #[inline]
    fn deadline(&self) -> Self {
        *self
    }
}

/// When an entry expires that each use keeps longer, in nanoseconds after it was stored.
#[derive(Debug)]
pub struct PutOff {
    stored: Option<Instant>,
    /// However often it is used.
    ends: u64,
    /// If it is not used. Only grows.
    unused: AtomicU64,
}

impl Expiry for PutOff {
    const EXPIRES: bool = true;
    const IDLES: bool = true;

    fn new(now: Option<Instant>, age: Option<Duration>, lifetime: Lifetime) -> Self {
        let [ends, unused] = [age, lifetime.idle].map(|length| length.map_or(u64::MAX, nanoseconds));
        Self { stored: now, ends, unused: AtomicU64::new(unused) }
    }

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        // Relaxed: a use is seen by whoever happens after it, as any write is.
        let after = self.ends.min(self.unused.load(Relaxed));
        self.stored?.checked_add(Duration::from_nanos(after))
    }

    #[inline]
    fn put_off(&self, now: Instant, idle: Duration) {
        /// Uses that follow each other closer are not noted, so that threads do not all write what all read.
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

/// When an entry becomes old, when it expires, and who recomputes it between the two.
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
