//! The index: a hash table from hashes to places, with open addressing. The holder of the lock writes it, and readers
//! search it without the lock.
//!
//! A bucket is one word: a place, and a partial hash, which is half of the hash. An empty bucket is 0. Buckets are sorted by
//! home slot (Robin Hood probing), and a removal shifts the entries behind it back (backward-shift deletion). So an entry
//! in its home slot never moves, and most removals shift nothing.
//!
//! A reader that searches while entries are shifted may miss an entry that exists, but it never finds one that does not.
//! The word `changes` tells the reader that entries were shifted.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::huge_pages;
use crate::sys::prefetch::fetch;
use crate::sys::sync::{AtomicPtr, AtomicU64};
use crate::table::blocks::Place;
use crate::table::locked::Locked;
use crate::table::reader::Pin;

/// Half of a hash, as a bucket holds it.
pub(crate) type PartialHash = u32;

/// Returns the half of a hash that buckets hold.
#[inline(always)]
pub(crate) fn partial_hash(hash: u64) -> PartialHash {
    hash as PartialHash
}

/// The first word is the number of buckets less one (the mask); the buckets follow.
type Words = Box<[AtomicU64]>;

/// Buckets that the index has replaced. Readers may still search them, so dropping this does not free them.
#[must_use = "retire the buckets, so that they are freed once no reader can see them"]
pub(crate) struct RetiredBuckets(*mut AtomicU64);

// SAFETY: the owner of leaked words, which consist of atomics.
unsafe impl Send for RetiredBuckets {}

/// The fewest buckets.
const FEWEST: usize = if cfg!(all(test, loom)) { 4 } else { 2 };

/// With fewer buckets than this, half of them stay empty: one of many caches with a few entries takes little memory.
const TINY: usize = 16;

/// With fewer buckets than this, but not [`TINY`], three in four stay empty.
const SMALL: usize = if cfg!(all(test, loom)) { 0 } else { 1 << 12 };

/// With fewer buckets than this, half of them stay empty: they fit into a processor's caches, where a longer probe costs
/// more than memory.
const MEDIUM: usize = 1 << 16;

#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Index {
    /// Leaked [`Words`].
    buckets: AtomicPtr<AtomicU64>,
    /// See [`Changes`].
    changes: AtomicU64,
}

/// Counts what happened to an index. The lower half counts shifts of entries, and is odd during a shift. The upper half
/// counts insertions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changes(u64);

impl Changes {
    /// What is as good as a shift under way: nothing is known.
    pub(crate) const UNKNOWN: Self = Self(MOVED);

    fn are_known(self) -> bool {
        self.0 % 2 == 0
    }
}

/// Added to [`Changes`] by an insertion.
const ADDED: u64 = 1 << 32;
/// Added to [`Changes`] at the beginning and at the end of a shift.
const MOVED: u64 = 1;

/// Returns what `visit` first returns of the places in the buckets that may have this partial hash.
#[inline(always)]
fn find<'i, R>(
    partial_hash: PartialHash,
    mut visit: impl FnMut(Place) -> Option<R>,
    buckets: impl Fn() -> &'i [AtomicU64],
) -> Option<R> {
    let mut at = partial_hash as usize;
    loop {
        let buckets = buckets();
        // SAFETY: the position is masked with the number of buckets less one.
        let word = unsafe { buckets.get_unchecked(at & (buckets.len() - 1)) }.load(Acquire);
        if word as PartialHash == partial_hash {
            if let Some(result) = visit((word >> 32) as Place) {
                return Some(result);
            }
        }
        seldom();
        if word == 0 {
            return None;
        }
        at += 1;
    }
}

/// Tells the compiler that this branch is seldom taken: most searches find an entry in its home slot.
#[cold]
#[inline]
fn seldom() {}

/// A probe for the buckets with a partial hash.
pub(crate) struct Candidates<'i> {
    buckets: &'i [AtomicU64],
    partial_hash: PartialHash,
    at: usize,
}

