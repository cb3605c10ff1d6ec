//! The order in which all threads used the entries: a stamp for each place, which only grows.
//!
//! 1. `latest` names the one reader that stamps alone, or says that all readers stamp (a *crowd*), or that no reader
//!    stamps. `latest` is written in the lock. A reader stamps only if it has seen, since it pinned, that `latest` allows it.
//! 2. A thread that changes `latest` first says that no reader stamps. Then it waits until every reader that was allowed to
//!    stamp is unpinned. So no reader stores an old stamp late.
//! 3. A reader that stamps alone takes `base` plus its word, which counts its stamps. Its `base` is so large that all earlier
//!    stamps are smaller. Stamps taken in the lock continue the same numbers.
//! 4. In a crowd, a stamp is a read of the processor's counter. The counter grows faster than any thread can count stamps,
//!    so counted stamps from before are smaller. After the crowd, counting goes on from what the counter shows then.
//! 5. In a crowd, the stamp of a place is the largest one in the common array and in the threads' own tables.
//! 6. Where the order cannot matter, `latest` says that it is not kept, and there is no room for stamps. When the bound grows,
//!    room is made first, and then no reader stamps. A reader that is allowed to stamp has been in the lock since, so it
//!    finds the room. A hit that still counts without a stamp began before the bound had grown.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::sys::sync::{AtomicPtr, AtomicU64, fence, relax};
use crate::table::blocks::{Blocks, Place};
use crate::table::counter;
use crate::table::reader::{Pin, Reader};
use crate::table::readers::List;
use crate::table::victims::{Candidate, Victims};

/// The number of changes of `latest` in quick succession that begin a crowd.
const CROWD_AFTER: u32 = if cfg!(all(test, loom)) { 2 } else { 16 };
/// The longest pause between two changes in quick succession, in ticks of the counter: some 50 us.
const QUICK: u64 = if cfg!(all(test, loom)) { u64::MAX } else { 1 << 17 };
/// The number of hits, and of stamps taken in the lock in a row, after which a thread of a crowd finds out if it is alone.
const LOOK_AFTER_HITS: u64 = if cfg!(all(test, loom)) { 4 } else { 1 << 12 };
pub(super) const LOOK_AFTER_STAMPS: u32 = if cfg!(all(test, loom)) { 2 } else { 64 };
/// The largest table of stamps that one thread has in a crowd, in places from the first one.
const TABLE: usize = if cfg!(all(test, loom)) { 4 } else { 1 << 10 };

const NOBODY: *mut Reader = core::ptr::null_mut();
const ALL: *mut Reader = core::ptr::without_provenance_mut(1);
const NOT_KEPT: *mut Reader = core::ptr::without_provenance_mut(2);

/// The stamps, and which readers may stamp.
#[repr(align(128))]
pub(crate) struct Recency {
    latest: AtomicPtr<Reader>,
    stamps: Blocks<AtomicU64>,
}

/// The part of the order that is used in the lock.
pub(crate) struct Order {
    /// An upper bound of all stamps of readers that do not stamp any more.
    newest: u64,
    /// The time of the last change of `latest`, and the number of changes in quick succession.
    changed_at: u64,
    changes: u32,
    crowd: Crowd,
    victims: Victims,
}

/// Finds out that a crowd is over.
struct Crowd {
    /// The last thread that took the lock, and how often in a row.
    thread: *const Reader,
    streak: u32,
    /// The sum of the words of the others.
    others: u64,
    has_tables: bool,
}

// SAFETY: the pointer is only compared.
unsafe impl Send for Crowd {}

impl Order {
    pub(crate) const fn new() -> Self {
        let crowd = Crowd { thread: NOBODY, streak: 0, others: 0, has_tables: false };
        Self { newest: 0, changed_at: 0, changes: 0, crowd, victims: Victims::new() }
    }

    /// Notes that one of so many entries is new, and has a stamp that is larger than all others.
    #[inline(always)]
    pub(crate) fn add(&mut self, place: Place, stamp: u64, entries: usize) {
        self.victims.add(Candidate { stamp, place }, entries);
    }

    /// Forgets all that was found out about entries.
    pub(crate) fn clear(&mut self) {
        self.victims.clear();
    }

    /// Whether `latest` changes hands in quick succession.
    fn is_crowded(&mut self) -> bool {
        if !counter::exists() {
            return false;
        }
        let now = counter::now();
        self.changes = if now.wrapping_sub(self.changed_at) < QUICK { self.changes + 1 } else { 0 };
        self.changed_at = now;
        self.changes > CROWD_AFTER && now > self.newest
    }
}

