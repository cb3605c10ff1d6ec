//! The readers of a cache, and how a thread finds its own.
//!
//! Caches are numbered; a thread has a table from their numbers to its readers. A reader outlives the thread that had
//! it, and serves the next one that comes: there are never more of them than threads at one time.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicU32 as Counter, Ordering};

use crate::front::reader::Reader;
use crate::sync::AtomicPtr;

/// The readers of a cache that all threads share.
pub struct Readers {
    number: usize,
    /// A leaked list: readers of a cache are never freed.
    first: AtomicPtr<Reader>,
}

/// A thread's table, as its calls read it.
#[derive(Clone, Copy)]
struct Table {
    readers: *const Option<&'static Reader>,
    length: usize,
}

/// A thread's table, as it is kept.
struct Owned(Vec<Option<&'static Reader>>);

const EMPTY: Table = Table { readers: core::ptr::null(), length: 0 };

thread_local! {
    static TABLE: Cell<Table> = const { Cell::new(EMPTY) };
    static OWNED: RefCell<Owned> = const { RefCell::new(Owned(Vec::new())) };
}

impl Readers {
    pub(crate) fn new() -> Self {
        static CACHES: Counter = Counter::new(0);
        let number = CACHES.fetch_add(1, Ordering::Relaxed) as usize;
        Self { number, first: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// The calling thread's reader, if it has one already.
    #[inline(always)]
    pub(crate) fn mine(&self) -> Option<&Reader> {
        let table = TABLE.get();
        if self.number >= table.length {
            return None;
        }
        // SAFETY: the table is that of `OWNED`, which is of this thread, is replaced whenever that changes, and is
        // taken back before that is dropped.
        unsafe { *table.readers.add(self.number) }
    }

    /// Gives the calling thread a reader; none while it ends.
    #[cold]
    #[inline(never)]
    pub(crate) fn join_in(&self) -> Option<&Reader> {
        OWNED
            .try_with(|owned| {
                let mut owned = owned.borrow_mut();
                let table = &mut owned.0;
                if table.len() <= self.number {
                    table.resize(self.number + 1, None);
                }
                let reader = self.join();
                table[self.number] = Some(reader);
                TABLE.set(Table { readers: table.as_ptr(), length: table.len() });
                reader
            })
            .ok()
    }

    /// Takes the calling thread's reader from it, so that nothing is found here any more. The reader is left to nobody.
    pub(crate) fn leave(&self) {
        let _ = OWNED.try_with(|owned| {
            if let Some(reader) = owned.borrow_mut().0.get_mut(self.number) {
                *reader = None;
            }
        });
    }

    /// A reader for a thread: one that another has left, or a new one.
    pub(crate) fn join(&self) -> &'static Reader {
        if let Some(reader) = self.all().find(|reader| reader.take()) {
            return reader;
        }
        let mut first = self.first.load(Acquire);
        let id = |first: *mut Reader| {
            // SAFETY: readers are never freed.
            unsafe { first.as_ref() }.map_or(1, |newest| newest.id() + 1)
        };
        loop {
            let mut reader = Box::new(Reader::new(id(first)));
            reader.next = AtomicPtr::new(first);
            let reader = Box::into_raw(reader);
            match self.first.compare_exchange(first, reader, AcqRel, Acquire) {
                // SAFETY: it was made just now, and readers are never freed.
                Ok(_) => return unsafe { &*reader },
                Err(other) => {
                    // SAFETY: nobody else has seen it.
                    drop(unsafe { Box::from_raw(reader) });
                    first = other;
                }
            }
        }
    }

    /// All readers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Reader> + use<> {
        let at = |reader: &AtomicPtr<Reader>| {
            // SAFETY: readers are never freed.
            unsafe { reader.load(Acquire).as_ref::<'static>() }
        };
        core::iter::successors(at(&self.first), move |reader| at(&reader.next))
    }

    /// Whether there are few, so that to look at all of them costs next to nothing.
    pub(crate) fn are_few(&self) -> bool {
        // SAFETY: readers are never freed.
        unsafe { self.first.load(Relaxed).as_ref() }.is_none_or(|newest| newest.id() <= 32)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        TABLE.set(EMPTY);
        for reader in self.0.iter().flatten() {
            reader.leave();
        }
    }
}
