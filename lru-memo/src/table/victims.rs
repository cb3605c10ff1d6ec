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
//! 3. The walk for the next batch goes on by a step with each eviction. Its threshold is the stamp of an entry at its
//!    beginning. All stamps since then are larger, so each entry that is below the threshold at the end of the walk had that
//!    stamp when the walk came by. A batch that is used up before the end of the walk is made anew by one walk at once.

use alloc::boxed::Box;
use alloc::collections::{BinaryHeap, binary_heap::PeekMut};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::sync::atomic::Ordering::Relaxed;

use crate::sys::sync::AtomicU64;
use crate::table::blocks::Place;
use crate::table::live::Live;

/// With no more entries than this, all of them are candidates.
const FEW: usize = if cfg!(test) { 64 } else { 1 << 14 };
/// The number of outdated candidates that do no harm.
const FEWEST: usize = 32;
/// A batch that is made at once has about one entry in this number.
const SHARE_AT_ONCE: usize = 64;
/// A batch that is made step by step has about one entry in this number, less those that were evicted meanwhile.
const SHARE_IN_STEPS: usize = 12;
/// The longest step, in stamps.
const LONGEST_STEP: usize = 1 << 12;
/// A threshold is the `RANK`th smallest of a sample of `RANK * SHARE` entries.
const RANK: usize = 32;

/// A place with a stamp that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) stamp: u64,
    pub(crate) place: Place,
}

/// The candidates for the next evictions.
pub(crate) struct Victims {
    /// The least recent candidate first.
    queue: Vec<Candidate>,
    /// The head of the queue. Candidates before it were taken.
    next: u32,
    /// Candidates that were used since they joined the queue, the least recent on top.
    used: BinaryHeap<Reverse<Candidate>>,
    /// Whether all entries are candidates.
    are_all: bool,
    /// The walk for the next batch.
    walk: Option<Box<Walk>>,
}

/// A walk over the stamps, step by step, for the next batch.
struct Walk {
    /// The largest stamp of the batch.
    threshold: u64,
    next: Place,
    last: Place,
    /// The number of stamps that the walk passes for each taken candidate.
    step: usize,
    /// The number of candidates taken since the last step.
    taken: usize,
    found: Vec<Candidate>,
}

impl Victims {
    pub(crate) const fn new() -> Self {
        Self { queue: Vec::new(), next: 0, used: BinaryHeap::new(), are_all: false, walk: None }
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.next = 0;
        self.used.clear();
        self.are_all = false;
        self.walk = None;
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
        if self.queue.len() - self.next as usize + self.used.len() > 2 * entries.min(FEW) + FEWEST {
            return self.clear();
        }
        self.queue.drain(..core::mem::take(&mut self.next) as usize);
        self.queue.reserve_exact(self.queue.len().max(FEWEST));
        self.queue.push(candidate);
    }

    /// Returns the head of the queue, if it is the least recent candidate.
    #[inline(always)]
    pub(crate) fn head(&self) -> Option<Candidate> {
        if self.are_all && self.used.is_empty() { self.queue.get(self.next as usize).copied() } else { None }
    }

    /// Returns the place that is so many candidates behind the head of a batch. With few entries there is no batch.
    #[inline(always)]
    pub(crate) fn ahead(&self, distance: usize) -> Option<Place> {
        if self.are_all {
            return None;
        }
        self.queue.get(self.next as usize + distance).map(|candidate| candidate.place)
    }

    /// Takes the head of the queue.
    #[inline(always)]
    pub(crate) fn take_head(&mut self) {
        self.next += 1;
    }

    /// Takes the least recent of the candidates. `stamp_of` returns the stamp of a place with an entry. Returns none if new
    /// candidates are to be [found](Self::find).
    pub(crate) fn next(&mut self, stamp_of: impl Fn(Place) -> Option<u64>) -> Option<Place> {
        // It takes less time to sort all candidates anew than to insert most of them.
        let most = FEWEST + (self.queue.len() - self.next as usize + self.used.len()) / 32;
        let mut outdated = 0;
        while !self.are_all || outdated <= most {
            outdated += 1;
            let top = self.used.peek().map(|&Reverse(top)| top);
            let head = self.queue.get(self.next as usize).filter(|&head| top.is_none_or(|top| *head < top));
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
            if let Some(walk) = &mut self.walk {
                walk.taken += 1;
            }
            match stamp_of(head.place) {
                Some(stamp) if stamp == head.stamp => return Some(head.place),
                Some(stamp) if self.are_all => self.used.push(Reverse(Candidate { stamp, ..head })),
                _ => {}
            }
        }
        None
    }

