//! Candidates that were used since they joined the queue, in the order of their stamps as far as that is needed.
//!
//! Those with the smallest stamps are *due*, and sorted. The others come *later*, in no order. Once the due ones are used up,
//! the next ones are taken out of the later ones. A heap would keep more order than evictions need, and each step down a
//! heap waits for the one before.

use alloc::vec::Vec;

use crate::table::blocks::Place;
use crate::table::victims::Candidate;

/// At most one candidate in this number should be due at a time, and at least one in four times this number: so neither
/// sorting the due ones nor passing the later ones takes long.
const SHARE: usize = 4;
/// The range of due stamps at first.
const WIDTH: u64 = 1 << 9;

/// Candidates that were used since they joined the queue.
pub(super) struct Used {
    /// The least recent one last.
    due: Vec<Candidate>,
    /// Their stamps are at least `end`.
    later: Vec<Candidate>,
    /// All due stamps are smaller.
    end: u64,
    /// No candidate has a smaller stamp.
    least: u64,
    /// The range of due stamps.
    width: u64,
}

impl Used {
    pub(super) const fn new() -> Self {
        Self { due: Vec::new(), later: Vec::new(), end: 0, least: u64::MAX, width: WIDTH }
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
        self.later.clear();
        self.end = 0;
        self.least = u64::MAX;
    }

    pub(super) fn len(&self) -> usize {
        self.due.len() + self.later.len()
    }

    /// Returns a stamp than which no candidate has a smaller one.
    #[inline(always)]
    pub(super) fn least(&self) -> u64 {
        self.least
    }

    /// Adds a candidate.
    pub(super) fn push(&mut self, candidate: Candidate) {
        if candidate.stamp < self.end {
            let at = self.due.partition_point(|due| due.stamp > candidate.stamp);
            self.due.insert(at, candidate);
        } else {
            self.later.push(candidate);
        }
        self.set_least();
    }

    /// Takes the least recent candidate, if it is due.
    pub(super) fn pop(&mut self) -> Option<Candidate> {
        let candidate = self.due.pop();
        self.set_least();
        candidate
    }

    fn set_least(&mut self) {
        self.least = match self.due.last() {
            Some(due) => due.stamp,
            None if self.later.is_empty() => u64::MAX,
            None => self.end,
        };
    }

    /// Has further candidates be due: all up to this stamp, and some more. None may be due. `stamp_of` returns the stamp of a
    /// place with an entry. Returns whether there are any candidates.
    pub(super) fn go_on(&mut self, stamp: u64, stamp_of: impl Fn(Place) -> Option<u64>) -> bool {
        let mut least = u64::MAX;
        self.later.retain_mut(|candidate| {
            let stamp = stamp_of(candidate.place);
            candidate.stamp = stamp.unwrap_or(candidate.stamp);
            least = least.min(candidate.stamp);
            stamp.is_some()
        });
        let total = self.later.len();
        if total == 0 {
            self.set_least();
            return false;
        }
        self.end = stamp.max(least).saturating_add(self.width);
        let (due, end) = (&mut self.due, self.end);
        self.later.retain(|candidate| {
            if candidate.stamp < end {
                due.push(*candidate);
            }
            candidate.stamp >= end
        });
        due.sort_unstable_by_key(|due| core::cmp::Reverse(due.stamp));
        if due.len() * SHARE > total {
            self.width = (self.width / 2).max(1);
        } else if due.len() * SHARE * 4 < total {
            self.width = self.width.saturating_mul(2);
        }
        self.set_least();
        true
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn candidates(&self) -> impl Iterator<Item = Candidate> {
        let (due, later) = (&self.due, &self.later);
        assert!(due.is_sorted_by(|before, after| before.stamp >= after.stamp), "the due ones are in order");
        assert!(due.iter().all(|due| due.stamp < self.end), "the due ones come before the end");
        assert!(later.iter().all(|later| later.stamp >= self.end), "the others come behind it");
        due.iter().chain(later).copied()
    }
}
