//! One thread's part in a cache: what it writes when it hits, and nobody else does.
//!
//! `word` is the position in the log, or the number of hits where there is no log, times two, plus one while the thread is *pinned*: while it is, no place that
//! it can find becomes another entry's, and no buckets are freed. Pinned, it runs nothing that blocks. For the
//! user's `Eq` and `Clone` it holds on to one place instead, its `hazard`.
//!
//! The log holds what the thread has hit since it was last drained, in order. A position is a place, or a mark: what
//! follows came after everything that was logged under an earlier mark, by whatever thread. Or it is half of a stamp,
//! which tells when the next place was hit; two halves go before each place under a mark under which many log.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
#[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::front::running::Running;
use crate::front::stamp::stamp;
use crate::ring::Place;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, UnsafeCell};

/// Set in what is no place: a mark, or half of a stamp.
pub(crate) const NO_PLACE: u32 = 1 << 31;
/// Set as well in half of a stamp.
pub(crate) const STAMP: u32 = 1 << 30;
/// The bits of a mark, and of half of a stamp.
pub(crate) const NUMBER: u32 = STAMP - 1;
/// What is in the log before it is written.
const NOTHING: u32 = 0;

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
    /// The word at which the log is full.
    full: AtomicU64,
    /// Where position 0 would be in the log; it begins later.
    origin: AtomicPtr<AtomicU32>,
    misses: AtomicU64,
    running: Running,
    /// The mark that was logged last.
    marked: AtomicU32,
    /// Used in the lock: the log, which its owner alone replaces, ...
    log: UnsafeCell<Box<[AtomicU32]>>,
    /// ... the position at which it begins, up to where it is drained, and the newest mark and the number of marks
    /// there.
    begin: AtomicU64,
    drained: AtomicU64,
    mark: AtomicU32,
    marks: AtomicU64,
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
            full: AtomicU64::new(0),
            origin: AtomicPtr::new(core::ptr::null_mut()),
            misses: AtomicU64::new(0),
            running: Running::new(),
            marked: AtomicU32::new(0),
            log: UnsafeCell::new(Box::new([])),
            begin: AtomicU64::new(0),
            drained: AtomicU64::new(0),
            mark: AtomicU32::new(0),
            marks: AtomicU64::new(0),
        }
    }

    #[inline(always)]
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Keeps everything the thread can find from then on as it is.
    #[inline(always)]
    pub(crate) fn pin(&self) -> Pin<'_> {
        let word = self.word.load(Relaxed);
        // Whoever frees first unlinks, then looks who is pinned; here it is the other way round, and a fence between
        // the two makes sure that one sees the other. An exchange is one, and the cheapest there is on x86.
        #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
        self.word.swap(word | 1, core::sync::atomic::Ordering::SeqCst);
        #[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
        {
            // Who reads this word, rather than the one before it, has to see what was logged until then, too.
            self.word.store(word | 1, Release);
            crate::sync::fence(SeqCst);
        }
        Pin { reader: self, word }
    }

    /// For a cache of one thread, where nobody frees meanwhile.
    #[inline(always)]
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

    /// The hits so far, where they are only counted.
    fn counted_hits(&self) -> u64 {
        self.word.load(Acquire) >> 1
    }

    /// The hits so far, where they are logged; in the lock.
    fn logged_hits(&self) -> u64 {
        let (undrained, _) = self.undrained();
        let end = undrained.end;
        let marks = self.logged_backwards(undrained).filter(|what| what & NO_PLACE != 0).count();
        end - self.marks.load(Relaxed) - marks as u64
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// The hits and misses so far; in the lock.
    pub(crate) fn counts(&self, are_counted: bool) -> (u64, u64) {
        let hits = if are_counted { self.counted_hits() } else { self.logged_hits() };
        (hits, self.misses.load(Relaxed))
    }

    #[inline]
    pub(crate) fn count_miss(&self) {
        self.misses.store(self.misses.load(Relaxed) + 1, Relaxed);
    }

    #[inline(always)]
    fn has_room(&self, word: u64, positions: u64) -> bool {
        word + 2 * positions <= self.full.load(Relaxed)
    }

    /// Whether a mark and a hit, with its stamp, can be logged.
    pub(crate) fn has_room_for_mark(&self) -> bool {
        self.has_room(self.word.load(Relaxed), 4)
    }

    /// Writes to the log at the position of a word.
    ///
    /// # Safety
    /// The calling thread owns the reader, and there is room at that word.
    #[inline(always)]
    unsafe fn write(&self, word: u64, what: u32) {
        let origin = self.origin.load(Relaxed);
        // A position is half of a word.
        let slot = origin.wrapping_byte_add((word as usize).wrapping_mul(size_of::<AtomicU32>() / 2));
        // SAFETY: where there is room, the slot is in the log, which only the owner replaces.
        unsafe { &*slot }.store(what, Relaxed);
    }

    /// Logs a hit and nothing else, if there is room; while the place is kept.
    #[inline(always)]
    pub(crate) fn log(&self, place: Place) -> bool {
        let word = self.word.load(Relaxed);
        let has_room = self.has_room(word, 1);
        if has_room {
            // SAFETY: there is room, and a reader is used by its owner.
            unsafe { self.write(word, place) };
            self.word.store(word + 2, Release);
        }
        has_room
    }

    /// Counts a hit, where hits are not logged; while the place is kept.
    pub(crate) fn count_hit(&self) {
        self.word.store(self.word.load(Relaxed) + 2, Release);
    }

    /// Logs a hit after a mark, if there is room; while the place is kept.
    pub(crate) fn log_marked(&self, mark: u32, place: Place) -> bool {
        let word = self.word.load(Relaxed);
        let has_room = self.has_room(word, 2);
        if has_room {
            // SAFETY: there is room, and a reader is used by its owner.
            unsafe {
                self.write(word, NO_PLACE | mark);
                self.write(word + 2, place);
            }
            self.marked.store(mark, Relaxed);
            self.word.store(word + 4, Release);
        }
        has_room
    }

    /// Logs a hit with its stamp under a mark, if there is room; while the place is kept, or pinned at that word.
    fn log_stamped_at(&self, mut word: u64, mark: u32, place: Place) -> bool {
        let has_room = self.has_room(word, 4);
        if has_room {
            let stamp = stamp();
            let half = |half: u64| NO_PLACE | STAMP | half as u32 & NUMBER;
            // SAFETY: there is room, and a reader is used by its owner.
            unsafe {
                if self.marked.load(Relaxed) != mark {
                    self.marked.store(mark, Relaxed);
                    self.write(word, NO_PLACE | mark);
                    word += 2;
                }
                self.write(word, half(stamp >> 30));
                self.write(word + 2, half(stamp));
                self.write(word + 4, place);
            }
            self.word.store(word + 6, Release);
        }
        has_room
    }

    /// Logs a hit with its stamp under a mark, if there is room; while the place is kept.
    pub(crate) fn log_stamped(&self, mark: u32, place: Place) -> bool {
        self.log_stamped_at(self.word.load(Relaxed), mark, place)
    }

    /// What was logged since the log was last drained; in the lock. Positions, and the newest mark before them.
    pub(crate) fn undrained(&self) -> (Range<u64>, u32) {
        (self.drained.load(Relaxed)..self.word.load(Acquire) >> 1, self.mark.load(Relaxed))
    }

    /// What is at a position; in the lock.
    pub(crate) fn logged(&self, position: u64) -> u32 {
        let begin = self.begin.load(Relaxed);
        // SAFETY: in the lock nobody replaces the log.
        self.log.with(|log| unsafe { &(&**log)[(position - begin) as usize] }.load(Relaxed))
    }

    /// What is at these positions, the last first; in the lock.
    pub(crate) fn logged_backwards(&self, positions: Range<u64>) -> impl Iterator<Item = u32> {
        let begin = self.begin.load(Relaxed);
        let positions = (positions.start - begin) as usize..(positions.end - begin) as usize;
        // SAFETY: in the lock nobody replaces the log.
        let log = self.log.with(|log| unsafe { &**log });
        log[positions].iter().rev().map(|what| what.load(Relaxed))
    }

    /// Notes that the log is drained up to a position, where this is the newest mark, after so many more; in the lock.
    pub(crate) fn note_drained(&self, position: u64, mark: u32, marks: u64) {
        self.drained.store(position, Relaxed);
        self.mark.store(mark, Relaxed);
        self.marks.store(self.marks.load(Relaxed) + marks, Relaxed);
    }

    /// Makes room in the log, which is drained; in the lock, by the owner.
    pub(crate) fn make_room(&self) {
        let (origin, length) = self.log.with_mut(|log| {
            // SAFETY: in the lock, and by the owner: nobody reads it.
            let log = unsafe { &mut *log };
            if log.len() < *LOG.end() {
                let length = (log.len() * 4).clamp(*LOG.start(), *LOG.end());
                *log = (0..length).map(|_| AtomicU32::new(NOTHING)).collect();
            }
            (log.as_ptr().cast_mut(), log.len())
        });
        let begin = self.drained.load(Relaxed);
        self.begin.store(begin, Relaxed);
        self.origin.store(origin.wrapping_sub(begin as usize), Relaxed);
        self.full.store((begin + length as u64) * 2, Relaxed);
    }

    /// Makes room in the log by keeping the latest hit of each place alone, which tells the order as well, `kept` in
    /// between; in the lock, by the owner. Only where all hits have stamps under one mark, where that makes room for half of the log, and
    /// not always: so that a drain finds out whether others still hit.
    pub(crate) fn compact(&self, kept: &mut Vec<u32>, mut is_first: impl FnMut(Place) -> bool) -> bool {
        const SELDOM: u64 = 16;
        let (positions, mut mark) = self.undrained();
        let end = positions.end;
        let length = self.log.with(|log| {
            // SAFETY: in the lock nobody replaces the log.
            unsafe { &*log }.len()
        });
        if length == 0 || end / length as u64 % SELDOM == 0 {
            return false;
        }
        let mut dropped = 0;
        let mut latest_first = self.logged_backwards(positions);
        while let Some(what) = latest_first.next() {
            if what & NO_PLACE != 0 {
                mark = what & NUMBER;
                dropped += 1;
                if latest_first.next().is_some() {
                    return false;
                }
                break;
            }
            match [latest_first.next(), latest_first.next()] {
                [Some(low), Some(high)] if low & high & STAMP != 0 => {
                    if is_first(what) {
                        kept.extend([what, low, high]);
                    } else {
                        dropped += 2;
                    }
                }
                _ => return false,
            }
        }
        if kept.len() * 2 > length {
            return false;
        }
        self.note_drained(end - kept.len() as u64, mark, dropped);
        self.make_room();
        self.log.with(|log| {
            // SAFETY: in the lock nobody replaces the log.
            let slots = unsafe { &**log };
            for (slot, what) in slots.iter().zip(kept.iter().rev()) {
                slot.store(*what, Relaxed);
            }
        });
        true
    }

    /// Ends what the thread was doing that had the reader: it does not exist any more.
    #[cfg(unix)]
    pub(crate) fn put_at_rest(&self) {
        self.word.store(self.word.load(Relaxed) & !1, Relaxed);
        self.hazard.store(0, Relaxed);
    }
}

