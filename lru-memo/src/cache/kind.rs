//! What is known of a cache's entries when it is compiled: whether they are [plain](crate::codegen::plain), and whether they
//! may expire.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::time::Instant;

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

    /// That of an entry which is stored now, of the age that it may reach, and how long it may be unused.
    fn new(now: Option<Instant>, age: Option<Duration>, idle: Option<Duration>) -> Self;
    /// The deadline, if there is one.
    fn deadline(&self) -> Option<Instant>;
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
    fn new(_: Option<Instant>, _: Option<Duration>, _: Option<Duration>) {}

    #[inline]
    fn deadline(&self) -> Option<Instant> {
        None
    }
}

impl Expiry for Option<Instant> {
    const EXPIRES: bool = true;

    #[inline]
    fn new(now: Self, age: Option<Duration>, _: Option<Duration>) -> Self {
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

    fn new(now: Option<Instant>, age: Option<Duration>, idle: Option<Duration>) -> Self {
        let [ends, unused] = [age, idle].map(|length| length.map_or(u64::MAX, nanoseconds));
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

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
