//! Comparisons of keys outside of the lock.
//!
//! `Eq` is the user's code, so it must not run in the lock. A search in the lock therefore stops at each candidate that it
//! does not know, the candidate is compared outside, and the search begins again. It ends when no new candidate has
//! appeared under its hash.

use alloc::vec::Vec;

use crate::table::outlined::Outlined;

/// The candidates that a search has compared with its key.
pub(crate) struct Compared<C> {
    pub(crate) equal: Vec<C>,
    pub(crate) different: Vec<C>,
}

impl<C> Compared<C> {
    pub(crate) const fn new() -> Self {
        Self { equal: Vec::new(), different: Vec::new() }
    }

    /// Returns the first result of `step`, which searches in the lock. If a step returns a candidate instead, this compares
    /// the candidate by `equals`, outside of the lock, and takes another step. The subject goes to each step, and comes back
    /// with each candidate.
    pub(crate) fn search<S, R>(
        &mut self,
        mut subject: S,
        mut step: impl FnMut(&mut Self, S) -> Result<R, (C, S)>,
        equals: impl Fn(&S, &C) -> bool,
    ) -> R {
        loop {
            let (candidate, again) = match step(self, subject) {
                Ok(result) => return result,
                Err(unknown) => unknown,
            };
            let is_equal = equals(&again, &candidate);
            self.note(candidate, is_equal);
            subject = again;
        }
    }

    pub(crate) fn note(&mut self, candidate: C, is_equal: bool) {
        if is_equal { &mut self.equal } else { &mut self.different }.push(candidate);
    }
}

/// Whether two pointers are to one key.
pub(crate) fn is_same<T: Outlined, K>(left: &T::Pointer<K>, right: &T::Pointer<K>) -> bool {
    core::ptr::eq(&raw const **left, &raw const **right)
}
