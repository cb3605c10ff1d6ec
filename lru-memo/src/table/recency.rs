//! Recency: the order in which all threads used the entries. It is a stamp for each place, which only grows.
//!
//! 1. `latest` names the one reader that stamps alone, or says that all readers stamp (a *crowd*), or that no reader
//!    stamps. Only the lock's holder writes `latest`. A reader stamps only if it has seen, since it pinned, that `latest`
//!    allows it.
//! 2. A thread that changes `latest` first says that no reader stamps. Then it waits until every reader that was allowed to
//!    stamp has unpinned. So no reader stores an old stamp late.
//! 3. A reader that stamps alone takes its word, which grows with each stamp. The word is made so large that all earlier stamps
//!    are smaller. Stamps taken in the lock continue the same numbers.
//! 4. In a crowd, a stamp is a read of the processor's counter. The counter grows faster than any thread can count stamps,
//!    so counted stamps from before are smaller. After the crowd, counting goes on from what the counter shows then.
//! 5. In a crowd, the stamp of a place is the largest one in the common array and in the threads' own stamps.
//! 6. Where the order cannot matter, `latest` says that it is not kept, and there is no room for stamps. When the bound grows,
//!    room is made first, and then no reader stamps. A reader that is allowed to stamp has been in the lock since, so it
//!    finds the room. A hit that still counts without a stamp began before the bound had grown.

#[cfg(any(test, fuzzing))]
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::sys::sync::{AtomicPtr, AtomicU64, fence, relax};
use crate::table::bias::Biased as _;
use crate::table::blocks::{Blocks, Place};
use crate::table::counter;
use crate::table::live::Live;
use crate::table::locked::Locked;
use crate::table::reader::{Owner, Pin, Reader, Stamps};
use crate::table::readers::List;
use crate::table::threading::Threading;
use crate::table::victims::{Candidate, Victims};

/// The number of changes of `latest` in quick succession that begin a crowd.
const CROWD_AFTER: u32 = if cfg!(all(test, loom)) { 2 } else { 16 };
/// The longest pause between two changes in quick succession, in ticks of the counter: some 50 us.
const QUICK: u64 = if cfg!(test) { u64::MAX } else { 1 << 17 };
/// The number of hits after which a thread of a crowd finds out if it is alone.
const LOOK_AFTER_HITS: u64 = if cfg!(all(test, loom)) { 4 } else { 1 << 12 };
/// The number of stamps in a row, taken in the lock, after which a thread of a crowd finds out if it is alone.
pub(super) const LOOK_AFTER_STAMPS: u32 = if cfg!(all(test, loom)) { 2 } else { 64 };
/// The least number of stamps that a thread has of its own in a crowd. A thread gets more only as long as all threads together have
/// at most two for each place.
const OWN_STAMPS: usize = if cfg!(all(test, loom)) { 4 } else { 1 << 10 };

const NOBODY: *mut Reader = core::ptr::null_mut();
const ALL: *mut Reader = core::ptr::without_provenance_mut(1);
const NOT_KEPT: *mut Reader = core::ptr::without_provenance_mut(2);

/// The stamps, and which readers may stamp.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub struct Recency<T: Threading> {
    latest: AtomicPtr<Reader>,
    stamps: T::Blocks<AtomicU64>,
}

/// The part of the recency that the lock protects.
pub(crate) struct Order {
    /// An upper bound of all stamps of readers that do not stamp any more.
    newest: u64,
    /// The time of the last change of `latest`.
    changed_at: u64,
    /// The number of changes of `latest` in quick succession.
    changes: u32,
    crowd: Crowd,
    victims: Victims,
}

/// Finds out that a crowd is over.
struct Crowd {
    /// The last thread that took the lock.
    thread: *const Reader,
    /// How often in a row it did.
    streak: u32,
    /// The sum of the words of the other readers.
    others: u64,
    /// The number of stamps that threads have of their own.
    own_stamps: usize,
}

// SAFETY: the pointer is only compared.
unsafe impl Send for Crowd {}