impl Index {
    /// Returns an empty index with room for so many entries.
    pub(crate) fn new(entries: usize) -> Self {
        Self { buckets: AtomicPtr::new(leak(Self::buckets_for(entries))), changes: AtomicU64::new(0) }
    }

    /// At least three buckets in four are empty at first, so that most entries are in their home slots.
    fn buckets_for(entries: usize) -> Words {
        make((entries * 8 / 3 + 1).next_power_of_two().max(FEWEST))
    }

    /// # Safety
    /// While the buckets are used, they are not freed: a reader of the table is pinned, or the lock is held and nothing is
    /// reclaimed.
    #[inline(always)]
    unsafe fn current(&self) -> &[AtomicU64] {
        let words = self.buckets.load(Acquire);
        // SAFETY: `words` are leaked `Words`, and the first one tells their number. By invariant 5, they are not freed while
        // a reader is pinned, nor by a lock's holder that reclaims nothing.
        unsafe {
            let mask = (*words).load(Relaxed) as usize;
            core::slice::from_raw_parts(words.add(1), mask + 1)
        }
    }

    /// Returns the places whose entries may have this partial hash.
    ///
    /// # Safety
    /// The pin is of a reader of this index's table.
    #[inline(always)]
    pub(crate) unsafe fn candidates<'p>(
        &'p self,
        _: &'p Pin<'_>,
        partial_hash: PartialHash,
    ) -> Candidates<'p> {
        // SAFETY: the reader stays pinned while the candidates are used.
        Candidates::new(unsafe { self.current() }, partial_hash)
    }

    /// Returns what `visit` first returns of the places whose entries may have this partial hash. If the partial hash is 0, an
    /// empty bucket looks like place 0, which no entry has.
    ///
    /// # Safety
    /// The pin is of a reader of this index's table.
    #[inline(always)]
    pub(crate) unsafe fn find<R>(
        &self,
        _: &Pin<'_>,
        partial_hash: PartialHash,
        visit: impl FnMut(Place) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: the reader stays pinned meanwhile.
        let buckets = unsafe { self.current() };
        find(partial_hash, visit, || buckets)
    }

    /// As [`find`](Self::find), but may overlook an entry while another thread changes the index. This takes fewer registers.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(crate) unsafe fn find_anywhere<R>(
        &self,
        _: &Pin<'_>,
        partial_hash: PartialHash,
        visit: impl FnMut(Place) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: the reader stays pinned meanwhile.
        find(partial_hash, visit, || unsafe { self.current() })
    }

    /// Returns the changes so far, if no bucket has this partial hash. A hit need not read that before its search, and
    /// another search for a miss is short.
    #[cold]
    #[inline(never)]
    pub(crate) fn lacks(&self, pin: &Pin<'_>, partial_hash: PartialHash) -> Changes {
        let changes = self.changes();
        // SAFETY: the caller's reader is pinned, as it was for its own search.
        match unsafe { self.candidates(pin, partial_hash) }.next() {
            None => changes,
            Some(_) => Changes::UNKNOWN,
        }
    }

    #[inline(always)]
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.changes.load(Acquire))
    }

    /// Returns whether no entry was shifted since: then an entry that was not among the
    /// [candidates](Self::candidates) does not exist.
    #[inline]
    pub(crate) fn is_still(&self, since: Changes) -> bool {
        // The count is odd before the first shifted bucket is stored, and a thread that has read this bucket sees the count.
        since.are_known() && self.changes.load(Relaxed) as u32 == since.0 as u32
    }

    fn add_to_changes(&self, count: u64) {
        // An overflow of the lower half counts an insertion too many, which does no harm.
        self.changes.store(self.changes.load(Relaxed).wrapping_add(count), Release);
    }
}

