//! A pin that costs no more than a store, as long as one thread alone uses a cache.
//!
//! A reader stores its word, and then loads from the index. A writer unlinks from the index, and then loads the words. A
//! fence between the two steps of each makes sure that one of the two threads sees the other. While a cache is *biased*,
//! its one reader leaves the fence out. The first other thread that takes the lock ends the bias. It begins again in a
//! thread that takes the lock once all other readers' threads have ended, as long as that pays.
//!
//! 1. The thread of the biased reader stores its word, then loads the flag, and pins the costly way if that is cleared.
//! 2. Another thread clears the flag, and then has the system run a barrier on all processors that run this process
//!    (`membarrier`). If the barrier comes before that store of the word, the load of the flag after it sees it cleared. If
//!    it comes after the store, the other thread sees the word.
//!
//! No stress test can tell whether the barrier is there. A store leaves the processor after some 100 ns, and a place is
//! used again 32 evictions after it was unlinked at the earliest. The barrier is needed all the same: a thread that is
//! interrupted after its load goes on later with what it has loaded.
//!
//! The biased thread needs only the order of its own instructions, which [`compiler_fence`] keeps. loom and Miri have no
//! such barrier: no cache is biased there, nor on a system without `membarrier`.

use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::compiler_fence;

use crate::sys::sync::{AtomicBool, AtomicU64};
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Reader};

/// The number of hits that save as much time as the end of a bias takes.
const PAYS: u64 = 1 << 10;
/// No reader's word is so large: the bias does not begin again.
const NEVER: u64 = u64::MAX;

/// Whether one thread alone uses a cache.
pub struct Bias {
    holds: AtomicBool,
    /// The bias has paid once the reader's word has reached this number. The lock's holder writes it.
    pays_at: AtomicU64,
}

impl Bias {
    /// Returns the bias of a new cache: none unless it is `wanted` and the system can end it.
    pub(crate) fn new(wanted: bool) -> Self {
        let holds = wanted && barrier::exists();
        Self { holds: AtomicBool::new(holds), pays_at: AtomicU64::new(if holds { 0 } else { NEVER }) }
    }

    /// Returns whether one thread alone uses the cache. The reader calls this after it has stored its word.
    #[inline(always)]
    pub(crate) fn holds_after_store(&self) -> bool {
        compiler_fence(SeqCst);
        let holds = self.holds.load(Relaxed);
        compiler_fence(SeqCst);
        holds
    }

    /// Returns whether the cache is still biased.
    #[inline(always)]
    pub(crate) fn holds(&self) -> bool {
        self.holds.load(Relaxed)
    }

    /// Ends the bias, given all readers.
    #[cold]
    #[inline(never)]
    pub(crate) fn end<'l, X>(&self, _: Locked<'_, X>, readers: impl Iterator<Item = Locked<'l, Reader>>) {
        if readers.map(|reader| reader.word()).max() < Some(self.pays_at.load(Relaxed)) {
            self.pays_at.store(NEVER, Relaxed);
        }
        self.holds.store(false, SeqCst);
        barrier::run();
    }

    /// Begins the bias again for the only reader, unless the last one did not pay.
    #[cold]
    pub(crate) fn begin_again<X>(&self, _: Locked<'_, X>, only: Owner<'_>) {
        if self.pays_at.load(Relaxed) != NEVER {
            self.pays_at.store(only.word() + 2 * PAYS, Relaxed);
            // A thread that gets a reader takes the lock before, and ends the bias.
            self.holds.store(true, Relaxed);
        }
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri), not(all(test, loom))))]
mod barrier {
    use core::sync::atomic::AtomicU8;
    use core::sync::atomic::Ordering::Relaxed;

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
    pub(super) fn exists() -> bool {
        false
    }

    pub(super) fn run() {}
}
