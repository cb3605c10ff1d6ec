//! What threads read of a table without its lock, and the counts of what they compute.

use crate::sys::clock::Instant;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::fork::Process;
use crate::sys::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
use crate::table::backoff::Backoff;
use crate::table::bias::Biased;
use crate::table::blocks::{Blocks, Place};
use crate::table::index::{Changes, Index};
use crate::table::invalidations::SequenceNumber;
use crate::table::locked::Locked;
use crate::table::lru::Limits;
use crate::table::nodes::Nodes;
use crate::table::reach::Reach;
use crate::table::reader::{Owner, Pin};
use crate::table::recency::Recency;
use crate::table::running::Running;
use crate::table::seldom::SeldomShared;
use crate::table::threading::{OfObject, Threading};

/// The number of places beyond `maxsize`, for retired entries.
pub(super) const SPARE: usize = if cfg!(all(test, loom)) { 2 } else { 64 };

/// The part of a table that threads read without its lock; `E` is the type of its entries.
pub(crate) struct Front<T: Threading, E> {
    pub(super) index: Index,
    pub(super) nodes: Nodes<T, E>,
    pub(super) readers: T::Readers,
    pub(super) recency: T::Apart<Recency<T>>,
    pub(super) bias: T::Bias,
    /// The present bound of the number of entries, or `usize::MAX`; the lock's holder writes it.
    maxsize: AtomicUsize,
    is_bounded: bool,
    pub(super) shared: T::SeldomShared<Shared>,
    /// The number of retired entries; the lock's holder writes it.
    held_back: AtomicU32,
}

/// The parts of a table's front that have no type of entries.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Parts<'f, T: Threading> {
    pub(super) index: Locked<'f, Index>,
    pub(super) recency: Locked<'f, Recency<T>>,
    pub(super) readers: &'f T::Readers,
    pub(super) bias: &'f T::Bias,
    pub(super) shared: &'f T::SeldomShared<Shared>,
}

/// What a small table needs only if it bounds weights, after a clear or an invalidation, if threads meet at its lock, or if a thread
/// calls while it ends.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Shared {
    /// The largest sum of weights.
    max_weight: Option<usize>,
    /// The number of the newest clear or invalidation.
    newest: AtomicU64,
    /// Whether invalidations are remembered for computations under way.
    remembers: AtomicBool,
    /// The computations of threads that had no reader.
    pub(super) without_reader: Running,
    pub(super) backoff: Backoff,
}

impl Shared {
    fn new(max_weight: Option<usize>) -> Self {
        Self {
            max_weight,
            newest: AtomicU64::new(0),
            remembers: AtomicBool::new(false),
            without_reader: Running::new(),
            backoff: Backoff::new(),
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(None)
    }
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

/// A computation under way, of a table that its owner knows, and in this process.
#[must_use = "to be ended"]
pub(crate) struct Begun(Process);

/// What a search that found nothing has seen: all changes of the index up to then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfound(pub(super) Changes);

impl Unfound {
    /// The entry may exist.
    pub(crate) const UNSURE: Self = Self(Changes::UNKNOWN);
}

/// How entries expire.
pub(crate) struct ExpiryCheck<F> {
    /// The time now, if entries expire.
    pub(crate) now: Option<Instant>,
    /// Returns the deadline of an entry.
    pub(crate) deadline_of: F,
}

impl<T: Threading, E> Front<T, E> {
    /// Returns the front of a table with these limits.
    pub(super) fn new(limits: Limits) -> Self {
        let bound = match limits.maxsize {
            Some(0) => 0,
            Some(maxsize) => maxsize.saturating_add(SPARE).min(1 << 31),
            None => 1 << 31,
        };
        let is_kept = !T::SHARED || limits.order_matters();
        Self {
            // An index of more than a few pages grows when it must.
            index: Index::new(if T::BEGINS_SMALL { 0 } else { limits.maxsize.unwrap_or(0).min(1024) }),
            recency: Recency::new(T::Blocks::new(bound, size_of::<E>()), is_kept).into(),
            nodes: Nodes::new(bound),
            bias: T::Bias::new(),
            readers: T::readers(),
            maxsize: AtomicUsize::new(limits.maxsize.unwrap_or(usize::MAX)),
            is_bounded: limits.maxsize.is_some(),
            shared: T::SeldomShared::new(limits.max_weight.map(|max| Shared::new(Some(max)))),
            held_back: AtomicU32::new(0),
        }
    }

    /// Returns the calling thread's reader, if it has one.
    #[inline(always)]
    pub(super) fn owner(&self) -> Option<Owner<'_>> {
        T::mine(&self.readers)
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

    /// Pins the calling thread's reader, if the cache is biased to it.
    #[inline(always)]
    pub(super) fn pin_if_biased(&self) -> Option<Pin<'_>> {
        self.bias.pin()
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
        Limits { maxsize: self.maxsize(), max_weight: self.shared.get().and_then(|shared| shared.max_weight) }
    }

    /// Returns whether nothing is stored, as with `maxsize = 0`.
    #[inline]
    pub(crate) fn is_off(&self) -> bool {
        self.maxsize.load(Relaxed) == 0
    }

    /// Restores the reach of hits to all near places.
    pub(crate) fn restore_reach(&self) {
        self.nodes.restore_reach();
    }

    /// Returns the number of places that the fast path of a hit reads, unless that is all.
    pub(crate) fn reach(&self) -> Option<&Reach> {
        self.nodes.reach()
    }

    /// Has the calling thread forget its reader: it finds nothing here without the lock any more.
    pub(crate) fn leave(&self) {
        T::leave(&self.readers);
    }

    /// Returns the number of the newest clear or invalidation.
    pub(crate) fn newest(&self) -> SequenceNumber {
        SequenceNumber(self.shared.get().map_or(0, |shared| shared.newest.load(Acquire)))
    }

    /// Returns whether invalidations are remembered for computations under way.
    pub(crate) fn remembers(&self) -> bool {
        self.shared.get().is_some_and(|shared| shared.remembers.load(Relaxed))
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
            None => self.shared.made().without_reader.begin(true),
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
        self.index.is_still(unfound.0)
    }
}

impl<E> Front<OfObject, E> {
    /// Returns the number of the cache. A cache that is made later has a larger one.
    pub(crate) fn number(&self) -> u64 {
        self.readers.others.number()
    }
}

impl<'l, T: Threading, E> Locked<'l, Front<T, E>> {
    #[inline(always)]
    pub(super) fn index(self) -> Locked<'l, Index> {
        self.part(|front| &front.index)
    }

