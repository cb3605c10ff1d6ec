//! The readers of a cache, and how a thread finds its own.
//!
//! Caches are numbered, and no number is used again. A thread has a table from the numbers of caches to its readers
//! there, and a word, [`Life`], that tells its end. A cache owns its readers: a [`List`] in its lock has them.
//!
//! 1. A reader belongs to one thread. It is freed with its cache, or by the holder of the lock after its thread has ended.
//! 2. A thread looks up its table only under the number of a cache that exists. Rows of dropped caches are never found, and
//!    are forgotten when the table is full.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU64 as Counter, AtomicUsize as Count};

use crate::sys::sync::AtomicBool;
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Reader};
use crate::table::running::Running;

/// The way to the readers of a cache that all threads share.
pub struct Readers {
    /// The number of the cache.
    number: u64,
}

/// The only reader of a cache of one thread. It is not `Sync`, so a reference to it exists only in its
/// thread.
pub struct OnlyReader {
    reader: Reader,
    not_sync: PhantomData<Cell<()>>,
}

/// The number of existing caches that all threads share.
static CACHES: Count = Count::new(0);

/// Whether a thread has ended.
pub(crate) struct Life(AtomicBool);

/// The number of threads that had readers and have ended.
static ENDS: Counter = Counter::new(0);

/// A leaked box with a reader, whose thread knows the address.
#[derive(PartialEq, Eq)]
struct Leaked(NonNull<Reader>);

// SAFETY: a box of something that is `Send` and `Sync`.
unsafe impl Send for Leaked {}

/// A reader, and the thread that it belongs to. In the child of a fork, readers of other threads belong to none.
struct Listed {
    reader: Leaked,
    life: Option<Arc<Life>>,
}

/// The readers of one cache. The cache's lock protects the list, so a reference to it is as good as the lock.
#[derive(Default)]
pub struct List {
    listed: Vec<Listed>,
    /// The number of [`ENDS`] up to which readers of ended threads were freed, plus one.
    ends: u64,
    /// The hits and misses of freed readers.
    counts: (u64, u64),
}

/// A row of a thread's table: a cache, and the thread's reader there.
#[derive(Clone, Copy)]
struct Row {
    number: u64,
    reader: *const Reader,
}

/// A thread's table, as a hit reads it: open addressing, with `mask + 1` rows.
#[derive(Clone, Copy)]
struct Table {
    rows: *const Row,
    mask: u64,
}

/// The owner of a thread's table.
struct Rows {
    rows: Vec<Row>,
    used: usize,
    life: Option<Arc<Life>>,
}

/// No cache has this number.
const NO_ROW: Row = Row { number: 0, reader: core::ptr::null() };
const EMPTY: Table = Table { rows: &raw const NOTHING.0, mask: 0 };
const FEWEST: usize = 8;

struct Nothing(Row);
// SAFETY: it is never written, and its pointer is null.
unsafe impl Sync for Nothing {}
static NOTHING: Nothing = Nothing(NO_ROW);

thread_local! {
    static TABLE: Cell<Table> = const { Cell::new(EMPTY) };
    static ROWS: RefCell<Rows> = const { RefCell::new(Rows { rows: Vec::new(), used: 0, life: None }) };
}

impl Readers {
    pub(crate) fn new() -> Self {
        static NUMBERS: Counter = Counter::new(1);
        CACHES.fetch_add(1, Relaxed);
        Self { number: NUMBERS.fetch_add(1, Relaxed) }
    }

    /// Returns the calling thread's reader, if it has one.
    #[inline(always)]
    pub(crate) fn mine(&self) -> Option<Owner<'_>> {
        let table = TABLE.get();
        let mut at = self.number;
        loop {
            // SAFETY: the position is masked with the length less one. The rows are those of `ROWS` of this thread, which sets
            // `TABLE` whenever its rows move, and before it is dropped.
            let row = unsafe { &*table.rows.add((at & table.mask) as usize) };
            if row.number == self.number {
                // SAFETY: this file's invariants 1 and 2: the cache exists, and this thread, which has not ended, owns the reader.
                return Some(unsafe { Owner::new(&*row.reader) });
            }
            // Another cache's reader may be in the way.
            if row.number == 0 {
                return None;
            }
            at += 1;
        }
    }

    /// Gives the calling thread a reader. Returns `None` while the thread ends.
    #[cold]
    #[inline(never)]
    pub(crate) fn join_in(&self, list: &mut List) -> Option<Owner<'_>> {
        ROWS.try_with(|rows| {
            let mut rows = rows.borrow_mut();
            let life = rows.life.get_or_insert_with(|| Arc::new(Life::new()));
            let reader = list.of(life);
            rows.add(Row { number: self.number, reader });
            // SAFETY: this file's invariant 1: this thread owns the reader, and has not ended.
            unsafe { Owner::new(&*reader) }
        })
        .ok()
    }

    /// Has the calling thread forget its reader.
    pub(crate) fn leave(&self) {
        let _ = ROWS.try_with(|rows| {
            let mut rows = rows.borrow_mut();
            if let Some(at) = (!rows.rows.is_empty()).then(|| rows.position(self.number)) {
                if rows.rows[at].number == self.number {
                    // The row stays, so that rows behind it are still found.
                    rows.rows[at].number = u64::MAX;
                }
            }
        });
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        CACHES.fetch_sub(1, Relaxed);
    }
}

