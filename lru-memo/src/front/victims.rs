//! Victims: the least recent entries, which one walk over all stamps finds for many evictions.
//!
//! A batch holds all entries whose stamps were no larger than a threshold, sorted by their stamps. Stamps only grow. So the
//! first candidate whose stamp has not changed is the least recent entry: entries outside the batch had larger stamps when
//! the batch was made, and new entries get larger stamps.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use crate::front::blocks::Place;
use crate::front::recency::Live;
use crate::sync::AtomicU64;

/// The threshold is the `RANK`th smallest of a sample of `RANK * SHARE` entries: so a batch has about one entry in `SHARE`.
const SHARE: usize = 4;
const RANKS: core::ops::RangeInclusive<usize> = 6..=32;
/// With more entries than this, a batch is half as large: it is sorted in less time.
const MANY: usize = 1 << 16;
/// With no more entries than this, a batch holds all of them.
const FEW: usize = 24;

/// An entry that is to be evicted if its stamp is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) stamp: u64,
    pub(crate) place: Place,
}

pub(crate) struct Victims {
    /// The least recent first.
    batch: Vec<Candidate>,
    /// The next of them.
    next: usize,
    /// Where the next sample begins.
    seed: usize,
}

impl Victims {
    pub(crate) const fn new() -> Self {
        Self { batch: Vec::new(), next: 0, seed: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.batch.clear();
    }

    /// The next victim: what is not current any more is skipped.
    #[inline]
    pub(crate) fn next(&mut self, is_current: impl Fn(&Candidate) -> bool) -> Option<Place> {
        while let Some(candidate) = self.batch.get(self.next) {
            self.next += 1;
            if is_current(candidate) {
                return Some(candidate.place);
            }
        }
        None
    }

    /// Makes a new batch of the `live` entries, of which there are so many, at places up to the last.
    #[inline(never)]
    pub(crate) fn find<'s, S: Iterator<Item = (Place, &'s [AtomicU64])>>(
        &mut self,
        slices: impl Fn() -> S,
        live: &Live,
        entries: usize,
        last: Place,
    ) {
        let threshold = if entries <= FEW { u64::MAX } else { self.threshold(slices(), live, entries, last) };
        self.batch.clear();
        self.next = 0;
        for (first, slice) in slices() {
            for (place, stamp) in (first..).zip(slice) {
                let stamp = stamp.load(Relaxed);
                if stamp <= threshold && live.has(place) {
                    self.batch.push(Candidate { stamp, place });
                }
            }
        }
        self.batch.sort_unstable_by_key(|candidate| candidate.stamp);
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
