//! The table: counters, recency and metadata of all namespaces, in memory that all processes share. The table holds
//! what changes with every hit. The entries themselves are in LMDB.
//!
//! Each namespace has a *space*. Each entry has a *slot* in its space; the entry's record in LMDB has the slot's
//! number.
//!
//! - `Slot::used` is a stamp: the time of the last use, by a clock of the space that ticks with each use. No two stamps
//!   are equal. A hit replaces the stamp by compare-and-swap. The swap fails if another process has used the entry
//!   meanwhile, or has locked the slot to remove the entry. Only the writer changes the other fields of a slot.
//! - One writer at a time has LMDB's write transaction. Before the writer changes a space, it writes the number of its
//!   transaction into `Space::change`. Until that transaction is committed, no other process trusts the space.
//! - The table is written *before* the transaction is committed. If the writer dies in between, the next writer finds
//!   the change in `Head::pending_change`, and undoes it from the records in LMDB. For that, the slot of a removed
//!   entry keeps its stamp and gets the mark [`LOCKED`]. A new entry's slot gets its stamp after the commit, from the
//!   writer, the next writer or a hit.

use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::{AtomicU64, fence};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::raw::{self, Mapping, Robust, Shared};
use crate::shared::error::{Error, Kind};
use crate::totals::{CacheTotals, NUMBERS};

/// The mark of a slot without an entry, or whose entry is being stored or removed.
pub(super) const LOCKED: u64 = 1 << 63;

/// The maximum number of namespaces.
pub(super) const SPACES: usize = 1 << 14;

/// How many invalidations are remembered. A value is not stored if there were more during its run.
const REMEMBERED: usize = 16;

const FIRST_EXTENT: usize = 16;
const EXTENTS: usize = 24;

/// The locks follow the head.
const WRITERS_AT: usize = 1024;
const READERS_AT: usize = 1088;

pub(super) const SPACES_AT: usize = 4096;
/// The parts that are allocated from the beginning, so that some functions have their space even on a full disk.
pub(super) const FIRST: [(usize, usize); 2] =
    [(0, SPACES_AT + 32 * size_of::<Space>()), (SLOTS_AT, 1024 * size_of::<Slot>())];

const SLOTS_AT: usize = SPACES_AT + SPACES * size_of::<Space>();

/// The metadata of the store as a whole.
#[repr(C, align(64))]
pub(super) struct Head {
    pub(super) magic: AtomicU64,
    /// A random number that is also in LMDB.
    pub(super) instance: AtomicU64,
    /// The boot of the system in which the table was made.
    pub(super) boot: AtomicU64,
    pub(super) map_size: AtomicU64,
    pub(super) seed: [AtomicU64; 2],
    /// Not zero once the store was given up.
    pub(super) dead: AtomicU64,
    /// The number of slots that spaces have.
    slots: AtomicU64,
    /// The number of spaces that were ever used.
    spaces: AtomicU64,
    /// The approximate room that all entries take in LMDB, in bytes.
    pub(super) bytes: AtomicU64,
    /// The room that all entries may take.
    pub(super) limit: AtomicU64,
    /// The transaction that is perhaps not committed, or zero.
    pub(super) pending_change: AtomicU64,
    /// The space that this transaction changes.
    pub(super) pending_space: AtomicU64,
    /// The slot that gets the stamp below after the commit, plus one, or zero.
    pub(super) pending_slot: AtomicU64,
    pub(super) pending_stamp: AtomicU64,
    /// The allocated length of LMDB's file.
    pub(super) allocated: AtomicU64,
    /// The length of LMDB's file when the disk had no room for more.
    pub(super) pinned: AtomicU64,
    /// For how many seconds the store was in use.
    pub(super) age: AtomicU64,
    /// The clock's time when `age` was last updated.
    seen: AtomicU64,
    _unused: [AtomicU64; 5],
}

// SAFETY: atomics only: 24 words of 8 bytes fill three lines of 64.
unsafe impl Shared for Head {}

