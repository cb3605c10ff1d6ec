//! Watching the uses of a cache, or not.

use alloc::boxed::Box;

use super::curve::Curve;
use super::record::Use;
use super::sampler::Sampler;
use crate::table::index::PartialHash;

/// What watches the uses of a cache, if anything does: `()` or a [`Sampler`].
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Watch: Sized {
    /// Whether anything watches.
    const IS_ON: bool = false;

    /// Returns a watch that has seen no use yet.
    fn new() -> Self;
    /// Whether a use of this key is to be noted. A hit then goes the longer way, so that the shortest one calls nothing.
    #[inline(always)]
    fn samples(&self, _partial_hash: PartialHash) -> bool {
        false
    }
    /// Notes a use of a key, given the bound of the cache.
    #[allow(private_interfaces, reason = "generated code calls none of it")]
    fn note(&self, _partial_hash: PartialHash, _used: Use, _maxsize: impl FnOnce() -> Option<usize>) {}
    /// Notes that all entries have left.
    fn clear(&self, _maxsize: impl FnOnce() -> Option<usize>) {}
    /// Notes that the bound has changed.
    fn resize(&self, _to: usize, _maxsize: impl FnOnce() -> Option<usize>) {}
    /// What came of it.
    #[allow(private_interfaces, reason = "generated code calls none of it")]
    fn curve(&self, _maxsize: impl FnOnce() -> Option<usize>) -> Curve {
        Curve::default()
    }
}

impl Watch for () {
    fn new() {}
}

#[allow(private_interfaces, reason = "generated code calls none of it")]
impl Watch for Box<Sampler> {
    const IS_ON: bool = true;

    fn new() -> Self {
        Self::new(Sampler::new())
    }

    #[inline(always)]
    fn samples(&self, partial_hash: PartialHash) -> bool {
        Sampler::samples(self, partial_hash)
    }

    #[inline]
    fn note(&self, partial_hash: PartialHash, used: Use, maxsize: impl FnOnce() -> Option<usize>) {
        Sampler::note(self, partial_hash, used, maxsize);
    }

    fn clear(&self, maxsize: impl FnOnce() -> Option<usize>) {
        self.with(maxsize, |model| model.clear());
    }

    fn resize(&self, to: usize, maxsize: impl FnOnce() -> Option<usize>) {
        self.with(maxsize, |model| model.resize(to));
    }

    fn curve(&self, maxsize: impl FnOnce() -> Option<usize>) -> Curve {
        self.with(maxsize, |model| model.curve())
    }
}