impl<'l> Locked<'l, Index> {
    #[inline(always)]
    fn buckets(self) -> &'l [AtomicU64] {
        // SAFETY: the lock is held. No caller in this file reclaims anything while it uses the buckets, and `candidates` hands
        // this duty on.
        unsafe { self.get().current() }
    }

    /// Returns the places whose entries may have this partial hash.
    ///
    /// # Safety
    /// Nothing is reclaimed while the candidates are used.
    #[inline(always)]
    pub(crate) unsafe fn candidates(self, partial_hash: PartialHash) -> Candidates<'l> {
        Candidates::new(self.buckets(), partial_hash)
    }

    /// Prefetches the buckets for a partial hash.
    #[inline(always)]
    pub(crate) fn fetch(self, partial_hash: PartialHash) {
        let buckets = self.buckets();
        fetch(bucket(buckets, partial_hash as usize));
    }

    /// Returns whether no entry was inserted since: then an entry that did not exist does not exist now.
    #[inline]
    pub(crate) fn has_nothing_new(self, since: Changes) -> bool {
        since.are_known() && self.changes.load(Relaxed) >> 32 == since.0 >> 32
    }

    /// Inserts an entry, the last of so many. Returns the old buckets if they were too few.
    #[inline]
    pub(crate) fn insert(
        self,
        partial_hash: PartialHash,
        place: Place,
        entries: usize,
    ) -> Option<RetiredBuckets> {
        let old = (entries > most_entries(self.buckets().len())).then(|| self.grow(entries));
        fill(self.buckets(), word(partial_hash, place));
        self.add_to_changes(ADDED);
        old
    }

    /// Makes room for so many entries by twice the number of buckets, or more. Returns the old ones.
    #[cold]
    #[inline(never)]
    fn grow(self, entries: usize) -> RetiredBuckets {
        let buckets = self.buckets();
        let mut length = buckets.len() * 2;
        while entries > most_entries(length) {
            length *= 2;
        }
        let more = make(length);
        for word in buckets.iter().map(|bucket| bucket.load(Relaxed)).filter(|&word| word != 0) {
            fill(&more[1..], word);
        }
        self.replace_buckets(more)
    }

    /// Replaces the place of an entry.
    pub(crate) fn replace(self, partial_hash: PartialHash, old: Place, new: Place) {
        let buckets = self.buckets();
        bucket(buckets, position(buckets, partial_hash, old)).store(word(partial_hash, new), Release);
    }

    /// Removes an entry.
    #[inline]
    pub(crate) fn remove(self, partial_hash: PartialHash, place: Place) {
        self.remove_from(self.buckets(), partial_hash, place);
    }

    /// Removes an entry, and inserts another one that has the same place.
    #[inline(always)]
    pub(crate) fn exchange(self, old: PartialHash, new: PartialHash, place: Place) {
        let buckets = self.buckets();
        self.remove_from(buckets, old, place);
        fill(buckets, word(new, place));
        self.add_to_changes(ADDED);
    }

    #[inline(always)]
    fn remove_from(self, buckets: &[AtomicU64], partial_hash: PartialHash, place: Place) {
        let mask = buckets.len() - 1;
        let mut gap = position(buckets, partial_hash, place);
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

    /// Removes all entries. Returns the old buckets.
    pub(crate) fn clear(self) -> RetiredBuckets {
        self.replace_buckets(make(FEWEST))
    }

    /// Returns all entries, after checking that a probe from its home slot finds each of them, and that buckets are sorted by
    /// home slot.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn validated(self) -> Vec<(PartialHash, Place)> {
        let buckets = self.buckets();
        let words: Vec<u64> = buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        assert!(words.len().is_power_of_two() && words.contains(&0), "a probe ends at an empty bucket");
        let far = |at: usize| distance(buckets, words[at], at);
        let full = (0..words.len()).filter(|&at| words[at] != 0);
        let entries = full.map(|at| {
            let before = at.wrapping_sub(1) & (words.len() - 1);
            let most = if words[before] == 0 { 0 } else { far(before) + 1 };
            assert!(
                far(at) <= most,
                "an entry is cut off from its home slot, or stands in a nearer one's way"
            );
            (words[at] as PartialHash, (words[at] >> 32) as Place)
        });
        let entries: Vec<_> = entries.collect();
        assert!(entries.len() <= most_entries(words.len()), "there are enough buckets");
        assert_eq!(self.changes.load(Relaxed) % 2, 0, "no shift is under way");
        entries
    }

    fn replace_buckets(self, buckets: Words) -> RetiredBuckets {
        let old = self.get().buckets.load(Relaxed);
        self.get().buckets.store(leak(buckets), Release);
        RetiredBuckets(old)
    }
}

