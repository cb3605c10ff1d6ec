//! Pins without a fence: a plain store, as long as one thread alone uses a cache.
//!
//! A reader stores its word, and then loads from the index. A writer unlinks from the index, and then loads the words. A
//! fence between the two steps of each makes sure that one of the two threads sees the other. While a cache is *biased* to a
//! reader, this reader leaves the fence out. All others pin with a fence. Another thread that takes the lock ends the bias. It
//! begins in a thread that takes the lock once all other readers' threads have ended. It also begins once the thread alone has
//! taken the lock for a while. If a bias did not pay, the next one waits for twice as long.
//!
//! 1. The thread of the biased reader stores its word, then loads the reader of the bias, and adds the fence if the bias is over.
//! 2. Another thread ends the bias, and then has the system run a barrier on all processors that run this process
//!    (`membarrier`). If the barrier comes before that store of the word, the load after it sees that the bias is over. If it comes
//!    after the store, the other thread sees the word.
//! 3. The biased reader stamps alone, or the order of uses is not kept. What ends either, ends the bias first.
//!
//! A biased thread finds its reader without a search: it loads the reader, then the number of the bias's thread. The thread that
//! begins a bias stores both in this order, and the thread that ends it in the other order. So if the number is that of the calling
//! thread, this thread itself began the bias with this reader: if another thread had begun a bias since, the number would differ.
//! The reader exists, because its thread has not ended. No number is used again.
//!
//! No stress test can tell whether the barrier is there. A store leaves the processor after some 100 ns, and a place is
//! used again 32 evictions after it was unlinked at the earliest. The barrier is needed all the same: a thread that is
//! interrupted after its load goes on later with what it has loaded.
//!
//! The biased thread needs only the order of its own instructions, which [`compiler_fence`] keeps. loom and Miri have no
//! such barrier: no cache is biased there, nor on a system without `membarrier`.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::compiler_fence;

use crate::sys::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Pin, Reader};
use crate::table::readers::ThreadNumber;