impl Crowd {
    /// Whether this thread has been alone for a while.
    fn is_over(&mut self, mine: &Reader, step: u32, list: &List) -> bool {
        if !core::ptr::eq(self.thread, mine) {
            (self.thread, self.streak) = (mine, 0);
            return false;
        }
        let before = self.streak;
        self.streak += step;
        if before / LOOK_AFTER_STAMPS == self.streak / LOOK_AFTER_STAMPS {
            return false;
        }
        let others = list.all().filter(|reader| !core::ptr::eq(*reader, mine));
        let others = others.fold(0_u64, |sum, reader| sum.wrapping_add(reader.word()));
        let were = core::mem::replace(&mut self.others, others);
        before >= LOOK_AFTER_STAMPS && others == were
    }
}

impl Recency {
    /// Returns the order of the entries in blocks of these lengths. Without `is_kept`, there are no stamps.
    pub(crate) fn new(stamps: Blocks<AtomicU64>, is_kept: bool) -> Self {
        Self { latest: AtomicPtr::new(if is_kept { NOBODY } else { NOT_KEPT }), stamps }
    }

    /// Returns whether there is a crowd.
    #[cfg(all(test, loom))]
    pub(crate) fn is_crowded(&self) -> bool {
        self.latest.load(Relaxed) == ALL
    }

