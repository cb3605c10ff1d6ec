//! What the lock of a table protects about its entries: limits, weights, deadlines, partial hashes, and which places are live.
//!
//! No user code runs here: entries that leave are handed to the caller, who drops them outside of the lock.

mod deadlines;

use alloc::boxed::Box;
use alloc::vec::{self, Vec};
use core::iter::Chain;
use core::option;

use self::deadlines::Deadlines;
use crate::sys::prefetch::fetch;
use crate::table::blocks::Place;
use crate::table::index::PartialHash;
use crate::table::live::Live;

/// What a cache must not exceed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// The number of entries.
    pub(crate) maxsize: Option<usize>,
    /// The sum of their weights.
    pub(crate) max_weight: Option<usize>,
}

impl Limits {
    /// Returns whether the order of uses matters: an eviction may have a choice.
    pub(crate) fn order_matters(&self) -> bool {
        match self.maxsize {
            Some(0 | 1) => false,
            Some(_) => true,
            None => self.max_weight.is_some(),
        }
    }
}

/// The entries of a table, as the lock protects them.
pub(crate) struct Lru {
    /// The largest number of entries, or `u32::MAX`: there are never so many places.
    maxsize: u32,
    length: u32,
    pub(crate) live: Live,
    /// The partial hash of each place's entry.
    partial_hashes: Vec<PartialHash>,
    pub(crate) deadlines: Deadlines,
    /// In a box, because few caches need it.
    weights: Option<Box<Weights>>,
}

/// The weights of a cache that bounds their sum.
struct Weights {
    max: usize,
    sum: usize,
    /// The weight of each place's entry.
    of: Vec<usize>,
}

impl Weights {
    fn has_no_room_for(&self, weight: usize) -> bool {
        self.sum.checked_add(weight).is_none_or(|sum| sum > self.max)
    }
}

impl Lru {
    pub(crate) fn new(limits: Limits) -> Self {
        let weights = limits.max_weight.map(|max| Box::new(Weights { max, sum: 0, of: Vec::new() }));
        Self {
            maxsize: limits.maxsize.map_or(u32::MAX, shortened),
            length: 0,
            live: Live::default(),
            partial_hashes: Vec::new(),
            deadlines: Deadlines::default(),
            weights,
        }
    }

    /// Changes the largest number of entries.
    pub(crate) fn set_maxsize(&mut self, maxsize: usize) {
        self.maxsize = shortened(maxsize);
    }

    /// Returns the largest sum of weights.
    pub(crate) fn max_weight(&self) -> Option<usize> {
        self.weights.as_ref().map(|weights| weights.max)
    }

    /// Returns the number of live entries.
    pub(crate) fn len(&self) -> usize {
        self.length as usize
    }

    /// Returns the last place that was ever used.
    pub(crate) fn last_place(&self) -> Place {
        self.partial_hashes.len().saturating_sub(1) as Place
    }

    /// Returns the next place that was never used. The caller makes room for it in the arena and for its stamp
    /// (invariant 3).
    pub(crate) fn extend(&mut self) -> Place {
        let place = self.last_place() + 1;
        assert!(place < 1 << 31, "a cache holds fewer than 2^31 entries");
        // Retired entries need a few places beyond the bound.
        let most = (self.maxsize as usize).saturating_add(65);
        extend_to(&mut self.partial_hashes, place, most, 0);
        self.live.extend_to(place);
        if let Some(weights) = &mut self.weights {
            extend_to(&mut weights.of, place, most, 0);
        }
        place
    }

    #[inline]
    pub(crate) fn partial_hash(&self, place: Place) -> PartialHash {
        self.partial_hashes[place as usize]
    }

    /// Prefetches the partial hash of a place.
    #[inline(always)]
    pub(crate) fn fetch_partial_hash(&self, place: Place) {
        fetch(&raw const self.partial_hashes[place as usize]);
    }

