//! The readers of a cache, and how a thread finds its own.
//!
//! Caches are numbered, and no number is used again. A thread has a table from the numbers of caches to its readers
//! there, and a word, [`Life`], that tells its end. A cache owns its readers: a [`List`] in its lock has them.
//! The first reader of a small table needs no row (`at_hand.rs`).
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
use core::slice;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU64 as Counter, AtomicUsize as Count};

use crate::sys::sync::AtomicBool;
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Reader};

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

/// The number of a thread, which no other thread ever has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThreadNumber(pub(crate) u64);

impl ThreadNumber {
    /// The number of a thread that has no reader yet, or that ends.
    pub(crate) const ENDED: Self = Self(0);
    /// No thread's number.
    pub(crate) const NONE: Self = Self(u64::MAX);

    /// Returns the number of the calling thread.
    #[inline(always)]
    pub(crate) fn of_this() -> Self {
        NUMBER.get()
    }

    fn new() -> Self {
        static THREADS: Counter = Counter::new(1);
        Self(THREADS.fetch_add(1, Relaxed))
    }
}

/// Whether a thread has ended.
pub(crate) struct Life(AtomicBool);

/// The number of threads that had readers and have ended.
static ENDS: Counter = Counter::new(0);

/// A leaked reader, whose thread knows the address.
#[derive(PartialEq, Eq)]
struct Leaked(NonNull<Reader>);

// SAFETY: a box of something that is `Send` and `Sync`.
unsafe impl Send for Leaked {}

/// A reader, and the thread that it belongs to. In the child of a fork, readers of other threads belong to none.
struct ListedReader {
    reader: Leaked,
    life: Option<Arc<Life>>,
}

/// The readers of one cache. The cache's lock protects the list, so a reference to it is as good as the lock.
#[derive(Default)]
pub struct List {
    /// The first reader. Most caches of objects have no other.
    first: Option<ListedReader>,
    /// The others. If there are some, there is a first one. In a box, because an empty vector takes more than a pointer.
    #[allow(clippy::box_collection, reason = "as said")]
    more: Option<Box<Vec<ListedReader>>>,
}

/// The readers of a list. A type without parameters: what it does is compiled here, and not in each program.
struct Listed<'l> {
    first: Option<&'l ListedReader>,
    more: slice::Iter<'l, ListedReader>,
}

/// The readers of a list, for the holder of its lock.
pub(crate) struct All<'l>(Listed<'l>);

/// The number of [`ENDS`] up to which readers of ended threads were freed, plus one.
#[derive(Default)]
pub(crate) struct SeenEnds(u64);

impl SeenEnds {
    /// Returns whether threads have ended since this returned `true`, and perhaps had readers here.
    pub(crate) fn may_prune(&mut self) -> bool {
        // A thread announces its end, then increments the number: whoever reads the number sees the end. Loom's models
        // call `prune` themselves.
        let ends = if cfg!(all(test, loom)) { 0 } else { ENDS.load(Acquire) + 1 };
        core::mem::replace(&mut self.0, ends) != ends
    }
}

/// A row of a thread's table: a cache, and the thread's reader there. Its size is a power of two, also where a `u64` is aligned to
/// four bytes.
#[derive(Clone, Copy)]
#[repr(align(16))]
struct Row {
    number: u64,
    reader: *const Reader,
}

/// The difference of the numbers of two caches. So the lower bits of a number are the home row of its cache, in bytes.
const STEP: u64 = size_of::<Row>() as u64;
const _: () = assert!(STEP.is_power_of_two());

/// A thread's table, as a hit reads it: open addressing.
#[derive(Clone, Copy)]
struct ReaderTable {
    rows: *const Row,
    /// The length of the rows less one row, in bytes.
    mask: u64,
}

impl ReaderTable {
    /// Returns the row at a position, in bytes, of the calling thread's table.
    #[inline(always)]
    fn row<'t>(self, at: u64) -> &'t Row {
        // SAFETY: the position is masked with the length less one row. The rows are those of `ROWS` of this thread, which sets
        // `TABLE` whenever its rows move, and before it is dropped. No caller does either while it has the row.
        unsafe { &*self.rows.byte_add((at & self.mask) as usize) }
    }
}

/// The owner of a thread's table.
struct Rows {
    rows: Vec<Row>,
    used: usize,
    life: Option<Arc<Life>>,
}

