//! What threads read of a table without its lock, and the counts of what they compute.

use crate::sys::clock::Instant;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::fork::Process;
use crate::sys::sync::{AtomicBool, AtomicU64, AtomicUsize};
use crate::table::bias::Bias;
use crate::table::blocks::Place;
use crate::table::index::{Changes, Index};
use crate::table::inside::Guarded;
use crate::table::invalidations::SequenceNumber;
use crate::table::locked::Locked;
use crate::table::lru::Limits;
use crate::table::nodes::Nodes;
use crate::table::reach::Reach;
use crate::table::reader::{Owner, Pin};
use crate::table::recency::Recency;
use crate::table::running::Running;
use crate::table::threading::Threading;

/// The number of places beyond `maxsize`, for retired entries.
pub(super) const SPARE: usize = if cfg!(all(test, loom)) { 2 } else { 64 };

/// The part of a table that threads read without its lock; `E` is the type of its entries.
pub(crate) struct Front<T: Threading, E> {
    pub(super) index: Index,
    pub(super) nodes: Nodes<E>,
    pub(super) readers: T::Readers,
    pub(super) recency: Recency,
    pub(super) bias: Bias,
    /// The present bound of the number of entries, or `usize::MAX`; the lock's holder writes it.
    maxsize: AtomicUsize,
    is_bounded: bool,
    max_weight: Option<usize>,
    /// The number of the newest clear or invalidation.
    newest: AtomicU64,
    /// Whether invalidations are remembered for computations under way.
    remembers: AtomicBool,
    /// The computations of threads that had no reader.
    pub(super) without_reader: Running,
    /// The number of retired entries; the lock's holder writes it.
    held_back: AtomicUsize,
}

// SAFETY: everything but the arena is `Sync` by itself. Threads share entries by reference while these are in the table,
// and the thread that takes an entry out gets it by value. `T::Readers` of a cache of one thread is not `Sync`.
unsafe impl<T: Threading, E: Send + Sync> Sync for Front<T, E> where T::Readers: Sync {}
// SAFETY: it owns its entries.
unsafe impl<T: Threading, E: Send> Send for Front<T, E> where T::Readers: Send {}

/// A computation under way: a run of the function, as the table counts it. Dropping this ends it.
pub(crate) struct Computation<'f, T: Threading, E> {
    front: &'f Front<T, E>,
    process: Process,
}

/// What a search that found nothing has seen: all changes of the index up to then, or `None` if the entry may exist.
// An option takes fewer registers of a hit than a number that means the latter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfound(pub(super) Option<Changes>);

impl Unfound {
    /// The entry may exist.
    pub(crate) const UNSURE: Self = Self(None);
}

/// How entries expire.
pub(crate) struct ExpiryCheck<F> {
    /// The time now, if entries expire.
    pub(crate) now: Option<Instant>,
    /// Returns the deadline of an entry.
    pub(crate) deadline_of: F,
}

impl<T: Threading, E> Front<T, E> {
    /// Returns the front of a table with these limits. If it `begins_small`, it allocates when entries come.
    pub(super) fn new(limits: Limits, begins_small: bool) -> Self {
        let bound = match limits.maxsize {
            Some(0) => 0,
            Some(maxsize) => maxsize.saturating_add(SPARE).min(1 << 31),
            None => 1 << 31,
        };
        let nodes = Nodes::new(bound, begins_small);
        let is_kept = !T::SHARED || limits.order_matters();
        Self {
            // An index of more than a few pages grows when it must.
            index: Index::new(if begins_small { 0 } else { limits.maxsize.unwrap_or(0).min(1024) }),
            recency: Recency::new(nodes.beside(), is_kept),
            nodes,
            // Each of many caches that come and go would have to end its bias.
            bias: Bias::new(T::SHARED && !begins_small),
            readers: T::readers(),
            maxsize: AtomicUsize::new(limits.maxsize.unwrap_or(usize::MAX)),
            is_bounded: limits.maxsize.is_some(),
            max_weight: limits.max_weight,
            newest: AtomicU64::new(0),
            remembers: AtomicBool::new(false),
            without_reader: Running::new(),
            held_back: AtomicUsize::new(0),
        }
    }

