//! What is read without the lock: the index, the entries, and who reads them; and how it is changed in the lock.
//!
//! A hit pins its reader, finds a place in the index, compares and copies the entry there, stamps the place, and is
//! done. Whoever has the lock removes an entry from the index first, and takes it away when no reader can see it any more
//! (`limbo`); only then its place becomes another entry's.

pub(crate) mod bias;
pub(crate) mod blocks;
mod counter;
pub(crate) mod index;
mod inside;
pub(crate) mod invalidations;
pub(crate) mod limbo;
#[cfg(all(test, loom))]
mod loom_models;
pub(crate) mod lru;
mod nodes;
pub(crate) mod reach;
pub(crate) mod reader;
pub(crate) mod readers;
pub(crate) mod recency;
mod running;
pub(crate) mod threading;
mod victims;

use crate::sys::clock::Instant;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::fork::Process;
use crate::sys::sync::{AtomicBool, AtomicU64, AtomicUsize};
use crate::table::bias::Bias;
use crate::table::blocks::Place;
use crate::table::index::{Changes, Index, Tag};
pub(crate) use crate::table::inside::Inside;
use crate::table::invalidations::Ticket;
use crate::table::lru::{Limits, Lru};
use crate::table::nodes::Nodes;
use crate::table::reach::Reach;
use crate::table::reader::{Hazard, Pin, Reader};
use crate::table::recency::{Live, Recency};
use crate::table::running::Running;
#[cfg(unix)]
use crate::table::threading::AllThreads;
use crate::table::threading::Threading;

/// How many places there are beyond `maxsize`, for entries that readers may still see.
const SPARE: usize = if cfg!(all(test, loom)) { 2 } else { 64 };
/// How many entries, beyond one for each thread in foreign code, readers may hold back before a writer waits for them.
/// Who is pinned runs no foreign code, so that it does not take long.
const HELD_BACK: usize = 1024;

/// How often it is looked again whether readers hold something back.
const LINGER: usize = if cfg!(all(test, loom)) { 0 } else { 16 };

/// What readers see of a cache with entries of type `E`.
pub(crate) struct Front<T: Threading, E> {
    index: Index,
    nodes: Nodes<E>,
    readers: T::Readers,
    recency: Recency,
    bias: Bias,
    /// The number of the newest clear or invalidation.
    newest: AtomicU64,
    remembers: AtomicBool,
    /// How many computations began and ended while their threads had no reader.
    without_reader: Running,
    /// How many entries were removed and are still held back; written in the lock.
    held_back: AtomicUsize,
}

// SAFETY: what is not atomic is the entries. They are shared by reference while they are in the cache, and given away by
// value when they leave it.
unsafe impl<T: Threading, E: Send + Sync> Sync for Front<T, E> where T::Readers: Sync {}
// SAFETY: it owns its entries.
unsafe impl<T: Threading, E: Send> Send for Front<T, E> where T::Readers: Send {}

/// The half of a hash that is in the index.
#[inline(always)]
pub(crate) fn tag(hash: u64) -> Tag {
    hash as Tag
}

/// Something that is being computed.
pub(crate) struct Computation<'f, T: Threading, E> {
    front: &'f Front<T, E>,
    process: Process,
}

impl<T: Threading, E> Computation<'_, T, E> {
    /// Ends it in a thread with this reader. A task may end in another thread than it began in.
    #[inline]
    pub(crate) fn end(self, mine: Option<&Reader>) {
        self.count_end(mine);
        core::mem::forget(self);
    }

    #[inline]
    fn count_end(&self, mine: Option<&Reader>) {
        // In a child, all that had begun before the fork were counted as ended.
        if T::SHARED && !self.process.is_here() {
            return;
        }
        match mine {
            Some(reader) => reader.running().end(false),
            None => self.front.without_reader.end(true),
        }
    }
}

impl<T: Threading, E> Drop for Computation<'_, T, E> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        self.count_end(self.front.reader());
    }
}

/// An entry that a pinned reader has found.
pub(crate) struct Found<'f, T: Threading, E> {
    front: &'f Front<T, E>,
    pin: Pin<'f>,
    place: Place,
    entry: &'f E,
}

