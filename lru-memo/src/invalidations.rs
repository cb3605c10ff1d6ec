//! What was cleared or invalidated, and when: a value that was computed before must not be stored after.
//!
//! Each clear and each invalidation has a number. A computation remembers the newest one when it begins; when its value
//! comes, it must not have been cleared, nor its key invalidated, under a later number. Of the invalidations the
//! hashes are kept, and so many of the latest: a computation during which there were more is not stored, to be safe.

use alloc::collections::VecDeque;

/// The number of the newest clear or invalidation when a computation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

const MOST: usize = 1 << 12;

pub(crate) struct Invalidations {
    /// The number of the latest that is not among the `hashes` any more, or of a clear.
    forgotten: Ticket,
    hashes: VecDeque<u64>,
}

impl Invalidations {
    pub(crate) const fn new() -> Self {
        Self { forgotten: Ticket(0), hashes: VecDeque::new() }
    }

    /// The newest number.
    pub(crate) fn newest(&self) -> Ticket {
        Ticket(self.forgotten.0 + self.hashes.len() as u64)
    }

    pub(crate) fn invalidate(&mut self, hash: u64) {
        self.hashes.push_back(hash);
        if self.hashes.len() > MOST {
            self.hashes.pop_front();
            self.forgotten.0 += 1;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.forgotten = Ticket(self.newest().0 + 1);
        self.hashes = VecDeque::new();
    }

    /// Whether a value may be stored under a key with this hash whose computation began then.
    pub(crate) fn allow(&self, ticket: Ticket, hash: u64) -> bool {
        let Some(since) = ticket.0.checked_sub(self.forgotten.0) else { return false };
        !self.hashes.iter().skip(since as usize).any(|&invalidated| invalidated == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_stored_unless_its_key_was_invalidated_since() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        assert!(invalidations.allow(before, 1));
        invalidations.invalidate(1);
        let after = invalidations.newest();
        assert!(!invalidations.allow(before, 1));
        assert!(invalidations.allow(before, 2));
        assert!(invalidations.allow(after, 1));
    }

    #[test]
    fn nothing_from_before_a_clear_is_stored() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        invalidations.clear();
        assert!(!invalidations.allow(before, 1));
        assert!(invalidations.allow(invalidations.newest(), 1));
    }

    #[test]
    fn what_began_before_too_many_invalidations_is_not_stored() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        for _ in 0..MOST {
            invalidations.invalidate(1);
        }
        assert!(invalidations.allow(before, 2));
        invalidations.invalidate(1);
        assert!(!invalidations.allow(before, 2));
        assert!(invalidations.hashes.len() <= MOST);
    }
}
