//! Entries that foreign code looks at outside of the lock.

use alloc::vec::Vec;

use super::{Cache, EntryOf};
use crate::cache::kind::Kind;
use crate::table::Inside;
use crate::table::blocks::Place;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;

/// Entries that are kept for foreign code, by a thread without a hazard for them. Dropping this lets them go.
pub(crate) struct Keeping<'c, T: Outlined, P: Kind, K, V, S> {
    cache: &'c Cache<T, P, K, V, S>,
    /// Each was kept in the lock of the cache, and not let go.
    places: Vec<Place>,
}

impl<'c, T: Outlined, P: Kind, K, V, S> Keeping<'c, T, P, K, V, S> {
    pub(super) fn nothing(cache: &'c Cache<T, P, K, V, S>) -> Self {
        Self { cache, places: Vec::new() }
    }

    /// Keeps an entry.
    ///
    /// # Panics
    /// If there is no entry at the place.
    pub(super) fn of(
        cache: &'c Cache<T, P, K, V, S>,
        inside: &mut Inside<'_, T, EntryOf<P, K, V>>,
        place: Place,
    ) -> Self {
        let mut kept = Self::nothing(cache);
        kept.add(inside, place);
        kept
    }

    /// Keeps another entry.
    ///
    /// # Panics
    /// If there is no entry at the place.
    pub(super) fn add(&mut self, inside: &mut Inside<'_, T, EntryOf<P, K, V>>, place: Place) {
        inside.keep(place);
        self.places.push(place);
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Returns one of the entries.
    ///
    /// # Panics
    /// If the place is not kept.
    pub(super) fn entry(&self, place: Place) -> &EntryOf<P, K, V> {
        assert!(self.places.contains(&place));
        // SAFETY: it was kept in the lock of this cache, until this is dropped.
        unsafe { self.cache.table.kept(place) }
    }

    /// Returns the first entry.
    pub(super) fn first(&self) -> &EntryOf<P, K, V> {
        self.entry(self.places[0])
    }

    /// Returns the value of the first entry.
    pub(crate) fn value(&self) -> &V {
        &self.first().value
    }

    /// Lets the entries go, in the lock.
    pub(super) fn let_go(&mut self, inside: &mut Inside<'_, T, EntryOf<P, K, V>>) {
        for place in self.places.drain(..) {
            // SAFETY: it was kept, and is no longer among the places of this.
            unsafe { inside.unkeep(place) };
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S> Drop for Keeping<'_, T, P, K, V, S> {
    fn drop(&mut self) {
        if self.places.is_empty() {
            return;
        }
        let mut left = Left::new();
        let cache = self.cache;
        cache.table.with(|mut inside, _| {
            self.let_go(&mut inside);
            inside.settle(&mut left);
        });
    }
}
