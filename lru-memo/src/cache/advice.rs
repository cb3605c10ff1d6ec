//! What a cache notes for the advice on its bound, and the advice.

use core::hash::BuildHasher;

use super::Cache;
use crate::advice::CacheAdvice;
use crate::advice::record::Use;
use crate::advice::watch::Watch;
use crate::cache::kind::Kind;
use crate::table::index::PartialHash;
use crate::table::outlined::Outlined;

impl<T: Outlined, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Notes a use of a key for the advice, if that is wanted.
    #[inline(always)]
    pub(crate) fn note(&self, partial_hash: PartialHash, used: Use) {
        self.watch.note(partial_hash, used, || self.table.maxsize());
    }

    /// Notes that a key is not stored: by a cache of no size, unless this one is off.
    #[inline]
    pub(crate) fn note_unstored(&self, partial_hash: PartialHash) {
        if P::Watch::IS_ON {
            self.note(partial_hash, if self.table.is_off() { Use::Stored } else { Use::Unstored });
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// The advice on its bound.
    #[inline(never)]
    pub fn advice(&self) -> CacheAdvice {
        if let Some(heir) = self.heir() {
            return heir.advice();
        }
        let (totals, info) = (self.totals(), self.info());
        let curve = self.watch.curve(|| self.table.maxsize());
        CacheAdvice::new(info.maxsize, totals.hits + totals.misses, curve)
    }
}
