//! One thread's part in a cache: what it writes when it hits, and nobody else does.
//!
//! `word` counts by two, plus one while the thread is *pinned*. While a thread is pinned, no place that the thread can find
//! becomes another entry's, and no buckets are freed. A pinned thread runs nothing that blocks. While the user's `Eq` and
//! `Clone` run, the thread is not pinned, and keeps one place instead: its `hazard`.

use alloc::boxed::Box;
#[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
use core::sync::atomic::Ordering::SeqCst;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::sync::{AtomicPtr, AtomicU32, AtomicU64};
use crate::table::bias::Bias;
use crate::table::blocks::Place;
use crate::table::running::Running;

// No two of them share a cache line, nor a pair that is fetched together.
#[repr(align(128))]
pub struct Reader {
    /// Two for each hit and for each stamp that the thread took in the lock, plus one while the thread is pinned.
    word: AtomicU64,
    /// What the word is added to for a stamp, while the thread is the one that stamps alone.
    base: AtomicU64,
    /// The place that is kept for foreign code, or 0.
    hazard: AtomicU32,
    misses: AtomicU64,
    /// The number of stamps taken in the lock. They are no hits.
    bumps: AtomicU64,
    running: Running,
    /// A leaked box: the thread's own stamps, in a crowd.
    table: AtomicPtr<Table>,
}

/// The stamps of one thread, by place; made and freed in the lock.
pub(crate) struct Table(Box<[AtomicU64]>);

/// A reader while it is pinned; it has ended when this is dropped.
pub struct Pin<'r> {
    reader: &'r Reader,
    word: u64,
}

/// A reader while it keeps a place for foreign code.
pub(crate) struct Hazard<'r>(&'r Reader);

impl Table {
    pub(crate) fn slot(&self, place: Place) -> Option<&AtomicU64> {
        self.0.get(place as usize)
    }

    pub(crate) fn slots(&self) -> &[AtomicU64] {
        &self.0
    }
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(0),
            base: AtomicU64::new(0),
            hazard: AtomicU32::new(0),
            misses: AtomicU64::new(0),
            bumps: AtomicU64::new(0),
            running: Running::new(),
            table: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    /// Keeps everything the thread can find from then on as it is.
    #[inline(always)]
    pub(crate) fn pin(&self, bias: &Bias) -> Pin<'_> {
        let word = self.word.load(Relaxed);
        // A thread that reads this word must also see the stamps stored before it.
        self.word.store(word | 1, Release);
        if !bias.holds_after_store() {
            // Whoever frees first unlinks, then looks who is pinned; here it is the other way round, and a fence between
            // the two makes sure that one sees the other. An exchange is one, and the cheapest there is on x86.
            #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
            self.word.swap(word | 1, core::sync::atomic::Ordering::SeqCst);
            #[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
            crate::sys::sync::fence(SeqCst);
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
        Some(self.word()).filter(|word| word % 2 == 1)
    }

    /// The place that is kept for foreign code.
    pub(crate) fn hazard(&self) -> Place {
        self.hazard.load(Acquire)
    }

    /// Returns the word. The caller then sees the stamps stored before it.
    pub(crate) fn word(&self) -> u64 {
        self.word.load(Acquire)
    }

    /// The newest stamp of the thread, while it is not pinned.
    pub(crate) fn newest(&self) -> u64 {
        self.base.load(Relaxed).wrapping_add(self.word())
    }

    /// Makes the thread's next stamps larger than this one. The owner calls this, and holds the lock.
    pub(crate) fn go_on_from(&self, stamp: u64) {
        self.base.store(stamp.wrapping_sub(self.word.load(Relaxed)), Relaxed);
    }

    /// Takes the next stamp; in the lock, by the owner.
    #[inline]
    pub(crate) fn bump(&self) -> u64 {
        let word = self.word.load(Relaxed) + 2;
        self.bumps.store(self.bumps.load(Relaxed) + 1, Relaxed);
        self.word.store(word, Release);
        self.base.load(Relaxed).wrapping_add(word)
    }

    /// The hits and misses so far; in the lock.
    pub(crate) fn counts(&self) -> (u64, u64) {
        ((self.word() >> 1) - self.bumps.load(Relaxed), self.misses.load(Relaxed))
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Counts a miss, and returns its number.
    #[inline]
    pub(crate) fn count_miss(&self) -> u64 {
        let misses = self.misses.load(Relaxed) + 1;
        self.misses.store(misses, Relaxed);
        misses
    }

    /// Counts a hit; by the owner, not pinned.
    pub(crate) fn count_hit(&self) {
        self.word.store(self.word.load(Relaxed) + 2, Release);
    }

    /// The thread's own stamps, if it has some; while it is pinned, or in the lock.
    pub(crate) fn table(&self) -> Option<&Table> {
        // SAFETY: a leaked box, which is freed in the lock and when nobody is pinned who could use it.
        unsafe { self.table.load(Acquire).as_ref() }
    }

    /// Gives the thread stamps of its own for so many places; in the lock, by the owner.
    pub(crate) fn make_table(&self, places: usize) {
        if self.table().is_none() {
            let table = Table((0..places).map(|_| AtomicU64::new(0)).collect());
            self.table.store(Box::into_raw(Box::new(table)), Release);
        }
    }

    /// Takes the thread's own stamps from it.
    ///
    /// # Safety
    /// In the lock, and nobody is using the table, nor will before the lock is open.
    pub(crate) unsafe fn drop_table(&self) {
        let table = self.table.swap(core::ptr::null_mut(), Acquire);
        if !table.is_null() {
            // SAFETY: a leaked box, and nobody uses it, as the caller says.
            drop(unsafe { Box::from_raw(table) });
        }
    }

    /// Ends the pin and the hazard of a thread that does not exist any more.
    #[cfg(unix)]
    pub(crate) fn put_at_rest(&self) {
        self.word.store(self.word.load(Relaxed) & !1, Relaxed);
        self.hazard.store(0, Relaxed);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: nobody uses the reader any more.
        unsafe { self.drop_table() };
    }
}

impl<'r> Pin<'r> {
    #[inline(always)]
    pub(crate) fn reader(&self) -> &'r Reader {
        self.reader
    }

    /// Returns whether it is time to find out if the thread hits alone.
    pub(crate) fn is_time_to_look(&self, every: u64) -> bool {
        (self.word >> 1) % every == 0
    }

    /// The stamp of a hit of the thread that stamps alone.
    #[inline(always)]
    pub(crate) fn stamp(&self) -> u64 {
        self.reader.base.load(Relaxed).wrapping_add(self.word + 2)
    }

    /// Counts a hit, and ends.
    #[inline(always)]
    pub(crate) fn hit(self) {
        self.reader.word.store(self.word + 2, Release);
        core::mem::forget(self);
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