    /// Returns whether the place has a live entry.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.live.has(place)
    }

    /// Returns whether an entry of this weight may be stored at all.
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.maxsize != 0 && self.weights.as_ref().is_none_or(|weights| weight <= weights.max)
    }

    /// Returns whether another entry of this weight has no room.
    #[inline]
    pub(crate) fn is_full_for(&self, weight: usize) -> bool {
        self.length >= self.maxsize
            || self.weights.as_ref().is_some_and(|weights| weights.has_no_room_for(weight))
    }

    /// Returns whether another entry has no room, in a cache without weights.
    #[inline]
    pub(crate) fn is_full_of_alike(&self) -> bool {
        self.maxsize == self.length && self.weights.is_none()
    }

    /// Replaces the entry at a place by a new one. Returns the partial hash of the old one.
    #[inline]
    pub(crate) fn exchange(&mut self, place: Place, partial_hash: PartialHash) -> PartialHash {
        core::mem::replace(&mut self.partial_hashes[place as usize], partial_hash)
    }

    /// Adds an entry.
    #[inline]
    pub(crate) fn add(&mut self, place: Place, partial_hash: PartialHash, weight: usize) {
        self.length += 1;
        self.partial_hashes[place as usize] = partial_hash;
        self.live.add(place);
        if let Some(weights) = &mut self.weights {
            weights.of[place as usize] = weight;
            weights.sum += weight;
        }
    }

    /// Removes an entry, which readers may still see.
    #[inline]
    pub(crate) fn remove(&mut self, place: Place) {
        self.length -= 1;
        self.live.remove(place);
        if let Some(weights) = &mut self.weights {
            weights.sum -= weights.of[place as usize];
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self) {
        self.live.clear();
        self.length = 0;
        if let Some(weights) = &mut self.weights {
            weights.sum = 0;
        }
        self.deadlines = Deadlines::default();
    }
}

#[cfg(any(test, fuzzing))]
impl Lru {
    /// Checks the bound, the numbers of entries and the weights, and that the index has exactly these entries, each once.
    pub(crate) fn validate(&self, maxsize: Option<usize>, mut indexed: Vec<(PartialHash, Place)>) {
        assert_eq!(self.maxsize, maxsize.map_or(u32::MAX, shortened), "both know one bound");
        let live: Vec<(PartialHash, Place)> =
            self.live.places().map(|place| (self.partial_hash(place), place)).collect();
        indexed.sort_unstable_by_key(|&(_, place)| place);
        assert_eq!(indexed, live, "the index has the live places, each with its partial hash");
        assert_eq!(self.len(), live.len(), "the entries are counted");
        assert!(live.iter().all(|&(_, place)| 0 < place && place <= self.last_place()));
        assert!(self.length <= self.maxsize, "the bound holds");
        if let Some(weights) = &self.weights {
            let sum: usize = live.iter().map(|&(_, place)| weights.of[place as usize]).sum();
            assert_eq!(sum, weights.sum, "the weights are summed");
            assert!(sum <= weights.max, "the bound of weights holds");
        }
    }
}

fn shortened(maxsize: usize) -> u32 {
    u32::try_from(maxsize).unwrap_or(u32::MAX)
}

/// The number of places that a vector has room for at first.
const FEW: usize = 2;

/// Lengthens a vector to this place. Its capacity doubles, but stays within the places that a cache needs as a rule.
fn extend_to<T: Clone>(vector: &mut Vec<T>, place: Place, most: usize, value: T) {
    let length = place as usize + 1;
    if length > vector.capacity() {
        let wanted = (vector.capacity() * 2).max(FEW + 1).min(most).max(length);
        vector.reserve_exact(wanted - vector.len());
    }
    vector.resize(length, value);
}

/// Entries that have left a cache, to be dropped outside of its lock. Mostly there is one, which needs no allocation.
pub(crate) struct Left<E> {
    first: Option<E>,
    more: Vec<E>,
}

impl<E> Left<E> {
    pub(crate) const fn new() -> Self {
        Self { first: None, more: Vec::new() }
    }

    pub(crate) fn push(&mut self, entry: E) {
        match self.first {
            None => self.first = Some(entry),
            Some(_) => self.more.push(entry),
        }
    }
}

impl<E> IntoIterator for Left<E> {
    type Item = E;
    type IntoIter = Chain<option::IntoIter<E>, vec::IntoIter<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}