    #[inline(always)]
    pub(super) fn nodes(self) -> Locked<'l, Nodes<T, E>> {
        self.part(|front| &front.nodes)
    }

    #[inline(always)]
    pub(super) fn recency(self) -> Locked<'l, Recency<T>> {
        self.part(|front| &*front.recency)
    }

    /// Returns the parts that have no type of entries.
    #[inline(always)]
    pub(super) fn parts(self) -> Parts<'l, T> {
        Parts {
            index: self.index(),
            recency: self.recency(),
            readers: &self.get().readers,
            bias: &self.get().bias,
            shared: &self.get().shared,
        }
    }

    /// Notes the number of the newest clear or invalidation, and whether invalidations are remembered.
    pub(super) fn set_newest(self, newest: SequenceNumber, remembers: bool) {
        let shared = self.shared.made();
        shared.newest.store(newest.0, Release);
        shared.remembers.store(remembers, Relaxed);
    }

    /// Notes a new bound of the number of entries.
    pub(super) fn set_maxsize(self, maxsize: usize) {
        // The caller may begin to keep the order of uses, and then nobody stamps alone.
        self.bias.stop(self);
        self.maxsize.store(maxsize, Relaxed);
    }

    /// Notes the number of retired entries.
    pub(super) fn set_held_back(self, entries: usize) {
        self.held_back.store(entries as u32, Relaxed);
    }
}

impl<T: Threading, E> Front<T, E> {
    /// Ends a computation of this table.
    #[cold]
    #[inline(never)]
    pub(crate) fn end(&self, begun: Begun) {
        self.end_by(self.owner(), begun);
    }

    /// Ends a computation of this table, in a thread with this reader. A task may end in another thread than it began in.
    #[inline]
    pub(super) fn end_by(&self, mine: Option<Owner<'_>>, Begun(process): Begun) {
        // In a child, all computations that began before the fork were counted as ended.
        if T::SHARED && !process.is_here() {
            return;
        }
        match mine {
            Some(mine) => mine.running().end(false),
            None => self.shared.made().without_reader.end(true),
        }
    }
}

impl<T: Threading, E> Computation<'_, T, E> {
    /// Returns the computation without its table. The caller [ends](Front::end) it.
    #[inline]
    pub(crate) fn apart(self) -> Begun {
        let begun = Begun(self.process);
        core::mem::forget(self);
        begun
    }
}

impl<T: Threading, E> Drop for Computation<'_, T, E> {
    #[inline]
    fn drop(&mut self) {
        self.front.end(Begun(self.process));
    }
}
