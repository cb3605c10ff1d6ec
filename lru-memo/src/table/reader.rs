//! One thread's part in one cache: its pin, its hazard and its counts.
//!
//! `word` grows by two, plus one while the thread is *pinned*. Nothing that a pinned thread can find is freed (epoch-based
//! reclamation). A pinned thread runs nothing that blocks. While the user's `Eq` and `Clone` run, the thread is not pinned,
//! and protects one place instead: its `hazard` (a hazard pointer).

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use crate::sys::prefetch::fetch;
use crate::sys::sync::{AtomicPtr, AtomicU32, AtomicU64};
use crate::table::blocks::{Place, zeros};
use crate::table::locked::Locked;
use crate::table::running::Running;

/// After so many hits, a thread checks whether a bias pays.
const LOOK_AFTER_HITS: u64 = 1 << 12;
/// After so many hits, it checks for the first time.
const FIRST_LOOK: u64 = 8;

// No two readers share a cache line.
#[repr(align(64))]
pub struct Reader {
    /// Grows by two for each hit and for each stamp that the thread took in the lock, plus one while the thread is pinned. It is the
    /// newest stamp of the thread that stamps alone.
    word: AtomicU64,
    /// By how much the word has grown for anything but hits.
    not_hits: AtomicU64,
    /// The place that the thread protects for foreign code, or 0.
    hazard: AtomicU32,
    /// Whether this is the part of an [`Apart`].
    is_apart: bool,
    misses: AtomicU64,
    running: Running,
    /// A leaked box: the thread's own stamps in a crowd.
    stamps: AtomicPtr<Stamps>,
    /// Where these stamps begin. Only prefetches use it.
    first_stamp: AtomicPtr<AtomicU64>,
}

/// A reader that is in no pair of cache lines, which the processor fetches together, with another one.
#[repr(C, align(128))]
struct Apart(Reader);

/// The stamps of one thread in a crowd, by place. The lock's holder makes and frees them.
pub(crate) struct Stamps {
    stamps: Box<[AtomicU64]>,
    /// The newest stamp in each part of them.
    newest: Box<[AtomicU64]>,
    /// The newest stamp of each part when the part was last taken. The lock's holder writes these.
    taken: Box<[AtomicU64]>,
}

/// The number of stamps in a part: those of a page.
const PART: usize = if cfg!(all(test, loom)) { 2 } else { 1 << 9 };

/// A reader of the calling thread (invariant 2). What only this thread may do is a method of it.
#[derive(Clone, Copy)]
pub struct Owner<'r> {
    reader: &'r Reader,
    /// Not `Send`.
    of_this_thread: PhantomData<*const ()>,
}

/// A pinned reader of the calling thread. Dropping it unpins.
pub struct Pin<'r> {
    owner: Owner<'r>,
    word: u64,
}

/// A reader of the calling thread that protects one place for foreign code. Dropping it ends the protection.
pub(crate) struct Hazard<'r>(Owner<'r>);

impl Stamps {
    pub(super) fn new(length: usize) -> Self {
        let parts = length.div_ceil(PART);
        Self { stamps: zeros(length), newest: zeros(parts), taken: zeros(parts) }
    }

    pub(crate) fn len(&self) -> usize {
        self.stamps.len()
    }

    /// Returns the stamp of a place, or 0.
    pub(crate) fn stamp_at(&self, place: Place) -> u64 {
        self.stamps.get(place as usize).map_or(0, |stamp| stamp.load(Relaxed))
    }

    /// Stores the stamp of a place, if there is room. The stamp is larger than all that the thread has stored. Only the thread itself
    /// calls this.
    #[inline]
    pub(crate) fn store(&self, place: Place, stamp: u64) -> bool {
        let Some(slot) = self.stamps.get(place as usize) else { return false };
        slot.store(stamp, Relaxed);
        // A thread that sees this number sees all stamps up to it.
        self.newest[place as usize / PART].store(stamp, Release);
        true
    }

