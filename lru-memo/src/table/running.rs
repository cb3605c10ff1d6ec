//! The number of computations under way, counted without a word that all threads write.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::sync::AtomicU64;

/// The computations that began and those that ended, on one thread, or on all threads without a reader.
pub(crate) struct Running {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Running {
    pub(crate) fn new() -> Self {
        Self { begun: AtomicU64::new(0), ended: AtomicU64::new(0) }
    }

    /// Counts a computation that begins. Only one thread counts here, unless it `is_shared`.
    pub(crate) fn begin(&self, is_shared: bool) {
        count(&self.begun, is_shared);
    }

    /// Counts a computation that ends. Only one thread counts here, unless it `is_shared`.
    pub(crate) fn end(&self, is_shared: bool) {
        count(&self.ended, is_shared);
    }

    /// Takes over the counts of an ended thread. It adds the begun computations first: see `Inside::runs`.
    pub(crate) fn take_over(&self, other: &Self) {
        self.begun.fetch_add(other.begun(), Release);
        self.ended.fetch_add(other.ended(), Release);
    }

    /// Counts all begun computations as ended.
    #[cfg(unix)]
    pub(crate) fn put_at_rest(&self) {
        self.ended.store(self.begun.load(Relaxed), Relaxed);
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Acquire)
    }

    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Acquire)
    }
}

fn count(counter: &AtomicU64, is_shared: bool) {
    if is_shared {
        counter.fetch_add(1, Release);
    } else {
        counter.store(counter.load(Relaxed) + 1, Release);
    }
}