/// No cache has this number.
const NO_ROW: Row = Row { number: 0, reader: core::ptr::null() };
const EMPTY: ReaderTable = ReaderTable { rows: &raw const NOTHING.0, mask: 0 };
const FEWEST: usize = 8;

struct Nothing(Row);
// SAFETY: it is never written, and its pointer is null.
unsafe impl Sync for Nothing {}
static NOTHING: Nothing = Nothing(NO_ROW);

thread_local! {
    static NUMBER: Cell<ThreadNumber> = const { Cell::new(ThreadNumber::ENDED) };
    static TABLE: Cell<ReaderTable> = const { Cell::new(EMPTY) };
    static ROWS: RefCell<Rows> = const { RefCell::new(Rows { rows: Vec::new(), used: 0, life: None }) };
}

/// Calls this with the calling thread's `Life`. Returns `None` while the thread ends.
pub(crate) fn with_my_life<R>(act: impl FnOnce(&Arc<Life>) -> R) -> Option<R> {
    ROWS.try_with(|rows| act(rows.borrow_mut().life())).ok()
}

impl Readers {
    pub(crate) fn new() -> Self {
        static NUMBERS: Counter = Counter::new(STEP);
        CACHES.fetch_add(1, Relaxed);
        Self { number: NUMBERS.fetch_add(STEP, Relaxed) }
    }

    /// Returns the number of the cache. A cache that is made later has a larger one.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Returns the calling thread's reader, if it has one.
    #[inline(always)]
    pub(crate) fn mine(&self) -> Option<Owner<'_>> {
        let table = TABLE.get();
        let row = table.row(self.number);
        if row.number == self.number { self.mine_of(row) } else { self.mine_further(table) }
    }

    /// Finds the reader if that of another cache is in its home row, or if there is none.
    #[cold]
    #[inline(never)]
    fn mine_further(&self, table: ReaderTable) -> Option<Owner<'_>> {
        let mut at = self.number;
        loop {
            let row = table.row(at);
            if row.number == self.number {
                return self.mine_of(row);
            }
            if row.number == 0 {
                return None;
            }
            at += STEP;
        }
    }

    /// Returns the reader in the row of this cache.
    #[inline(always)]
    fn mine_of(&self, row: &Row) -> Option<Owner<'_>> {
        debug_assert_eq!(row.number, self.number, "the row is that of this cache");
        // SAFETY: the row of a cache has a reader. This file's invariants 1 and 2: the cache exists, and this thread, which has not
        // ended, owns the reader.
        Some(unsafe {
            core::hint::assert_unchecked(!row.reader.is_null());
            Owner::new(&*row.reader)
        })
    }

    /// Gives the calling thread a reader. Returns `None` while the thread ends.
    #[cold]
    #[inline(never)]
    pub(crate) fn join_in(&self, list: &mut List, is_apart: bool) -> Option<Owner<'_>> {
        ROWS.try_with(|rows| {
            let mut rows = rows.borrow_mut();
            let reader = list.of(rows.life(), is_apart);
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
            if NUMBER.get() != ThreadNumber::ENDED {
                // No cache is biased to the thread any more.
                NUMBER.set(ThreadNumber::new());
            }
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
    fn life(&mut self) -> &Arc<Life> {
        self.life.get_or_insert_with(|| {
            NUMBER.set(ThreadNumber::new());
            Arc::new(Life::new())
        })
    }

    /// Returns the position of the row of a cache, or of the free row where it would be.
    fn position(&self, number: u64) -> usize {
        let mask = self.rows.len() - 1;
        let mut at = (number / STEP) as usize & mask;
        while self.rows[at].number != number && self.rows[at].number != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    fn add(&mut self, row: Row) {
        if (self.used + 1) * 2 > self.rows.len() {
            // The table does not know which caches are gone. For a cache that still exists, the thread finds its reader in
            // the cache's list again.
            let most = CACHES.load(Relaxed).min(self.used + 1);
            let length = (most * 3).next_power_of_two().max(FEWEST);
            self.rows = vec![NO_ROW; length];
            self.used = 0;
        }
        let at = self.position(row.number);
        self.rows[at] = row;
        self.used += 1;
        TABLE.set(ReaderTable { rows: self.rows.as_ptr(), mask: (self.rows.len() as u64 - 1) * STEP });
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        TABLE.set(EMPTY);
        NUMBER.set(ThreadNumber::ENDED);
        if let Some(life) = &self.life {
            life.end();
        }
    }
}

impl Deref for Leaked {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        // SAFETY: it lives until this is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Leaked {
    fn drop(&mut self) {
        // SAFETY: it came from there. By this file's invariant 1, its thread has ended or cannot use the cache any more.
        unsafe { Reader::free(self.0) };
    }
}

impl<'l> Iterator for Listed<'l> {
    type Item = &'l ListedReader;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().or_else(|| self.more.next())
    }
}

impl<'l> Iterator for All<'l> {
    type Item = Locked<'l, Reader>;

    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the list is inside the lock, so the caller holds the lock for as long as it has a reference to the list.
        self.0.next().map(|listed| unsafe { Locked::new(&*listed.reader) })
    }
}

