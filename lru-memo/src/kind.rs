//! What is known of a cache's entries when it is compiled: whether they are [plain](crate::plain), and whether they
//! may expire.

use core::time::Duration;
use std::time::Instant;

/// A kind of entries.
pub trait Kind {
    /// Whether keys and values are compared and copied without foreign code.
    const PLAIN: bool;
    /// Whether a hit looks for entries beyond the first block on its shortest way.
    const IN_BLOCKS: bool = false;
    /// What an entry has that tells its age.
    type Since: Since;
}

/// Tells the age of an entry, if it may expire.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Since: Copy + Send + Sync + 'static {
    /// Whether entries may expire; where they do not, no time is spent on it.
    const EXPIRES: bool;

    /// That of an entry which is made now.
    fn new(now: Option<Instant>) -> Self;
    /// Whether the entry is at least that old.
    fn is_past(self, now: Option<Instant>, ttl: Option<Duration>) -> bool;
}

/// Plain entries if `PLAIN`, else any; entries that may expire if `EXPIRES`.
#[derive(Debug)]
pub enum Kept<const PLAIN: bool, const EXPIRES: bool> {}

impl<const PLAIN: bool> Kind for Kept<PLAIN, false> {
    const PLAIN: bool = PLAIN;
    type Since = ();
}

impl<const PLAIN: bool> Kind for Kept<PLAIN, true> {
    const PLAIN: bool = PLAIN;
    type Since = Option<Instant>;
}

/// As `P`, for a cache whose first block is [short](crate::cache::Cache::unlisted).
#[derive(Debug)]
pub struct InBlocks<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for InBlocks<P> {
    const PLAIN: bool = P::PLAIN;
    const IN_BLOCKS: bool = true;
    type Since = P::Since;
}

impl Since for () {
    const EXPIRES: bool = false;

    #[inline]
    fn new(_: Option<Instant>) {}

    #[inline]
    fn is_past(self, _: Option<Instant>, _: Option<Duration>) -> bool {
        false
    }
}

impl Since for Option<Instant> {
    const EXPIRES: bool = true;

    #[inline]
    fn new(now: Option<Instant>) -> Self {
        now
    }

    #[inline]
    fn is_past(self, now: Option<Instant>, ttl: Option<Duration>) -> bool {
        match (now, self, ttl) {
            (Some(now), Some(since), Some(ttl)) => now.saturating_duration_since(since) >= ttl,
            _ => false,
        }
    }
}
