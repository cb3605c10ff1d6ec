//! From hashes to places: a table of open addressing that is written in the lock and read without it.
//!
//! A bucket holds a tag, which is half of a hash, and a place, in one word, of which zero is an empty one. Those that
//! follow each other are in the order of where they would begin: so one that is where it begins need not move when
//! one before it is removed, nor what follows it, and all others move up. A reader that meanwhile walks over them may miss
//! one that is there, but cannot find one that is not; `changes` tells it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::sync::{AtomicPtr, AtomicU64};
use crate::table::blocks::Place;

/// The half of a hash that a bucket holds.
pub(crate) type Tag = u32;

/// The buckets: the first word is their number less one, the mask; they follow it.
pub(crate) type Buckets = Box<[AtomicU64]>;

const FEWEST: usize = if cfg!(all(test, loom)) { 4 } else { 8 };

/// So many buckets are few enough to leave more of them empty.
const SMALL: usize = if cfg!(all(test, loom)) { 0 } else { 1 << 12 };

/// So many still stay in the caches of a processor that are near, where a walk costs more than memory.
const MEDIUM: usize = 1 << 16;

pub(crate) struct Index {
    /// A leaked [`Buckets`].
    buckets: AtomicPtr<AtomicU64>,
    /// See [`Changes`]; written in the lock.
    changes: AtomicU64,
}

/// How often something was moved, in the lower half, which is odd meanwhile, and added, in the upper half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changes(u64);

/// Added to [`Changes`] when an entry is.
const ADDED: u64 = 1 << 32;
/// Added when entries begin to be moved, and when that is done.
const MOVED: u64 = 1;

/// A walk over the buckets that may hold a tag.
pub(crate) struct Candidates<'i> {
    buckets: &'i [AtomicU64],
    tag: Tag,
    at: usize,
}

impl Index {
    /// An index with room for so many entries.
    pub(crate) fn new(entries: usize) -> Self {
        Self { buckets: AtomicPtr::new(leak(Self::buckets_for(entries))), changes: AtomicU64::new(0) }
    }

    /// At first they are empty by three quarters or more, so that what is looked for is mostly where it begins.
    fn buckets_for(entries: usize) -> Buckets {
        make((entries * 8 / 3 + 1).next_power_of_two().max(FEWEST))
    }

    /// # Safety
    /// The caller is pinned since before, or has the lock, while the buckets are used.
    #[inline(always)]
    unsafe fn current(&self) -> &[AtomicU64] {
        let words = self.buckets.load(Acquire);
        // SAFETY: the pointer is that of a slice, whose first word tells its length, and the slice is freed only when
        // nobody is pinned who could have seen it.
        unsafe {
            let mask = (*words).load(Relaxed) as usize;
            core::slice::from_raw_parts(words.add(1), mask + 1)
        }
    }

    /// The places whose entries may have a hash with this tag.
    ///
    /// # Safety
    /// The caller is pinned since before, or has the lock, while the candidates are used.
    #[inline(always)]
    pub(crate) unsafe fn candidates(&self, tag: Tag) -> Candidates<'_> {
        // SAFETY: as the caller says.
        let buckets = unsafe { self.current() };
        Candidates { buckets, tag, at: tag as usize & (buckets.len() - 1) }
    }

    #[inline(always)]
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.changes.load(Acquire))
    }

    /// Whether no entry was moved since: then what was not among the [candidates](Self::candidates) is not there.
    #[inline]
    pub(crate) fn is_still(&self, since: Changes) -> bool {
        // A moved bucket is stored after the count has become odd, and whoever has read it sees that.
        since.0 % 2 == 0 && self.changes.load(Relaxed) as u32 == since.0 as u32
    }

    /// Whether no entry was added since: then what was not there is not there now. In the lock.
    #[inline]
    pub(crate) fn has_nothing_new(&self, since: Changes) -> bool {
        self.changes.load(Relaxed) >> 32 == since.0 >> 32
    }

    fn add_to_changes(&self, count: u64) {
        // Should the lower half overflow, one is added too many: that does no harm.
        self.changes.store(self.changes.load(Relaxed).wrapping_add(count), Release);
    }

    /// Adds an entry; in the lock. Returns the old buckets when they became too few.
    #[inline]
    pub(crate) fn insert(&self, tag: Tag, place: Place, entries: usize) -> Option<Buckets> {
        // SAFETY: in the lock.
        let buckets = unsafe { self.current() };
        let length = buckets.len();
        let most = match length {
            _ if length < SMALL => length / 4,
            _ if length < MEDIUM => length / 2,
            _ => length / 4 * 3,
        };
        let old = (entries > most).then(|| self.grow());
        // SAFETY: in the lock.
        fill(unsafe { self.current() }, word(tag, place));
        self.add_to_changes(ADDED);
        old
    }

    /// Doubles the number of buckets; in the lock. Returns the old ones.
    #[cold]
    #[inline(never)]
    fn grow(&self) -> Buckets {
        // SAFETY: in the lock.
        let buckets = unsafe { self.current() };
        let more = make(buckets.len() * 2);
        for word in buckets.iter().map(|bucket| bucket.load(Relaxed)).filter(|&word| word != 0) {
            fill(&more[1..], word);
        }
        self.replace_buckets(more)
    }

    /// Puts another place where one was; in the lock.
    pub(crate) fn replace(&self, tag: Tag, old: Place, new: Place) {
        // SAFETY: in the lock.
        let buckets = unsafe { self.current() };
        bucket(buckets, Self::position(buckets, tag, old)).store(word(tag, new), Release);
    }

    /// Removes an entry; in the lock.
    #[inline]
    pub(crate) fn remove(&self, tag: Tag, place: Place) {
        // SAFETY: in the lock.
        self.remove_from(unsafe { self.current() }, tag, place);
    }

    /// Removes an entry, and adds another one at its place; in the lock.
    #[inline(always)]
    pub(crate) fn exchange(&self, old: Tag, new: Tag, place: Place) {
        // SAFETY: in the lock.
        let buckets = unsafe { self.current() };
        self.remove_from(buckets, old, place);
        fill(buckets, word(new, place));
        self.add_to_changes(ADDED);
    }

    #[inline(always)]
    fn remove_from(&self, buckets: &[AtomicU64], tag: Tag, place: Place) {
        let mask = buckets.len() - 1;
        let mut gap = Self::position(buckets, tag, place);
        let mut is_moving = false;
        loop {
            let next = (gap + 1) & mask;
            let word = bucket(buckets, next).load(Relaxed);
            if word == 0 || distance(buckets, word, next) == 0 {
                break;
            }
            if !is_moving {
                self.add_to_changes(MOVED);
                is_moving = true;
            }
            bucket(buckets, gap).store(word, Release);
            gap = next;
        }
        bucket(buckets, gap).store(0, Release);
        if is_moving {
            self.add_to_changes(MOVED);
        }
    }

    /// Removes all; in the lock. Returns the old buckets.
    pub(crate) fn clear(&self) -> Buckets {
        self.replace_buckets(make(FEWEST))
    }

    fn replace_buckets(&self, buckets: Buckets) -> Buckets {
        let old = self.buckets.load(Relaxed);
        self.buckets.store(leak(buckets), Release);
        // SAFETY: it is a leaked slice, and here nobody else has it to free; the caller keeps it for those who read.
        unsafe { unleak(old) }
    }

    fn position(buckets: &[AtomicU64], tag: Tag, place: Place) -> usize {
        let mask = buckets.len() - 1;
        let mut at = tag as usize & mask;
        while bucket(buckets, at).load(Relaxed) != word(tag, place) {
            at = (at + 1) & mask;
        }
        at
    }
}