    /// Returns the stamps that may have changed since this was last called, each with its place.
    pub(crate) fn take_changed<X>(&self, _: Locked<'_, X>) -> impl Iterator<Item = (Place, u64)> {
        let parts = self.stamps.chunks(PART).zip(&*self.newest).zip(&*self.taken).zip((0..).step_by(PART));
        let changed = parts.filter_map(|(((part, newest), taken), first)| {
            let (newest, before) = (newest.load(Acquire), taken.load(Relaxed));
            taken.store(newest, Relaxed);
            (newest != before).then_some((first..).zip(part))
        });
        changed.flatten().map(|(place, stamp)| (place, stamp.load(Relaxed)))
    }
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self::beside_others(false)
    }

    fn beside_others(is_apart: bool) -> Self {
        Self {
            word: AtomicU64::new(0),
            not_hits: AtomicU64::new(0),
            hazard: AtomicU32::new(0),
            is_apart,
            misses: AtomicU64::new(0),
            running: Running::new(),
            stamps: AtomicPtr::new(core::ptr::null_mut()),
            first_stamp: AtomicPtr::new(core::ptr::null_mut()),
        }
    }

    /// Allocates a reader. If it `is_apart`, it takes twice the memory.
    pub(crate) fn leaked(is_apart: bool) -> NonNull<Self> {
        let reader = Self::beside_others(is_apart);
        let pointer = match is_apart {
            true => Box::into_raw(Box::new(Apart(reader))).cast(),
            false => Box::into_raw(Box::new(reader)),
        };
        // SAFETY: a box is never null.
        unsafe { NonNull::new_unchecked(pointer) }
    }

    /// Frees a reader.
    ///
    /// # Safety
    /// It came from [`leaked`](Self::leaked), and nobody uses it any more.
    pub(crate) unsafe fn free(reader: NonNull<Self>) {
        // SAFETY: as the caller says; a reader that is apart is at the beginning of its box.
        unsafe {
            match reader.as_ref().is_apart {
                true => drop(Box::from_raw(reader.as_ptr().cast::<Apart>())),
                false => drop(Box::from_raw(reader.as_ptr())),
            }
        }
    }

    /// Returns the word, if the reader is pinned.
    pub(crate) fn pinned_at(&self) -> Option<u64> {
        Some(self.word()).filter(|word| word % 2 == 1)
    }

    /// Returns the place that the thread protects for foreign code, or 0.
    pub(crate) fn hazard(&self) -> Place {
        self.hazard.load(Acquire)
    }

    /// Returns the word. The caller then sees the stamps that were stored before it.
    pub(crate) fn word(&self) -> u64 {
        self.word.load(Acquire)
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }
}

impl<'l> Locked<'l, Reader> {
    /// Returns the number of hits, and that of misses.
    pub(crate) fn counts(self) -> (u64, u64) {
        ((self.word() - self.not_hits.load(Relaxed)) >> 1, self.misses.load(Relaxed))
    }

    /// Returns the thread's own stamps, if it has some.
    pub(crate) fn stamps(self) -> Option<&'l Stamps> {
        // SAFETY: a leaked box, which only the lock's holder frees. No holder of these references frees it: see
        // `drop_stamps`.
        unsafe { self.get().stamps.load(Acquire).as_ref() }
    }

    /// Frees the thread's own stamps.
    ///
    /// # Safety
    /// The reader is not pinned, or pinned since it was not allowed to use the stamps any more (invariant 6), and no
    /// result of [`stamps`](Self::stamps) is in use.
    pub(crate) unsafe fn drop_stamps(self) {
        // SAFETY: as the caller says.
        unsafe { self.get().free_stamps() };
    }

    /// Unpins a thread that does not exist any more, and ends its hazard.
    #[cfg(unix)]
    pub(crate) fn put_at_rest(self) {
        self.word.store(self.word.load(Relaxed) & !1, Relaxed);
        self.hazard.store(0, Relaxed);
    }
}

impl Reader {
    /// # Safety
    /// Nobody uses the stamps.
    unsafe fn free_stamps(&self) {
        self.first_stamp.store(core::ptr::null_mut(), Relaxed);
        let stamps = self.stamps.swap(core::ptr::null_mut(), Acquire);
        if !stamps.is_null() {
            // SAFETY: a leaked box, which nobody uses, as the caller says.
            drop(unsafe { Box::from_raw(stamps) });
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: nobody uses the reader any more.
        unsafe { self.free_stamps() };
    }
}

impl Deref for Owner<'_> {
    type Target = Reader;

    #[inline(always)]
    fn deref(&self) -> &Reader {
        self.reader
    }
}

impl<'r> Owner<'r> {
    /// # Safety
    /// The reader is the calling thread's, and no other thread's during `'r`.
    #[inline(always)]
    pub(crate) unsafe fn new(reader: &'r Reader) -> Self {
        Self { reader, of_this_thread: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn reader(self) -> &'r Reader {
        self.reader
    }

    /// Pins this thread: nothing that it can reach from now on is freed until it unpins.
    #[inline(always)]
    pub(crate) fn pin(self) -> Pin<'r> {
        #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
        {
            // The fence that is described below.
            let word = self.reader.word.fetch_add(1, SeqCst);
            Pin { owner: self, word }
        }
        #[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
        self.pin_without_fence_if(|_| false)
    }

