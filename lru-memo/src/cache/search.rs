//! The search for an entry under the lock, and what is done with the entry there.

use crate::sys::clock::Instant;
use core::hash::BuildHasher;

use super::{Cache, EntryOf, LedgerOf};
use crate::advice::record::Use;
use crate::cache::keeping::Keeping;
use crate::cache::kind::{Expiry, Kind};
use crate::codegen::key::Key;
use crate::table::blocks::Place;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;
use crate::table::{Inside, Unfound, partial_hash};

/// The result of a search under the lock.
pub(crate) struct Searched<'a, T: Outlined, P: Kind, K, V> {
    pub(crate) inside: Inside<'a, T, EntryOf<P, K, V>>,
    pub(crate) ledger: &'a mut LedgerOf<T, K, V>,
    /// The place of the entry with that key, if there is one.
    pub(crate) place: Option<Place>,
    /// Entries to drop after unlocking.
    pub(crate) left: &'a mut Left<EntryOf<P, K, V>>,
}

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Searches for a key, and runs `inside` under the lock with the result. An expired entry is removed and counts as absent.
    pub(crate) fn at<Q: Key<K, S::Hasher>, R>(
        &self,
        hash: u64,
        key: Q,
        inside: impl FnOnce(Searched<'_, T, P, K, V>) -> R,
    ) -> R {
        let matches = |key: &Q, stored: &K| key.matches(stored);
        let (result, _dropped_outside) =
            self.search(hash, Unfound::UNSURE, key, matches, |searched, _| inside(searched));
        result
    }

    /// Searches for an entry that has this hash and `matches` the subject, and runs `inside` under the lock with the result.
    /// Also returns the entries that leave the cache. If an earlier search was `unfound`, searches again only if an entry was
    /// added since.
    #[inline(always)]
    pub(crate) fn search<Q, R>(
        &self,
        hash: u64,
        unfound: Unfound,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(Searched<'_, T, P, K, V>, Q) -> R,
    ) -> (R, Left<EntryOf<P, K, V>>) {
        if P::PLAIN {
            let now = self.now();
            let mut left = Left::new();
            let result = self.table.with(|table, ledger| {
                let is_it = |entry: &EntryOf<P, K, V>| matches(&subject, &entry.key).then_some(());
                let place = match table.still_lacks(unfound) {
                    true => None,
                    false => table.find(partial_hash(hash), is_it).map(|(place, ())| place),
                };
                inside(self.searched(table, ledger, place, now, &mut left), subject)
            });
            return (result, left);
        }
        self.search_outside(hash, unfound, subject, matches, inside)
    }

    /// Returns the result of a search. If the entry has expired, it is removed.
    pub(super) fn searched<'a>(
        &self,
        mut inside: Inside<'a, T, EntryOf<P, K, V>>,
        ledger: &'a mut LedgerOf<T, K, V>,
        mut place: Option<Place>,
        now: Option<Instant>,
        left: &'a mut Left<EntryOf<P, K, V>>,
    ) -> Searched<'a, T, P, K, V> {
        if P::Expiry::EXPIRES {
            // SAFETY: it was found just now.
            let is_expired = |&place: &Place| self.is_expired(unsafe { inside.entry(place) }, now);
            if let Some(expired) = place.filter(is_expired) {
                inside.expire(expired, left);
                place = None;
            }
        }
        Searched { inside, ledger, place, left }
    }
}

impl<T: Outlined, P: Kind, K, V> Searched<'_, T, P, K, V> {
    /// Keeps the entry that was found.
    pub(super) fn keep<'c, S>(
        &mut self,
        cache: &'c Cache<T, P, K, V, S>,
    ) -> Option<Keeping<'c, T, P, K, V, S>> {
        let place = self.place?;
        Some(Keeping::of(cache, &mut self.inside, place))
    }

    /// Counts a hit of the entry that was found, and keeps it.
    ///
    /// # Panics
    /// If nothing was found.
    pub(crate) fn hit<'c, S>(mut self, cache: &'c Cache<T, P, K, V, S>) -> Keeping<'c, T, P, K, V, S> {
        let kept = self.keep(cache).expect("there is something");
        self.ledger.made().hits += 1;
        if let Some(place) = self.place {
            cache.note(self.inside.partial_hash(place), Use::Hit);
        }
        self.touch(cache);
        kept
    }
}
