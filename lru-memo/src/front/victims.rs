//! Victims: which entry is the least recent.
//!
//! A *candidate* is a place with a stamp that the place had. Stamps only grow. So the candidate with the smallest stamp is
//! the least recent entry if the place still has that stamp, and if all other entries are candidates or have larger stamps.
//!
//! 1. With few entries, all of them are candidates. A new entry has the largest stamp, so it joins the end of a *queue*. A
//!    candidate at the head of the queue whose place has got a newer stamp goes to a heap, with that stamp. The least recent
//!    entry is at the head of the queue or on top of the heap.
//! 2. With many entries, that would take too much memory. There the queue is a *batch*: all entries whose stamps were no
//!    larger than a threshold, found by one walk over all stamps, and sorted. A candidate whose place has got a newer stamp
//!    is dropped: entries outside of the batch had larger stamps when it was made, and new ones get larger stamps.

use alloc::collections::{BinaryHeap, binary_heap::PeekMut};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::sync::atomic::Ordering::Relaxed;

use crate::front::blocks::Place;
use crate::front::recency::Live;
use crate::sync::AtomicU64;

/// The threshold is the `RANK`th smallest of a sample of `RANK * SHARE` entries: so a batch has about one entry in `SHARE`.
const SHARE: usize = 4;
const RANKS: core::ops::RangeInclusive<usize> = 6..=32;
/// With more entries than this, a batch is half as large: it is sorted in less time.
const MANY: usize = 1 << 16;
/// With no more entries than this, all of them are candidates.
const FEW: usize = if cfg!(test) { 64 } else { 1 << 14 };

/// So many more candidates than entries do no harm.
const FEWEST: usize = 32;

/// A place that is to be evicted if its stamp is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) stamp: u64,
    pub(crate) place: Place,
}

pub(crate) struct Victims {
    /// The least recent first.
    queue: Vec<Candidate>,
    /// The head of the queue; what is before it was taken.
    next: usize,
    /// Those that were used since they joined the queue, the least recent on top.
    used: BinaryHeap<Reverse<Candidate>>,
    /// Whether all entries are candidates.
    are_all: bool,
    /// Where the next sample begins.
    seed: usize,
}

impl Victims {
    pub(crate) const fn new() -> Self {
        Self { queue: Vec::new(), next: 0, used: BinaryHeap::new(), are_all: false, seed: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.next = 0;
        self.used.clear();
        self.are_all = false;
    }

    /// Adds a new entry, one of so many, whose stamp is larger than all others.
    #[inline(always)]
    pub(crate) fn add(&mut self, candidate: Candidate, entries: usize) {
        if self.are_all {
            if self.queue.len() == self.queue.capacity() {
                return self.add_to_full(candidate, entries);
            }
            self.queue.push(candidate);
        }
    }

    /// Adds to a queue that must grow: to twice its length, so that this is rare.
    #[cold]
    #[inline(never)]
    fn add_to_full(&mut self, candidate: Candidate, entries: usize) {
        // Entries that were removed are still among the candidates.
        if self.queue.len() - self.next + self.used.len() > 2 * entries.min(FEW) + FEWEST {
            return self.clear();
        }
        self.queue.drain(..core::mem::take(&mut self.next));
        self.queue.reserve_exact(self.queue.len().max(FEWEST));
        self.queue.push(candidate);
    }

    /// Returns the head of the queue, if that is the least recent of the candidates should it be current.
    #[inline(always)]
    pub(crate) fn head(&self) -> Option<Candidate> {
        if self.used.is_empty() { self.queue.get(self.next).copied() } else { None }
    }

    /// Takes the head of the queue.
    #[inline(always)]
    pub(crate) fn take_head(&mut self) {
        self.next += 1;
    }

    /// Takes the least recent of the candidates. `stamp_of` returns the stamp of a place with an entry.
    pub(crate) fn next(&mut self, stamp_of: impl Fn(Place) -> Option<u64>) -> Option<Place> {
        loop {
            let top = self.used.peek().map(|&Reverse(top)| top);
            let head = self.queue.get(self.next).filter(|&head| top.is_none_or(|top| *head < top));
            let Some(&head) = head else {
                let mut top = self.used.peek_mut()?;
                let Reverse(candidate) = *top;
                match stamp_of(candidate.place) {
                    Some(stamp) if stamp != candidate.stamp => top.0.stamp = stamp,
                    unchanged => {
                        PeekMut::pop(top);
                        if unchanged.is_some() {
                            return Some(candidate.place);
                        }
                    }
                }
                continue;
            };
            self.take_head();
            match stamp_of(head.place) {
                Some(stamp) if stamp == head.stamp => return Some(head.place),
                Some(stamp) if self.are_all => self.used.push(Reverse(Candidate { stamp, ..head })),
                _ => {}
            }
        }
    }

    /// Finds candidates among the `live` entries, of which there are so many, at places up to the last.
    #[inline(never)]
    pub(crate) fn find<'s, S: Iterator<Item = (Place, &'s [AtomicU64])>>(
        &mut self,
        slices: impl Fn() -> S,
        live: &Live,
        entries: usize,
        last: Place,
    ) {
        self.clear();
        self.are_all = entries <= FEW;
        let threshold = if self.are_all { u64::MAX } else { self.threshold(slices(), live, entries, last) };
        for (first, slice) in slices() {
            for (place, stamp) in (first..).zip(slice) {
                let stamp = stamp.load(Relaxed);
                if stamp <= threshold && live.has(place) {
                    self.queue.push(Candidate { stamp, place });
                }
            }
        }
        self.queue.sort_unstable();
    }

    fn threshold<'s>(
        &mut self,
        slices: impl Iterator<Item = (Place, &'s [AtomicU64])>,
        live: &Live,
        entries: usize,
        last: Place,
    ) -> u64 {
        let rank = (entries / 64).clamp(*RANKS.start(), *RANKS.end());
        let share = if entries > MANY { 2 * SHARE } else { SHARE };
        let step = (last as usize / (rank * share)).max(1);
        self.seed = (self.seed + 1) % step;
        let mut smallest = [u64::MAX; *RANKS.end()];
        let smallest = &mut smallest[..rank];
        let mut at = 1 + self.seed;
        for (first, slice) in slices {
            while let Some(stamp) = slice.get(at - first as usize) {
                let stamp = stamp.load(Relaxed);
                if stamp < smallest[rank - 1] && live.has(at as Place) {
                    let mut slot = rank - 1;
                    while slot > 0 && smallest[slot - 1] > stamp {
                        smallest[slot] = smallest[slot - 1];
                        slot -= 1;
                    }
                    smallest[slot] = stamp;
                }
                at += step;
            }
        }
        smallest[rank - 1]
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
