//! The near cache: what this process has got from the store lately, for as long as the function says it may be stale.

use core::time::Duration;

use super::memory::Memory;
use super::namespace::Namespace;
use super::{Counts, Entry, Found, Store, Ticket};
use crate::info::{CacheInfo, CacheParameters};

/// No near cache has more entries.
const MOST: usize = 1024;
/// Nor do its keys and values have more bytes.
const MOST_BYTES: u64 = 16 << 20;

/// The entries of one function that this process has got lately.
pub(super) struct Near {
    space: Namespace,
    memory: Memory,
}

impl Near {
    pub(super) fn new(parameters: &CacheParameters, near: Duration) -> Self {
        let maxsize = parameters.maxsize.unwrap_or(MOST).min(MOST);
        let space = Namespace::new("near", 0)
            .with_maxsize(Some(maxsize))
            .with_max_weight(Some(parameters.max_weight.map_or(MOST_BYTES, |max| MOST_BYTES.min(max as u64))))
            .with_ttl(Some(near));
        Self { space, memory: Memory::new() }
    }

    /// What is there, or with what it is to be kept; counts.
    pub(super) fn get(&self, key: &[u8]) -> Option<Found> {
        self.memory.get(&self.space, key).ok()
    }

    pub(super) fn ticket(&self) -> Option<Ticket> {
        self.memory.ticket(&self.space).ok()
    }

    /// Keeps what the store has, unless it was invalidated since.
    pub(super) fn keep(&self, key: &[u8], value: &[u8], since: Ticket, replace: bool) {
        self.store(key, value, Some(since), replace);
    }

    /// Keeps what was put.
    pub(super) fn put(&self, key: &[u8], value: &[u8]) {
        self.invalidate(key);
        self.store(key, value, None, true);
    }

    fn store(&self, key: &[u8], value: &[u8], computed_since: Option<Ticket>, replace: bool) {
        let weight = (key.len() + value.len()) as u64;
        let entry = Entry { value, weight, computed_since, replace, age: Duration::ZERO };
        // Memory does not fail.
        let _ = self.memory.store(&self.space, key, entry);
    }

    pub(super) fn invalidate(&self, key: &[u8]) {
        let _ = self.memory.invalidate(&self.space, key);
    }

    pub(super) fn clear(&self) {
        let _ = self.memory.clear(&self.space);
    }

    pub(super) fn info(&self) -> CacheInfo {
        let Counts { hits, misses, currsize } = self.memory.info(&self.space).unwrap_or_default();
        CacheInfo { hits, misses, maxsize: self.space.maxsize(), currsize }
    }
}