/// An entry that a pinned reader has found. It is in the first block, unless the search was `in_blocks`.
pub(crate) struct FoundNear<'f, T: Threading, E> {
    found: Found<'f, T, E>,
    in_blocks: bool,
}

/// What was seen of an entry that was not found: all changes up to then, or that it may be there.
// An option takes fewer registers of a hit than a number that means the latter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfound(Option<Changes>);

impl Unfound {
    /// It may be there.
    pub(crate) const UNSURE: Self = Self(None);
}

/// An entry that is kept for foreign code.
pub(crate) struct KeptEntry<'f, T: Threading, E> {
    front: &'f Front<T, E>,
    reader: &'f Reader,
    place: Place,
    entry: &'f E,
    _hazard: Hazard<'f>,
}

impl<T: Threading, E> Front<T, E> {
    /// Returns the concurrent part of a cache with these limits. If it `begins_small`, it allocates when entries come.
    pub(crate) fn new(limits: Limits, begins_small: bool) -> Self {
        let bound = match limits.maxsize {
            Some(0) => 0,
            Some(maxsize) => maxsize.saturating_add(SPARE).min(1 << 31),
            None => 1 << 31,
        };
        let nodes = Nodes::new(bound, begins_small);
        let is_kept = !T::SHARED || limits.order_matters();
        Self {
            // What does not fit into few pages grows when it must.
            index: Index::new(if begins_small { 0 } else { limits.maxsize.unwrap_or(0).min(1024) }),
            recency: Recency::new(nodes.beside(), is_kept),
            nodes,
            // Each of many caches that come and go would have to end the bias.
            bias: Bias::new(T::SHARED && !begins_small),
            readers: T::readers(),
            newest: AtomicU64::new(0),
            remembers: AtomicBool::new(false),
            without_reader: Running::new(),
            held_back: AtomicUsize::new(0),
        }
    }

    /// The calling thread's reader, if it has one already.
    #[inline(always)]
    pub(crate) fn reader(&self) -> Option<&Reader> {
        T::mine(&self.readers)
    }

    /// Returns a new reader for the calling thread, or none while the thread ends. The caller holds the lock.
    pub(crate) fn join_in(&self, lru: &mut Lru) -> Option<&Reader> {
        self.end_bias_of_another(lru, self.reader());
        T::join_in(&self.readers, &mut lru.readers)
    }

    /// Ends the bias if the calling thread, whose reader is `mine`, is not the one that alone uses the cache; in the lock.
    /// Returns whether it is.
    #[inline]
    fn end_bias_of_another(&self, lru: &Lru, mine: Option<&Reader>) -> bool {
        let is_alone = !T::SHARED || lru.readers.are_only(mine);
        if !is_alone && self.bias.holds() {
            self.bias.end();
        }
        is_alone
    }