impl Default for Order {
    fn default() -> Self {
        let crowd = Crowd { thread: NOBODY, streak: 0, others: 0, own_stamps: 0 };
        Self { newest: 0, changed_at: 0, changes: 0, crowd, victims: Victims::new() }
    }
}

impl Order {
    /// Notes a new entry, one of so many, whose stamp is larger than all others.
    #[inline(always)]
    pub(crate) fn add(&mut self, place: Place, stamp: u64, entries: usize) {
        self.victims.add(Candidate { stamp, place }, entries);
    }

    /// Returns the place that will be evicted after so many others, as far as it is known.
    #[inline(always)]
    pub(crate) fn ahead(&self, distance: usize) -> Option<Place> {
        self.victims.ahead(distance)
    }

    /// Forgets all candidates.
    pub(crate) fn clear(&mut self) {
        self.victims.clear();
    }

    /// Returns whether `latest` changes in quick succession.
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
    /// Returns whether this thread has been alone for a while.
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
        let others = list.all().filter(|reader| !core::ptr::eq(reader.get(), mine));
        let others = others.fold(0_u64, |sum, reader| sum.wrapping_add(reader.word()));
        let were = core::mem::replace(&mut self.others, others);
        before >= LOOK_AFTER_STAMPS && others == were
    }
}

impl<T: Threading> Recency<T> {
    /// Returns a recency with these blocks for its stamps. Without `is_kept`, there are no stamps.
    pub(crate) fn new(stamps: T::Blocks<AtomicU64>, is_kept: bool) -> Self {
        Self { latest: AtomicPtr::new(if is_kept { NOBODY } else { NOT_KEPT }), stamps }
    }

    /// Returns whether there is a crowd.
    #[cfg(all(test, loom))]
    pub(crate) fn is_crowded(&self) -> bool {
        self.latest.load(Relaxed) == ALL
    }

    /// Returns whether the order of uses is kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.latest.load(Relaxed) != NOT_KEPT
    }

    /// Returns whether this reader stamps alone.
    #[inline(always)]
    pub(crate) fn is(&self, reader: &Reader) -> bool {
        self.latest.load(Relaxed).cast_const() == core::ptr::from_ref(reader)
    }

    /// Stamps a hit of the reader that stamps alone, and unpins.
    ///
    /// # Safety
    /// There is room for the stamp of the place: the reader [stamps alone](Self::is) or is its table's only one, and has
    /// found the place.
    #[inline(always)]
    pub(crate) unsafe fn hit_alone(&self, pin: Pin<'_>, place: Place) {
        // SAFETY: as the caller says.
        unsafe { self.stamps.at(place) }.store(pin.stamp(), Relaxed);
        pin.hit();
    }

    /// As [`hit_alone`](Self::hit_alone), for a near place.
    ///
    /// # Safety
    /// As there, and the place is near in the arena.
    #[inline(always)]
    pub(crate) unsafe fn hit_alone_near(&self, pin: Pin<'_>, place: Place) {
        // SAFETY: as the caller says.
        unsafe { self.stamps.near(place) }.store(pin.stamp(), Relaxed);
        pin.hit();
    }

    /// As [`hit_alone_near`](Self::hit_alone_near), if the order is kept. Otherwise only counts the hit.
    ///
    /// # Safety
    /// The reader has found the place, which is near in the arena. It stamps alone, or the order is not kept.
    #[inline(always)]
    pub(crate) unsafe fn hit_biased_near(&self, pin: Pin<'_>, place: Place) {
        // SAFETY: as the caller says. If the order is not kept, there are no stamps.
        unsafe { self.stamps.with_near_if_any(place, |slot| slot.store(pin.stamp(), Relaxed)) };
        pin.hit();
    }

    /// Prefetches the stamp of a near place.
    #[inline(always)]
    pub(crate) fn fetch(&self, place: Place) {
        self.stamps.fetch(place);
    }

    /// Stamps a hit, and unpins, if nothing stands in the way. Returns whether it did.
    ///
    /// # Safety
    /// The reader is one of the table of this recency, and has found the place.
    #[inline(never)]
    pub(crate) unsafe fn hit(&self, pin: Pin<'_>, place: Place) -> bool {
        let latest = self.latest.load(Relaxed);
        if latest == ALL {
            // SAFETY: `latest` was read since the pin.
            let Some(own) = (unsafe { pin.stamps() }) else { return false };
            if pin.is_time_to_look(LOOK_AFTER_HITS) {
                return false;
            }
            let stamp = counter::now();
            if !own.store(place, stamp) {
                // SAFETY: rule 6: a reader that may stamp finds room.
                unsafe { self.stamps.at(place) }.fetch_max(stamp, Relaxed);
            }
        } else if latest.cast_const() == core::ptr::from_ref(pin.owner().reader()) {
            if T::Bias::MAY_HOLD && pin.is_time_for_bias() {
                return false;
            }
            // SAFETY: rule 6: a reader that may stamp finds room.
            unsafe { self.hit_alone(pin, place) };
            return true;
        } else if latest != NOT_KEPT || pin.is_time_to_look(LOOK_AFTER_HITS) {
            return false;
        }
        pin.hit();
        true
    }
}

