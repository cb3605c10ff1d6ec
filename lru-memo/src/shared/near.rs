//! The near cache: values that this process got from the store, kept for the time of the option `near`. They may be
//! stale: a near hit does not ask the store.

use core::time::Duration;

use super::memory::Memory;
use super::namespace::Namespace;
use super::{Entry, Found, Store, Ticket};
use crate::info::{CacheInfo, CacheParameters};

/// The maximum number of entries in a near cache.
const MOST: usize = 1024;
/// The maximum number of bytes of its keys and values.
const MOST_BYTES: u64 = 16 << 20;

/// The near cache of one function.
pub(super) struct Near {
    space: Namespace,
    memory: Memory,
}

impl Near {
    pub(super) fn new(parameters: &CacheParameters, near: Duration) -> Self {
        let maxsize = parameters.maxsize.unwrap_or(MOST).min(MOST);
        // The store learns of the use of an entry in time.
        let near = parameters.idle.map_or(near, |idle| near.min(idle / 4));
        let space = Namespace::new("near", 0)
            .with_maxsize(Some(maxsize))
            .with_max_weight(Some(parameters.max_weight.map_or(MOST_BYTES, |max| MOST_BYTES.min(max as u64))))
            .with_ttl(Some(near));
        Self { space, memory: Memory::new() }
    }

    /// Looks up a key, and counts a hit or a miss. A miss has the ticket for [`keep`](Self::keep).
    pub(super) fn get(&self, key: &[u8]) -> Option<Found> {
        self.memory.get(&self.space, key).ok()
    }

    pub(super) fn ticket(&self) -> Option<Ticket> {
        self.memory.ticket(&self.space).ok()
    }

    /// Keeps a value of the store, unless this process has invalidated the key since.
    pub(super) fn keep(&self, key: &[u8], value: &[u8], since: Ticket, replace: bool) {
        self.store(key, value, Some(since), replace);
    }

    /// Keeps a value that the program has put.
    pub(super) fn put(&self, key: &[u8], value: &[u8]) {
        self.invalidate(key);
        self.store(key, value, None, true);
    }

    fn store(&self, key: &[u8], value: &[u8], computed_since: Option<Ticket>, replace: bool) {
        let weight = (key.len() + value.len()) as u64;
        let entry = Entry { value, weight, computed_since, replace, age: Duration::ZERO };
        // `Memory` never fails.
        let _ = self.memory.store(&self.space, key, entry);
    }

    /// Follows a new bound of the function.
    pub(super) fn resize(&self, maxsize: usize) {
        let _ = self.memory.resize(&self.space, maxsize.min(MOST));
    }

    pub(super) fn invalidate(&self, key: &[u8]) {
        let _ = self.memory.invalidate(&self.space, key);
    }

    pub(super) fn clear(&self) {
        let _ = self.memory.clear(&self.space);
    }

    pub(super) fn info(&self) -> CacheInfo {
        // `Memory` never fails.
        self.memory
            .summary(&self.space)
            .map_or(CacheInfo::unused(self.space.maxsize()), |summary| summary.info())
    }
}
