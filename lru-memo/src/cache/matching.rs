//! Removes entries that match: those with a tag, and those that the user's predicate chooses.

use core::hash::BuildHasher;
use core::ops::Deref;
use core::sync::atomic::Ordering::Relaxed;

use super::Cache;
use super::keeping::Keeping;
use crate::advice::record::Use;
use crate::cache::kind::Kind;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::seldom::{Seldom, SeldomShared};
use crate::tags::{self, Fingerprint, Tagged};

/// The number of entries that are kept at a time for the predicate.
const BATCH: usize = 64;

/// Returns the cache of a thread or an object, without the entries whose tags were invalidated meanwhile.
#[inline]
#[must_use]
pub fn caught_up_with_tags<C, T, P, K, V, S>(cache: C) -> C
where
    C: Deref<Target = Cache<T, P, K, V, S>>,
    T: Outlined,
    P: Kind,
    K: Tagged,
    S: BuildHasher + Default,
{
    cache.catch_up_with_tags();
    cache
}

impl<T: Outlined, P: Kind, K: Tagged, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Removes the entries that have this tag.
    pub fn invalidate_tag(&self, tag: Fingerprint) {
        if K::IS_TAGGED {
            self.remove_at_once(|key| key.has(tag));
        }
    }

    /// Removes the entries whose tags were invalidated since they were computed, unless that was done before.
    #[inline]
    pub(crate) fn catch_up_with_tags(&self) {
        if tags::newest() != self.rare.get().map_or(0, |rare| rare.seen_tags.load(Relaxed)) {
            self.catch_up();
        }
    }

    #[cold]
    #[inline(never)]
    fn catch_up(&self) {
        let newest = tags::newest();
        self.remove_at_once(|key| !key.is_current());
        self.rare.made().seen_tags.store(newest, Relaxed);
    }

    /// Removes the entries for whose keys the predicate holds, and outdates the flights of such keys. The predicate runs in the
    /// lock.
    fn remove_at_once(&self, belongs: impl Fn(&K) -> bool) {
        if let Some(heir) = self.heir() {
            return heir.remove_at_once(belongs);
        }
        let mut left = Left::new();
        self.table.with(|mut inside, ledger| {
            for place in inside.places() {
                // SAFETY: it was found just now, and nothing but this removes it meanwhile.
                if belongs(unsafe { &inside.entry(place).key }) {
                    self.note(inside.partial_hash(place), Use::Left);
                    inside.remove(place, &mut left);
                }
            }
            if let Some(ledger) = ledger.get_mut() {
                ledger.in_flight.outdate_if(|key| belongs(key));
            }
        });
    }

    /// Removes the entries for which a predicate holds, and keeps what is being computed now from being stored. Returns
    /// how many entries were removed.
    ///
    /// The predicate runs outside of the lock. It is asked once of each entry that is there all the time.
    pub fn invalidate_if(&self, mut predicate: impl FnMut(&K, &V) -> bool) -> usize {
        if let Some(heir) = self.heir() {
            return heir.invalidate_if(predicate);
        }
        let (places, _dropped_outside) = self.table.with(|inside, ledger| {
            let ledger = ledger.made();
            let forgotten = ledger.invalidations.clear();
            inside.set_newest(ledger.invalidations.newest(), false);
            ledger.in_flight.outdate_if(|_| true);
            (inside.places(), forgotten)
        });
        let mut removed = 0;
        for batch in places.chunks(BATCH) {
            let kept = self.table.with(|mut inside, _| {
                let mut kept = Keeping::nothing(self);
                for &place in batch {
                    if inside.contains(place) {
                        kept.add(&mut inside, place);
                    }
                }
                kept
            });
            let mut chosen = kept.places().to_vec();
            chosen.retain(|&place| {
                let entry = kept.entry(place);
                predicate(&entry.key, &entry.value)
            });
            let mut left = Left::new();
            self.table.with(|mut inside, _| {
                for place in chosen {
                    // A kept entry does not change, but it may have left the cache.
                    if inside.contains(place) {
                        self.note(inside.partial_hash(place), Use::Left);
                        inside.remove(place, &mut left);
                        removed += 1;
                    }
                }
            });
        }
        removed
    }
}
