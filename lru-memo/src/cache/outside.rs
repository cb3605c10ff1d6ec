//! A search whose comparisons are the user's code: they run outside of the lock, on entries that are kept meanwhile.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use super::compared::Compared;
use super::{Cache, EntryOf};
use crate::cache::keeping::Keeping;
use crate::cache::kind::Kind;
use crate::cache::search::Searched;
use crate::sys::clock::Instant;
use crate::table::blocks::Place;
use crate::table::index::Candidates;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::{Unfound, partial_hash};

/// A search, between its looks in the lock.
struct Outside<'c, T: Outlined, P: Kind, K, V, S> {
    hash: u64,
    unfound: Unfound,
    now: Option<Instant>,
    compared: Compared<Place>,
    /// The compared entries. While they are kept, they do not change.
    kept: Keeping<'c, T, P, K, V, S>,
    rounds: Rounds,
}

/// What is done with the result of a search.
type Found<'f, T, P, K, V> = &'f mut dyn FnMut(Searched<'_, T, P, K, V>);

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// As [`search`](Self::search), comparing outside of the lock.
    pub(super) fn search_outside<Q, R>(
        &self,
        hash: u64,
        unfound: Unfound,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(Searched<'_, T, P, K, V>, Q) -> R,
    ) -> (R, Left<EntryOf<P, K, V>>) {
        let mut left = Left::new();
        let mut outside = Outside {
            hash,
            unfound,
            now: self.now(),
            compared: Compared::new(),
            kept: Keeping::nothing(self),
            rounds: Rounds::default(),
        };
        let (mut inside, mut result) = (Some((inside, subject)), None);
        loop {
            let unknown = self.look_outside(&mut outside, &mut left, &mut |searched| {
                if let Some((inside, subject)) = inside.take() {
                    result = Some(inside(searched, subject));
                }
            });
            match (unknown, &inside) {
                (Some(place), Some((_, subject))) => {
                    let is_equal = matches(subject, &outside.kept.entry(place).key);
                    outside.compared.note(place, is_equal);
                }
                _ => return (result.expect("the search has ended"), left),
            }
        }
    }

    /// Looks for the key in the lock. Returns a candidate that was not compared. Without one, runs `found` with the result.
    // This function names neither the type of the subject nor that of the result, so it is compiled once for a cache.
    fn look_outside<'c>(
        &'c self,
        outside: &mut Outside<'c, T, P, K, V, S>,
        left: &mut Left<EntryOf<P, K, V>>,
        found: Found<'_, T, P, K, V>,
    ) -> Option<Place> {
        let Outside { hash, unfound, now, ref mut compared, ref mut kept, ref mut rounds } = *outside;
        self.table.with(|mut table, ledger| {
            let mut there = None;
            if !table.still_lacks(unfound) {
                let looked = compared.look(table.candidates(partial_hash(hash)));
                there = looked.equal;
                if let Some(place) = looked.unknown {
                    if rounds.are_left(looked.candidates) {
                        kept.add(&mut table, place);
                        return Some(place);
                    }
                    for place in compared.unknown(table.candidates(partial_hash(hash))) {
                        table.remove(place, left);
                    }
                }
            }
            if !kept.places().is_empty() {
                kept.let_go(&mut table);
                table.settle(left);
            }
            found(self.searched(table, ledger, there, now, left));
            None
        })
    }
}

/// What is known of the entries that may have the key of a search.
struct Looked {
    candidates: usize,
    equal: Option<Place>,
    /// The last candidate that was not compared.
    unknown: Option<Place>,
}

impl Compared<Place> {
    fn look(&self, candidates: Candidates<'_>) -> Looked {
        let mut looked = Looked { candidates: 0, equal: None, unknown: None };
        for place in candidates {
            looked.candidates += 1;
            if self.equal.contains(&place) {
                looked.equal = Some(place);
            } else if !self.different.contains(&place) {
                looked.unknown = Some(place);
            }
        }
        looked
    }

    /// Returns the places that were not compared.
    fn unknown(&self, candidates: Candidates<'_>) -> Vec<Place> {
        candidates.filter(|place| !self.equal.contains(place) && !self.different.contains(place)).collect()
    }
}

/// Bounds the comparisons of one search. Each comparison may store another key of the same hash, and the search would never
/// end. Beyond the bound, keys that were not compared are evicted, so that the search may treat its key as absent.
#[derive(Default)]
struct Rounds {
    done: usize,
    most: Option<usize>,
}

impl Rounds {
    /// How many keys of one hash others may store meanwhile.
    const MORE: usize = 64;

    /// Whether there is one more, with so many keys of that hash.
    fn are_left(&mut self, keys: usize) -> bool {
        let most = *self.most.get_or_insert(keys + Self::MORE);
        self.done += 1;
        self.done.max(keys) <= most
    }
}