impl<'r> Pin<'r> {
    #[inline(always)]
    pub(crate) fn reader(&self) -> &'r Reader {
        self.reader
    }

    /// Whether a hit can be logged.
    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.reader.has_room(self.word, 1)
    }

    /// Logs a hit, for which there must be room, and ends.
    ///
    /// # Safety
    /// There [is room](Self::has_room).
    #[inline(always)]
    pub(crate) unsafe fn hit(self, place: Place) {
        // SAFETY: there is room, and a reader is used by its owner.
        unsafe { self.reader.write(self.word, place) };
        self.reader.word.store(self.word + 2, Release);
        core::mem::forget(self);
    }

    /// Counts a hit, where hits are not logged, and ends.
    #[inline(always)]
    pub(crate) fn counted_hit(self) {
        self.reader.word.store(self.word + 2, Release);
        core::mem::forget(self);
    }

    /// Logs a hit with its stamp under a mark, if there is room, and ends.
    #[inline(never)]
    pub(crate) fn hit_stamped(self, mark: u32, place: Place) -> bool {
        let is_logged = self.reader.log_stamped_at(self.word, mark, place);
        if is_logged {
            core::mem::forget(self);
        }
        is_logged
    }

    /// Keeps one place, instead of everything. `None` when another one is kept already.
    #[inline(always)]
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
    #[inline(always)]
    fn drop(&mut self) {
        self.reader.word.store(self.word, Release);
    }
}

impl Drop for Hazard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.hazard.store(0, Release);
    }
}
