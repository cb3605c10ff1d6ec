//! The next entries to be evicted: the least recent ones, found by one look at all stamps, for many evictions.
//!
//! Stamps only grow. A batch holds all entries whose stamps were no larger than a threshold, in their order. So the
//! first one whose stamp is still the same is the least recent of all: those that are not in the batch had larger stamps
//! when it was made, and those that come get larger ones.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use crate::front::blocks::Place;
use crate::front::recency::Live;
use crate::sync::AtomicU64;

/// The threshold is the `RANK`th smallest of a sample of `RANK * SHARE` entries: so a batch has about one entry in `SHARE`.
const SHARE: usize = 8;
const RANKS: core::ops::RangeInclusive<usize> = 3..=32;
/// So few entries are all taken.
const FEW: usize = 16;

/// An entry that is to be evicted if its stamp is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) stamp: u64,
    pub(crate) place: Place,
}

pub(crate) struct Victims {
    /// The least recent last.
    batch: Vec<Candidate>,
    /// Where the next sample begins.
    seed: usize,
}

impl Victims {
    pub(crate) const fn new() -> Self {
        Self { batch: Vec::new(), seed: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.batch.clear();
    }

    /// The next victim: what is not current any more is skipped.
    #[inline]
    pub(crate) fn next(&mut self, is_current: impl Fn(&Candidate) -> bool) -> Option<Place> {
        while let Some(candidate) = self.batch.pop() {
            if is_current(&candidate) {
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
        for (first, slice) in slices() {
            for (place, stamp) in (first..).zip(slice) {
                let stamp = stamp.load(Relaxed);
                if stamp <= threshold && live.has(place) {
                    self.batch.push(Candidate { stamp, place });
                }
            }
        }
        self.batch.sort_unstable_by(|left, right| right.cmp(left));
    }

    fn threshold<'s>(
        &mut self,
        slices: impl Iterator<Item = (Place, &'s [AtomicU64])>,
        live: &Live,
        entries: usize,
        last: Place,
    ) -> u64 {
        let rank = (entries / 64).clamp(*RANKS.start(), *RANKS.end());
        let step = (last as usize / (rank * SHARE)).max(1);
        self.seed = (self.seed + 1) % step;
        let mut smallest = [u64::MAX; *RANKS.end()];
        let smallest = &mut smallest[..rank];
        let mut at = 1 + self.seed;
        for (first, slice) in slices {
            while let Some(stamp) = slice.get(at - first as usize) {
                if live.has(at as Place) {
                    let stamp = stamp.load(Relaxed);
                    let mut slot = rank;
                    while slot > 0 && smallest[slot - 1] > stamp {
                        if slot < rank {
                            smallest[slot] = smallest[slot - 1];
                        }
                        slot -= 1;
                    }
                    if slot < rank {
                        smallest[slot] = stamp;
                    }
                }
                at += step;
            }
        }
        smallest[rank - 1]
    }
}