/// The metadata of one namespace. Spaces are reused, but their clocks never go back.
#[repr(C, align(64))]
pub(super) struct Space {
    pub(super) id: [AtomicU64; 2],
    /// The transaction that last changed the space.
    pub(super) change: AtomicU64,
    /// The number of clears.
    pub(super) generation: AtomicU64,
    /// The number of invalidations.
    pub(super) sequence: AtomicU64,
    /// The time of the last use, in seconds.
    pub(super) last_used: AtomicU64,
    /// Counts the repairs, which may set stamps back.
    pub(super) repairs: AtomicU64,
    pub(super) newest: AtomicU64,
    pub(super) clock: AtomicU64,
    pub(super) hits: [Tally; 2],
    pub(super) misses: [Tally; 2],
    pub(super) entries: AtomicU64,
    pub(super) weight: AtomicU64,
    /// The room that the entries take, see [`Head::bytes`].
    pub(super) bytes: AtomicU64,
    /// The number of slots that were ever used.
    pub(super) high: AtomicU64,
    /// The first vacant slot below `high`, plus one, or zero.
    pub(super) vacant: AtomicU64,
    invalidated: [AtomicU64; REMEMBERED],
    /// The number of the first slot of each extent, plus one, or zero.
    extents: [AtomicU64; EXTENTS],
    /// The age of the store at the last use.
    pub(super) used_at: AtomicU64,
    /// The latest `since` that any process has noted among the oldest, and how often an entry was stored below it.
    pub(super) oldest_noted: AtomicU64,
    pub(super) older_stored: AtomicU64,
    /// The largest number of entries, or `u64::MAX`. The namespace's record in LMDB has it, too.
    maxsize: AtomicU64,
    /// What processes have counted, see [`CacheTotals::numbers`]. Hits and misses that a clear has zeroed are there, too,
    /// from the next clear on.
    totals: [AtomicU64; NUMBERS],
    _unused: [AtomicU64; 1],
}

// SAFETY: atomics only: 72 words of 8 bytes fill nine lines of 64.
unsafe impl Shared for Space {}

const _: () = assert!(size_of::<Head>() == 192 && size_of::<Space>() == 576);

/// The metadata of one entry.
#[repr(C)]
pub(super) struct Slot {
    /// The stamp of the last use, with the mark [`LOCKED`].
    pub(super) used: AtomicU64,
    /// The hash of the key. In a vacant slot, the next vacant one, plus one.
    pub(super) hash: AtomicU64,
    /// When the entry was stored.
    pub(super) since: AtomicU64,
    pub(super) weight: AtomicU64,
    /// When the entry was used last, if that matters.
    pub(super) seen: AtomicU64,
}

// SAFETY: atomics only: five words of 8 bytes fill 40.
unsafe impl Shared for Slot {}

/// A counter of one generation. A process that counts late, after a clear, changes nothing. There are two of each
/// counter, for even and for odd generations.
#[repr(transparent)]
pub(super) struct Tally(AtomicU64);

impl Tally {
    const BITS: u32 = 48;

    pub(super) fn add(tallies: &[Self; 2], generation: u64) {
        let word = &tallies[(generation & 1) as usize].0;
        let _ = word.fetch_update(Relaxed, Relaxed, |now| {
            (now >> Self::BITS == generation & 0xffff && now << 16 != u64::MAX << 16).then(|| now + 1)
        });
    }

    pub(super) fn take_back(tallies: &[Self; 2], generation: u64) {
        let word = &tallies[(generation & 1) as usize].0;
        let _ = word.fetch_update(Relaxed, Relaxed, |now| {
            (now >> Self::BITS == generation & 0xffff && now << 16 != 0).then(|| now - 1)
        });
    }

    pub(super) fn reset(tallies: &[Self; 2], generation: u64) {
        tallies[(generation & 1) as usize].0.store((generation & 0xffff) << Self::BITS, Relaxed);
    }

    pub(super) fn get(tallies: &[Self; 2], generation: u64) -> u64 {
        tallies[(generation & 1) as usize].0.load(Acquire) & ((1 << Self::BITS) - 1)
    }

    /// Returns the sum of this generation's counter and that of the one before.
    fn of_both(tallies: &[Self; 2]) -> u64 {
        Self::get(tallies, 0) + Self::get(tallies, 1)
    }
}