impl RetiredBuckets {
    /// Frees the buckets.
    ///
    /// # Safety
    /// No reader can see them any more (invariant 5).
    pub(crate) unsafe fn free(self) {
        // SAFETY: leaked words, which the index has no more, nor a reader, as the caller says.
        drop(unsafe { unleak(self.0) });
    }
}

impl<'i> Candidates<'i> {
    #[inline(always)]
    fn new(buckets: &'i [AtomicU64], partial_hash: PartialHash) -> Self {
        Self { buckets, partial_hash, at: partial_hash as usize & (buckets.len() - 1) }
    }
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
            if word as PartialHash == self.partial_hash && place != 0 {
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
        // SAFETY: leaked words. The table is dropped, so nobody uses them.
        drop(unsafe { unleak(self.buckets.load(Acquire)) });
    }
}

/// Returns how many entries so many buckets have room for.
#[inline(always)]
fn most_entries(buckets: usize) -> usize {
    match buckets {
        _ if buckets < TINY => buckets / 2,
        _ if buckets < SMALL => buckets / 4,
        _ if buckets < MEDIUM => buckets / 2,
        _ => buckets / 4 * 3,
    }
}

/// Returns a bucket by a number, of which the lower bits count.
#[inline(always)]
fn bucket(buckets: &[AtomicU64], at: usize) -> &AtomicU64 {
    // SAFETY: the number of buckets is a power of two, so the masked number is less than it.
    unsafe { buckets.get_unchecked(at & (buckets.len() - 1)) }
}

/// Returns the position of an entry, which the index has.
fn position(buckets: &[AtomicU64], partial_hash: PartialHash, place: Place) -> usize {
    let mask = buckets.len() - 1;
    let mut at = partial_hash as usize & mask;
    while bucket(buckets, at).load(Relaxed) != word(partial_hash, place) {
        at = (at + 1) & mask;
    }
    at
}

fn word(partial_hash: PartialHash, place: Place) -> u64 {
    u64::from(place) << 32 | u64::from(partial_hash)
}

/// Returns the distance of a word from its home slot.
fn distance(buckets: &[AtomicU64], word: u64, at: usize) -> usize {
    at.wrapping_sub(word as PartialHash as usize) & (buckets.len() - 1)
}

/// Inserts a word behind those whose home slot is the same or an earlier one, and shifts the words behind it. The shift
/// copies from the end, in the direction of probes, so a reader misses nothing.
#[inline(always)]
fn fill(buckets: &[AtomicU64], word: u64) {
    let mask = buckets.len() - 1;
    let mut at = word as PartialHash as usize & mask;
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

fn make(buckets: usize) -> Words {
    let mut words: Vec<AtomicU64> = Vec::with_capacity(buckets + 1);
    // SAFETY: the memory of the vector.
    unsafe { huge_pages::prefer(words.as_mut_ptr(), 0, (buckets + 1) * size_of::<AtomicU64>()) };
    words.push(AtomicU64::new(buckets as u64 - 1));
    words.extend((0..buckets).map(|_| AtomicU64::new(0)));
    words.into_boxed_slice()
}

fn leak(words: Words) -> *mut AtomicU64 {
    Box::into_raw(words).cast()
}

/// # Safety
/// The pointer came from [`leak`], and is not used to free the words again.
unsafe fn unleak(words: *mut AtomicU64) -> Words {
    // SAFETY: the first word tells the length, as `make` has made it.
    unsafe {
        let length = (*words).load(Relaxed) as usize + 2;
        Box::from_raw(core::ptr::slice_from_raw_parts_mut(words, length))
    }
}
