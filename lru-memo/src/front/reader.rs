//! One thread's part in a cache: what it writes when it hits, and nobody else does.
//!
//! `word` is the position in the log, times two, plus one while the thread is *pinned*: while it is, no place that
//! it can find becomes another entry's, and no buckets are freed. Pinned, it runs nothing that blocks. For the
//! user's `Eq` and `Clone` it holds on to one place instead, its `hazard`.
//!
//! The log holds what the thread has hit since it was last drained, in order. A position is a place, or nothing, or
//! a mark: what follows came after everything that was logged under an earlier mark, by whatever thread.

use alloc::boxed::Box;
#[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::front::running::Running;
use crate::ring::Place;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, UnsafeCell};

/// What a log holds where it holds no place: nothing, or, with [`MARK`], a mark.
pub(crate) const NOTHING: u32 = 0;
/// Set in a mark.
pub(crate) const MARK: u32 = 1 << 31;

/// The length of the shortest and of the longest log.
#[cfg(not(all(test, loom)))]
const LOG: core::ops::RangeInclusive<usize> = 64..=2048;
#[cfg(all(test, loom))]
const LOG: core::ops::RangeInclusive<usize> = 4..=4;

// No two of them share a cache line, nor a pair that is fetched together.
#[repr(align(128))]
pub struct Reader {
    /// The position in the log, times two; plus one while pinned.
    word: AtomicU64,
    /// The place that is kept for foreign code, or 0.
    hazard: AtomicU32,
    /// Tells the readers of one cache apart; never 0.
    id: u32,
    /// The position at which the log is full.
    full: AtomicU64,
    /// Written and freed by the owner in the lock; read by it without, and in the lock by all.
    log: UnsafeCell<Box<[AtomicU32]>>,
    /// Positions that are no hits.
    marks: AtomicU64,
    misses: AtomicU64,
    running: Running,
    /// Whether a thread has it.
    taken: AtomicBool,
    /// Used in the lock: up to where the log is drained, and the newest mark there.
    drained: AtomicU64,
    mark: AtomicU32,
    /// The next of the same cache.
    pub(super) next: AtomicPtr<Reader>,
}

// SAFETY: all but `log` is atomic. The log is replaced by its owner alone and in the lock, and others read it in the
// lock only.
unsafe impl Sync for Reader {}
// SAFETY: it owns what it holds.
unsafe impl Send for Reader {}

/// A reader while it is pinned; it has ended when this is dropped.
pub struct Pin<'r> {
    reader: &'r Reader,
    word: u64,
}

/// A reader while it keeps a place for foreign code.
pub(crate) struct Hazard<'r>(&'r Reader);