    /// Finds candidates among the `live` entries, of which there are so many, at places up to the last. `stamps` returns the
    /// stamps from one place to another.
    #[cold]
    #[inline(never)]
    pub(crate) fn find<'s, S: Iterator<Item = (Place, &'s [AtomicU64])>>(
        &mut self,
        stamps: impl Fn(Place, Place) -> S,
        live: &Live,
        entries: usize,
        last: Place,
    ) {
        match self.walk.take().filter(|walk| walk.next > walk.last && !walk.found.is_empty()) {
            Some(walk) => (self.queue, self.next) = (walk.found, 0),
            None => {
                self.clear();
                self.are_all = entries <= FEW;
                let threshold = match self.are_all {
                    true => None,
                    false => threshold(stamps(1, last), live, last, SHARE_AT_ONCE),
                };
                collect(&mut self.queue, stamps(1, last), live, threshold.unwrap_or(u64::MAX));
            }
        }
        self.queue.sort_unstable_by_key(|candidate| candidate.stamp);
        if !self.are_all {
            let step = last as usize / self.queue.len().max(1) + 1;
            let threshold = threshold(stamps(1, last), live, last, SHARE_IN_STEPS);
            let walk = |threshold| Walk { threshold, next: 1, last, step, taken: 0, found: Vec::new() };
            self.walk = threshold.map(walk).map(Box::new);
        }
    }

    /// Goes on with the walk for the next batch, by a step for each taken candidate.
    pub(crate) fn walk_on<'s, S: Iterator<Item = (Place, &'s [AtomicU64])>>(
        &mut self,
        stamps: impl Fn(Place, Place) -> S,
        live: &Live,
    ) {
        let Some(walk) = &mut self.walk else { return };
        let length = (core::mem::take(&mut walk.taken) * walk.step).min(LONGEST_STEP);
        if walk.next <= walk.last {
            let last = walk.last.min(walk.next + length as Place);
            collect(&mut walk.found, stamps(walk.next, last), live, walk.threshold);
            walk.next = last + 1;
        }
    }
}

#[cfg(any(test, fuzzing))]
impl Victims {
    /// Checks that the least recent of these entries, each with its stamp, would be found.
    pub(crate) fn validate(&self, entries: &[(Place, u64)]) {
        let queue = &self.queue[self.next as usize..];
        assert!(queue.is_sorted_by_key(|candidate| candidate.stamp), "the queue is in order");
        let mut candidates: Vec<(Place, u64)> =
            queue.iter().map(|queued| (queued.place, queued.stamp)).collect();
        candidates.extend(self.used.iter().map(|&Reverse(used)| (used.place, used.stamp)));
        candidates.sort_unstable();
        for &(place, stamp) in entries {
            let first = candidates.get(candidates.partition_point(|&(other, _)| other < place));
            let is_candidate = first.is_some_and(|&(other, first)| other == place && first <= stamp);
            let is_beyond = !self.are_all && queue.last().is_none_or(|last| stamp > last.stamp);
            assert!(is_candidate || is_beyond, "an entry would not be evicted in its turn");
        }
    }
}

/// Returns a stamp such that about one entry in `share` has a smaller one. Returns `None` if a sample has too few entries.
fn threshold<'s>(
    slices: impl Iterator<Item = (Place, &'s [AtomicU64])>,
    live: &Live,
    last: Place,
    share: usize,
) -> Option<u64> {
    let step = (last as usize / (RANK * share)).max(1);
    let mut smallest = [u64::MAX; RANK];
    let mut at = 0;
    for (first, slice) in slices {
        if at == 0 {
            // The sample begins somewhere else each time.
            at = 1 + slice.first().map_or(0, |stamp| stamp.load(Relaxed) as usize / 2 % step);
        }
        while let Some(stamp) = slice.get(at - first as usize) {
            let stamp = stamp.load(Relaxed);
            if stamp < smallest[RANK - 1] && live.has(at as Place) {
                let mut slot = RANK - 1;
                while slot > 0 && smallest[slot - 1] > stamp {
                    smallest[slot] = smallest[slot - 1];
                    slot -= 1;
                }
                smallest[slot] = stamp;
            }
            at += step;
        }
    }
    Some(smallest[RANK - 1]).filter(|&stamp| stamp < u64::MAX)
}

/// Adds the `live` entries whose stamps are at most the threshold.
fn collect<'s>(
    found: &mut Vec<Candidate>,
    slices: impl Iterator<Item = (Place, &'s [AtomicU64])>,
    live: &Live,
    threshold: u64,
) {
    /// The number of stamps that are compared at a time.
    const TOGETHER: usize = 8;
    for (first, slice) in slices {
        for (first, stamps) in (first..).step_by(TOGETHER).zip(slice.chunks(TOGETHER)) {
            let smallest = stamps.iter().fold(u64::MAX, |smallest, stamp| smallest.min(stamp.load(Relaxed)));
            if smallest <= threshold {
                let candidates = (first..).zip(stamps).map(|(place, stamp)| (stamp.load(Relaxed), place));
                found.extend(
                    candidates
                        .filter(|&(stamp, place)| stamp <= threshold && live.has(place))
                        .map(|(stamp, place)| Candidate { stamp, place }),
                );
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
