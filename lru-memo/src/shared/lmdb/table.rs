//! What changes with every hit, in memory that all processes share: counters, recency, and the books of each
//! namespace. The entries themselves are in LMDB.
//!
//! Each namespace has a *space*; each entry has a *slot* in its space, whose number is part of its record in LMDB.
//!
//! - `Slot::used` is a stamp: the time of the last use, by a clock of the space that ticks with each use, so that no
//!   two stamps are equal. A hit is the exchange of one stamp for another: it fails when somebody else has used the
//!   entry meanwhile, or has locked the slot to remove it. All else in a slot is the writer's.
//! - There is one writer at a time, the one who has LMDB's write transaction. Before it changes anything here, it
//!   writes the number of its transaction into `Space::change`: as long as that is not committed, nobody else looks
//!   at the space.
//! - Everything here is written *before* the transaction is committed. A change that is not committed after all, say
//!   because its process was killed, is found by the next writer, by `Head::pending_change`, and undone from the
//!   records in LMDB. For that, a slot that is to be given up keeps its stamp, and gets [`LOCKED`]. Its new stamp is
//!   set when the transaction is committed, by the writer or by the next one; a hit may come first.

use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::{AtomicU64, fence};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::raw::{self, Mapping, Robust, Shared};
use crate::shared::error::{Error, Kind};

/// The mark of a slot whose entry is going, is coming, or is not there.
pub(super) const LOCKED: u64 = 1 << 63;

/// How many namespaces there can be.
pub(super) const SPACES: usize = 1 << 14;

/// How many invalidations are remembered. What was computed while there were more is not stored.
const REMEMBERED: usize = 16;

const FIRST_EXTENT: usize = 16;
const EXTENTS: usize = 24;

/// Behind the head.
const WRITERS_AT: usize = 1024;
const READERS_AT: usize = 1088;

pub(super) const SPACES_AT: usize = 4096;
/// What is allocated from the beginning, so that some functions find their books also on a full disk.
pub(super) const FIRST: [(usize, usize); 2] =
    [(0, SPACES_AT + 32 * size_of::<Space>()), (SLOTS_AT, 1024 * size_of::<Slot>())];

const SLOTS_AT: usize = SPACES_AT + SPACES * size_of::<Space>();

/// What concerns the store as a whole.
#[repr(C, align(64))]
pub(super) struct Head {
    pub(super) magic: AtomicU64,
    /// A random number that is also in LMDB.
    pub(super) instance: AtomicU64,
    /// Which run of the system it was made in.
    pub(super) boot: AtomicU64,
    pub(super) map_size: AtomicU64,
    pub(super) seed: [AtomicU64; 2],
    /// Not zero when nobody is to use the store any more.
    pub(super) dead: AtomicU64,
    /// How many slots were given out to spaces.
    slots: AtomicU64,
    /// How many spaces were ever used.
    spaces: AtomicU64,
    /// What all entries take, and may take, in bytes of LMDB's, approximately.
    pub(super) bytes: AtomicU64,
    pub(super) limit: AtomicU64,
    /// The transaction that may not be committed, its space, and the slot that is to get this stamp then.
    pub(super) pending_change: AtomicU64,
    pub(super) pending_space: AtomicU64,
    pub(super) pending_slot: AtomicU64,
    pub(super) pending_stamp: AtomicU64,
    /// So many bytes of LMDB's file are allocated, and so many it had when no more could be.
    pub(super) allocated: AtomicU64,
    pub(super) pinned: AtomicU64,
    /// How long the store was in use, in seconds, and when that was last noted, by the clock.
    pub(super) age: AtomicU64,
    seen: AtomicU64,
    _unused: [AtomicU64; 5],
}

// SAFETY: atomics only: 24 words of 8 bytes fill three lines of 64.
unsafe impl Shared for Head {}