    /// Pins a reader of the calling thread.
    #[inline(always)]
    fn pin<'r>(&self, reader: &'r Reader) -> Pin<'r> {
        T::pin(reader, &self.bias)
    }

    /// Has hits reach as far as ever on their shortest way.
    pub(crate) fn restore_reach(&self) {
        self.nodes.restore_reach();
    }

    /// How far hits reach on their shortest way.
    pub(crate) fn reach(&self) -> &Reach {
        self.nodes.reach()
    }

    /// Takes the calling thread's reader from it: the thread finds nothing here without the lock any more.
    pub(crate) fn leave(&self) {
        T::leave(&self.readers);
    }

    /// The number of the newest clear or invalidation.
    pub(crate) fn newest(&self) -> Ticket {
        Ticket(self.newest.load(Acquire))
    }

    /// Notes the newest number, and whether invalidations are remembered; in the lock.
    pub(crate) fn set_newest(&self, newest: Ticket, remembers: bool) {
        self.newest.store(newest.0, Release);
        self.remembers.store(remembers, Relaxed);
    }

    /// Whether invalidations are remembered for those that run.
    pub(crate) fn remembers(&self) -> bool {
        self.remembers.load(Relaxed)
    }

    /// Notes that a computation begins; it ends when what is returned is dropped.
    ///
    /// The number of the newest invalidation is to be asked for afterwards.
    pub(crate) fn begin(&self) -> Computation<'_, T, E> {
        self.begin_in(if T::SHARED { Process::here() } else { Process::ANY }, self.reader())
    }

    /// As [`begin`](Self::begin), by a thread that knows its process and its reader.
    #[inline]
    pub(crate) fn begin_in(&self, process: Process, mine: Option<&Reader>) -> Computation<'_, T, E> {
        match mine {
            Some(reader) => reader.running().begin(false),
            None => self.without_reader.begin(true),
        }
        Computation { front: self, process }
    }

    /// Whether an entry that was removed may be waiting for someone who has kept it.
    #[inline(always)]
    pub(crate) fn holds_back(&self) -> bool {
        self.held_back.load(Relaxed) != 0
    }

    /// Looks for an entry whose hash has this tag and that the predicate accepts, where that takes the least work: in the first
    /// block alone, or `in_blocks`.
    ///
    /// # Errors
    /// What was seen.
    #[inline(always)]
    pub(crate) fn find_near<'f>(
        &'f self,
        reader: &'f Reader,
        tag: Tag,
        in_blocks: bool,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<FoundNear<'f, T, E>, Unfound> {
        let pin = self.pin(reader);
        let changes = self.index.changes();
        // SAFETY: pinned.
        for place in unsafe { self.index.candidates(tag) } {
            self.recency.fetch(place);
            let is_in_reach = match (in_blocks, T::SHARED) {
                (true, _) => true,
                (false, true) => self.nodes.are_near(place),
                (false, false) => self.nodes.reach().covers(place),
            };
            if !is_in_reach {
                return Err(Unfound::UNSURE);
            }
            // SAFETY: it was found while pinned, and is not taken before that has ended, nor while it is kept. What is in reach
            // is in the first block, unless this looks in all blocks.
            let entry =
                unsafe { if in_blocks { self.nodes.entry(place) } else { self.nodes.near_entry(place) } };
            if accepts(entry) {
                return Ok(FoundNear { found: Found { front: self, pin, place, entry }, in_blocks });
            }
        }
        Err(Unfound(Some(changes)))
    }

    /// Looks for an entry whose hash has this tag and that the predicate accepts.
    ///
    /// # Errors
    /// What was seen.
    pub(crate) fn find<'f>(
        &'f self,
        reader: &'f Reader,
        tag: Tag,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<Found<'f, T, E>, Unfound> {
        let pin = self.pin(reader);
        let changes = self.index.changes();
        // SAFETY: pinned.
        for place in unsafe { self.index.candidates(tag) } {
            // SAFETY: it was found while pinned, and is not taken before that has ended, nor while it is kept.
            let entry = unsafe { self.nodes.entry(place) };
            if accepts(entry) {
                return Ok(Found { front: self, pin, place, entry });
            }
        }
        Err(Unfound(Some(changes)))
    }

    /// Whether what was not found is certainly not there.
    #[inline]
    pub(crate) fn lacks(&self, unfound: Unfound) -> bool {
        unfound.0.is_some_and(|changes| self.index.is_still(changes))
    }

    /// The front and the state in the lock.
    #[inline]
    pub(crate) fn inside<'a>(&'a self, lru: &'a mut Lru) -> Inside<'a, T, E> {
        self.inside_by(self.reader(), lru)
    }

    /// As [`inside`](Self::inside), in a thread whose reader is `mine`.
    #[inline]
    pub(crate) fn inside_by<'a>(&'a self, mine: Option<&'a Reader>, lru: &'a mut Lru) -> Inside<'a, T, E> {
        let is_alone = self.end_bias_of_another(lru, mine);
        Inside { front: self, mine, is_alone, lru }
    }

    /// Returns the deadline of the entry at a place, if there is an entry and it expires. The caller holds the lock.
    fn deadline_at(
        &self,
        live: &Live,
        place: Place,
        expiry: &Expiry<impl Fn(&E) -> Option<Instant>>,
    ) -> Option<Instant> {
        // SAFETY: there is an entry where one lives, and in the lock it is not taken.
        live.has(place).then(|| (expiry.deadline_of)(unsafe { self.nodes.entry(place) }))?
    }

    /// An entry that is kept in the lock.
    ///
    /// # Safety
    /// The place was found in the lock and is [kept](Lru::keep).
    pub(crate) unsafe fn kept(&self, place: Place) -> &E {
        // SAFETY: it is not taken while it is kept.
        unsafe { self.nodes.entry(place) }
    }
}