    /// Whether the order of uses is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.latest.load(Relaxed) != NOT_KEPT
    }

    /// Begins to keep the order, given the last place that was ever used. The entries that are there come before all later
    /// uses, in any order.
    ///
    /// # Safety
    /// In the lock.
    #[cold]
    pub(crate) unsafe fn begin(&self, last: Place) {
        if self.is_kept() {
            return;
        }
        for place in 1..=last {
            // SAFETY: in the lock, and there was no room for any place.
            unsafe { self.stamps.extend_to(place) };
        }
        self.latest.store(NOBODY, Relaxed);
    }

    /// Makes room for a place.
    ///
    /// # Safety
    /// In the lock, for the places one after the other.
    pub(crate) unsafe fn extend_to(&self, place: Place) {
        if self.is_kept() {
            // SAFETY: as the caller says.
            unsafe { self.stamps.extend_to(place) };
        }
    }

    /// Whether this reader stamps alone.
    #[inline(always)]
    pub(crate) fn is(&self, reader: &Reader) -> bool {
        self.latest.load(Relaxed).cast_const() == core::ptr::from_ref(reader)
    }

    /// Stamps a hit of the reader that stamps alone, and ends the pin.
    ///
    /// # Safety
    /// The reader [is](Self::is) that one, and there is an entry at the place.
    #[inline(always)]
    pub(crate) unsafe fn hit_alone(&self, pin: Pin<'_>, place: Place) {
        // SAFETY: where there is an entry there is room.
        unsafe { self.stamps.at(place) }.store(pin.stamp(), Relaxed);
        pin.hit();
    }

    /// Has the processor fetch the stamp of a place in the first block, together with the entry: the next pin waits until
    /// the stamp is stored.
    #[inline(always)]
    pub(crate) fn fetch(&self, place: Place) {
        self.stamps.fetch(place);
    }

    /// As [`hit_alone`](Self::hit_alone), for a place that is near.
    ///
    /// # Safety
    /// As there, and the place is in the first block.
    #[inline(always)]
    pub(crate) unsafe fn hit_alone_near(&self, pin: Pin<'_>, place: Place) {
        // SAFETY: as the caller says.
        unsafe { self.stamps.in_first(place) }.store(pin.stamp(), Relaxed);
        pin.hit();
    }

    /// Stamps a hit, and ends the pin, if nothing stands in the way.
    ///
    /// # Safety
    /// There is an entry at the place.
    #[inline(never)]
    pub(crate) unsafe fn hit(&self, pin: Pin<'_>, place: Place) -> bool {
        let latest = self.latest.load(Relaxed);
        if latest == ALL {
            let Some(table) = pin.reader().table() else { return false };
            if pin.is_time_to_look(LOOK_AFTER_HITS) {
                return false;
            }
            let stamp = counter::now();
            match table.slot(place) {
                Some(slot) => slot.store(stamp, Relaxed),
                // SAFETY: where there is an entry there is room.
                None => _ = unsafe { self.stamps.at(place) }.fetch_max(stamp, Relaxed),
            }
        } else if latest.cast_const() == core::ptr::from_ref(pin.reader()) {
            // SAFETY: as the caller says.
            unsafe { self.hit_alone(pin, place) };
            return true;
        } else if latest != NOT_KEPT {
            return false;
        }
        pin.hit();
        true
    }

    /// Gives a place a stamp that is larger than all before, of the calling thread's reader if it has one; in the lock.
    /// Returns the stamp.
    ///
    /// # Safety
    /// In the lock, and there is room for the place.
    #[inline]
    pub(crate) unsafe fn stamp(
        &self,
        place: Place,
        mine: Option<&Reader>,
        step: u32,
        order: &mut Order,
        list: &List,
    ) -> u64 {
        let stamp = match mine {
            Some(mine) if self.is(mine) => mine.bump(),
            _ if !self.is_kept() => return 0,
            _ => self.stamp_of_another(mine, step, order, list),
        };
        // A hit of a crowd may store its stamp at the same time.
        // SAFETY: as the caller says.
        let slot = unsafe { self.stamps.at(place) };
        if slot.load(Relaxed) < stamp {
            slot.store(stamp, Relaxed);
        }
        stamp
    }

    /// As [`stamp`](Self::stamp), by the reader that stamps alone, or in a cache of one thread.
    ///
    /// # Safety
    /// There is room for the place.
    #[inline(always)]
    pub(crate) unsafe fn stamp_alone(&self, place: Place, mine: &Reader) -> u64 {
        let stamp = mine.bump();
        // SAFETY: as the caller says.
        unsafe { self.stamps.at(place) }.store(stamp, Relaxed);
        stamp
    }

    /// The next stamp in the lock, of a thread that does not stamp alone.
    #[inline(never)]
    fn stamp_of_another(&self, mine: Option<&Reader>, step: u32, order: &mut Order, list: &List) -> u64 {
        let latest = self.latest.load(Relaxed);
        if latest == ALL {
            let Some(mine) = mine else { return counter::now() };
            if !order.crowd.is_over(mine, step, list) {
                self.make_table(mine, order);
                return counter::now();
            }
            self.end_crowd(mine, order, list);
            return self.hand_over(mine, order);
        }
        // SAFETY: it is in the list of the cache: see `forget`.
        let former = unsafe { latest.as_ref() };
        self.stop(former.into_iter());
        order.newest = former.map_or(order.newest, Reader::newest);
        let Some(mine) = mine else {
            order.newest += 2;
            return order.newest;
        };
        if order.is_crowded() {
            order.changes = 0;
            order.crowd.thread = NOBODY;
            self.make_table(mine, order);
            self.latest.store(ALL, Relaxed);
            return counter::now();
        }
        self.hand_over(mine, order)
    }

    /// Gives one reader the right to stamp alone. No reader has the right to stamp at that time.
    fn hand_over(&self, mine: &Reader, order: &Order) -> u64 {
        mine.go_on_from(order.newest);
        self.latest.store(core::ptr::from_ref(mine).cast_mut(), Relaxed);
        mine.bump()
    }

    #[cold]
    fn end_crowd(&self, mine: &Reader, order: &mut Order, list: &List) {
        self.stop(list.all().filter(|reader| !core::ptr::eq(*reader, mine)));
        order.newest = counter::now();
        self.fold(order, list);
        for reader in list.all() {
            // SAFETY: in the lock, all others are unpinned, and see that there is no crowd when they pin.
            unsafe { reader.drop_table() };
        }
        order.crowd.has_tables = false;
    }

    fn make_table(&self, mine: &Reader, order: &mut Order) {
        order.crowd.has_tables = true;
        mine.make_table(TABLE);
    }

    /// Ends the right of every reader to stamp, and waits until the readers that had it are unpinned.
    fn stop<'r>(&self, stamping: impl Iterator<Item = &'r Reader>) {
        self.latest.store(NOBODY, Relaxed);
        // A reader that pins after this sees the change. A reader that pinned before is seen here.
        fence(SeqCst);
        for reader in stamping {
            if let Some(word) = reader.pinned_at() {
                while reader.pinned_at() == Some(word) {
                    relax();
                }
            }
        }
    }

    /// Notes that a reader is about to be freed, whose thread has ended; in the lock.
    pub(crate) fn forget(&self, reader: &Reader, order: &mut Order) {
        if self.is(reader) {
            order.newest = reader.newest();
            self.latest.store(NOBODY, Relaxed);
        }
        self.fold_one(reader);
    }

    /// Moves the stamps of the threads' own tables to the common array. The caller holds the lock.
    fn fold(&self, order: &Order, list: &List) {
        if order.crowd.has_tables {
            list.all().for_each(|reader| self.fold_one(reader));
        }
    }

    fn fold_one(&self, reader: &Reader) {
        let Some(table) = reader.table() else { return };
        for (place, slot) in (0..).zip(table.slots()) {
            let stamp = slot.load(Relaxed);
            if stamp != 0 {
                // SAFETY: there was an entry.
                unsafe { self.stamps.at(place) }.fetch_max(stamp, Relaxed);
            }
        }
    }

    /// The stamp of a place; in the lock.
    ///
    /// # Safety
    /// There is room for the place.
    #[inline(always)]
    unsafe fn stamp_at(&self, place: Place, order: &Crowd, list: &List) -> u64 {
        // SAFETY: as the caller says.
        let common = unsafe { self.stamps.at(place) }.load(Relaxed);
        if order.has_tables { common.max(Self::largest_of_threads(place, list)) } else { common }
    }

    /// The largest stamp of a place in the threads' own tables.
    #[cold]
    #[inline(never)]
    fn largest_of_threads(place: Place, list: &List) -> u64 {
        let slots = list.all().filter_map(|reader| reader.table()?.slot(place));
        slots.map(|slot| slot.load(Relaxed)).max().unwrap_or(0)
    }

    /// The place of the least recent entry, among the `live` ones, of which there are so many; in the lock.
    ///
    /// # Safety
    /// There is room for the places up to the last.
    #[inline(always)]
    pub(crate) unsafe fn least_recent(
        &self,
        live: &Live,
        entries: usize,
        last: Place,
        order: &mut Order,
        list: &List,
    ) -> Option<Place> {
        if let Some(Candidate { stamp, place }) = order.victims.head() {
            // SAFETY: it is the place of an entry.
            if live.has(place) && unsafe { self.stamp_at(place, &order.crowd, list) } == stamp {
                order.victims.take_head();
                return Some(place);
            }
        }
        // SAFETY: as the caller says.
        unsafe { self.least_recent_of_used(live, entries, last, order, list) }
    }

    /// As [`least_recent`](Self::least_recent), where entries were used since they were stored.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn least_recent_of_used(
        &self,
        live: &Live,
        entries: usize,
        last: Place,
        order: &mut Order,
        list: &List,
    ) -> Option<Place> {
        loop {
            let Order { victims, crowd, .. } = &mut *order;
            // SAFETY: it is the place of an entry.
            let stamp_of = |place| live.has(place).then(|| unsafe { self.stamp_at(place, crowd, list) });
            if let Some(victim) = victims.next(stamp_of) {
                // SAFETY: as the caller says.
                victims.walk_on(|first, last| unsafe { self.stamps.slices(first, last) }, live);
                return Some(victim);
            }
            if entries == 0 {
                return None;
            }
            self.fold(order, list);
            // SAFETY: as the caller says.
            let stamps = |first, last| unsafe { self.stamps.slices(first, last) };
            order.victims.find(stamps, live, entries, last);
        }
    }

    /// All entries, the most recent first; in the lock.
    ///
    /// # Safety
    /// There is room for all places.
    #[cfg(all(test, loom))]
    pub(crate) unsafe fn newest_first(&self, live: &Live, order: &Order, list: &List) -> Vec<Place> {
        let mut places: Vec<Place> = live.places().collect();
        if !self.is_kept() {
            return places;
        }
        // SAFETY: as the caller says.
        places.sort_by_key(|&place| core::cmp::Reverse(unsafe { self.stamp_at(place, &order.crowd, list) }));
        places
    }
}

/// Where there are entries.
#[derive(Default)]
pub(crate) struct Live(Vec<u64>);

impl Live {
    #[inline]
    pub(crate) fn has(&self, place: Place) -> bool {
        self.0[place as usize / 64] & 1 << (place % 64) != 0
    }

    pub(crate) fn extend_to(&mut self, place: Place) {
        if self.0.len() <= place as usize / 64 {
            self.0.push(0);
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, place: Place) {
        self.0[place as usize / 64] |= 1 << (place % 64);
    }

    #[inline]
    pub(crate) fn remove(&mut self, place: Place) {
        self.0[place as usize / 64] &= !(1 << (place % 64));
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        let set = |(at, &word): (u32, &u64)| {
            let next = |&word: &u64| Some(word & (word - 1)).filter(|&word| word != 0);
            let words = core::iter::successors(Some(word).filter(|&word| word != 0), next);
            words.map(move |word| at * 64 + word.trailing_zeros())
        };
        (0..).zip(&self.0).flat_map(set)
    }
}