impl ListedReader {
    fn is_of(&self, life: &Arc<Life>) -> bool {
        self.life.as_ref().is_some_and(|own| Arc::ptr_eq(own, life))
    }

    fn has_ended(&self) -> bool {
        self.life.as_ref().is_none_or(|life| life.has_ended())
    }
}

impl List {
    /// Returns all readers.
    pub(crate) fn all(&self) -> All<'_> {
        All(self.listed())
    }

    fn listed(&self) -> Listed<'_> {
        Listed { first: self.first.as_ref(), more: self.more.as_ref().map_or(&[][..], |more| more).iter() }
    }

    fn are_more(&self) -> bool {
        self.more.as_ref().is_some_and(|more| !more.is_empty())
    }

    /// Returns whether there is no reader but this one.
    pub(crate) fn are_only(&self, mine: Option<Owner<'_>>) -> bool {
        match &self.first {
            None => true,
            Some(one) => {
                mine.is_some_and(|mine| core::ptr::eq(mine.reader(), &*one.reader)) && !self.are_more()
            }
        }
    }

    /// Returns whether there are so few readers that a look at each costs next to nothing.
    pub(crate) fn are_few(&self) -> bool {
        self.more.as_ref().is_none_or(|more| more.len() < 32)
    }

    /// Returns the reader of a thread: its own, or a new one, which may be apart from others.
    pub(crate) fn of(&mut self, life: &Arc<Life>, is_apart: bool) -> *const Reader {
        if let Some(own) = self.listed().find(|listed| listed.is_of(life)) {
            return own.reader.0.as_ptr();
        }
        let reader = Leaked(Reader::leaked(is_apart));
        let address = reader.0.as_ptr();
        let listed = ListedReader { reader, life: Some(Arc::clone(life)) };
        match self.first {
            None => self.first = Some(listed),
            Some(_) => self.more.get_or_insert_default().push(listed),
        }
        address
    }

    /// Returns the reader of a thread, its own or a new one, if that is the first of the list.
    pub(crate) fn first_of(&mut self, life: &Arc<Life>) -> Option<*const Reader> {
        let is_first = self.first.as_ref().is_none_or(|first| first.is_of(life));
        is_first.then(|| self.of(life, false))
    }

    /// Frees the readers of ended threads, after it has handed each to `forget`.
    pub(crate) fn prune(&mut self, forget: &mut dyn FnMut(Locked<'_, Reader>)) {
        let mut stays = |listed: &ListedReader| {
            if !listed.has_ended() {
                return true;
            }
            // SAFETY: as in `all`.
            let reader = unsafe { Locked::new(&*listed.reader) };
            forget(reader);
            false
        };
        self.first = self.first.take().filter(&mut stays);
        if let Some(more) = &mut self.more {
            more.retain(stays);
            if self.first.is_none() {
                self.first = more.pop();
            }
        }
    }

    /// Puts all readers but one at rest, in a child that has no other thread.
    #[cfg(unix)]
    pub(crate) fn put_others_at_rest(&mut self, mine: Option<*const Reader>) {
        for listed in self.first.iter_mut().chain(self.more.iter_mut().flat_map(|more| more.iter_mut())) {
            if Some(listed.reader.0.as_ptr().cast_const()) != mine {
                // SAFETY: as in `all`.
                unsafe { Locked::new(&*listed.reader) }.put_at_rest();
                listed.life = None;
            }
        }
    }
}
