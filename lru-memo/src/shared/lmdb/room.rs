//! How much entries may take when there is less room than the store was made for, and pages held in reserve.
//!
//! The file of LMDB is allocated some way beyond its last page. Storing an entry may use that way, and must make it good
//! afterwards. Where the disk is full, that fails: the limit is then lowered, so that the next one evicts. Thus a
//! transaction that only removes finds pages, free ones in the file or those in reserve, whatever others do on the disk.

use core::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::opened::Opened;
use super::raw;
use super::table::Head;
use crate::shared::error::{Error, Kind};
use crate::shared::namespace::Namespace;

/// The limit of what entries may take is never less, in bytes.
const LEAST: u64 = 1 << 16;

/// How often it is tried to remove an entry where there is no room for that.
const ATTEMPTS: u32 = 3;

/// What entries may take on a disk that has room.
pub(super) fn most(head: &Head) -> u64 {
    // The other half is for what LMDB itself needs, and for pages that are free but do not lie side by side.
    head.map_size.load(Relaxed) / 2
}

/// Makes the limit so much less than what entries take now.
pub(super) fn lower(head: &Head, by: u64) {
    let taken = head.bytes.load(Relaxed);
    head.limit.store(taken.saturating_sub(by).max(LEAST), Relaxed);
}

/// What is allocated beyond a file of this length: also the list of all its pages, when they become free, has room.
fn reserve(length: u64) -> u64 {
    (1 << 17) + length / 128
}

impl Opened {
    /// To be done when so many bytes were stored: keeps pages in reserve, and lets the limit grow where there is room.
    pub(super) fn keep_reserve(&self, stored: u64) {
        *self.kept_since.lock() = None;
        let head = self.table.head();
        let length = self.environment().length();
        if self.wanted(length, 1) > head.allocated.load(Relaxed) {
            if !self.allocate(length) {
                // Once for each time that the file has become longer.
                if head.pinned.fetch_max(length, Relaxed) < length {
                    lower(head, reserve(length).max(head.bytes.load(Relaxed) / 16));
                }
                return;
            }
            head.pinned.store(0, Relaxed);
        }
        // Slowly: to find that there is no room costs the more, the more entries there are.
        let (limit, most) = (head.limit.load(Relaxed), most(head));
        if limit < most {
            head.limit.store(most.min(limit.saturating_add(stored / 4)), Relaxed);
        }
    }

    /// How many entries one transaction may remove: each may take a page of the reserve for itself, and parts of others.
    pub(super) fn evictions(&self) -> u64 {
        reserve(self.environment().length()) >> 14
    }

    /// To be done when there is no room, although others were evicted, for what takes so many bytes with all that is left;
    /// with zero, when there is no room to evict. When that is little of the file, a reader keeps the rest that is
    /// stopped in the middle of a lookup: LMDB uses no page again that such a one may see. If it stays so for the timeout,
    /// all processes make a new store.
    pub(super) fn look_for_stopped_reader(&self, taken: u64) {
        let mut kept_since = self.kept_since.lock();
        if 4 * taken > self.environment().length() {
            *kept_since = None;
        } else if kept_since.get_or_insert_with(Instant::now).elapsed() > self.timeout {
            self.give_up();
        }
    }

    /// Up to where the file of LMDB is to be allocated; it is never longer than its map.
    fn wanted(&self, length: u64, times: u64) -> u64 {
        (length + times * reserve(length)).min(self.table.head().map_size.load(Relaxed))
    }

    /// Does what removes entries. Where LMDB or the disk has no room even for that, others are evicted first.
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

    /// Allocates the file of LMDB beyond this length: twice the reserve, lest it be done each time.
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