/// The reader that a cache is biased to, if there is one.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Biased {
    /// Whether there is ever a bias.
    const MAY_HOLD: bool;

    /// Returns the bias of a new cache, to no reader.
    fn new() -> Self;
    /// Pins the reader that the cache is biased to, if that is the calling thread's.
    fn pin(&self) -> Option<Pin<'_>>;
    /// Returns whether the cache is biased to a reader. The reader's thread calls this after it has stored the word.
    fn holds_after_store(&self, reader: &Reader) -> bool;
    /// Returns whether the cache is biased to a reader, after what its thread has loaded before.
    fn holds_after_load(&self, reader: &Reader) -> bool;
    /// Returns whether a bias that pays may begin as soon as one thread alone uses the cache.
    fn may_begin(&self) -> bool;
    /// Begins the bias. Its reader is the calling thread's, and stamps alone if the order is kept.
    fn begin<X>(&self, lock: Locked<'_, X>, mine: Owner<'_>);
    /// Begins the bias, if the calling thread alone has used the cache since it last called this, and that may pay.
    fn begin_if_quiet<X>(&self, lock: Locked<'_, X>, mine: Owner<'_>);
    /// Notes that a thread with this reader has taken the lock beside others. Ends the bias if it is to another reader, one of
    /// these. Returns whether it is time to call [`begin_if_quiet`](Self::begin_if_quiet).
    fn meet<'r, X>(
        &self,
        lock: Locked<'_, X>,
        mine: Option<Owner<'_>>,
        readers: impl Iterator<Item = Locked<'r, Reader>>,
    ) -> bool;
    /// Ends the bias, if it is to the calling thread's reader, or to one whose thread has ended.
    fn stop<X>(&self, lock: Locked<'_, X>);
    /// As [`stop`](Self::stop), if it is to this reader, whose thread has ended and which is about to be freed.
    fn forget(&self, reader: Locked<'_, Reader>);
}

/// No bias.
impl Biased for () {
    const MAY_HOLD: bool = false;

    fn new() {}

    #[inline(always)]
    fn pin(&self) -> Option<Pin<'_>> {
        None
    }

    #[inline(always)]
    fn holds_after_store(&self, _: &Reader) -> bool {
        false
    }

    #[inline(always)]
    fn holds_after_load(&self, _: &Reader) -> bool {
        false
    }

    #[inline(always)]
    fn may_begin(&self) -> bool {
        false
    }

    fn begin<X>(&self, _: Locked<'_, X>, _: Owner<'_>) {}

    fn begin_if_quiet<X>(&self, _: Locked<'_, X>, _: Owner<'_>) {}

    #[inline(always)]
    fn meet<'r, X>(
        &self,
        _: Locked<'_, X>,
        _: Option<Owner<'_>>,
        _: impl Iterator<Item = Locked<'r, Reader>>,
    ) -> bool {
        false
    }

    fn stop<X>(&self, _: Locked<'_, X>) {}

    fn forget(&self, _: Locked<'_, Reader>) {}
}

/// The number of hits that save as much time as the end of a bias takes.
const PAYS: u64 = 1 << 10;
/// After so many locks in a row, a thread checks whether a bias pays.
const OFTEN: u32 = 1 << 8;
/// The largest patience: then a thread has been alone for a hundred times as long as the end of a bias takes.
const MOST_PATIENCE: u32 = 1 << 6;

/// The reader that a cache is biased to.
pub struct Bias {
    /// The reader, or null.
    reader: AtomicPtr<Reader>,
    /// The number of the reader's thread, or [`ThreadNumber::NONE`].
    thread: AtomicU64,
    /// Whether a bias may begin as soon as one thread alone uses the cache. The lock's holder writes this and what follows.
    may_begin: AtomicBool,
    /// After how many quiet times a bias begins beside other threads. Doubles if a bias did not pay.
    patience: AtomicU32,
    /// The quiet times so far, each between two looks of one thread.
    quiet: AtomicU32,
    /// The reader of the thread that has looked.
    looked: AtomicPtr<Reader>,
    /// The reader of the thread that has taken the lock last, and how often in a row it did.
    met: AtomicPtr<Reader>,
    times_met: AtomicU32,
    /// The bias has paid once its reader has so many hits.
    pays_at: AtomicU64,
}

impl Bias {
    /// Returns whether there is a bias.
    #[cfg(all(test, not(loom)))]
    pub(super) fn holds(&self) -> bool {
        !self.reader.load(Relaxed).is_null()
    }

    fn is_to(&self, reader: &Reader) -> bool {
        core::ptr::eq(self.reader.load(Relaxed), reader)
    }

    fn clear(&self) {
        self.thread.store(ThreadNumber::NONE.0, Release);
        self.reader.store(core::ptr::null_mut(), SeqCst);
        self.quiet.store(0, Relaxed);
    }

    #[cold]
    #[inline(never)]
    fn end(&self, biased: Option<Locked<'_, Reader>>) {
        self.clear();
        barrier::run();
        let has_paid = biased.is_none_or(|biased| biased.counts().0 >= self.pays_at.load(Relaxed));
        let patience = self.patience.load(Relaxed);
        let patience = if has_paid { 1 } else { (patience * 2).min(MOST_PATIENCE) };
        self.patience.store(patience, Relaxed);
        self.may_begin.store(has_paid, Relaxed);
    }
}

impl Biased for Bias {
    const MAY_HOLD: bool = barrier::MAY_EXIST;

    fn new() -> Self {
        Self {
            reader: AtomicPtr::new(core::ptr::null_mut()),
            thread: AtomicU64::new(ThreadNumber::NONE.0),
            may_begin: AtomicBool::new(barrier::exists()),
            patience: AtomicU32::new(1),
            quiet: AtomicU32::new(0),
            looked: AtomicPtr::new(core::ptr::null_mut()),
            met: AtomicPtr::new(core::ptr::null_mut()),
            times_met: AtomicU32::new(0),
            pays_at: AtomicU64::new(0),
        }
    }

    #[inline(always)]
    fn pin(&self) -> Option<Pin<'_>> {
        let reader = self.reader.load(Acquire);
        if self.thread.load(Acquire) != ThreadNumber::of_this().0 {
            return None;
        }
        // SAFETY: as said above, the calling thread has begun the bias with this reader, its own, and has not ended.
        unsafe { Owner::new(&*reader) }.pin_if(|reader| self.holds_after_store(reader))
    }

    #[inline(always)]
    fn holds_after_store(&self, reader: &Reader) -> bool {
        compiler_fence(SeqCst);
        let holds = self.is_to(reader);
        compiler_fence(SeqCst);
        holds
    }

    #[inline(always)]
    fn holds_after_load(&self, reader: &Reader) -> bool {
        // Every load before this one is an acquiring one, or is that of an entry that such a load has led to.
        self.is_to(reader)
    }

    #[inline(always)]
    fn may_begin(&self) -> bool {
        self.may_begin.load(Relaxed)
    }

    #[cold]
    fn begin<X>(&self, _: Locked<'_, X>, mine: Owner<'_>) {
        let thread = ThreadNumber::of_this();
        if thread == ThreadNumber::ENDED {
            return;
        }
        self.may_begin.store(false, Relaxed);
        // SAFETY: the lock is held, as the first argument proves.
        let (hits, _) = unsafe { Locked::new(mine.reader()) }.counts();
        self.pays_at.store(hits + PAYS, Relaxed);
        self.reader.store(core::ptr::from_ref(mine.reader()).cast_mut(), Release);
        self.thread.store(thread.0, Release);
    }

    #[cold]
    fn begin_if_quiet<X>(&self, lock: Locked<'_, X>, mine: Owner<'_>) {
        let looked = self.looked.swap(core::ptr::from_ref(mine.reader()).cast_mut(), Relaxed);
        let quiet = if core::ptr::eq(looked, mine.reader()) { self.quiet.load(Relaxed) + 1 } else { 0 };
        self.quiet.store(quiet, Relaxed);
        if quiet >= self.patience.load(Relaxed) && barrier::exists() && self.reader.load(Relaxed).is_null() {
            self.begin(lock, mine);
        }
    }

    #[inline(always)]
    fn meet<'r, X>(
        &self,
        _: Locked<'_, X>,
        mine: Option<Owner<'_>>,
        mut readers: impl Iterator<Item = Locked<'r, Reader>>,
    ) -> bool {
        let mine = mine.map_or(core::ptr::null_mut(), |mine| core::ptr::from_ref(mine.reader()).cast_mut());
        let biased = self.reader.load(Relaxed);
        if biased == mine {
            return false;
        }
        if !biased.is_null() {
            self.end(readers.find(|reader| core::ptr::eq(reader.get(), biased)));
        }
        let (met, times) = (self.met.load(Relaxed), self.times_met.load(Relaxed));
        let times = if met == mine { times + 1 } else { 0 };
        self.met.store(mine, Relaxed);
        self.times_met.store(times, Relaxed);
        if times == 0 {
            self.looked.store(core::ptr::null_mut(), Relaxed);
        }
        times % OFTEN == OFTEN - 1
    }

    fn stop<X>(&self, _: Locked<'_, X>) {
        if !self.reader.load(Relaxed).is_null() {
            self.clear();
            self.may_begin.store(true, Relaxed);
        }
    }

    fn forget(&self, reader: Locked<'_, Reader>) {
        if self.is_to(reader.get()) {
            self.clear();
        }
        // The address may become another reader's.
        self.looked.store(core::ptr::null_mut(), Relaxed);
        self.met.store(core::ptr::null_mut(), Relaxed);
        self.may_begin.store(self.patience.load(Relaxed) == 1 && barrier::exists(), Relaxed);
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri), not(all(test, loom))))]
mod barrier {
    use core::sync::atomic::AtomicU8;
    use core::sync::atomic::Ordering::Relaxed;

