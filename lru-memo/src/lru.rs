//! The exact LRU, as it is inside the lock: entries in order of use; where there is a `ttl`, also in order of age, and
//! where weights are bounded, with their weights. What readers see without the lock is in [`front`](crate::front).
//!
//! Free of user code: keys are found by their hash and a predicate of the caller's, and whatever leaves is handed back
//! to the caller, who drops it where that is safe.

use alloc::vec::Vec;
use core::time::Duration;

use crate::front::index::Tag;
use crate::front::limbo::Limbo;
use crate::front::reader::Reader;
use crate::front::readers::List;
use crate::ring::{ENDS, GROUP, Place, Ring, reserve};

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

/// The order of entries, by their places, and what else is kept of them in the lock.
pub(crate) struct Lru {
    pub(crate) limits: Limits,
    /// How many entries have left to make room, and because they were too old.
    pub(crate) evictions: u64,
    pub(crate) expirations: u64,
    length: usize,
    uses: Ring,
    tags: Vec<Tag>,
    /// Of what the order of uses is being brought up to date with.
    seen: Vec<u64>,
    /// Room to merge logs in, and to compact one in.
    pub(crate) merged: Vec<Place>,
    compacted: Vec<u32>,
    ages: Ring,
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

/// More entries than these do not stay in the caches of a processor that are near.
const IN_CACHE: usize = 1 << 13;

impl Lru {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            evictions: 0,
            expirations: 0,
            length: 0,
            uses: Ring::new(),
            tags: Vec::new(),
            seen: Vec::new(),
            merged: Vec::new(),
            compacted: Vec::new(),
            ages: Ring::new(),
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

    /// Makes the next place known; at most so many will be.
    pub(crate) fn extend(&mut self, most: usize) -> Place {
        let place = self.last_place() + 1;
        assert!(place < 1 << 31, "a cache holds fewer than 2^31 entries");
        let (length, most) = (place as usize + 1, most + 1);
        self.uses.extend_to(place, most);
        extend_to(&mut self.tags, length, most, 0);
        // The bit of 0, which is no place, stays set.
        self.seen.resize(length / 64 + 1, 0);
        self.seen[0] |= 1;
        if self.limits.ttl.is_some() {
            self.ages.extend_to(place, most);
        }
        if self.limits.max_weight.is_some() {
            extend_to(&mut self.weights, length, most, 0);
        }
        place
    }

    pub(crate) fn tag(&self, place: Place) -> Tag {
        self.tags[place as usize]
    }

    /// The entries, the most recent first.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.uses.newest_first()
    }

    /// Whether there is an entry.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.uses.contains(place)
    }

    /// Notes that entries were used, the latest first; those that are gone do not matter. Numbers from 2^31, which are
    /// no places, are handed to `other`.
    pub(crate) fn used(&mut self, mut latest_first: impl Iterator<Item = u32>, mut other: impl FnMut(u32)) {
        let (mut cursor, mut moved) = (ENDS, 0);
        let mut group = [0; GROUP];
        while moved < self.length {
            let mut grouped = 0;
            for (slot, place) in group.iter_mut().zip(latest_first.by_ref()) {
                *slot = place;
                grouped += 1;
            }
            let group = &group[..grouped];
            if group.is_empty() {
                break;
            }
            if self.tags.len() > IN_CACHE {
                self.uses.fetch(group);
            }
            for &place in group {
                let bit = 1 << (place % 64);
                match self.seen.get_mut(place as usize / 64) {
                    Some(seen) if *seen & bit != 0 => {}
                    Some(seen) => {
                        if self.uses.contains(place) {
                            *seen |= bit;
                            self.uses.move_behind(cursor, place);
                            cursor = place;
                            moved += 1;
                        }
                    }
                    None => other(place),
                }
            }
        }
        // All that is there has its place in the order by now, if there is anything left.
        latest_first.filter(|&place| place >= 1 << 31).for_each(other);
        for place in self.uses.newest_first().take(moved) {
            self.seen[place as usize / 64] &= !(1 << (place % 64));
        }
    }

    /// [Compacts](Reader::compact) a log.
    pub(crate) fn compact(&mut self, log: &Reader) -> bool {
        let (mut places, mut kept) =
            (core::mem::take(&mut self.merged), core::mem::take(&mut self.compacted));
        let is_compact = log.compact(&mut kept, |place| match self.seen.get_mut(place as usize / 64) {
            Some(seen) if *seen & 1 << (place % 64) == 0 => {
                *seen |= 1 << (place % 64);
                places.push(place);
                true
            }
            _ => false,
        });
        for place in places.drain(..) {
            self.seen[place as usize / 64] &= !(1 << (place % 64));
        }
        kept.clear();
        (self.merged, self.compacted) = (places, kept);
        is_compact
    }

    /// Whether an entry of this weight may be stored at all.
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.limits.maxsize != Some(0) && self.limits.max_weight.is_none_or(|max| weight <= max)
    }

    /// The entry that has to go before another one of such a weight fits, which counts: first the expired, then the least
    /// recent.
    #[inline]
    pub(crate) fn next_to_leave(
        &mut self,
        weight: usize,
        is_expired: impl Fn(Place) -> bool,
    ) -> Option<Place> {
        let is_full = self.limits.maxsize.is_some_and(|max| self.length >= max)
            || self
                .limits
                .max_weight
                .is_some_and(|max| self.weight.checked_add(weight).is_none_or(|sum| sum > max));
        if !is_full {
            return None;
        }
        if let Some(expired) = self.ages.oldest().filter(|&place| is_expired(place)) {
            self.expirations += 1;
            return Some(expired);
        }
        self.evictions += 1;
        self.uses.oldest()
    }

    /// Adds an entry as the most recent.
    #[inline]
    pub(crate) fn add(&mut self, place: Place, tag: Tag, weight: usize) {
        self.length += 1;
        self.tags[place as usize] = tag;
        self.uses.push(place);
        if self.limits.ttl.is_some() {
            self.ages.push(place);
        }
        if self.limits.max_weight.is_some() {
            self.weights[place as usize] = weight;
            self.weight += weight;
        }
    }

    /// Removes an entry, which some may still see.
    #[inline]
    pub(crate) fn remove(&mut self, place: Place) {
        self.length -= 1;
        self.uses.remove(place);
        if self.limits.ttl.is_some() {
            self.ages.remove(place);
        }
        if self.limits.max_weight.is_some() {
            self.weight -= self.weights[place as usize];
        }
        self.limbo.push(place);
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self) {
        while let Some(place) = self.uses.oldest() {
            self.remove(place);
        }
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

fn extend_to<T: Clone>(vector: &mut Vec<T>, length: usize, most: usize, value: T) {
    reserve(vector, length, most);
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
