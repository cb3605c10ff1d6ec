//! A search whose comparisons are the user's code: they run outside of the lock, on entries that are kept meanwhile.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use super::compared::Compared;
use super::{Cache, EntryOf};
use crate::cache::keeping::Keeping;
use crate::cache::kind::Kind;
use crate::cache::search::Searched;
use crate::table::blocks::Place;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::{Unfound, partial_hash};

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
        let now = self.now();
        let mut left = Left::new();
        let mut rounds = Rounds::default();
        // Compared entries are kept, so that they stay what they are.
        let result = Compared::new().search(
            (inside, subject),
            |compared: &mut Compared<Keeping<'_, T, P, K, V, S>>, (inside, subject)| {
                self.table.with(|mut table, ledger| {
                    let is_among = |kept: &[Keeping<'_, T, P, K, V, S>], place: Place| {
                        kept.iter().any(|kept| kept.places().contains(&place))
                    };
                    let (mut there, mut unknown) = (None, None);
                    let is_lacking = table.still_lacks(unfound);
                    for place in table.candidates(partial_hash(hash)).take_while(|_| !is_lacking) {
                        if is_among(&compared.equal, place) {
                            there = Some(place);
                        } else if !is_among(&compared.different, place) {
                            unknown = Some(place);
                        }
                    }
                    if let Some(place) = unknown {
                        if rounds.are_left(table.candidates(partial_hash(hash)).count()) {
                            return Err((Keeping::of(self, &mut table, place), (inside, subject)));
                        }
                        let is_unknown =
                            |&place: &Place| !is_among(&compared.different, place) && Some(place) != there;
                        let unknown: Vec<_> =
                            table.candidates(partial_hash(hash)).filter(is_unknown).collect();
                        unknown.into_iter().for_each(|place| table.remove(place, &mut left));
                    }
                    if !(compared.equal.is_empty() && compared.different.is_empty()) {
                        for mut kept in compared.equal.drain(..).chain(compared.different.drain(..)) {
                            kept.let_go(&mut table);
                        }
                        table.settle(&mut left);
                    }
                    Ok(inside(self.searched(table, ledger, there, now, &mut left), subject))
                })
            },
            |(_, subject), kept| matches(subject, &kept.first().key),
        );
        (result, left)
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
