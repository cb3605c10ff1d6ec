//! In which order entries were used, by whatever thread: a stamp for each place, which only grows.
//!
//! 1. `latest` names the one reader that stamps alone, or says that all do (a *crowd*), or that nobody does. It is
//!    written in the lock. A reader stamps only while it is pinned and has seen since that `latest` allows it.
//! 2. Whoever changes `latest` first says that nobody stamps, and then waits until those that did are unpinned. So no
//!    stamp of an earlier time is stored later.
//! 3. The stamps of a reader that stamps alone are `base` plus its word, which counts them; its `base` is such that all
//!    stamps before it are smaller. In the lock, stamps come from the same numbers.
//! 4. In a crowd, stamps are what the processor's counter shows. It runs faster than any thread can count stamps, so that
//!    those that were counted before are smaller. Those that are counted afterwards go on from what it shows then.
//! 5. In a crowd, the stamp of a place is the largest of that in the common array and those in the threads' own tables.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::front::blocks::{Blocks, Place};
use crate::front::counter;
use crate::front::reader::{Pin, Reader};
use crate::front::readers::List;
use crate::front::victims::{Candidate, Victims};
use crate::sync::{AtomicPtr, AtomicU64, fence, relax};

/// So many changes of hands in quick succession make a crowd.
const CROWD_AFTER: u32 = if cfg!(all(test, loom)) { 2 } else { 16 };
/// What is a quick succession, in ticks of the counter: some 50 us.
const QUICK: u64 = if cfg!(all(test, loom)) { u64::MAX } else { 1 << 17 };
/// In a crowd, a thread looks whether it is alone after so many hits, or stamps in the lock without another thread's, ...
const LOOK_AFTER_HITS: u64 = if cfg!(all(test, loom)) { 4 } else { 1 << 12 };
pub(super) const LOOK_AFTER_STAMPS: u32 = if cfg!(all(test, loom)) { 2 } else { 64 };
/// In a crowd, a thread has stamps of its own for the first so many places at most.
const TABLE: usize = if cfg!(all(test, loom)) { 4 } else { 1 << 10 };

const NOBODY: *mut Reader = core::ptr::null_mut();
const ALL: *mut Reader = core::ptr::without_provenance_mut(1);
const NOT_KEPT: *mut Reader = core::ptr::without_provenance_mut(2);

/// The stamps, and who stamps.
#[repr(align(128))]
pub(crate) struct Recency {
    latest: AtomicPtr<Reader>,
    stamps: Blocks<AtomicU64>,
}

/// What is known of the order in the lock.
pub(crate) struct Order {
    /// No smaller than any stamp of those that do not stamp any more.
    newest: u64,
    /// When `latest` was changed, and how often in quick succession.
    changed_at: u64,
    changes: u32,
    crowd: Crowd,
    victims: Victims,
}

/// What tells that a crowd is over.
struct Crowd {
    /// The latest thread in the lock, and how often it was without another.
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
    /// The order of what is at places of such blocks, if it `is_kept`.
    pub(crate) fn new(stamps: Blocks<AtomicU64>, is_kept: bool) -> Self {
        Self { latest: AtomicPtr::new(if is_kept { NOBODY } else { NOT_KEPT }), stamps }
    }

    /// Whether all stamp.
    #[cfg(all(test, loom))]
    pub(crate) fn is_crowded(&self) -> bool {
        self.latest.load(Relaxed) == ALL
    }

    /// Whether the order of uses is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.latest.load(Relaxed) != NOT_KEPT
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
    ) {
        let stamp = match mine {
            Some(mine) if self.is(mine) => mine.bump(),
            _ if !self.is_kept() => return,
            _ => self.stamp_of_another(mine, step, order, list),
        };
        // A hit of a crowd may store its stamp at the same time.
        // SAFETY: as the caller says.
        let slot = unsafe { self.stamps.at(place) };
        if slot.load(Relaxed) < stamp {
            slot.store(stamp, Relaxed);
        }
    }

    /// As [`stamp`](Self::stamp), in a cache of one thread.
    ///
    /// # Safety
    /// There is room for the place.
    #[inline]
    pub(crate) unsafe fn stamp_alone(&self, place: Place, mine: &Reader) {
        // SAFETY: as the caller says.
        unsafe { self.stamps.at(place) }.store(mine.bump(), Relaxed);
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

    /// Has a reader stamp alone, when nobody stamps.
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

    /// Has nobody stamp any more; when this returns, those who did are done.
    fn stop<'r>(&self, stamping: impl Iterator<Item = &'r Reader>) {
        self.latest.store(NOBODY, Relaxed);
        // Whoever pins after this sees that; who was pinned before is seen here.
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

    /// Notes in the common array what is in the threads' own tables; in the lock.
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
    #[inline]
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
    pub(crate) unsafe fn least_recent(
        &self,
        live: &Live,
        entries: usize,
        last: Place,
        order: &mut Order,
        list: &List,
    ) -> Option<Place> {
        let Order { victims, crowd, .. } = &mut *order;
        let is_current = |candidate: &Candidate| {
            // SAFETY: it is the place of an entry, or was.
            live.has(candidate.place)
                && unsafe { self.stamp_at(candidate.place, crowd, list) } == candidate.stamp
        };
        if let Some(place) = victims.next(is_current) {
            return Some(place);
        }
        if entries == 0 {
            return None;
        }
        // SAFETY: as the caller says.
        unsafe {
            self.find_victims(live, entries, last, order, list);
            self.least_recent(live, entries, last, order, list)
        }
    }

    /// # Safety
    /// As for [`least_recent`](Self::least_recent).
    #[cold]
    #[inline(never)]
    unsafe fn find_victims(&self, live: &Live, entries: usize, last: Place, order: &mut Order, list: &List) {
        self.fold(order, list);
        // SAFETY: as the caller says.
        order.victims.find(|| unsafe { self.stamps.slices(last) }, live, entries, last);
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