impl<T: Threading> Locked<'_, Recency<T>> {
    /// Begins to keep the order, given the last place that was ever used. The existing entries come before all later
    /// uses, in any order.
    #[cold]
    pub(crate) fn begin(self, last: Place) {
        if self.is_kept() {
            return;
        }
        for place in 1..=last {
            // SAFETY: there was no room for any place, and the lock is held.
            unsafe { self.stamps.extend_to(place) };
        }
        self.latest.store(NOBODY, Relaxed);
    }

    /// Makes room for a place.
    ///
    /// # Safety
    /// Places are extended to one after the other, from 1.
    pub(crate) unsafe fn extend_to(self, place: Place) {
        if self.is_kept() {
            // SAFETY: as the caller says; the lock is held.
            unsafe { self.stamps.extend_to(place) };
        }
    }

    /// Gives a place a stamp that is larger than all before, by the calling thread's reader if it has one. Returns the
    /// stamp. `order` returns the order and the last place. The order `is_new` if it was not made. It is not needed as long as no
    /// reader has stamped.
    ///
    /// # Safety
    /// The place is known (invariant 3).
    #[inline]
    pub(crate) unsafe fn stamp<'o>(
        self,
        place: Place,
        mine: Option<Owner<'_>>,
        step: u32,
        is_new: bool,
        order: impl FnOnce() -> (&'o mut Order, Place),
        list: &List,
    ) -> u64 {
        let stamp = match mine {
            Some(mine) if self.is(&mine) => mine.bump(self),
            _ if !self.is_kept() => return 0,
            Some(mine) if is_new && self.is_nobody() => self.hand_over(mine, 0),
            _ => {
                let (order, last) = order();
                self.stamp_of_another(mine, step, order, last, list)
            }
        };
        // A hit of a crowd may store its stamp at the same time.
        // SAFETY: invariant 3 (room).
        let slot = unsafe { self.stamps.at(place) };
        if slot.load(Relaxed) < stamp {
            slot.store(stamp, Relaxed);
        }
        stamp
    }

    /// As [`stamp`](Self::stamp), by the reader that stamps alone, or that is its table's only one.
    ///
    /// # Safety
    /// The place is known (invariant 3), and the order is kept.
    #[inline(always)]
    pub(crate) unsafe fn stamp_alone(self, place: Place, mine: Owner<'_>) -> u64 {
        let stamp = mine.bump(self);
        // SAFETY: invariant 3 (room).
        unsafe { self.stamps.at(place) }.store(stamp, Relaxed);
        stamp
    }

    /// Returns the next stamp of a thread that does not stamp alone.
    #[inline(never)]
    fn stamp_of_another(
        self,
        mine: Option<Owner<'_>>,
        step: u32,
        order: &mut Order,
        last: Place,
        list: &List,
    ) -> u64 {
        let latest = self.latest.load(Relaxed);
        if latest == ALL {
            let Some(mine) = mine else { return counter::now() };
            if !order.crowd.is_over(&mine, step, list) {
                // A thread that only misses needs none.
                if step == LOOK_AFTER_STAMPS {
                    self.make_own_stamps(mine, order, last);
                }
                return counter::now();
            }
            self.end_crowd(&mine, order, list);
            return self.hand_over(mine, order.newest);
        }
        // SAFETY: the reader is in the list of the table: `forget` clears `latest` before a reader is freed.
        let former = unsafe { latest.as_ref() };
        self.stop(former.into_iter());
        order.newest = former.map_or(order.newest, Reader::word);
        let Some(mine) = mine else {
            order.newest += 2;
            return order.newest;
        };
        if order.is_crowded() {
            order.changes = 0;
            order.crowd.thread = NOBODY;
            self.latest.store(ALL, Relaxed);
            return counter::now();
        }
        self.hand_over(mine, order.newest)
    }

    /// Returns whether no reader stamps.
    fn is_nobody(&self) -> bool {
        self.latest.load(Relaxed) == NOBODY
    }

    /// Has one reader stamp alone from now on, given an upper bound of all stamps. No reader may stamp at that time.
    fn hand_over(self, mine: Owner<'_>, newest: u64) -> u64 {
        mine.go_on_from(self, newest);
        self.latest.store(core::ptr::from_ref(mine.reader()).cast_mut(), Relaxed);
        mine.bump(self)
    }

    /// Gives a thread stamps of its own for the places up to the last, as far as the other threads have left room for them.
    fn make_own_stamps(self, mine: Owner<'_>, order: &mut Order, last: Place) {
        // SAFETY: the lock is held.
        let reader = unsafe { Locked::new(mine.reader()) };
        let has = reader.stamps().map_or(0, Stamps::len);
        let places = last as usize + 1;
        if has >= places {
            return;
        }
        let left = (2 * places).saturating_sub(order.crowd.own_stamps - has);
        // More places will be used, because retired entries keep theirs.
        let length = (places + places / 8).min(left).max(OWN_STAMPS);
        if length < 2 * has {
            return;
        }
        order.crowd.own_stamps += length;
        // SAFETY: the thread holds the lock, so it is not pinned. It has no stamps of its own any more.
        unsafe {
            self.drop_own_stamps(reader, order);
            mine.make_stamps(self, length);
        }
    }

    /// Moves a thread's own stamps to the common ones, and frees them.
    ///
    /// # Safety
    /// The reader is not pinned, or pinned since it was not allowed to use the stamps any more (invariant 6).
    unsafe fn drop_own_stamps(self, reader: Locked<'_, Reader>, order: &mut Order) {
        self.fold_one(reader);
        order.crowd.own_stamps -= reader.stamps().map_or(0, Stamps::len);
        // SAFETY: as the caller says.
        unsafe { reader.drop_stamps() };
    }

    #[cold]
    fn end_crowd(self, mine: &Reader, order: &mut Order, list: &List) {
        self.stop(list.all().map(Locked::get).filter(|reader| !core::ptr::eq(*reader, mine)));
        order.newest = counter::now();
        for reader in list.all() {
            // SAFETY: the calling thread is not pinned. All others have unpinned, and see that there is no crowd when they pin again.
            unsafe { self.drop_own_stamps(reader, order) };
        }
    }

    /// Ends the right of every reader to stamp, and waits until the readers that had it have unpinned.
    fn stop<'r>(self, stamping: impl Iterator<Item = &'r Reader>) {
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

    /// Forgets a reader that is about to be freed, because its thread has ended.
    pub(crate) fn forget(self, reader: Locked<'_, Reader>, order: &mut Order) {
        if self.is(&reader) {
            order.newest = reader.word();
            self.latest.store(NOBODY, Relaxed);
        }
        // SAFETY: its thread has ended, so it is not pinned.
        unsafe { self.drop_own_stamps(reader, order) };
    }

    /// Moves the threads' own stamps to the common array.
    fn fold(self, order: &Order, list: &List) {
        if order.crowd.own_stamps > 0 {
            list.all().for_each(|reader| self.fold_one(reader));
        }
    }

    fn fold_one(self, reader: Locked<'_, Reader>) {
        let Some(own) = reader.stamps() else { return };
        for (place, stamp) in own.take_changed(self).filter(|&(_, stamp)| stamp > 0) {
            // SAFETY: the thread has found an entry at the place, so there is room (invariant 3).
            let common = unsafe { self.stamps.at(place) };
            if common.load(Relaxed) < stamp {
                common.fetch_max(stamp, Relaxed);
            }
        }
    }

    /// Returns the stamp of a place.
    ///
    /// # Safety
    /// The place is known (invariant 3), and the order is kept.
    #[inline(always)]
    unsafe fn stamp_at(self, place: Place, crowd: &Crowd, list: &List) -> u64 {
        // SAFETY: invariant 3 (room).
        let common = unsafe { self.stamps.at(place) }.load(Relaxed);
        if crowd.own_stamps > 0 { common.max(largest_own_stamp(place, list)) } else { common }
    }

    /// Returns the place of the least recent entry among the `live` ones, of which there are so many.
    ///
    /// # Safety
    /// The places up to the last are known (invariant 3), and the order is kept.
    #[inline(always)]
    pub(crate) unsafe fn least_recent(
        self,
        live: &Live,
        entries: usize,
        last: Place,
        order: &mut Order,
        list: &List,
    ) -> Option<Place> {
        if let Some(Candidate { stamp, place }) = order.victims.head() {
            // SAFETY: a live place is known.
            if live.has(place) && unsafe { self.stamp_at(place, &order.crowd, list) } == stamp {
                order.victims.take_head();
                return Some(place);
            }
        }
        // SAFETY: as the caller says.
        unsafe { self.least_recent_of_used(live, entries, last, order, list) }
    }

    /// As [`least_recent`](Self::least_recent), if entries were used since they were stored.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn least_recent_of_used(
        self,
        live: &Live,
        entries: usize,
        last: Place,
        order: &mut Order,
        list: &List,
    ) -> Option<Place> {
        // SAFETY: as the caller says.
        let stamps = |first, last| unsafe { self.get().stamps.slices(first, last) };
        loop {
            let Order { victims, crowd, .. } = &mut *order;
            // SAFETY: a live place is known.
            let stamp_of = |place| live.has(place).then(|| unsafe { self.stamp_at(place, crowd, list) });
            if let Some(victim) = victims.next(stamp_of) {
                victims.walk_on(stamps);
                return Some(victim);
            }
            if entries == 0 {
                return None;
            }
            self.fold(order, list);
            order.victims.find(stamps, live, entries, last);
        }
    }

    /// Checks that the next eviction finds the least recent of the `live` entries.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(self, live: &Live, order: Option<&Order>, list: &List) {
        if let Some(order) = order.filter(|_| self.is_kept()) {
            // SAFETY: a live place is known.
            let stamped =
                live.places().map(|place| (place, unsafe { self.stamp_at(place, &order.crowd, list) }));
            order.victims.validate(&stamped.collect::<Vec<_>>());
        }
    }

    /// Returns the places of all entries, the most recent first.
    #[cfg(all(test, loom))]
    pub(crate) fn newest_first(self, live: &Live, order: Option<&Order>, list: &List) -> Vec<Place> {
        let none = Order::default();
        let order = order.unwrap_or(&none);
        let mut places: Vec<Place> = live.places().collect();
        if self.is_kept() {
            // SAFETY: a live place is known.
            let stamp_of = |&place: &Place| unsafe { self.stamp_at(place, &order.crowd, list) };
            places.sort_by_key(|place| core::cmp::Reverse(stamp_of(place)));
        }
        places
    }
}

/// Returns the largest stamp of a place in the threads' own stamps.
#[cold]
#[inline(never)]
fn largest_own_stamp(place: Place, list: &List) -> u64 {
    let stamps = list.all().filter_map(|reader| Some(reader.stamps()?.stamp_at(place)));
    stamps.max().unwrap_or(0)
}