    /// As [`pin`](Self::pin), without a fence if the predicate holds, which is called after the word was stored: it tells whether
    /// the cache is biased to this reader.
    #[inline(always)]
    pub(crate) fn pin_without_fence_if(self, is_biased: impl FnOnce(&Reader) -> bool) -> Pin<'r> {
        let word = self.reader.word.load(Relaxed);
        // A thread that reads this word must also see the stamps stored before it.
        self.reader.word.store(word + 1, Release);
        if !is_biased(self.reader) {
            self.fence(word + 1);
        }
        Pin { owner: self, word }
    }

    /// Pins this thread without a fence, if the predicate holds, as [there](Self::pin_without_fence_if).
    #[inline(always)]
    pub(crate) fn pin_if(self, is_biased: impl FnOnce(&Reader) -> bool) -> Option<Pin<'r>> {
        let word = self.reader.word.load(Relaxed);
        self.reader.word.store(word + 1, Release);
        if !is_biased(self.reader) {
            self.reader.word.store(word, Release);
            return None;
        }
        Some(Pin { owner: self, word })
    }

    /// Orders the stored word before what this thread then loads.
    #[inline(always)]
    fn fence(self, _pinned: u64) {
        // A writer unlinks, then looks which readers are pinned. A reader pins, then searches. A fence between the two steps of each
        // makes sure that one sees the other. An exchange is the cheapest fence on x86.
        #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
        self.reader.word.swap(_pinned, SeqCst);
        #[cfg(any(not(target_arch = "x86_64"), miri, all(test, loom)))]
        crate::sys::sync::fence(SeqCst);
    }

    /// Returns the pin of a cache of one thread, which costs nothing: nobody frees anything while this thread searches.
    ///
    /// # Safety
    /// The reader is the only one of a cache of one thread.
    #[inline(always)]
    pub(crate) unsafe fn pin_alone(self) -> Pin<'r> {
        Pin { owner: self, word: self.reader.word.load(Relaxed) }
    }

    /// Makes the thread's next stamps larger than this one.
    pub(crate) fn go_on_from<X>(self, lock: Locked<'_, X>, stamp: u64) {
        let ahead = stamp.saturating_sub(self.reader.word.load(Relaxed));
        self.grow(lock, ahead.next_multiple_of(2));
    }

    /// Takes the thread's next stamp.
    #[inline]
    pub(crate) fn bump<X>(self, lock: Locked<'_, X>) -> u64 {
        self.grow(lock, 2)
    }

    /// Lets the word grow for anything but a hit. Returns the word.
    #[inline]
    fn grow<X>(self, _: Locked<'_, X>, by: u64) -> u64 {
        let reader = self.reader;
        let word = reader.word.load(Relaxed) + by;
        reader.not_hits.store(reader.not_hits.load(Relaxed) + by, Relaxed);
        reader.word.store(word, Release);
        word
    }

    /// Counts a miss, and returns its number.
    #[inline]
    pub(crate) fn count_miss(self) -> u64 {
        let misses = self.reader.misses.load(Relaxed) + 1;
        self.reader.misses.store(misses, Relaxed);
        misses
    }

    /// Counts a hit, without a pin.
    pub(crate) fn count_hit(self) {
        self.reader.word.store(self.reader.word.load(Relaxed) + 2, Release);
    }

    /// Gives the thread so many stamps of its own.
    ///
    /// # Safety
    /// The thread has none, and is not pinned.
    pub(crate) unsafe fn make_stamps<X>(self, _: Locked<'_, X>, length: usize) {
        let stamps = Box::new(Stamps::new(length));
        self.reader.first_stamp.store(stamps.stamps.as_ptr().cast_mut(), Relaxed);
        self.reader.stamps.store(Box::into_raw(stamps), Release);
    }
}

impl<'r> Pin<'r> {
    #[inline(always)]
    pub(crate) fn owner(&self) -> Owner<'r> {
        self.owner
    }

    /// Returns whether it is time to find out if the thread hits alone.
    #[inline(always)]
    pub(crate) fn is_time_to_look(&self, every: u64) -> bool {
        (self.word >> 1) % every == 0
    }

    /// Returns whether it is time to check, in the lock, whether a bias pays. No bias holds now.
    #[inline(always)]
    pub(crate) fn is_time_for_bias(&self) -> bool {
        (self.word >> 1) % LOOK_AFTER_HITS == FIRST_LOOK
    }

    /// Prefetches the thread's own stamp of a place. Returns whether it has such stamps.
    #[inline(always)]
    pub(crate) fn fetch_stamp(&self, place: Place) -> bool {
        let first = self.owner.reader.first_stamp.load(Relaxed);
        fetch(first.wrapping_add(place as usize));
        !first.is_null()
    }

    /// Returns the stamp of a hit of the thread that stamps alone.
    #[inline(always)]
    pub(crate) fn stamp(&self) -> u64 {
        self.word + 2
    }

    /// Returns the thread's own stamps, if it has some.
    ///
    /// # Safety
    /// The thread has seen since it pinned that there is a crowd (invariant 6).
    pub(crate) unsafe fn stamps(&self) -> Option<&Stamps> {
        // SAFETY: a leaked box, which is freed once no reader is pinned that may use it.
        unsafe { self.owner.reader.stamps.load(Acquire).as_ref() }
    }

    /// Counts a hit, and unpins.
    #[inline(always)]
    pub(crate) fn hit(self) {
        self.owner.reader.word.store(self.word + 2, Release);
        core::mem::forget(self);
    }

    /// Protects one place, instead of everything. Returns `None` if the thread protects another place already.
    #[inline(always)]
    pub(crate) fn protect(self, place: Place) -> Option<Hazard<'r>> {
        let reader = self.owner.reader;
        if reader.hazard.load(Relaxed) != 0 {
            return None;
        }
        reader.hazard.store(place, Release);
        let owner = self.owner;
        drop(self);
        Some(Hazard(owner))
    }
}

impl Drop for Pin<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.owner.reader.word.store(self.word, Release);
    }
}

impl Drop for Hazard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.reader.hazard.store(0, Release);
    }
}