#[cfg(unix)]
impl<E> Front<AllThreads, E> {
    /// Puts the readers of other threads at rest, and all computations; in the lock, in a process that has no other
    /// thread.
    pub(crate) fn forget_others(&self, lru: &mut Lru) {
        let running = lru.readers.all().map(Reader::running);
        running.chain([&self.without_reader]).for_each(Running::put_at_rest);
        lru.readers.put_others_at_rest(self.reader().map(core::ptr::from_ref));
    }
}

impl<'f, T: Threading, E> FoundNear<'f, T, E> {
    #[inline(always)]
    pub(crate) fn entry(&self) -> &E {
        self.found.entry
    }

    /// Stamps the hit, and gives what was made of the entry before, if nothing stands in the way.
    #[inline(always)]
    pub(crate) fn hit<V>(self, value: impl FnOnce(&E) -> V) -> Option<V> {
        let Found { front, pin, place, entry } = self.found;
        let value = value(entry);
        if !T::SHARED || front.recency.is(pin.reader()) {
            // SAFETY: the only reader, or the one that stamps alone; and the place was found while pinned, in the first block
            // if it was not looked for elsewhere.
            unsafe {
                match self.in_blocks {
                    true => front.recency.hit_alone(pin, place),
                    false => front.recency.hit_alone_near(pin, place),
                }
            }
            return Some(value);
        }
        // SAFETY: the place was found while pinned.
        unsafe { front.recency.hit(pin, place) }.then_some(value)
    }

    /// As [`Found::keep`].
    #[inline(always)]
    pub(crate) fn keep(self) -> Option<KeptEntry<'f, T, E>> {
        self.found.keep()
    }
}

impl<'f, T: Threading, E> Found<'f, T, E> {
    #[cfg(all(test, loom))]
    fn entry(&self) -> &E {
        self.entry
    }

    /// Keeps the entry while foreign code looks at it. `None` when the thread keeps another one already.
    #[inline(always)]
    pub(crate) fn keep(self) -> Option<KeptEntry<'f, T, E>> {
        let Self { front, pin, place, entry } = self;
        let reader = pin.reader();
        Some(KeptEntry { front, reader, place, entry, _hazard: pin.keep(place)? })
    }
}

impl<T: Threading, E> KeptEntry<'_, T, E> {
    #[inline(always)]
    pub(crate) fn entry(&self) -> &E {
        self.entry
    }

    /// Stamps the hit, if nothing stands in the way; else it is to be done [in the lock](Self::stamp_inside).
    #[inline(always)]
    pub(crate) fn stamp(&self) -> bool {
        let pin = self.front.pin(self.reader);
        if !T::SHARED || self.front.recency.is(self.reader) {
            // SAFETY: the only reader, or the one that stamps alone, which was seen while pinned; there is the entry.
            unsafe { self.front.recency.hit_alone(pin, self.place) };
            return true;
        }
        // SAFETY: there is the entry.
        unsafe { self.front.recency.hit(pin, self.place) }
    }

    /// Stamps the hit, in the lock.
    pub(crate) fn stamp_inside<'i>(&'i self, mut inside: Inside<'i, T, E>) {
        self.reader.count_hit();
        inside.mine = Some(self.reader);
        inside.stamp(self.place, recency::LOOK_AFTER_STAMPS);
    }
}

/// How entries expire.
pub(crate) struct Expiry<F> {
    /// The time now, if entries expire.
    pub(crate) now: Option<Instant>,
    /// Returns the deadline of an entry.
    pub(crate) deadline_of: F,
}
