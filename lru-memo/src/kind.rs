//! What is known of a cache's entries when it is compiled: whether they are [plain](crate::plain), and whether they
//! may expire.

use std::time::Instant;

/// A kind of entries.
pub trait Kind {
    /// Whether keys and values are compared and copied without foreign code.
    const PLAIN: bool;
    /// Whether a hit looks for entries beyond the first block on its shortest way.
    const IN_BLOCKS: bool = false;
    /// What an entry has that tells when it expires.
    type Expiry: Expiry;
}

/// Tells when an entry expires, if it may.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Expiry: Copy + Send + Sync + 'static {
    /// Whether entries may expire; where they do not, no time is spent on it.
    const EXPIRES: bool;

    /// That of an entry with this deadline.
    fn new(deadline: Option<Instant>) -> Self;
    /// The deadline, if there is one.
    fn deadline(self) -> Option<Instant>;
}

/// Plain entries if `PLAIN`, else any; entries that may expire if `EXPIRES`.
#[derive(Debug)]
pub enum Kept<const PLAIN: bool, const EXPIRES: bool> {}

impl<const PLAIN: bool> Kind for Kept<PLAIN, false> {
    const PLAIN: bool = PLAIN;
    type Expiry = ();
}

impl<const PLAIN: bool> Kind for Kept<PLAIN, true> {
    const PLAIN: bool = PLAIN;
    type Expiry = Option<Instant>;
}

/// As `P`, for a cache whose first block is [short](crate::cache::Cache::unlisted).
#[derive(Debug)]
pub struct InBlocks<P>(core::marker::PhantomData<P>);

impl<P: Kind> Kind for InBlocks<P> {
    const PLAIN: bool = P::PLAIN;
    const IN_BLOCKS: bool = true;
    type Expiry = P::Expiry;
}

impl Expiry for () {
    const EXPIRES: bool = false;

    #[inline]
    fn new(_: Option<Instant>) {}

    #[inline]
    fn deadline(self) -> Option<Instant> {
        None
    }
}

impl Expiry for Option<Instant> {
    const EXPIRES: bool = true;

    #[inline]
    fn new(deadline: Self) -> Self {
        deadline
    }

    #[inline]
    fn deadline(self) -> Self {
        self
    }
}
