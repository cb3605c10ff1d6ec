//! A bound that changes while others read it.

use core::sync::atomic::Ordering::SeqCst;

use crate::sys::sync::{AtomicUsize, fence};

/// The largest number of entries in the caches of one function, or in one cache of an object.
pub(crate) struct Bound(AtomicUsize);

impl Bound {
    pub(crate) fn new(maxsize: usize) -> Self {
        Self(AtomicUsize::new(maxsize))
    }

    pub(crate) fn get(&self) -> usize {
        fence(SeqCst);
        self.0.load(SeqCst)
    }

    /// Changes the bound. The caller then makes the existing caches follow it.
    pub(crate) fn set(&self, maxsize: usize) {
        self.0.store(maxsize, SeqCst);
        fence(SeqCst);
    }
}
