//! Removes one key, or all entries.

use core::hash::BuildHasher;

use super::Cache;
use crate::advice::record::Use;
use crate::advice::watch::Watch;
use crate::cache::counters::counts;
use crate::cache::kind::Kind;
use crate::codegen::key::Key;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::partial_hash;
use crate::table::seldom::Seldom;

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Removes a key, and returns whether there was an entry. The value of a run that began before will not be stored.
    #[inline(never)]
    pub fn invalidate<Q: Key<K, S::Hasher>>(&self, key: Q) -> bool {
        if let Some(heir) = self.heir() {
            return heir.invalidate(key);
        }
        let hash = self.hash(key);
        self.note(partial_hash(hash), Use::Left);
        self.outdate_flight(hash, key);
        // If the key has to be copied, that happens after unlocking.
        let mut copied = None;
        loop {
            let removed = self.at(hash, key, |mut searched| {
                let runs = searched.inside.runs();
                let invalidations = &mut searched.ledger.made().invalidations;
                let forgotten =
                    if runs { invalidations.invalidate(hash, copied.take()?) } else { invalidations.clear() };
                searched.inside.set_newest(invalidations.newest(), invalidations.are_remembered());
                if let Some(place) = searched.place {
                    searched.inside.remove(place, searched.left);
                }
                Some((searched.place.is_some(), forgotten))
            });
            match removed {
                Some((was_there, _dropped_outside)) => return was_there,
                None => copied = Some(T::pointer(key.to_stored())),
            }
        }
    }

    /// Drops all entries and zeroes the counters. Values of runs that began before will not be stored.
    #[inline(never)]
    pub fn clear(&self) {
        if let Some(heir) = self.heir() {
            return heir.clear();
        }
        let mut left = Left::new();
        let _dropped_outside = self.table.with(|mut inside, ledger| {
            let ledger = ledger.made();
            let forgotten = ledger.invalidations.clear();
            inside.set_newest(ledger.invalidations.newest(), false);
            inside.clear(&mut left);
            ledger.cleared = counts(&inside, Some(ledger));
            ledger.in_flight.outdate_if(|_| true);
            forgotten
        });
        self.watch.clear(|| self.table.maxsize());
    }
}

impl<T: Outlined, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Forgets the invalidations that no run needs any more.
    #[cold]
    #[inline(never)]
    pub(crate) fn forget_invalidations(&self) {
        let _dropped_outside = self.table.with(|inside, ledger| {
            (!inside.runs()).then(|| {
                let ledger = ledger.made();
                let forgotten = ledger.invalidations.forget();
                inside.set_newest(ledger.invalidations.newest(), false);
                forgotten
            })
        });
    }
}
