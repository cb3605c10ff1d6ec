//! A reserve of pages, and a limit for the entries, so that the store works on a full disk.
//!
//! The file of LMDB is allocated beyond its last page: this is the reserve. Storing an entry may use the reserve, and
//! refills it afterwards. If the disk has no room to refill it, the limit is lowered, so that the next store evicts. A
//! removal therefore always finds pages, free ones in the file or those of the reserve, whatever other programs do on
//! the disk.

use core::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::opened::Opened;
use super::raw;
use super::table::Head;
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;

/// The lowest limit for the entries, in bytes.
const LEAST: u64 = 1 << 16;

/// How often a removal is tried when there is no room for it.
const ATTEMPTS: u32 = 3;

/// Returns the limit for the entries on a disk with room.
pub(super) fn most(head: &Head) -> u64 {
    // The other half is for LMDB itself, and for free pages that are not contiguous.
    head.map_size.load(Relaxed) / 2
}

/// Sets the limit `by` bytes below what the entries take now.
pub(super) fn lower(head: &Head, by: u64) {
    let taken = head.bytes.load(Relaxed);
    head.limit.store(taken.saturating_sub(by).max(LEAST), Relaxed);
}

/// Returns the size of the reserve for a file of this length. It has room for LMDB's list of all pages, when they
/// become free.
fn reserve(length: u64) -> u64 {
    (1 << 17) + length / 128
}

impl Opened {
    /// Refills the reserve after an entry of so many bytes was stored, and raises the limit while there is room.
    pub(super) fn keep_reserve(&self, stored: u64) {
        *self.kept_since.lock() = None;
        let head = self.table.head();
        let length = self.environment().length();
        if self.wanted(length, 1) > head.allocated.load(Relaxed) {
            if !self.allocate(length) {
                // Lowers the limit only once for each length of the file.
                if head.pinned.fetch_max(length, Relaxed) < length {
                    lower(head, reserve(length).max(head.bytes.load(Relaxed) / 16));
                }
                return;
            }
            head.pinned.store(0, Relaxed);
        }
        // The limit rises slowly, because finding out that there is no room is the more expensive, the more entries
        // there are.
        let (limit, most) = (head.limit.load(Relaxed), most(head));
        if limit < most {
            head.limit.store(most.min(limit.saturating_add(stored / 4)), Relaxed);
        }
    }

    /// Returns how many entries one transaction may remove. Each removal may need a page of the reserve, and parts of
    /// others.
    pub(super) fn evictions(&self) -> u64 {
        reserve(self.environment().length()) >> 14
    }

    /// Handles a store that is full although entries were evicted. `taken` is what the remaining entries and the new
    /// one take, in bytes, or zero if there was no room even to evict. If that is little of the file, a stopped reader
    /// keeps the rest: LMDB does not reuse pages that a read transaction may see. If this lasts for the timeout, the
    /// store is given up.
    pub(super) fn look_for_stopped_reader(&self, taken: u64) {
        let mut kept_since = self.kept_since.lock();
        if 4 * taken > self.environment().length() {
            *kept_since = None;
        } else if kept_since.get_or_insert_with(Instant::now).elapsed() > self.timeout {
            self.give_up();
        }
    }

    /// Returns the wanted length of LMDB's file, with `times` the reserve. The file is never longer than its map.
    fn wanted(&self, length: u64, times: u64) -> u64 {
        (length + times * reserve(length)).min(self.table.head().map_size.load(Relaxed))
    }

    /// Runs a removal. If LMDB or the disk has no room even for that, evicts other entries first.
    pub(super) fn remove_surely<R>(
        &self,
        namespace: &Namespace,
        remove: impl Fn(&Self) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let head = self.table.head();
        let mut result = remove(self);
        for round in 0..ATTEMPTS {
            match &result {
                Err(error) if error.kind() == Kind::Full => {}
                _ => break,
            }
            lower(head, reserve(self.environment().length()) << round);
            if !self.free_some(namespace, 0)? {
                break;
            }
            result = remove(self);
        }
        result
    }

    /// Allocates LMDB's file beyond this length: twice the reserve if possible, so that this is not needed each time.
    fn allocate(&self, length: u64) -> bool {
        [2, 1].into_iter().any(|times| {
            let end = self.wanted(length, times);
            let allocated = self.table.head().allocated.load(Relaxed).min(length);
            let done =
                raw::reserve(&self.data, allocated as usize, end.saturating_sub(allocated) as usize).is_ok();
            if done {
                self.table.head().allocated.fetch_max(end, Relaxed);
            }
            done
        })
    }
}
