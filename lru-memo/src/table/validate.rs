//! Checks that the parts of a table agree. Tests, models and fuzz targets run them, each time the lock is released.

use crate::table::index::Tag;
use crate::table::inside::{Guarded, Inside};
use crate::table::threading::Threading;

impl<T: Threading, E> Inside<'_, T, E> {
    /// Checks that index, arena, recency, reclamation and counts agree.
    ///
    /// # Panics
    /// If they do not.
    pub(super) fn validate(&self) {
        let Guarded { lru, order, limbo, readers } = &*self.guarded;
        assert_eq!(self.front.maxsize(), lru.maxsize, "the bound is told without the lock");
        lru.validate(self.front.index().validated());
        limbo.validate(&lru.live, lru.last_place(), readers);
        self.front.recency().validate(&lru.live, order, readers);
    }

    /// Checks that the index has each entry under the tag of its key.
    ///
    /// # Panics
    /// If it does not.
    #[cfg(test)]
    pub(super) fn validate_tags(&self, tag_of: impl Fn(&E) -> Tag) {
        for (tag, place) in self.front.index().validated() {
            // SAFETY: invariant 5: in the lock, every entry in the index is live.
            let entry = unsafe { self.front.nodes.entry(place) };
            assert_eq!(tag, tag_of(entry), "an entry is under its key's tag");
        }
    }
}
