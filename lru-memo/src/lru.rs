//! The exact LRU itself: entries side by side, in order of use, and an index by hash; where there is a `ttl`, also
//! in order of age, and where weights are bounded, with their weights.
//!
//! Single-threaded, free of locks and of user code: keys are found by their hash and a predicate of the
//! caller's, and whatever leaves is handed back to the caller, who drops it where that is safe.
//!
//! Invariants: there are no gaps: when an entry leaves, the last one takes its place. Each entry is in `index` once,
//! under its own hash. All parts have the same length, except that `ages` and `weights` may be unused.

use alloc::vec::Vec;
use core::time::Duration;
use std::time::Instant;

use hashbrown::HashTable;

use crate::ring::{Place, Ring};

struct Node<E> {
    hash: u64,
    entry: E,
}

/// When entries were stored, and in which order.
struct Ages {
    order: Ring,
    since: Vec<Instant>,
}

/// What a cache must not exceed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// The number of entries.
    pub(crate) maxsize: Option<usize>,
    /// The sum of their weights.
    pub(crate) max_weight: Option<usize>,
    /// The age of each.
    pub(crate) ttl: Option<Duration>,
}

/// What is noted of an entry beside its key and value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// The time; only used where there is a `ttl`.
    pub(crate) now: Option<Instant>,
    /// The weight; only used where weights are bounded.
    pub(crate) weight: usize,
}

/// Entries of type `E` in order of use. A [`Place`] is valid until an entry is removed: that of entry `place` is
/// `nodes[place - 1]`.
pub(crate) struct Lru<E> {
    limits: Limits,
    uses: Ring,
    nodes: Vec<Node<E>>,
    index: HashTable<Place>,
    ages: Ages,
    weights: Vec<usize>,
    weight: usize,
}

impl<E> Lru<E> {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            uses: Ring::new(),
            nodes: Vec::new(),
            index: HashTable::new(),
            ages: Ages { order: Ring::new(), since: Vec::new() },
            weights: Vec::new(),
            weight: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Finds an entry that the predicate accepts among those whose hash is, or may be, this one; the predicate
    /// is given the hash. Recency stays as it is.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut accepts: impl FnMut(u64, &E) -> bool) -> Option<Place> {
        let found = self.index.find(hash, |&place| {
            let node = &self.nodes[at(place)];
            accepts(node.hash, &node.entry)
        });
        found.copied()
    }

    #[inline]
    pub(crate) fn entry(&self, place: Place) -> &E {
        &self.nodes[at(place)].entry
    }

    /// Makes an entry the most recent one.
    #[inline]
    pub(crate) fn touch(&mut self, place: Place) {
        self.uses.touch(place);
    }

    /// Whether an entry has reached the age at which it expires; without a time, none has.
    #[inline]
    pub(crate) fn is_expired(&self, place: Place, now: Option<Instant>) -> bool {
        now.is_some_and(|now| self.is_expired_at(place, now))
    }

    // Not inlined: caches without a `ttl` never come here.
    #[inline(never)]
    fn is_expired_at(&self, place: Place, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.ages.since[at(place)]);
        self.limits.ttl.is_some_and(|ttl| age >= ttl)
    }

    /// Whether an entry of this weight may be stored at all.
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.limits.maxsize != Some(0) && self.limits.max_weight.is_none_or(|max| weight <= max)
    }

    /// Stores an entry that [`admits`](Self::admits) as the most recent, in the place of the one with its key if
    /// there is one. What leaves goes to `left`.
    pub(crate) fn store(
        &mut self,
        place: Option<Place>,
        hash: u64,
        entry: E,
        stamp: Stamp,
        left: &mut Left<E>,
    ) {
        match place {
            // Weights that are out before others are in cannot add up to more than there is.
            Some(place) if self.limits.max_weight.is_some() => left.push(self.remove(place)),
            Some(place) => {
                left.push(self.replace(place, hash, entry, stamp));
                return;
            }
            None => {}
        }
        if self.limits.max_weight.is_none() && self.limits.ttl.is_none() {
            if let Some(oldest) =
                self.uses.oldest().filter(|_| self.limits.maxsize.is_some_and(|max| self.len() >= max))
            {
                // Out and in at once: the common case.
                self.unindex(oldest);
                left.push(self.replace(oldest, hash, entry, stamp));
                self.index_at(hash, oldest);
                return;
            }
        }
        self.make_room(1, stamp.weight, stamp.now, left);
        let place = self.uses.push();
        self.nodes.push(Node { hash, entry });
        if self.limits.ttl.is_some() {
            self.ages.order.push();
            self.ages.since.extend(stamp.now);
        }
        if self.limits.max_weight.is_some() {
            self.weights.push(stamp.weight);
            self.weight += stamp.weight;
        }
        self.index_at(hash, place);
    }

    /// Removes entries until so many more of such a weight fit: first the expired, then the least recent.
    fn make_room(&mut self, entries: usize, weight: usize, now: Option<Instant>, left: &mut Left<E>) {
        let is_full = |lru: &Self| {
            lru.limits.maxsize.is_some_and(|max| lru.len() + entries > max)
                || lru
                    .limits
                    .max_weight
                    .is_some_and(|max| lru.weight.checked_add(weight).is_none_or(|sum| sum > max))
        };
        while is_full(self) {
            let expired = self.ages.order.oldest().filter(|&place| self.is_expired(place, now));
            let Some(place) = expired.or(self.uses.oldest()) else { return };
            left.push(self.remove(place));
        }
    }

    /// Puts another entry in this place, as the most recent, and returns the old one; the index stays, and so must the
    /// sum of weights.
    fn replace(&mut self, place: Place, hash: u64, entry: E, stamp: Stamp) -> E {
        self.uses.touch(place);
        if let (Some(_), Some(now)) = (self.limits.ttl, stamp.now) {
            self.ages.order.touch(place);
            self.ages.since[at(place)] = now;
        }
        core::mem::replace(&mut self.nodes[at(place)], Node { hash, entry }).entry
    }

    pub(crate) fn remove(&mut self, place: Place) -> E {
        self.unindex(place);
        let last = self.nodes.len() as Place;
        if last != place {
            let moved = self.index.find_mut(self.nodes[at(last)].hash, |&other| other == last);
            *moved.expect("every entry is in the index") = place;
        }
        self.uses.swap_remove(place);
        if self.limits.ttl.is_some() {
            self.ages.order.swap_remove(place);
            self.ages.since.swap_remove(at(place));
        }
        if self.limits.max_weight.is_some() {
            self.weight -= self.weights.swap_remove(at(place));
        }
        self.nodes.swap_remove(at(place)).entry
    }

    fn index_at(&mut self, hash: u64, place: Place) {
        let nodes = &self.nodes;
        self.index.insert_unique(hash, place, |&place| nodes[at(place)].hash);
    }

    fn unindex(&mut self, place: Place) {
        let found = self.index.find_entry(self.nodes[at(place)].hash, |&other| other == place);
        found.expect("every entry is in the index").remove();
    }
}

/// What has left a cache and is to be dropped outside of its lock: mostly one entry, so that is not allocated for.
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

/// Where the node of a place is.
#[inline]
fn at(place: Place) -> usize {
    place as usize - 1
}