impl Head {
    /// Returns for how many seconds the store was in use, given the clock's time in seconds. A jump of the clock counts
    /// as an hour at most, and a jump back as nothing.
    pub(super) fn age(&self, now: u64) -> u64 {
        let seen = self.seen.swap(now, Relaxed);
        let passed = if seen == 0 { 0 } else { now.saturating_sub(seen).min(3600) };
        self.age.fetch_add(passed, Relaxed).wrapping_add(passed)
    }
}

impl Space {
    pub(super) fn is(&self, id: u128) -> bool {
        self.id[0].load(Relaxed) == id as u64 && self.id[1].load(Relaxed) == (id >> 64) as u64
    }

    pub(super) fn set_id(&self, id: u128) {
        self.id[0].store(id as u64, Relaxed);
        self.id[1].store((id >> 64) as u64, Relaxed);
    }

    pub(super) fn id(&self) -> u128 {
        u128::from(self.id[1].load(Relaxed)) << 64 | u128::from(self.id[0].load(Relaxed))
    }

    /// Returns the present bound on the number of entries.
    pub(super) fn maxsize(&self) -> Option<usize> {
        Some(self.maxsize.load(Relaxed))
            .filter(|&maxsize| maxsize != u64::MAX)
            .map(|maxsize| maxsize as usize)
    }

    pub(super) fn set_maxsize(&self, maxsize: Option<usize>) {
        self.maxsize.store(maxsize.map_or(u64::MAX, |maxsize| maxsize as u64), Relaxed);
    }

    /// Returns the totals.
    pub(super) fn totals(&self) -> CacheTotals {
        let told = CacheTotals::of_numbers(self.totals.each_ref().map(|number| number.load(Relaxed)));
        let (hits, misses) = (Tally::of_both(&self.hits), Tally::of_both(&self.misses));
        told.with(&CacheTotals { hits, misses, ..CacheTotals::default() }, u64::saturating_add)
    }

    /// Adds to the totals.
    pub(super) fn count(&self, more: &CacheTotals) {
        for (number, more) in self.totals.iter().zip(more.numbers()).filter(|(_, more)| *more != 0) {
            let _ = number.fetch_update(Relaxed, Relaxed, |now| Some(now.saturating_add(more)));
        }
    }

    /// Begins the counters of the next generation, and keeps the last but one's in the totals.
    pub(super) fn begin_counting(&self, generation: u64) {
        let (hits, misses) = (Tally::get(&self.hits, generation), Tally::get(&self.misses, generation));
        Tally::reset(&self.hits, generation);
        Tally::reset(&self.misses, generation);
        self.count(&CacheTotals { hits, misses, ..CacheTotals::default() });
    }

    /// Zeroes all counters and totals.
    pub(super) fn forget_counts(&self, generation: u64) {
        for generation in [generation, generation.wrapping_add(1)] {
            Tally::reset(&self.hits, generation);
            Tally::reset(&self.misses, generation);
        }
        self.totals.iter().for_each(|number| number.store(0, Relaxed));
    }

    /// Returns the next stamp.
    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Relaxed).wrapping_add(1)
    }

    /// Whether no transaction has changed the space since `change` was read. If so, all reads since then are
    /// consistent.
    pub(super) fn is_still(&self, change: u64) -> bool {
        fence(SeqCst);
        self.change.load(SeqCst) == change
    }

    pub(super) fn remember_invalidated(&self, hash: u64) {
        let number = self.sequence.load(Relaxed);
        self.invalidated[number as usize % REMEMBERED].store(hash, Relaxed);
        self.sequence.store(number.wrapping_add(1), Relaxed);
    }

    /// Whether the key may have been invalidated after the first `sequence` invalidations.
    pub(super) fn was_invalidated_since(&self, sequence: u64, hash: u64) -> bool {
        let now = self.sequence.load(Relaxed);
        let missed = now.wrapping_sub(sequence);
        let invalidated = |back| &self.invalidated[now.wrapping_sub(back) as usize % REMEMBERED];
        missed > REMEMBERED as u64 || (1..=missed).any(|back| invalidated(back).load(Relaxed) == hash)
    }

    /// Notes a use of the space, if the last note is at least `every` seconds old.
    #[inline]
    pub(super) fn touch(&self, head: &Head, now: u64, every: u64) {
        // Writes rarely, because all processes read this cache line.
        if now.abs_diff(self.last_used.load(Relaxed)) >= every {
            self.last_used.store(now, Relaxed);
            self.used_at.store(head.age(now), Relaxed);
        }
    }
}

