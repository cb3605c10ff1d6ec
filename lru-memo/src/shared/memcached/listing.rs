//! What a process remembers of a namespace: whether Memcached has a list of its entries.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Whether a namespace has a list of its entries, as this process has last seen.
#[derive(Debug, Default)]
pub(crate) struct Listing(AtomicU8);

impl Listing {
    const LISTED: u8 = 1;
    const UNLISTED: u8 = 2;

    pub(super) fn note(&self, is_listed: bool) {
        let seen = if is_listed { Self::LISTED } else { Self::UNLISTED };
        // Rarely changes, and all threads read it.
        if self.0.load(Relaxed) != seen {
            self.0.store(seen, Relaxed);
        }
    }

    /// Returns what this process has seen, if it has used the namespace.
    pub(super) fn seen(&self) -> Option<bool> {
        match self.0.load(Relaxed) {
            Self::LISTED => Some(true),
            Self::UNLISTED => Some(false),
            _ => None,
        }
    }
}
