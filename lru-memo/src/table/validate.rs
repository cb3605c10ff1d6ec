//! Checks that the parts of a table agree. Tests, models and fuzz targets run them, each time the lock is released.

use crate::table::guarded::Guarded;
#[cfg(test)]
use crate::table::index::PartialHash;
use crate::table::inside::Inside;
use crate::table::limbo::Limbo;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;

impl<T: Outlined, E> Inside<'_, T, E> {
    /// Checks that index, arena, recency, reclamation and counts agree.
    ///
    /// # Panics
    /// If they do not.
    pub(super) fn validate(&self) {
        let Guarded { lru, seldom, readers } = &*self.guarded;
        let (limbo, order) = (seldom.get().map(|rest| &rest.limbo), seldom.get().map(|rest| &rest.order));
        lru.validate(self.front.maxsize(), self.front.index().validated());
        match limbo {
            Some(limbo) => limbo.validate(&lru.live, lru.last_place(), readers),
            None => Limbo::default().validate(&lru.live, lru.last_place(), readers),
        }
        self.front.recency().validate(&lru.live, order, readers);
    }

    /// Checks that the index has each entry under the partial hash of its key.
    ///
    /// # Panics
    /// If it does not.
    #[cfg(test)]
    pub(super) fn validate_partial_hashes(&self, partial_hash_of: impl Fn(&E) -> PartialHash) {
        for (partial_hash, place) in self.front.index().validated() {
            // SAFETY: invariant 5: in the lock, every entry in the index is live.
            let entry = unsafe { self.front.nodes.entry(place) };
            assert_eq!(partial_hash, partial_hash_of(entry), "an entry is under its key's partial hash");
        }
    }
}
