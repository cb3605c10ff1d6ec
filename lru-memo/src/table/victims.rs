//! Victims: which entry is the least recent.
//!
//! A *candidate* is a place with a stamp that the place had. Stamps only grow. So the candidate with the smallest stamp is
//! the least recent entry if the place still has that stamp, and if all other entries are candidates or have larger stamps.
//!
//! 1. With few entries, all of them are candidates. A new entry has the largest stamp, so it joins the end of a *queue*. A
//!    candidate at the head of the queue whose place has got a newer stamp goes to the *used* ones, with that stamp. The least
//!    recent entry is at the head of the queue or the first of the used ones (`used.rs`).
//! 2. With many entries, that would take too much memory. There the queue is a *batch*: all entries whose stamps were no
//!    larger than a threshold, found by one walk over all stamps, and sorted. A candidate whose place has got a newer stamp
//!    is dropped: entries outside of the batch had larger stamps when it was made, and new ones get larger stamps.
//! 3. The walk for the next batch goes on while this one is used up. It looks for stamps behind those of this batch, up to a
//!    threshold, which is the stamp of an entry at its beginning. All stamps since then are larger, so each entry that is
//!    below the threshold at the end of the walk had that stamp when the walk came by. A batch that is used up before the end
//!    of the walk is made anew by one walk at once.
//!
//! After many hits most candidates are outdated, and new ones are found at once. With few entries, sorting all of them takes
//! 0.03 ms for 1,000 and 0.3 ms for 10,000. With many, the walk takes 0.1 ms for 10^5 and 2 ms for 10^6.

mod used;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::sync::atomic::Ordering::Relaxed;

use crate::sys::sync::AtomicU64;
use crate::table::blocks::Place;
use crate::table::live::Live;
use crate::table::victims::used::Used;

/// With no more entries than this, all of them are candidates.
const FEW: usize = if cfg!(test) { 64 } else { 1 << 14 };
/// With a shorter queue of all entries, prefetching takes longer than it saves.
const NEAR: usize = 1 << 12;
/// The number of outdated candidates that do no harm.
const FEWEST: usize = 32;
/// A batch that is made at once has about one entry in this number.
const SHARE_AT_ONCE: usize = 64;
/// A batch that is made step by step has about one entry in this number.
const SHARE_IN_STEPS: usize = 12;
/// The walk takes a step for so many candidates at a time, as a call for each would take longer than most steps.
const TOGETHER: u32 = if cfg!(test) { 3 } else { 16 };
/// The largest number of stamps in a step, for those of many candidates that were all used since.
const LONGEST_STEP: usize = 1 << 12;
/// A threshold is the `RANK`th smallest of a sample of `RANK * SHARE` entries.
const RANK: usize = 32;

/// A place with a stamp that it had.
#[derive(Debug, Clone, Copy)]
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
    /// Candidates that were used since they joined the queue.
    used: Used,
    /// Whether all entries are candidates.
    are_all: bool,
    /// The head of the queue at which the walk takes its next step.
    step_at: u32,
    /// The walk for the next batch.
    walk: Option<Box<Walk>>,
}

/// A walk over the stamps, step by step, for the next batch.
struct Walk {
    /// The smallest and the largest stamp of the batch.
    stamps: RangeInclusive<u64>,
    next: Place,
    last: Place,
    /// The number of stamps that the walk passes for each candidate that leaves the queue.
    pace: usize,
    /// The head of the queue at the last step.
    at: u32,
    found: Vec<Candidate>,
}