    /// Whether a system for which this is built may have such a barrier.
    pub(super) const MAY_EXIST: bool = true;

    const REGISTER: libc::c_int = libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
    const RUN: libc::c_int = libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: it touches no memory of the process.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Returns whether the system runs barriers for this process. The process registers once.
    pub(super) fn exists() -> bool {
        const UNKNOWN: u8 = 2;
        static EXISTS: AtomicU8 = AtomicU8::new(UNKNOWN);
        match EXISTS.load(Relaxed) {
            UNKNOWN => {
                let exists = membarrier(REGISTER) && membarrier(RUN);
                EXISTS.store(exists.into(), Relaxed);
                exists
            }
            exists => exists == 1,
        }
    }

    /// Runs a barrier on all processors that run this process.
    pub(super) fn run() {
        // A filter of system calls may have been installed since, or a fork has not handed the registration over. A barrier
        // of the whole system needs no registration.
        let is_done = membarrier(RUN)
            || membarrier(REGISTER) && membarrier(RUN)
            || membarrier(libc::MEMBARRIER_CMD_GLOBAL);
        assert!(is_done, "the system does not run the memory barrier that it ran before");
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(miri), not(all(test, loom)))))]
mod barrier {
    pub(super) const MAY_EXIST: bool = false;

    pub(super) fn exists() -> bool {
        false
    }

    pub(super) fn run() {}
}