/// A bucket, by a number of which the lower bits count.
#[inline(always)]
fn bucket(buckets: &[AtomicU64], at: usize) -> &AtomicU64 {
    // SAFETY: the number of buckets is a power of two, so that the lower bits are the number of one of them.
    unsafe { buckets.get_unchecked(at & (buckets.len() - 1)) }
}

impl Iterator for Candidates<'_> {
    type Item = Place;

    #[inline(always)]
    fn next(&mut self) -> Option<Place> {
        loop {
            // SAFETY: the position is masked with the number of buckets less one.
            let word = unsafe { self.buckets.get_unchecked(self.at) }.load(Acquire);
            self.at = (self.at + 1) & (self.buckets.len() - 1);
            let place = (word >> 32) as Place;
            if word as Tag == self.tag && place != 0 {
                return Some(place);
            }
            if word == 0 {
                return None;
            }
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // SAFETY: it is a leaked slice, and nobody has it any more.
        drop(unsafe { unleak(self.buckets.load(Acquire)) });
    }
}

fn word(tag: Tag, place: Place) -> u64 {
    u64::from(place) << 32 | u64::from(tag)
}

/// How far a word is from where it would begin.
fn distance(buckets: &[AtomicU64], word: u64, at: usize) -> usize {
    at.wrapping_sub(word as Tag as usize) & (buckets.len() - 1)
}

/// Puts a word behind those that begin where it does or before, and moves what follows. A reader goes the same way and
/// misses nothing.
#[inline(always)]
fn fill(buckets: &[AtomicU64], word: u64) {
    let mask = buckets.len() - 1;
    let mut at = word as Tag as usize & mask;
    let mut far = 0;
    loop {
        let there = bucket(buckets, at).load(Relaxed);
        if there == 0 || distance(buckets, there, at) < far {
            break;
        }
        at = (at + 1) & mask;
        far += 1;
    }
    let mut end = at;
    while bucket(buckets, end).load(Relaxed) != 0 {
        end = (end + 1) & mask;
    }
    while end != at {
        let before = end.wrapping_sub(1) & mask;
        bucket(buckets, end).store(bucket(buckets, before).load(Relaxed), Release);
        end = before;
    }
    bucket(buckets, at).store(word, Release);
}

fn make(buckets: usize) -> Buckets {
    let mut words: Vec<AtomicU64> = Vec::with_capacity(buckets + 1);
    words.push(AtomicU64::new(buckets as u64 - 1));
    words.extend((0..buckets).map(|_| AtomicU64::new(0)));
    words.into_boxed_slice()
}

fn leak(buckets: Buckets) -> *mut AtomicU64 {
    Box::into_raw(buckets).cast()
}

/// # Safety
/// The pointer came from [`leak`], and is not used any more.
unsafe fn unleak(words: *mut AtomicU64) -> Buckets {
    // SAFETY: the first word tells the length, as `make` has made it.
    unsafe {
        let length = (*words).load(Relaxed) as usize + 2;
        Box::from_raw(core::ptr::slice_from_raw_parts_mut(words, length))
    }
}