/// The table's file, mapped into memory.
pub(super) struct MappedTable {
    mapping: Mapping,
    file: File,
    length: usize,
}

/// Returns the length of the file for this map size. Most of the file is never used, and takes no room.
pub(super) fn length(map_size: usize) -> usize {
    SLOTS_AT + map_size / 2
}

impl MappedTable {
    pub(super) fn new(file: File, map_size: usize) -> std::io::Result<Self> {
        let length = length(map_size);
        Ok(Self { mapping: Mapping::new(&file, length)?, file, length })
    }

    /// Whether the file is still part of the current instance. `beside` is a file in the directory of `current`.
    pub(super) fn is_in_place(&self, beside: &Path) -> bool {
        let Some(base) = beside.parent() else { return false };
        let in_place = || {
            let mine = self.file.metadata()?;
            let instance = base.join(fs::read_to_string(base.join("current"))?);
            let there = fs::symlink_metadata(instance.join("table"))?;
            let is_whole = instance.join("data.mdb").try_exists()? && beside.try_exists()?;
            Ok(is_whole && (mine.dev(), mine.ino()) == (there.dev(), there.ino()))
        };
        // Another error, such as a missing permission or file descriptor, does not show that the file is gone.
        in_place().unwrap_or_else(|error: io::Error| error.kind() != io::ErrorKind::NotFound)
    }

    pub(super) fn head(&self) -> &Head {
        self.mapping.get(0).expect("the file begins with its head")
    }

    /// The lock that a writer takes before LMDB's own lock, which has no timeout.
    pub(super) fn writers(&self) -> &Robust {
        self.mapping.get(WRITERS_AT).expect("it is on the first page")
    }

    /// The lock that a thread takes before its first read, because LMDB's own lock for that has no timeout.
    pub(super) fn readers(&self) -> &Robust {
        self.mapping.get(READERS_AT).expect("it is on the first page")
    }

    /// Sets the room that the entries of a space take.
    pub(super) fn set_bytes(&self, space: &Space, bytes: u64) {
        let total = &self.head().bytes;
        let others = total.load(Relaxed).saturating_sub(space.bytes.load(Relaxed));
        space.bytes.store(bytes, Relaxed);
        total.store(others.saturating_add(bytes), Relaxed);
    }

    /// Returns the space of this number, if it is below [`SPACES`].
    #[inline]
    pub(super) fn space(&self, index: u32) -> Option<&Space> {
        let index = index as usize;
        if index >= SPACES { None } else { self.mapping.get(SPACES_AT + index * size_of::<Space>()) }
    }

    /// Returns the number of a space that no namespace has.
    pub(super) fn find_vacant_space(&self) -> Result<u32, Error> {
        let spaces = &self.head().spaces;
        let end = spaces.load(Relaxed).min(SPACES as u64) as u32;
        if let Some(vacant) = (0..end).find(|&index| self.space(index).is_some_and(|space| space.is(0))) {
            return Ok(vacant);
        }
        if end as usize >= SPACES {
            return Err(full());
        }
        self.reserve(SPACES_AT + end as usize * size_of::<Space>(), size_of::<Space>())?;
        spaces.store(u64::from(end) + 1, Relaxed);
        Ok(end)
    }

    /// Makes the space of this number in a new table, with so many vacant slots.
    pub(super) fn make_space(&self, index: u32, slots: u32) -> Result<&Space, Error> {
        let space = self.space(index).ok_or_else(damaged)?;
        // The spaces before it are reserved, too, because they are scanned.
        self.reserve(SPACES_AT, (index as usize + 1) * size_of::<Space>())?;
        self.head().spaces.fetch_max(u64::from(index) + 1, Relaxed);
        let extents = core::iter::successors(Some(0), |&at| Some((2 * at).max(FIRST_EXTENT)));
        extents.take_while(|&at| at < slots as usize).try_for_each(|at| self.extend(space, at))?;
        space.high.store(slots.into(), Relaxed);
        self.slots(space).for_each(|(_, slot)| slot.used.store(LOCKED, Relaxed));
        Ok(space)
    }