impl OnlyReader {
    pub(crate) fn new() -> Self {
        Self { reader: Reader::new(), not_sync: PhantomData }
    }

    /// Returns the reader, which belongs to the calling thread.
    #[inline(always)]
    pub(crate) fn mine(&self) -> Owner<'_> {
        // SAFETY: the reader is in no list, and this is not `Sync`: only the calling thread can reach the reader.
        unsafe { Owner::new(&self.reader) }
    }

    /// Returns the reader, in the lock.
    pub(crate) fn locked(&self) -> Locked<'_, Reader> {
        // SAFETY: no other thread can use the table while this thread has a reference to its reader.
        unsafe { Locked::new(&self.reader) }
    }
}

impl Life {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Release);
        ENDS.fetch_add(1, Release);
    }

    fn has_ended(&self) -> bool {
        !self.0.load(Acquire)
    }
}

impl Rows {
    /// Returns the position of the row of a cache, or of the free row where it would be.
    fn position(&self, number: u64) -> usize {
        let mask = self.rows.len() - 1;
        let mut at = number as usize & mask;
        while self.rows[at].number != number && self.rows[at].number != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    fn add(&mut self, row: Row) {
        if (self.used + 1) * 2 > self.rows.len() {
            // The table does not know which caches are gone. For a cache that still exists, the thread finds its reader in
            // the cache's list again.
            let length = (CACHES.load(Relaxed) * 4).next_power_of_two().max(FEWEST);
            self.rows = vec![NO_ROW; length];
            self.used = 0;
        }
        let at = self.position(row.number);
        self.rows[at] = row;
        self.used += 1;
        TABLE.set(Table { rows: self.rows.as_ptr(), mask: self.rows.len() as u64 - 1 });
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        TABLE.set(EMPTY);
        if let Some(life) = &self.life {
            life.end();
        }
    }
}

impl Deref for Leaked {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        // SAFETY: a leaked box, which lives until this is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Leaked {
    fn drop(&mut self) {
        // SAFETY: a leaked box. By this file's invariant 1, its thread has ended or cannot use the cache any more.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Listed {
    fn has_ended(&self) -> bool {
        self.life.as_ref().is_none_or(|life| life.has_ended())
    }
}

impl List {
    /// Returns all readers.
    pub(crate) fn all(&self) -> impl Iterator<Item = Locked<'_, Reader>> {
        // SAFETY: the list is inside the lock, so the caller holds the lock for as long as it has a reference to the list.
        self.listed.iter().map(|listed| unsafe { Locked::new(&*listed.reader) })
    }

    /// Returns whether there is no reader but this one.
    pub(crate) fn are_only(&self, mine: Option<Owner<'_>>) -> bool {
        match &self.listed[..] {
            [] => true,
            [one] => mine.is_some_and(|mine| core::ptr::eq(mine.reader(), &*one.reader)),
            _ => false,
        }
    }

    /// Returns whether there are so few readers that a look at each costs next to nothing.
    pub(crate) fn are_few(&self) -> bool {
        self.listed.len() <= 32
    }

    /// Returns the hits and misses of freed readers.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.counts
    }

    /// Returns the reader of a thread: its own, or a new one.
    pub(crate) fn of(&mut self, life: &Arc<Life>) -> *const Reader {
        let is_own = |listed: &&Listed| listed.life.as_ref().is_some_and(|other| Arc::ptr_eq(other, life));
        if let Some(own) = self.listed.iter().find(is_own) {
            return own.reader.0.as_ptr();
        }
        let reader = Leaked(NonNull::from(Box::leak(Box::new(Reader::new()))));
        let address = reader.0.as_ptr();
        if self.listed.is_empty() {
            // Most caches of objects have one reader.
            self.listed.reserve_exact(1);
        }
        self.listed.push(Listed { reader, life: Some(Arc::clone(life)) });
        address
    }

    /// Returns whether threads have ended since this returned `true`, and perhaps had readers here.
    pub(crate) fn may_prune(&mut self) -> bool {
        // A thread announces its end, then increments the number: whoever reads the number sees the end. Loom's models
        // call `prune` themselves.
        let ends = if cfg!(all(test, loom)) { 0 } else { ENDS.load(Acquire) + 1 };
        core::mem::replace(&mut self.ends, ends) != ends
    }

    /// Frees the readers of ended threads, after it has handed each to `forget`.
    pub(crate) fn prune(&mut self, rest: &Running, mut forget: impl FnMut(Locked<'_, Reader>)) {
        let counts = &mut self.counts;
        self.listed.retain(|listed| {
            if !listed.has_ended() {
                return true;
            }
            // SAFETY: as in `all`.
            let reader = unsafe { Locked::new(&*listed.reader) };
            forget(reader);
            let (hits, misses) = reader.counts();
            *counts = (counts.0 + hits, counts.1 + misses);
            rest.take_over(reader.running());
            false
        });
    }

    /// Puts all readers but one at rest, in a child that has no other thread.
    #[cfg(unix)]
    pub(crate) fn put_others_at_rest(&mut self, mine: Option<*const Reader>) {
        for listed in &mut self.listed {
            if Some(listed.reader.0.as_ptr().cast_const()) != mine {
                // SAFETY: as in `all`.
                unsafe { Locked::new(&*listed.reader) }.put_at_rest();
                listed.life = None;
            }
        }
        self.ends = 0;
    }
}