impl Victims {
    pub(crate) const fn new() -> Self {
        Self { queue: Vec::new(), next: 0, used: Used::new(), are_all: false, step_at: u32::MAX, walk: None }
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.next = 0;
        self.used.clear();
        self.are_all = false;
        self.step_at = u32::MAX;
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

    /// Returns the head of the queue, if it is the least recent candidate. Returns none if the walk is to take a step.
    #[inline(always)]
    pub(crate) fn head(&self) -> Option<Candidate> {
        if self.next < self.step_at { self.first() } else { None }
    }

    /// Returns the head of the queue, if it is the least recent candidate.
    #[inline(always)]
    fn first(&self) -> Option<Candidate> {
        let head = self.queue.get(self.next as usize).copied();
        head.filter(|head| head.stamp < self.used.least())
    }

    /// Returns the place that is so many candidates behind the head of the queue, if the table does not fit into the
    /// processor's nearest cache.
    #[inline(always)]
    pub(crate) fn ahead(&self, distance: usize) -> Option<Place> {
        if self.are_all && self.queue.len() < NEAR {
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
            if let Some(head) = self.first() {
                self.take_head();
                match stamp_of(head.place) {
                    Some(stamp) if stamp == head.stamp => return Some(head.place),
                    Some(stamp) if self.are_all => self.used.push(Candidate { stamp, ..head }),
                    _ => {}
                }
            } else if let Some(used) = self.used.pop() {
                match stamp_of(used.place) {
                    Some(stamp) if stamp == used.stamp => return Some(used.place),
                    Some(stamp) => self.used.push(Candidate { stamp, ..used }),
                    None => {}
                }
            } else {
                let head = self.queue.get(self.next as usize).map(|head| head.stamp);
                if !self.used.go_on(head.unwrap_or(0), &stamp_of) && head.is_none() {
                    return None;
                }
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
        self.step_at = 0;
        self.walk_on(&stamps);
        let mut spare = Vec::new();
        match self.walk.take().filter(|walk| walk.next > walk.last && !walk.found.is_empty()) {
            Some(walk) => {
                spare = core::mem::replace(&mut self.queue, walk.found);
                self.next = 0;
            }
            None => {
                self.clear();
                self.are_all = entries <= FEW;
                let threshold = match self.are_all {
                    true => None,
                    false => threshold(stamps(1, last), live, last, 0, SHARE_AT_ONCE),
                };
                collect(&mut self.queue, stamps(1, last), &(0..=threshold.unwrap_or(u64::MAX)));
            }
        }
        self.queue.retain(|candidate| live.has(candidate.place));
        self.queue.sort_unstable_by_key(|candidate| candidate.stamp);
        if !self.are_all {
            let pace = last as usize / self.queue.len().max(1) + 1;
            let least = self.queue.last().map_or(0, |last| last.stamp + 1);
            let threshold = threshold(stamps(1, last), live, last, least, SHARE_IN_STEPS);
            spare.clear();
            let walk = |most| Walk { stamps: least..=most, next: 1, last, pace, at: 0, found: spare };
            self.walk = threshold.map(walk).map(Box::new);
            self.step_at = if self.walk.is_some() { TOGETHER } else { u32::MAX };
        }
    }

    /// Goes on with the walk for the next batch, if a step is due.
    pub(crate) fn walk_on<'s, S: Iterator<Item = (Place, &'s [AtomicU64])>>(
        &mut self,
        stamps: impl Fn(Place, Place) -> S,
    ) {
        let Some(walk) = self.walk.as_mut().filter(|_| self.next >= self.step_at) else { return };
        if walk.next <= walk.last {
            let length = ((self.next - walk.at) as usize * walk.pace).min(LONGEST_STEP);
            let last = walk.last.min(walk.next + length as Place);
            collect(&mut walk.found, stamps(walk.next, last), &walk.stamps);
            walk.next = last + 1;
            walk.at = self.next;
        }
        self.step_at = if walk.next <= walk.last { self.next + TOGETHER } else { u32::MAX };
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
        candidates.extend(self.used.candidates().map(|used| (used.place, used.stamp)));
        candidates.sort_unstable();
        for &(place, stamp) in entries {
            let first = candidates.get(candidates.partition_point(|&(other, _)| other < place));
            let is_candidate = first.is_some_and(|&(other, first)| other == place && first <= stamp);
            let is_beyond = !self.are_all && queue.last().is_none_or(|last| stamp > last.stamp);
            assert!(is_candidate || is_beyond, "an entry would not be evicted in its turn");
        }
    }
}

/// Returns a stamp such that about one entry in `share` has a smaller one, but not one below `least`. Returns `None` if a
/// sample has too few of them.
fn threshold<'s>(
    slices: impl Iterator<Item = (Place, &'s [AtomicU64])>,
    live: &Live,
    last: Place,
    least: u64,
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
            if (least..smallest[RANK - 1]).contains(&stamp) && live.has(at as Place) {
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

/// Adds the places whose stamps are in the range. Some of them may have no entry.
fn collect<'s>(
    found: &mut Vec<Candidate>,
    slices: impl Iterator<Item = (Place, &'s [AtomicU64])>,
    range: &RangeInclusive<u64>,
) {
    /// The number of stamps that are compared at a time. A branch for each would often be mispredicted.
    const MANY: usize = 64;
    let (least, length) = (*range.start(), range.end() - range.start());
    for (first, slice) in slices {
        for (first, stamps) in (first..).step_by(MANY).zip(slice.chunks(MANY)) {
            let (before, mut count) = (found.len(), 0);
            found.resize(before + MANY, Candidate { stamp: 0, place: 0 });
            let candidates = found.last_chunk_mut::<MANY>().expect("it is that long");
            for (place, stamp) in (first..).zip(stamps) {
                let stamp = stamp.load(Relaxed);
                candidates[count % MANY] = Candidate { stamp, place };
                count += usize::from(stamp.wrapping_sub(least) <= length);
            }
            found.truncate(before + count);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