/// The books of one namespace. Spaces are used again, but no clock is ever turned back.
#[repr(C, align(64))]
pub(super) struct Space {
    pub(super) id: [AtomicU64; 2],
    /// The transaction that last changed anything here.
    pub(super) change: AtomicU64,
    /// How often it was cleared.
    pub(super) generation: AtomicU64,
    /// How many invalidations there were.
    pub(super) sequence: AtomicU64,
    /// When it was last used, in seconds.
    pub(super) last_used: AtomicU64,
    /// Changes whenever slots get old stamps back.
    pub(super) repairs: AtomicU64,
    pub(super) newest: AtomicU64,
    pub(super) clock: AtomicU64,
    pub(super) hits: [Tally; 2],
    pub(super) misses: [Tally; 2],
    pub(super) entries: AtomicU64,
    pub(super) weight: AtomicU64,
    /// What the entries take, see [`Head::bytes`].
    pub(super) bytes: AtomicU64,
    /// How many slots were ever used.
    pub(super) high: AtomicU64,
    /// The first vacant slot below, plus one.
    pub(super) vacant: AtomicU64,
    invalidated: [AtomicU64; REMEMBERED],
    /// Where the slots are: the number of the first slot of each extent, plus one.
    extents: [AtomicU64; EXTENTS],
    /// How old the store was when this was last used.
    pub(super) used_at: AtomicU64,
    /// The latest `since` that any process has noted among the oldest, and how often an entry was stored below it.
    pub(super) oldest_noted: AtomicU64,
    pub(super) older_stored: AtomicU64,
    _unused: [AtomicU64; 3],
}

// SAFETY: atomics only: 64 words of 8 bytes fill eight lines of 64.
unsafe impl Shared for Space {}

const _: () = assert!(size_of::<Head>() == 192 && size_of::<Space>() == 512);

/// The books of one entry.
#[repr(C, align(32))]
pub(super) struct Slot {
    /// When it was last used, and [`LOCKED`].
    pub(super) used: AtomicU64,
    /// The hash of the key; of a vacant slot, the next vacant one, plus one.
    pub(super) hash: AtomicU64,
    /// When it was stored.
    pub(super) since: AtomicU64,
    pub(super) weight: AtomicU64,
}

// SAFETY: atomics only: four words of 8 bytes fill 32.
unsafe impl Shared for Slot {}

/// A counter that belongs to a generation, so that who counts late, after a clear, does not count. There are two of
/// each, for even generations and odd ones.
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
}

impl Head {
    /// How long the store was in use, at this time in seconds: a clock that is set ahead counts for an hour, and one that
    /// is set back for nothing.
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

    /// The next stamp.
    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Relaxed).wrapping_add(1)
    }

    /// Whether nothing has changed since `change` was read, and so everything read meanwhile belongs together.
    pub(super) fn is_still(&self, change: u64) -> bool {
        fence(SeqCst);
        self.change.load(SeqCst) == change
    }

    pub(super) fn remember_invalidated(&self, hash: u64) {
        let number = self.sequence.load(Relaxed);
        self.invalidated[number as usize % REMEMBERED].store(hash, Relaxed);
        self.sequence.store(number.wrapping_add(1), Relaxed);
    }

    /// Whether the key may have been invalidated after there had been so many invalidations.
    pub(super) fn was_invalidated_since(&self, sequence: u64, hash: u64) -> bool {
        let now = self.sequence.load(Relaxed);
        let missed = now.wrapping_sub(sequence);
        let invalidated = |back| &self.invalidated[now.wrapping_sub(back) as usize % REMEMBERED];
        missed > REMEMBERED as u64 || (1..=missed).any(|back| invalidated(back).load(Relaxed) == hash)
    }

    /// Notes that the space is in use, at this time in seconds, unless that was noted so many seconds ago or less.
    #[inline]
    pub(super) fn touch(&self, head: &Head, now: u64, every: u64) {
        // Few writes, for all processes read this line.
        if now.abs_diff(self.last_used.load(Relaxed)) >= every {
            self.last_used.store(now, Relaxed);
            self.used_at.store(head.age(now), Relaxed);
        }
    }
}

/// The file with all of it, mapped into memory.
pub(super) struct Table {
    mapping: Mapping,
    file: File,
    length: usize,
}

/// How long the file is for this much data. Little of it is ever used.
pub(super) fn length(map_size: usize) -> usize {
    SLOTS_AT + map_size / 2
}

impl Table {
    pub(super) fn new(file: File, map_size: usize) -> std::io::Result<Self> {
        let length = length(map_size);
        Ok(Self { mapping: Mapping::new(&file, length)?, file, length })
    }

    /// Whether the file is still in the directory that `current`, beside this file, names.
    pub(super) fn is_in_place(&self, beside: &Path) -> bool {
        let Some(base) = beside.parent() else { return false };
        let in_place = || {
            let mine = self.file.metadata()?;
            let instance = base.join(fs::read_to_string(base.join("current"))?);
            let there = fs::symlink_metadata(instance.join("table"))?;
            let is_whole = instance.join("data.mdb").try_exists()? && beside.try_exists()?;
            Ok(is_whole && (mine.dev(), mine.ino()) == (there.dev(), there.ino()))
        };
        // What this process may not see, or has no file descriptor left for, need not be gone.
        in_place().unwrap_or_else(|error: io::Error| error.kind() != io::ErrorKind::NotFound)
    }

