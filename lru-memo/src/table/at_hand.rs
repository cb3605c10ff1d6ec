//! The reader that a small table has at hand: its thread finds it without a row in the thread's table.
//!
//! Most objects are used by one thread alone, and a thread may use many objects. With a row for each, the thread's table would
//! take up to 64 bytes for an object.
//!
//! `thread` is the number of the thread of the list's first reader, which `reader` points to. Only this thread stores its number
//! here, and no other thread ever has that number. The lock's holder deletes the number before it frees the reader.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr, AtomicU64};

use crate::table::locked::Locked;
use crate::table::reader::{Owner, Reader};
use crate::table::readers::{List, ThreadNumber, with_my_life};

/// The way to the readers of a small table: to the first one, and by `R` to all others.
pub struct AtHand<R> {
    /// The number of the reader's thread, or [`ThreadNumber::NONE`].
    thread: AtomicU64,
    reader: AtomicPtr<Reader>,
    pub(super) others: R,
}

impl<R> AtHand<R> {
    pub(super) fn new(others: R) -> Self {
        let (thread, reader) = (AtomicU64::new(ThreadNumber::NONE.0), AtomicPtr::new(core::ptr::null_mut()));
        Self { thread, reader, others }
    }

    /// Returns the reader at hand, if it is the calling thread's.
    #[inline(always)]
    pub(super) fn mine(&self) -> Option<Owner<'_>> {
        // SAFETY: as said above: the reader exists, and belongs to this thread, which stored both words itself.
        self.is_mine().then(|| unsafe { Owner::new(&*self.reader.load(Relaxed)) })
    }

    #[inline(always)]
    fn is_mine(&self) -> bool {
        self.thread.load(Relaxed) == ThreadNumber::of_this().0
    }

    /// Gives the calling thread a reader, and has it at hand. Returns `None` if the list begins with another thread's, or while
    /// the thread ends.
    pub(super) fn join_in(&self, list: &mut List) -> Option<Owner<'_>> {
        with_my_life(|life| {
            let reader = list.first_of(life)?;
            self.reader.store(reader.cast_mut(), Relaxed);
            self.thread.store(ThreadNumber::of_this().0, Relaxed);
            self.mine()
        })?
    }

    /// Forgets a reader that is about to be freed.
    pub(super) fn forget(&self, reader: Locked<'_, Reader>) {
        if core::ptr::eq(self.reader.load(Relaxed), reader.get()) {
            self.thread.store(ThreadNumber::NONE.0, Relaxed);
        }
    }

    /// Has the calling thread forget its reader.
    pub(super) fn leave(&self) {
        if self.is_mine() {
            self.thread.store(ThreadNumber::NONE.0, Relaxed);
        }
    }
}
