//! The readers of a cache, and how a thread finds its own.
//!
//! Caches are numbered, and no number is used again. A thread has a table from the numbers of caches to its readers
//! there, and a word, [`Life`], that tells its end. A cache owns its readers: they are listed in its lock, and freed with it.
//!
//! 1. A reader belongs to one thread, and is freed when its cache is dropped, or in the lock after its thread has ended.
//! 2. A table is read by its own thread alone, under the number of a cache that exists. What it holds of caches that
//!    are gone is never looked up, and is forgotten when the table is full.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU64 as Counter, AtomicUsize as Count};

use crate::sys::sync::AtomicBool;
use crate::table::reader::Reader;
use crate::table::running::Running;

/// The number of a cache that all threads share.
pub struct Readers {
    number: u64,
}

/// How many caches there are that all threads share.
static CACHES: Count = Count::new(0);

/// Whether a thread has ended.
pub(crate) struct Life(AtomicBool);

/// A reader that is owned by the list of its cache. Its address is known to its thread.
#[derive(PartialEq, Eq)]
struct Owned(NonNull<Reader>);

// SAFETY: it is a box, of something that all threads may share.
unsafe impl Send for Owned {}

/// A reader, and the thread that has it. There is none in the child of a fork that was made by another thread.
struct Listed {
    reader: Owned,
    life: Option<Arc<Life>>,
}

/// The readers of one cache; in its lock.
#[derive(Default)]
pub struct List {
    listed: Vec<Listed>,
    /// The hits and misses of readers that are gone.
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

/// A thread's table, as it is kept.
struct Kept {
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
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { rows: Vec::new(), used: 0, life: None }) };
}

impl Readers {
    pub(crate) fn new() -> Self {
        static NUMBERS: Counter = Counter::new(1);
        CACHES.fetch_add(1, Relaxed);
        Self { number: NUMBERS.fetch_add(1, Relaxed) }
    }

    /// The calling thread's reader, if it has one already.
    #[inline(always)]
    pub(crate) fn mine(&self) -> Option<&Reader> {
        let table = TABLE.get();
        let mut at = self.number;
        loop {
            // SAFETY: the position is masked with the length less one, and the table is that of `KEPT`, which is of this
            // thread, is set anew whenever that changes, and is taken back before that is dropped.
            let row = unsafe { &*table.rows.add((at & table.mask) as usize) };
            if row.number == self.number {
                // SAFETY: invariants 1 and 2: the cache exists, and this thread has not ended.
                return Some(unsafe { &*row.reader });
            }
            // Another cache's reader may be in the way.
            if row.number == 0 {
                return None;
            }
            at += 1;
        }
    }

    /// Gives the calling thread a reader; none while it ends. In the lock.
    #[cold]
    #[inline(never)]
    pub(crate) fn join_in(&self, list: &mut List) -> Option<&Reader> {
        KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let life = kept.life.get_or_insert_with(|| Arc::new(Life::new()));
            let reader = list.of(life);
            kept.add(Row { number: self.number, reader });
            // SAFETY: invariant 1: this thread has not ended.
            unsafe { &*reader }
        })
        .ok()
    }

    /// Takes the calling thread's reader from it, so that nothing is found here any more.
    pub(crate) fn leave(&self) {
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if let Some(at) = (!kept.rows.is_empty()).then(|| kept.position(self.number)) {
                if kept.rows[at].number == self.number {
                    // The row stays, so that rows behind it are still found.
                    kept.rows[at].number = u64::MAX;
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

impl Life {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Release);
    }

    fn has_ended(&self) -> bool {
        !self.0.load(Acquire)
    }
}

impl Kept {
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

impl Drop for Kept {
    fn drop(&mut self) {
        TABLE.set(EMPTY);
        if let Some(life) = &self.life {
            life.end();
        }
    }
}

impl Deref for Owned {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        // SAFETY: a leaked box, which is freed when this is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: a leaked box, which nobody uses any more, by invariant 1.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Listed {
    fn has_ended(&self) -> bool {
        self.life.as_ref().is_none_or(|life| life.has_ended())
    }
}

impl List {
    /// All readers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Reader> {
        self.listed.iter().map(|listed| &*listed.reader)
    }

    /// Returns whether this is the only reader.
    pub(crate) fn are_only(&self, mine: Option<&Reader>) -> bool {
        match &self.listed[..] {
            [] => true,
            [one] => mine.is_some_and(|mine| core::ptr::eq(mine, &*one.reader)),
            _ => false,
        }
    }

    /// Returns whether there are so few readers that a look at each costs next to nothing.
    pub(crate) fn are_few(&self) -> bool {
        self.listed.len() <= 32
    }

    /// The hits and misses of readers that are gone.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.counts
    }

    /// The reader of a thread: its own, one that another has left, or a new one.
    pub(crate) fn of(&mut self, life: &Arc<Life>) -> *const Reader {
        let is_own = |listed: &Listed| listed.life.as_ref().is_some_and(|other| Arc::ptr_eq(other, life));
        let found =
            self.listed.iter().position(is_own).or_else(|| self.listed.iter().position(Listed::has_ended));
        let at = found.unwrap_or_else(|| {
            let reader = Owned(NonNull::from(Box::leak(Box::new(Reader::new()))));
            self.listed.push(Listed { reader, life: None });
            self.listed.len() - 1
        });
        let listed = &mut self.listed[at];
        listed.life = Some(Arc::clone(life));
        listed.reader.0.as_ptr()
    }

    /// Frees the readers of threads that have ended, each of which is first handed to `forget`.
    pub(crate) fn prune(&mut self, rest: &Running, mut forget: impl FnMut(&Reader)) {
        let counts = &mut self.counts;
        self.listed.retain(|listed| {
            if !listed.has_ended() {
                return true;
            }
            forget(&listed.reader);
            let (hits, misses) = listed.reader.counts();
            *counts = (counts.0 + hits, counts.1 + misses);
            rest.take_over(listed.reader.running());
            false
        });
    }

    /// Takes all readers but one from threads that do not exist any more.
    #[cfg(unix)]
    pub(crate) fn put_others_at_rest(&mut self, mine: Option<*const Reader>) {
        for listed in &mut self.listed {
            if Some(listed.reader.0.as_ptr().cast_const()) != mine {
                listed.reader.put_at_rest();
                listed.life = None;
            }
        }
    }
}