    pub(super) fn head(&self) -> &Head {
        self.mapping.get(0).expect("the file begins with its head")
    }

    /// Taken before LMDB's own lock of writers, which knows no deadline.
    pub(super) fn writers(&self) -> &Robust {
        self.mapping.get(WRITERS_AT).expect("it is on the first page")
    }

    /// Taken before LMDB's own lock of readers, which a thread takes when it reads for the first time.
    pub(super) fn readers(&self) -> &Robust {
        self.mapping.get(READERS_AT).expect("it is on the first page")
    }

    /// Notes what the entries of a space take now.
    pub(super) fn set_bytes(&self, space: &Space, bytes: u64) {
        let total = &self.head().bytes;
        let others = total.load(Relaxed).saturating_sub(space.bytes.load(Relaxed));
        space.bytes.store(bytes, Relaxed);
        total.store(others.saturating_add(bytes), Relaxed);
    }

    /// The space of this number, below [`SPACES`].
    #[inline]
    pub(super) fn space(&self, index: u32) -> Option<&Space> {
        let index = index as usize;
        if index >= SPACES { None } else { self.mapping.get(SPACES_AT + index * size_of::<Space>()) }
    }

    /// The number of a space that no namespace has.
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

    /// The space of this number, with so many slots that hold no entry yet: for a table that is new.
    pub(super) fn make_space(&self, index: u32, slots: u32) -> Result<&Space, Error> {
        let space = self.space(index).ok_or_else(damaged)?;
        // All before it, too, for they are looked at.
        self.reserve(SPACES_AT, (index as usize + 1) * size_of::<Space>())?;
        self.head().spaces.fetch_max(u64::from(index) + 1, Relaxed);
        let extents = core::iter::successors(Some(0), |&at| Some((2 * at).max(FIRST_EXTENT)));
        extents.take_while(|&at| at < slots as usize).try_for_each(|at| self.extend(space, at))?;
        space.high.store(slots.into(), Relaxed);
        self.slots(space).for_each(|(_, slot)| slot.used.store(LOCKED, Relaxed));
        Ok(space)
    }

    /// A slot of a space, if it has so many.
    #[inline]
    pub(super) fn slot(&self, space: &Space, slot: u32) -> Option<&Slot> {
        let (extent, offset) = locate(slot as usize);
        let first = space.extents.get(extent)?.load(Acquire).checked_sub(1)?;
        let place = usize::try_from(first).ok()?.checked_add(offset)?.checked_mul(size_of::<Slot>())?;
        self.mapping.get(place.checked_add(SLOTS_AT)?)
    }

    /// A slot that holds no entry; it is locked.
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

    /// Gives back a slot, which must be locked.
    pub(super) fn give_back(&self, space: &Space, number: u32, slot: &Slot) {
        slot.hash.store(space.vacant.load(Relaxed), Relaxed);
        space.vacant.store(u64::from(number) + 1, Relaxed);
    }

    /// Makes sure that the space has the extent of this slot.
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
            Error::new(Kind::Full, alloc::format!("no room for the books of the shared store: {error}"))
        })
    }

    /// All slots of a space that were ever used.
    pub(super) fn slots<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = (u32, &'a Slot)> {
        let high = u32::try_from(space.high.load(Relaxed)).unwrap_or(u32::MAX);
        (0..high).map_while(|number| self.slot(space, number).map(|slot| (number, slot)))
    }
}

fn full() -> Error {
    Error::new(Kind::Full, "the books of the shared store are full")
}

pub(super) fn damaged() -> Error {
    Error::new(Kind::Corrupt, "the books of the shared store do not fit together")
}

/// The extent of a slot, and where it is in there: each extent doubles the number of slots.
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
        let table = Table::new(file, 0).expect("a table");
        let (day, begun) = (24 * 3600, 1_700_000_000);
        let ages = [0, 5, 65, day, day + 7, 9, 10].map(|later| table.head().age(begun + later));
        assert_eq!(ages, [0, 5, 65, 3665, 3672, 3672, 3673]);
        fs::remove_file(path).expect("it is removed");
    }
}