impl Reader {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            word: AtomicU64::new(0),
            hazard: AtomicU32::new(0),
            id,
            full: AtomicU64::new(*LOG.start() as u64),
            log: UnsafeCell::new(log(*LOG.start())),
            marks: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            running: Running::new(),
            taken: AtomicBool::new(true),
            drained: AtomicU64::new(0),
            mark: AtomicU32::new(0),
            next: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    #[inline]
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Keeps everything the thread can find from then on as it is.
    #[inline]
    pub(crate) fn pin(&self) -> Pin<'_> {
        let word = self.word.load(Relaxed);
        // Whoever frees first unlinks, then looks who is pinned; here it is the other way round, and a fence between
        // the two makes sure that one sees the other. An exchange is one, and the cheapest there is on x86.
        #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
        self.word.swap(word | 1, core::sync::atomic::Ordering::SeqCst);
        #[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
        {
            self.word.store(word | 1, Relaxed);
            crate::sync::fence(SeqCst);
        }
        Pin { reader: self, word }
    }

    /// For a cache of one thread, where nobody frees meanwhile.
    #[inline]
    pub(crate) fn unpinned(&self) -> Pin<'_> {
        Pin { reader: self, word: self.word.load(Relaxed) }
    }

    /// What the word is when it is pinned.
    pub(crate) fn pinned_at(&self) -> Option<u64> {
        Some(self.word.load(Acquire)).filter(|word| word % 2 == 1)
    }

    /// The place that is kept for foreign code.
    pub(crate) fn hazard(&self) -> Place {
        self.hazard.load(Acquire)
    }

    pub(crate) fn hits(&self) -> u64 {
        let marks = self.marks.load(Acquire);
        (self.word.load(Acquire) >> 1).saturating_sub(marks)
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    #[inline]
    pub(crate) fn count_miss(&self) {
        self.misses.store(self.misses.load(Relaxed) + 1, Relaxed);
    }

    #[inline]
    fn has_room(&self, word: u64, positions: u64) -> bool {
        (word >> 1) + positions <= self.full.load(Relaxed)
    }

    /// Whether a mark and a hit can be logged.
    pub(crate) fn has_room_for_mark(&self) -> bool {
        self.has_room(self.word.load(Relaxed), 2)
    }

    #[inline]
    fn write(&self, position: u64, what: u32) {
        // SAFETY: this is the owner's, which alone replaces the log.
        self.log.with(|log| {
            let log = unsafe { &**log };
            log[position as usize & (log.len() - 1)].store(what, Relaxed);
        });
    }

    /// Logs a hit and nothing else, if there is room; while the place is kept.
    #[inline]
    pub(crate) fn log(&self, place: Place) -> bool {
        let word = self.word.load(Relaxed);
        let has_room = self.has_room(word, 1);
        if has_room {
            self.write(word >> 1, place);
            self.word.store(word + 2, Release);
        }
        has_room
    }

    /// Logs a hit after a mark, if there is room; while the place is kept.
    pub(crate) fn log_marked(&self, mark: u32, place: Place) -> bool {
        let word = self.word.load(Relaxed);
        let has_room = self.has_room(word, 2);
        if has_room {
            self.write(word >> 1, MARK | mark);
            self.write((word >> 1) + 1, place);
            self.marks.store(self.marks.load(Relaxed) + 1, Release);
            self.word.store(word + 4, Release);
        }
        has_room
    }

    /// What was logged since the log was last drained; in the lock. Positions, and the newest mark before them.
    pub(crate) fn undrained(&self) -> (core::ops::Range<u64>, u32) {
        (self.drained.load(Relaxed)..self.word.load(Acquire) >> 1, self.mark.load(Relaxed))
    }

    /// What is at a position; in the lock.
    pub(crate) fn logged(&self, position: u64) -> u32 {
        // SAFETY: in the lock nobody replaces the log.
        self.log.with(|log| {
            let log = unsafe { &**log };
            log[position as usize & (log.len() - 1)].load(Relaxed)
        })
    }

    /// What is at these positions, the last first; in the lock.
    pub(crate) fn logged_backwards(&self, positions: core::ops::Range<u64>) -> impl Iterator<Item = u32> {
        // SAFETY: in the lock nobody replaces the log.
        let log = self.log.with(|log| unsafe { &**log });
        positions.rev().map(move |position| log[position as usize & (log.len() - 1)].load(Relaxed))
    }

    /// Notes that the log is drained up to a position, where this is the newest mark; in the lock.
    pub(crate) fn note_drained(&self, position: u64, mark: u32) {
        self.drained.store(position, Relaxed);
        self.mark.store(mark, Relaxed);
    }

    /// Makes room in the log, which is drained; in the lock, by the owner.
    pub(crate) fn make_room(&self) {
        // SAFETY: in the lock, and by the owner: nobody reads it.
        let length = self.log.with_mut(|log| {
            let log = unsafe { &mut *log };
            if log.len() < *LOG.end() {
                *log = self::log(log.len() * 4);
            }
            log.len()
        });
        self.full.store(self.drained.load(Relaxed) + length as u64, Relaxed);
    }

    /// Takes a reader that no thread has.
    pub(crate) fn take(&self) -> bool {
        !self.taken.load(Relaxed) && !self.taken.swap(true, Acquire)
    }

    /// Leaves the reader, with its counts and its log, to another thread.
    pub(crate) fn leave(&self) {
        self.taken.store(false, Release);
    }
}

impl<'r> Pin<'r> {
    #[inline]
    pub(crate) fn reader(&self) -> &'r Reader {
        self.reader
    }

    /// Logs a hit, if there is room; the pin has ended then.
    #[inline]
    pub(crate) fn hit(self, place: Place) -> Result<(), Self> {
        if !self.reader.has_room(self.word, 1) {
            return Err(self);
        }
        self.reader.write(self.word >> 1, place);
        self.reader.word.store(self.word + 2, Release);
        core::mem::forget(self);
        Ok(())
    }

    /// Keeps one place, instead of everything. `None` when another one is kept already.
    #[inline]
    pub(crate) fn keep(self, place: Place) -> Option<Hazard<'r>> {
        let reader = self.reader;
        if reader.hazard.load(Relaxed) != 0 {
            return None;
        }
        reader.hazard.store(place, Release);
        drop(self);
        Some(Hazard(reader))
    }
}

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        self.reader.word.store(self.word, Release);
    }
}

impl Drop for Hazard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.hazard.store(0, Release);
    }
}

fn log(length: usize) -> Box<[AtomicU32]> {
    (0..length).map(|_| AtomicU32::new(NOTHING)).collect()
}
