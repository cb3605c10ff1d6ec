//! The state of a cache in its lock, as far as it is about places: their weights, their deadlines, which of them have
//! entries, and which are free. What readers see without the lock is in [`table`](crate::table).
//!
//! Free of user code: keys are found by their hash and a predicate of the caller's, and whatever leaves is handed back
//! to the caller, who drops it where that is safe.

mod deadlines;

use alloc::vec::{self, Vec};
use core::iter::Chain;
use core::option;

use self::deadlines::Deadlines;
use crate::table::blocks::Place;
use crate::table::index::Tag;
use crate::table::limbo::Limbo;
use crate::table::readers::List;
use crate::table::recency::{Live, Order};

/// What a cache must not exceed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// The number of entries.
    pub(crate) maxsize: Option<usize>,
    /// The sum of their weights.
    pub(crate) max_weight: Option<usize>,
}

impl Limits {
    /// Whether it matters in which order entries are used: there is ever a choice of what to evict.
    pub(crate) fn order_matters(&self) -> bool {
        match self.maxsize {
            Some(0 | 1) => false,
            Some(_) => true,
            None => self.max_weight.is_some(),
        }
    }
}

/// What is kept of places in the lock.
pub(crate) struct Lru {
    pub(crate) limits: Limits,
    /// How many entries have left to make room, and because they were too old.
    pub(crate) evictions: u64,
    pub(crate) expirations: u64,
    length: usize,
    pub(crate) live: Live,
    pub(crate) order: Order,
    tags: Vec<Tag>,
    pub(crate) deadlines: Deadlines,
    weights: Vec<usize>,
    weight: usize,
    /// Places that were used, and can be again.
    pub(crate) free: Vec<Place>,
    pub(crate) limbo: Limbo,
    /// The readers, where all threads share the cache.
    pub(crate) readers: List,
    /// Places that are kept for foreign code, by those who have no better way.
    pub(crate) kept: Vec<Place>,
}

impl Lru {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            evictions: 0,
            expirations: 0,
            length: 0,
            live: Live::default(),
            order: Order::new(),
            tags: Vec::new(),
            deadlines: Deadlines::default(),
            weights: Vec::new(),
            weight: 0,
            free: Vec::new(),
            limbo: Limbo::default(),
            readers: List::default(),
            kept: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The last place that was ever used.
    pub(crate) fn last_place(&self) -> Place {
        self.tags.len().saturating_sub(1) as Place
    }

    /// Makes the next place known.
    pub(crate) fn extend(&mut self) -> Place {
        let place = self.last_place() + 1;
        assert!(place < 1 << 31, "a cache holds fewer than 2^31 entries");
        // A few places are needed beyond the bound.
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

    /// Whether there is an entry.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.live.has(place)
    }

    /// Whether an entry of this weight may be stored at all.
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.limits.maxsize != Some(0) && self.limits.max_weight.is_none_or(|max| weight <= max)
    }

    /// Whether another entry of such a weight has no room.
    #[inline]
    pub(crate) fn is_full_for(&self, weight: usize) -> bool {
        let is_too_heavy = |max| self.weight.checked_add(weight).is_none_or(|sum| sum > max);
        self.limits.maxsize.is_some_and(|max| self.length >= max)
            || self.limits.max_weight.is_some_and(is_too_heavy)
    }

    /// Whether one more entry has no room, and the weights of entries do not matter.
    #[inline]
    pub(crate) fn is_full_of_alike(&self) -> bool {
        self.limits.maxsize == Some(self.length) && self.limits.max_weight.is_none()
    }

    /// Puts another entry in the place of one. Returns the tag of the latter.
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

    /// Removes an entry, which others may still see.
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
        for place in self.live.places() {
            self.limbo.push(place);
        }
        self.live.clear();
        (self.length, self.weight) = (0, 0);
        self.order.clear();
        self.deadlines = Deadlines::default();
    }

    /// Keeps a place from becoming another entry's.
    pub(crate) fn keep(&mut self, place: Place) {
        self.kept.push(place);
    }

    /// Ends one [`keep`](Self::keep).
    pub(crate) fn unkeep(&mut self, place: Place) {
        let at = self.kept.iter().position(|&kept| kept == place).expect("it was kept");
        self.kept.swap_remove(at);
    }
}

/// Has a vector grow as it would by itself, but not beyond what it will need as a rule.
fn extend_to<T: Clone>(vector: &mut Vec<T>, place: Place, most: usize, value: T) {
    let length = place as usize + 1;
    if length > vector.capacity() {
        let wanted = (vector.capacity() * 2).max(16).min(most).max(length);
        vector.reserve_exact(wanted - vector.len());
    }
    vector.resize(length, value);
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

impl<E> IntoIterator for Left<E> {
    type Item = E;
    type IntoIter = Chain<option::IntoIter<E>, vec::IntoIter<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}