    /// Returns a slot of a space, if the space has so many.
    #[inline]
    pub(super) fn slot(&self, space: &Space, slot: u32) -> Option<&Slot> {
        let (extent, offset) = locate(slot as usize);
        let first = space.extents.get(extent)?.load(Acquire).checked_sub(1)?;
        let place = usize::try_from(first).ok()?.checked_add(offset)?.checked_mul(size_of::<Slot>())?;
        self.mapping.get(place.checked_add(SLOTS_AT)?)
    }

    /// Takes a vacant slot, which is locked.
    pub(super) fn take_vacant(&self, space: &Space) -> Result<(u32, &Slot), Error> {
        if let Some(number) = (space.vacant.load(Relaxed) as u32).checked_sub(1) {
            let slot = self.slot(space, number).ok_or_else(damaged)?;
            space.vacant.store(slot.hash.load(Relaxed), Relaxed);
            return Ok((number, slot));
        }
        let number = u32::try_from(space.high.load(Relaxed)).map_err(|_| full())?;
        self.extend(space, number as usize)?;
        let slot = self.slot(space, number).ok_or_else(damaged)?;
        slot.used.fetch_or(LOCKED, Relaxed);
        space.high.store(u64::from(number) + 1, Relaxed);
        Ok((number, slot))
    }

    /// Returns a slot, which must be locked, to the vacant ones.
    pub(super) fn give_back(&self, space: &Space, number: u32, slot: &Slot) {
        slot.hash.store(space.vacant.load(Relaxed), Relaxed);
        space.vacant.store(u64::from(number) + 1, Relaxed);
    }

    /// Allocates the extent of this slot, if the space does not have it.
    fn extend(&self, space: &Space, slot: usize) -> Result<(), Error> {
        let (extent, _) = locate(slot);
        let place = space.extents.get(extent).ok_or_else(full)?;
        if place.load(Relaxed) != 0 {
            return Ok(());
        }
        let slots = if extent == 0 { FIRST_EXTENT } else { FIRST_EXTENT << (extent - 1) };
        let first = self.head().slots.load(Relaxed) as usize;
        let offset = first.checked_mul(size_of::<Slot>()).and_then(|bytes| bytes.checked_add(SLOTS_AT));
        self.reserve(offset.ok_or_else(damaged)?, slots * size_of::<Slot>())?;
        self.head().slots.store((first + slots) as u64, Relaxed);
        place.store(first as u64 + 1, SeqCst);
        Ok(())
    }

    fn reserve(&self, offset: usize, length: usize) -> Result<(), Error> {
        if offset.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(full());
        }
        raw::reserve(&self.file, offset, length).map_err(|error| {
            Error::new(Kind::Full, alloc::format!("no room for the table of the shared store: {error}"))
        })
    }

    /// Iterates over all slots of a space that were ever used.
    pub(super) fn slots<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = (u32, &'a Slot)> {
        let high = u32::try_from(space.high.load(Relaxed)).unwrap_or(u32::MAX);
        (0..high).map_while(|number| self.slot(space, number).map(|slot| (number, slot)))
    }
}

fn full() -> Error {
    Error::new(Kind::Full, "the table of the shared store is full")
}

pub(super) fn damaged() -> Error {
    Error::new(Kind::Corrupt, "the metadata of the shared store is inconsistent")
}

/// Returns the extent of a slot, and its offset there. Each extent doubles the number of slots.
fn locate(slot: usize) -> (usize, usize) {
    match (slot / FIRST_EXTENT).checked_ilog2() {
        None => (0, slot),
        Some(power) => (power as usize + 1, slot - (FIRST_EXTENT << power)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_counts_for_an_hour_at_most() {
        let path = std::env::temp_dir().join(alloc::format!("lru-memo-table-{}", std::process::id()));
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
        file.set_len(length(0) as u64).expect("it is made longer");
        let table = MappedTable::new(file, 0).expect("a table");
        let (day, begun) = (24 * 3600, 1_700_000_000);
        let ages = [0, 5, 65, day, day + 7, 9, 10].map(|later| table.head().age(begun + later));
        assert_eq!(ages, [0, 5, 65, 3665, 3672, 3672, 3673]);
        fs::remove_file(path).expect("it is removed");
    }
}
