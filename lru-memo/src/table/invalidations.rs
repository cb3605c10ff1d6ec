//! The clears and invalidations of a cache. A value whose run began before one of them must not be stored after it.
//!
//! Clears and invalidations have sequence numbers. A run remembers the newest number when it begins. Its value is not
//! stored if a clear, or an invalidation of its key, has a later number. The latest invalidations are remembered while
//! functions run. If there were more of them during a run than are remembered, the value is not stored, to be safe.

use alloc::collections::VecDeque;

/// The number of a clear or an invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SequenceNumber(pub(crate) u64);

/// The largest number of remembered invalidations.
const MOST: usize = 1 << 12;

/// The invalidations of keys. A key is remembered as an `I`.
pub(crate) struct Invalidations<I> {
    /// The number of the latest clear, or of the latest forgotten invalidation.
    forgotten: SequenceNumber,
    remembered: VecDeque<(u64, I)>,
}

/// Forgotten keys, which the caller drops outside of the lock.
pub(crate) type Forgotten<I> = VecDeque<(u64, I)>;

/// The clears and invalidations since a run began.
pub(crate) enum Since<I> {
    /// There was a clear, or there were more invalidations than are remembered.
    Everything,
    /// A key with the same hash was invalidated: the caller compares it.
    Unknown(I),
    /// Only other keys were invalidated.
    Others,
}

impl<I: Clone> Invalidations<I> {
    pub(crate) const fn new() -> Self {
        Self { forgotten: SequenceNumber(0), remembered: VecDeque::new() }
    }

    /// Returns the newest number.
    #[inline]
    pub(crate) fn newest(&self) -> SequenceNumber {
        SequenceNumber(self.forgotten.0 + self.remembered.len() as u64)
    }

    /// Returns whether invalidations are remembered.
    pub(crate) fn are_remembered(&self) -> bool {
        !self.remembered.is_empty()
    }

    /// Notes the invalidation of a key with this hash.
    #[must_use = "dropping a key is the user's code: do it outside of every lock"]
    pub(crate) fn invalidate(&mut self, hash: u64, key: I) -> Forgotten<I> {
        let mut forgotten = VecDeque::new();
        self.remembered.push_back((hash, key));
        if self.remembered.len() > MOST {
            if let Some(first) = self.remembered.pop_front() {
                forgotten.push_back(first);
            }
            self.forgotten.0 += 1;
        }
        forgotten
    }

    /// Notes a clear, or an invalidation of a key while no function runs.
    #[must_use = "dropping a key is the user's code: do it outside of every lock"]
    pub(crate) fn clear(&mut self) -> Forgotten<I> {
        self.forgotten = SequenceNumber(self.newest().0 + 1);
        core::mem::take(&mut self.remembered)
    }

    /// Forgets the remembered invalidations, once all runs that began before them have ended. The newest number stays, so the
    /// value of a run that begins meanwhile is stored.
    #[must_use = "dropping a key is the user's code: do it outside of every lock"]
    pub(crate) fn forget(&mut self) -> Forgotten<I> {
        self.forgotten = self.newest();
        core::mem::take(&mut self.remembered)
    }

    /// Returns what happened to a key with this hash since a run began, at which `began` was the newest number. `is_known`
    /// recognises keys that are known to be different ones.
    pub(crate) fn since(&self, began: SequenceNumber, hash: u64, is_known: impl Fn(&I) -> bool) -> Since<I> {
        let Some(since) = began.0.checked_sub(self.forgotten.0) else { return Since::Everything };
        for at in since as usize..self.remembered.len() {
            let (other, key) = &self.remembered[at];
            if *other == hash && !is_known(key) {
                return Since::Unknown(key.clone());
            }
        }
        Since::Others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE_IS_KNOWN: fn(&char) -> bool = |_| false;

    #[test]
    fn a_value_is_stored_unless_its_key_was_invalidated_since() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        assert!(matches!(invalidations.since(before, 1, NONE_IS_KNOWN), Since::Others));
        assert!(invalidations.invalidate(1, 'a').is_empty());
        let after = invalidations.newest();
        assert!(matches!(invalidations.since(before, 1, NONE_IS_KNOWN), Since::Unknown('a')));
        assert!(matches!(invalidations.since(before, 1, |_| true), Since::Others));
        assert!(matches!(invalidations.since(before, 2, NONE_IS_KNOWN), Since::Others));
        assert!(matches!(invalidations.since(after, 1, NONE_IS_KNOWN), Since::Others));
    }

    #[test]
    fn nothing_from_before_a_clear_is_stored() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        assert!(invalidations.invalidate(1, 'a').is_empty());
        assert_eq!(invalidations.clear(), [(1, 'a')]);
        assert!(matches!(invalidations.since(before, 2, NONE_IS_KNOWN), Since::Everything));
        assert!(matches!(invalidations.since(invalidations.newest(), 2, NONE_IS_KNOWN), Since::Others));
    }

    #[test]
    fn what_began_after_the_last_invalidation_is_stored_although_that_is_forgotten() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        assert!(invalidations.invalidate(1, 'a').is_empty());
        let after = invalidations.newest();
        assert_eq!(invalidations.forget(), [(1, 'a')]);
        assert_eq!(invalidations.newest(), after, "nothing new has happened");
        assert!(matches!(invalidations.since(after, 1, NONE_IS_KNOWN), Since::Others));
        assert!(matches!(invalidations.since(before, 2, NONE_IS_KNOWN), Since::Everything));
    }

    #[test]
    fn what_began_before_too_many_invalidations_is_not_stored() {
        let mut invalidations = Invalidations::new();
        let before = invalidations.newest();
        for _ in 0..MOST {
            assert!(invalidations.invalidate(1, 'a').is_empty());
        }
        assert!(matches!(invalidations.since(before, 2, NONE_IS_KNOWN), Since::Others));
        assert_eq!(invalidations.invalidate(1, 'a').len(), 1);
        assert!(matches!(invalidations.since(before, 2, NONE_IS_KNOWN), Since::Everything));
        assert!(invalidations.remembered.len() <= MOST);
    }
}
