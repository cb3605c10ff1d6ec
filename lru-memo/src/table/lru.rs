//! What the lock of a table protects about its entries: limits, weights, deadlines, tags, and which places are live.
//!
//! No user code runs here: entries that leave are handed to the caller, who drops them outside of the lock.

mod deadlines;

use alloc::vec::{self, Vec};
use core::iter::Chain;
use core::option;

use self::deadlines::Deadlines;
use crate::table::blocks::Place;
use crate::table::index::Tag;
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
    pub(crate) limits: Limits,
    /// How many entries were evicted.
    pub(crate) evictions: u64,
    /// How many entries were removed because they had expired.
    pub(crate) expirations: u64,
    length: usize,
    pub(crate) live: Live,
    /// The tag of each place's entry.
    tags: Vec<Tag>,
    pub(crate) deadlines: Deadlines,
    weights: Vec<usize>,
    /// The sum of the live entries' weights.
    weight: usize,
}

impl Lru {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            evictions: 0,
            expirations: 0,
            length: 0,
            live: Live::default(),
            tags: Vec::new(),
            deadlines: Deadlines::default(),
            weights: Vec::new(),
            weight: 0,
        }
    }

    /// Returns the number of live entries.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Returns the last place that was ever used.
    pub(crate) fn last_place(&self) -> Place {
        self.tags.len().saturating_sub(1) as Place
    }

    /// Returns the next place that was never used. The caller makes room for it in the arena and for its stamp
    /// (invariant 3).
    pub(crate) fn extend(&mut self) -> Place {
        let place = self.last_place() + 1;
        assert!(place < 1 << 31, "a cache holds fewer than 2^31 entries");
        // Retired entries need a few places beyond the bound.
        let most = self.limits.maxsize.map_or(usize::MAX, |maxsize| maxsize.saturating_add(65));
        extend_to(&mut self.tags, place, most, 0);
        self.live.extend_to(place);
        if self.limits.max_weight.is_some() {
            extend_to(&mut self.weights, place, most, 0);
        }
        place
    }

    #[inline]
    pub(crate) fn tag(&self, place: Place) -> Tag {
        self.tags[place as usize]
    }

    /// Returns whether the place has a live entry.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.live.has(place)
    }

    /// Returns whether an entry of this weight may be stored at all.
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.limits.maxsize != Some(0) && self.limits.max_weight.is_none_or(|max| weight <= max)
    }

    /// Returns whether another entry of this weight has no room.
    #[inline]
    pub(crate) fn is_full_for(&self, weight: usize) -> bool {
        let is_too_heavy = |max| self.weight.checked_add(weight).is_none_or(|sum| sum > max);
        self.limits.maxsize.is_some_and(|max| self.length >= max)
            || self.limits.max_weight.is_some_and(is_too_heavy)
    }

    /// Returns whether another entry has no room, in a cache without weights.
    #[inline]
    pub(crate) fn is_full_of_alike(&self) -> bool {
        self.limits.maxsize == Some(self.length) && self.limits.max_weight.is_none()
    }

    /// Replaces the entry at a place by a new one. Returns the tag of the old one.
    #[inline]
    pub(crate) fn exchange(&mut self, place: Place, tag: Tag) -> Tag {
        core::mem::replace(&mut self.tags[place as usize], tag)
    }

    /// Adds an entry.
    #[inline]
    pub(crate) fn add(&mut self, place: Place, tag: Tag, weight: usize) {
        self.length += 1;
        self.tags[place as usize] = tag;
        self.live.add(place);
        if self.limits.max_weight.is_some() {
            self.weights[place as usize] = weight;
            self.weight += weight;
        }
    }

    /// Removes an entry, which readers may still see.
    #[inline]
    pub(crate) fn remove(&mut self, place: Place) {
        self.length -= 1;
        self.live.remove(place);
        if self.limits.max_weight.is_some() {
            self.weight -= self.weights[place as usize];
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self) {
        self.live.clear();
        (self.length, self.weight) = (0, 0);
        self.deadlines = Deadlines::default();
    }
}

#[cfg(any(test, fuzzing))]
impl Lru {
    /// Checks the numbers of entries and the weights, and that the index has exactly these entries, each once.
    pub(crate) fn validate(&self, mut indexed: Vec<(Tag, Place)>) {
        let live: Vec<(Tag, Place)> = self.live.places().map(|place| (self.tag(place), place)).collect();
        indexed.sort_unstable_by_key(|&(_, place)| place);
        assert_eq!(indexed, live, "the index has the live places, each with its tag");
        assert_eq!(self.length, live.len(), "the entries are counted");
        assert!(live.iter().all(|&(_, place)| 0 < place && place <= self.last_place()));
        assert!(self.limits.maxsize.is_none_or(|maxsize| self.length <= maxsize), "the bound holds");
        if let Some(max) = self.limits.max_weight {
            let sum: usize = live.iter().map(|&(_, place)| self.weights[place as usize]).sum();
            assert_eq!(sum, self.weight, "the weights are summed");
            assert!(sum <= max, "the bound of weights holds");
        }
    }
}

/// Lengthens a vector to this place. Its capacity doubles, but stays within the places that a cache needs as a rule.
fn extend_to<T: Clone>(vector: &mut Vec<T>, place: Place, most: usize, value: T) {
    let length = place as usize + 1;
    if length > vector.capacity() {
        let wanted = (vector.capacity() * 2).max(16).min(most).max(length);
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