    /// Returns the calling thread's reader, if it has one.
    #[inline(always)]
    pub(super) fn owner(&self) -> Option<Owner<'_>> {
        T::mine(&self.readers)
    }

    /// Returns the calling thread's reader, and whether no other thread has one. If another thread has, this ends the bias.
    ///
    /// # Safety
    /// The state is that of this table.
    #[inline(always)]
    pub(super) unsafe fn owner_among(&self, guarded: &mut Guarded) -> (Option<Owner<'_>>, bool) {
        let mine = self.owner();
        // SAFETY: as the caller says.
        let is_alone =
            !T::SHARED || guarded.readers.are_only(mine) || unsafe { self.is_alone_by_now(mine, guarded) };
        (mine, is_alone)
    }

    /// Returns whether the threads of all other readers have ended.
    ///
    /// # Safety
    /// As for [`owner_among`](Self::owner_among).
    #[inline(never)]
    unsafe fn is_alone_by_now(&self, mine: Option<Owner<'_>>, guarded: &mut Guarded) -> bool {
        // SAFETY: invariant 1: the reference to the state proves that the lock is held.
        let front = unsafe { Locked::new(self) };
        if guarded.readers.may_prune() {
            guarded.prune(front);
            if guarded.readers.are_only(mine) {
                if let Some(mine) = mine {
                    self.bias.begin_again(front, mine);
                }
                return true;
            }
        }
        if self.bias.holds() {
            self.bias.end(front, guarded.readers.all());
        }
        false
    }

    /// Pins a reader.
    ///
    /// # Safety
    /// The reader is one of this table.
    #[inline(always)]
    pub(super) unsafe fn pin<'r>(&self, owner: Owner<'r>) -> Pin<'r> {
        // SAFETY: the readers of this table are of its kind, `T`.
        unsafe { T::pin(owner, &self.bias) }
    }

    /// Returns whether the number of entries is bounded.
    #[inline]
    pub(crate) fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Returns the present bound of the number of entries.
    #[inline]
    pub(crate) fn maxsize(&self) -> Option<usize> {
        self.is_bounded.then(|| self.maxsize.load(Relaxed))
    }

    /// Returns the present limits.
    pub(crate) fn limits(&self) -> Limits {
        Limits { maxsize: self.maxsize(), max_weight: self.max_weight }
    }

    /// Returns whether nothing is stored, as with `maxsize = 0`.
    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        self.maxsize.load(Relaxed) == 0
    }

    /// Restores the reach of hits to the whole first block.
    pub(crate) fn restore_reach(&self) {
        self.nodes.restore_reach();
    }

    /// Returns the number of places that the fast path of a hit reads.
    pub(crate) fn reach(&self) -> &Reach {
        self.nodes.reach()
    }

    /// Has the calling thread forget its reader: it finds nothing here without the lock any more.
    pub(crate) fn leave(&self) {
        T::leave(&self.readers);
    }

    /// Returns the number of the newest clear or invalidation.
    pub(crate) fn newest(&self) -> SequenceNumber {
        SequenceNumber(self.newest.load(Acquire))
    }

    /// Returns whether invalidations are remembered for computations under way.
    pub(crate) fn remembers(&self) -> bool {
        self.remembers.load(Relaxed)
    }

    /// Counts a computation that begins. The caller reads the number of the newest invalidation afterwards.
    pub(crate) fn begin(&self) -> Computation<'_, T, E> {
        self.begin_in(if T::SHARED { Process::here() } else { Process::ANY })
    }

    /// As [`begin`](Self::begin), by a thread that knows its process.
    #[inline]
    pub(crate) fn begin_in(&self, process: Process) -> Computation<'_, T, E> {
        self.begin_by(self.owner(), process)
    }

    /// As [`begin_in`](Self::begin_in), by a thread that knows its reader.
    #[inline]
    pub(super) fn begin_by(&self, mine: Option<Owner<'_>>, process: Process) -> Computation<'_, T, E> {
        match mine {
            Some(mine) => mine.running().begin(false),
            None => self.without_reader.begin(true),
        }
        Computation { front: self, process }
    }

    /// Returns whether a retired entry may be waiting for a thread that protects it.
    #[inline(always)]
    pub(crate) fn holds_back(&self) -> bool {
        self.held_back.load(Relaxed) != 0
    }

    /// Returns an entry that is kept in the lock.
    ///
    /// # Safety
    /// The place was kept in the lock of this table, and is so while the reference is used.
    pub(crate) unsafe fn kept(&self, place: Place) -> &E {
        // SAFETY: invariant 5.
        unsafe { self.nodes.entry(place) }
    }

    /// Returns whether an entry that was not found certainly does not exist.
    #[inline]
    pub(crate) fn lacks(&self, unfound: Unfound) -> bool {
        unfound.0.is_some_and(|changes| self.index.is_still(changes))
    }
}

impl<'l, T: Threading, E> Locked<'l, Front<T, E>> {
    #[inline(always)]
    pub(super) fn index(self) -> Locked<'l, Index> {
        self.part(|front| &front.index)
    }

    #[inline(always)]
    pub(super) fn nodes(self) -> Locked<'l, Nodes<E>> {
        self.part(|front| &front.nodes)
    }

    #[inline(always)]
    pub(super) fn recency(self) -> Locked<'l, Recency> {
        self.part(|front| &front.recency)
    }

    /// Notes the number of the newest clear or invalidation, and whether invalidations are remembered.
    pub(super) fn set_newest(self, newest: SequenceNumber, remembers: bool) {
        self.newest.store(newest.0, Release);
        self.remembers.store(remembers, Relaxed);
    }

    /// Notes a new bound of the number of entries.
    pub(super) fn set_maxsize(self, maxsize: usize) {
        self.maxsize.store(maxsize, Relaxed);
    }

    /// Notes the number of retired entries.
    pub(super) fn set_held_back(self, entries: usize) {
        self.held_back.store(entries, Relaxed);
    }
}

impl<T: Threading, E> Computation<'_, T, E> {
    /// Ends the computation in a thread with this reader. A task may end in another thread than it began in.
    #[inline]
    pub(super) fn end_by(self, mine: Option<Owner<'_>>) {
        self.count_end(mine);
        core::mem::forget(self);
    }

    #[inline]
    fn count_end(&self, mine: Option<Owner<'_>>) {
        // In a child, all computations that began before the fork were counted as ended.
        if T::SHARED && !self.process.is_here() {
            return;
        }
        match mine {
            Some(mine) => mine.running().end(false),
            None => self.front.without_reader.end(true),
        }
    }
}

impl<T: Threading, E> Drop for Computation<'_, T, E> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        self.count_end(self.front.owner());
    }
}
