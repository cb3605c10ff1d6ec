//! A table while the calling thread holds its lock: everything that only the lock's holder may do.

use crate::sys::clock::Instant;
use alloc::vec::Vec;

use crate::sys::sync::relax;
use crate::table::bias::Biased;
use crate::table::blocks::Place;
use crate::table::front::{ExpiryCheck, Front, SPARE, Unfound};
use crate::table::guarded::{Guarded, Rest};
use crate::table::index::{Candidates, PartialHash};
use crate::table::invalidations::SequenceNumber;
use crate::table::live::Live;
use crate::table::locked::Locked;
use crate::table::lru::{Left, Limits, Lru};
use crate::table::outlined::{LATER, Outlined};
use crate::table::reader::{Owner, Reader};
use crate::table::seldom::Seldom;

/// The number of entries that leave at once when a bound becomes smaller.
const STEP: usize = 64;
/// The number of retired entries, beyond one for each thread in foreign code, at which a writer waits for pinned readers.
/// A pinned thread runs no foreign code, so the wait is short.
const HELD_BACK: usize = 1024;
/// How often a writer looks again whether readers still see a retired entry.
const LINGER: usize = if cfg!(all(test, loom)) { 0 } else { 16 };

/// A table while the calling thread holds its lock.
pub(crate) struct Inside<'a, T: Outlined, E> {
    pub(super) front: Locked<'a, Front<T, E>>,
    pub(super) guarded: &'a mut Guarded<T>,
    /// The calling thread's reader, if it has one.
    mine: Option<Owner<'a>>,
    /// Whether no other thread has a reader.
    is_alone: bool,
}

/// Returns the calling thread's reader, and whether no other thread has one. Begins or ends the bias.
///
/// # Safety
/// The state is that of the front's table.
#[inline(always)]
pub(super) unsafe fn owner_in<'f, T: Outlined, E>(
    guarded: &mut Guarded<T>,
    front: &'f Front<T, E>,
) -> (Option<Owner<'f>>, bool) {
    let mine = front.owner();
    let is_alone = !T::SHARED || guarded.readers.are_only(mine) || {
        // SAFETY: invariant 1: the reference to the state proves that the lock is held.
        let parts = unsafe { Locked::new(front) }.parts();
        // SAFETY: as the caller says.
        unsafe { T::is_alone_by_now(parts, guarded, mine) }
    };
    if let Some(mine) = mine.filter(|_| is_alone && front.bias.may_begin()) {
        // SAFETY: invariant 1: the reference to the state proves that the lock is held.
        let parts = unsafe { Locked::new(front) }.parts();
        // SAFETY: as the caller says.
        unsafe { T::begin_bias(parts, mine) };
    }
    (mine, is_alone)
}

impl<'a, T: Outlined, E> Inside<'a, T, E> {
    #[inline(always)]
    pub(super) fn new(
        front: Locked<'a, Front<T, E>>,
        guarded: &'a mut Guarded<T>,
        mine: Option<Owner<'a>>,
        is_alone: bool,
    ) -> Self {
        Self { front, guarded, mine, is_alone }
    }

    /// As if the calling thread were that of this reader, which is one of this table.
    #[cfg(all(test, loom))]
    pub(super) fn by(self, mine: Owner<'a>) -> Self {
        Self { mine: Some(mine), is_alone: self.guarded.readers.are_only(Some(mine)), ..self }
    }

    /// Returns the limits that hold now.
    pub(crate) fn limits(&self) -> Limits {
        Limits { maxsize: self.front.maxsize(), max_weight: self.guarded.lru.max_weight() }
    }

    /// Returns the partial hash of the entry at a place.
    pub(crate) fn partial_hash(&self, place: Place) -> PartialHash {
        self.guarded.lru.partial_hash(place)
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.guarded.lru.len()
    }

    /// Returns how many entries were evicted, and how many were removed because they had expired.
    pub(crate) fn evictions_and_expirations(&self) -> (u64, u64) {
        self.guarded.seldom.get().map_or((0, 0), |rest| (rest.evictions, rest.expirations))
    }

    /// Returns whether an entry of this weight may be stored at all.
    #[inline]
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.guarded.lru.admits(weight)
    }

    /// Returns the places of all entries.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.guarded.lru.live.all_places()
    }

    /// Returns whether there is an entry at the place.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.guarded.lru.contains(place)
    }

    /// Keeps the entry at a place from being freed, until [`unkeep`](Self::unkeep).
    ///
    /// # Panics
    /// If there is no entry.
    pub(crate) fn keep(&mut self, place: Place) {
        assert!(self.contains(place), "there is an entry");
        self.guarded.seldom.made().limbo.keep(place);
    }

    /// Ends one [`keep`](Self::keep).
    ///
    /// # Safety
    /// The caller kept the place, and uses the entry no more.
    pub(crate) unsafe fn unkeep(&mut self, place: Place) {
        self.guarded.seldom.made().limbo.unkeep(place);
    }

    /// Notes the number of the newest clear or invalidation, and whether invalidations are remembered.
    pub(crate) fn set_newest(&self, newest: SequenceNumber, remembers: bool) {
        self.front.set_newest(newest, remembers);
    }

    /// Returns the places whose entries may have this partial hash.
    pub(crate) fn candidates(&self, partial_hash: PartialHash) -> Candidates<'_> {
        // SAFETY: the candidates borrow `self`, and reclaiming takes `&mut self`.
        unsafe { self.front.index().candidates(partial_hash) }
    }

    /// Returns what a search in the lock has seen that found nothing.
    pub(crate) fn lacking(&self) -> Unfound {
        Unfound(self.front.index.changes())
    }

    /// Returns whether an entry that was not found certainly does not exist now.
    pub(crate) fn still_lacks(&self, unfound: Unfound) -> bool {
        self.front.index().has_nothing_new(unfound.0)
    }

    /// Finds the first entry that has this partial hash and of which `made` makes something. Returns its place, and that.
    pub(crate) fn find<R>(
        &self,
        partial_hash: PartialHash,
        made: impl Fn(&E) -> Option<R>,
    ) -> Option<(Place, R)> {
        // SAFETY: invariant 5: in the lock, every entry in the index is live.
        self.candidates(partial_hash)
            .find_map(|place| Some((place, made(unsafe { self.front.nodes.entry(place) })?)))
    }

    /// Returns the entry at a place.
    ///
    /// # Safety
    /// The place was found in this lock, and not removed since.
    pub(crate) unsafe fn entry(&self, place: Place) -> &E {
        // SAFETY: invariant 5: the entry is live, and the lock is held.
        unsafe { self.front.nodes.entry(place) }
    }

    /// Gives a place a stamp that is larger than all before, by the calling thread's reader. Returns the stamp.
    ///
    /// # Safety
    /// The place is known (invariant 3).
    #[inline(always)]
    unsafe fn stamp(&mut self, place: Place, step: u32) -> u64 {
        // SAFETY: as the caller says; all is of this table.
        unsafe { T::stamp(self.front.recency(), self.guarded, self.mine, place, step) }
    }

    /// As [`stamp`](Self::stamp), by a reader that the thread has although it may have forgotten it.
    ///
    /// # Safety
    /// The reader is one of this table, and the place is known (invariant 3).
    pub(super) unsafe fn stamp_by(&mut self, mine: Owner<'a>, place: Place, step: u32) {
        self.mine = Some(mine);
        // SAFETY: as the caller says.
        unsafe { self.stamp(place, step) };
    }

    fn readers(&self) -> impl Iterator<Item = Locked<'_, Reader>> {
        T::all(&self.front.readers, &self.guarded.readers)
    }

    /// Returns whether a computation is under way that has begun before.
    pub(crate) fn runs(&self) -> bool {
        // SAFETY: all is of this table.
        unsafe { T::runs(self.front.parts(), self.guarded) }
    }

    /// Returns the number of all hits, and that of all misses.
    pub(crate) fn counts(&self) -> (u64, u64) {
        // SAFETY: all is of this table.
        unsafe { T::counts(&self.front.get().readers, self.guarded) }
    }

    /// Makes an entry the most recent one.
    ///
    /// # Panics
    /// If there is no entry.
    pub(crate) fn touch(&mut self, place: Place) {
        assert!(self.contains(place), "there is an entry");
        // SAFETY: a live place is known.
        unsafe { self.stamp(place, 1) };
    }

    /// Removes an entry. Entries that can leave now go to `left`.
    ///
    /// # Panics
    /// If there is no entry.
    pub(crate) fn remove(&mut self, place: Place, left: &mut Left<E>) {
        assert!(self.contains(place), "there is an entry");
        self.unlink(place);
        self.guarded.seldom.made().limbo.retire(place);
        self.settle(left);
    }

    /// As [`remove`](Self::remove), and counts that the entry had expired.
    pub(crate) fn expire(&mut self, place: Place, left: &mut Left<E>) {
        self.guarded.seldom.made().expirations += 1;
        self.remove(place, left);
    }

    fn unlink(&mut self, place: Place) {
        let lru = &mut self.guarded.lru;
        self.front.index().remove(lru.partial_hash(place), place);
        lru.remove(place);
    }

    /// Stores an entry of a weight that is [admitted](Self::admits) as the most recent, instead of the one at `there`, which has
    /// its key. Entries that leave go to `left`.
    #[inline(never)]
    pub(crate) fn store(
        &mut self,
        there: Option<Place>,
        partial_hash: PartialHash,
        entry: E,
        weight: usize,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        // If no other thread reads, an entry that leaves is gone at once, and its place is free.
        let is_seen_by_nobody = self.is_seen_by_nobody();
        if let Some(there) = there {
            assert!(self.contains(there), "there is an entry");
            self.guarded.lru.remove(there);
            if is_seen_by_nobody {
                // SAFETY: it was live, and the calling thread alone can find it.
                unsafe { self.let_go(there, true, left) };
            }
        }
        while self.guarded.lru.is_full_for(weight) && self.evict(expiry, is_seen_by_nobody, left) {}
        let place = self.free_place(left);
        self.guarded.lru.add(place, partial_hash, weight);
        // SAFETY: the place was free.
        unsafe { self.put(there, place, partial_hash, entry, expiry, left) };
        if let Some(there) = there.filter(|_| !is_seen_by_nobody) {
            // Readers could find the old entry until now: the index has the place of the new one instead.
            self.guarded.seldom.made().limbo.retire(there);
        }
        if core::mem::needs_drop::<E>() && !is_seen_by_nobody {
            self.settle(left);
        }
    }

    /// As [`store`](Self::store), for a key that is not there. This is the fast path for a full cache that one thread
    /// reads: the new entry gets the place of the one that leaves.
    #[inline(always)]
    pub(crate) fn store_new(
        &mut self,
        partial_hash: PartialHash,
        entry: E,
        weight: usize,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        if let (true, Some(mine), None) = (self.is_alone, self.mine, expiry.now) {
            let (index, recency) = (self.front.index(), self.front.recency());
            self.fetch_entry_ahead();
            // SAFETY: index, recency, state and reader are of this table, which nobody else reads.
            if let Some(place) = unsafe { T::exchange(index, recency, self.guarded, mine, partial_hash) } {
                let nodes = self.front.nodes();
                if core::mem::needs_drop::<E>() {
                    // SAFETY: the old entry was unlinked, and nobody sees it.
                    left.push(unsafe { nodes.take(place) });
                }
                // SAFETY: nobody else reads, so nobody sees the new entry before it is written.
                return unsafe { nodes.put(place, entry) };
            }
        }
        self.store(None, partial_hash, entry, weight, expiry, left);
    }

    /// Writes an entry to a place, and puts the place in the index: instead of the one with its key, if that was `there`.
    ///
    /// # Safety
    /// The place was taken from the free ones.
    unsafe fn put(
        &mut self,
        there: Option<Place>,
        place: Place,
        partial_hash: PartialHash,
        entry: E,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        let deadline = expiry.now.and_then(|_| (expiry.deadline_of)(&entry));
        // SAFETY: nobody can see a free place, as the caller says.
        unsafe { self.front.nodes().put(place, entry) };
        let (parts, mine, is_alone) = (self.front.parts(), self.mine, self.is_alone);
        // SAFETY: all is of this table, and a place that was free is known.
        if unsafe { T::link(parts, self.guarded, mine, is_alone, there, place, partial_hash) } {
            self.settle_all(left);
        }
        if let Some(deadline) = deadline {
            let front = self.front;
            let entries = self.guarded.lru.len();
            let Lru { deadlines, live, .. } = &mut self.guarded.lru;
            deadlines.push(deadline, place, entries, &|place| deadline_at(front, live, place, expiry));
            #[cfg(any(test, fuzzing))]
            deadlines.validate(live.places(), |place| deadline_at(front, live, place, expiry));
        }
    }

    /// Removes an expired entry, or else the least recent one. Returns whether there was any.
    #[inline(always)]
    fn evict(
        &mut self,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        is_seen_by_nobody: bool,
        left: &mut Left<E>,
    ) -> bool {
        let leaving = match self.expired(expiry) {
            Some(expired) => {
                self.guarded.seldom.made().expirations += 1;
                expired
            }
            None => {
                let Some(least_recent) = self.least_recent() else { return false };
                self.guarded.seldom.made().evictions += 1;
                least_recent
            }
        };
        self.unlink(leaving);
        // SAFETY: it was live, and is unlinked now.
        unsafe { self.let_go(leaving, is_seen_by_nobody, left) };
        true
    }

    /// Returns whether the calling thread alone reads, and protects nothing.
    #[inline]
    fn is_seen_by_nobody(&self) -> bool {
        let is_at_rest = self.guarded.seldom.get().is_none_or(|rest| rest.limbo.is_at_rest());
        self.is_alone && is_at_rest && self.mine.is_none_or(|mine| mine.hazard() == 0)
    }

    /// Frees the place of an unlinked entry: at once, or when no thread sees it any more.
    ///
    /// # Safety
    /// The entry was live, and no thread finds it from now on; with `is_seen_by_nobody`, no other thread sees it either.
    #[inline]
    unsafe fn let_go(&mut self, place: Place, is_seen_by_nobody: bool, left: &mut Left<E>) {
        let limbo = &mut self.guarded.seldom.made().limbo;
        if !is_seen_by_nobody {
            return limbo.retire(place);
        }
        limbo.free(place);
        if core::mem::needs_drop::<E>() {
            // SAFETY: as the caller says.
            left.push(unsafe { self.front.nodes().take(place) });
        }
    }

    /// Takes a step towards a new bound, and returns the bound that holds then. A step evicts no more than [`STEP`]
    /// entries.
    pub(crate) fn resize(
        &mut self,
        maxsize: usize,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) -> usize {
        let bound = maxsize.max(self.len().saturating_sub(STEP));
        let is_seen_by_nobody = self.is_seen_by_nobody();
        while self.len() > bound && self.evict(expiry, is_seen_by_nobody, left) {}
        let lru = &mut self.guarded.lru;
        lru.set_maxsize(bound);
        self.front.set_maxsize(bound);
        if (Limits { maxsize: Some(bound), max_weight: lru.max_weight() }).order_matters() {
            // SAFETY: all is of this table.
            unsafe { T::begin_order(self.front.recency(), self.guarded) };
        }
        self.settle_all(left);
        bound
    }

    /// Returns an entry whose deadline has passed. The caller removes it.
    #[inline]
    fn expired(&mut self, expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>) -> Option<Place> {
        let front = self.front;
        let Lru { deadlines, live, .. } = &mut self.guarded.lru;
        deadlines.pop(expiry.now?, &|place| deadline_at(front, live, place, expiry))
    }

    /// Prefetches the entry of a later victim. Otherwise the store of the new entry there waits for memory, and stores after
    /// it wait as well.
    #[inline(always)]
    fn fetch_entry_ahead(&self) {
        if let Some(later) = self.guarded.seldom.get().and_then(|rest| rest.order.ahead(LATER)) {
            self.front.nodes().fetch(later);
        }
    }

    #[inline(always)]
    fn least_recent(&mut self) -> Option<Place> {
        self.fetch_entry_ahead();
        // SAFETY: all is of this table.
        unsafe { T::least_recent(self.front.recency(), self.front.index(), self.guarded) }
    }

    /// Returns a place that no thread can see, and that is free no more.
    fn free_place(&mut self, left: &mut Left<E>) -> Place {
        if self.has_no_free_place() && self.retired() >= SPARE / 2 {
            self.settle_all(left);
        }
        while self.has_no_free_place() && self.retired() >= HELD_BACK + self.readers().count() {
            relax();
            self.settle_all(left);
        }
        let Guarded { lru, seldom, .. } = &mut *self.guarded;
        seldom.get_mut().and_then(|rest| rest.limbo.take_free()).unwrap_or_else(|| {
            let place = lru.extend();
            // SAFETY: `extend` returns one place after the other. Thus invariant 3 holds for the place.
            unsafe {
                self.front.nodes().extend_to(place);
                T::extend_stamps_to(self.front.recency(), place);
            }
            place
        })
    }

    fn has_no_free_place(&self) -> bool {
        self.guarded.seldom.get().is_none_or(|rest| rest.limbo.has_no_free_place())
    }

    /// Returns the number of retired places.
    fn retired(&self) -> usize {
        self.guarded.seldom.get().map_or(0, |rest| rest.limbo.len())
    }

    /// Frees what was retired and no thread can see any more, unless it would take long to find out.
    pub(crate) fn settle(&mut self, left: &mut Left<E>) {
        let is_worth_it = self.retired() >= SPARE / 2;
        if is_worth_it || self.guarded.readers.are_few() {
            self.settle_all(left);
        }
    }

    #[inline(never)]
    fn settle_all(&mut self, left: &mut Left<E>) {
        self.settle_once(left);
        if core::mem::needs_drop::<E>() && T::SHARED && self.front.holds_back() {
            // A reader that ends a call from now on sees that entries are held back, and frees them. For a reader that ended
            // just now, neither side may have seen the other yet: a write takes that long to reach another thread.
            for _ in 0..LINGER {
                core::hint::spin_loop();
                self.settle_once(left);
                if !self.front.holds_back() {
                    break;
                }
            }
        }
    }

    fn settle_once(&mut self, left: &mut Left<E>) {
        let Self { front, is_alone, .. } = *self;
        // SAFETY: all is of this table.
        let freed = unsafe { T::settle(front.parts(), self.guarded, is_alone) };
        if core::mem::needs_drop::<E>() {
            let Some(Rest { limbo, .. }) = self.guarded.seldom.get() else { return };
            for &place in limbo.last_freed(freed) {
                // SAFETY: invariant 5: it was retired, and nobody can see it any more.
                left.push(unsafe { front.nodes().take(place) });
            }
            front.set_held_back(limbo.len());
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self, left: &mut Left<E>) {
        let Guarded { lru, seldom, .. } = &mut *self.guarded;
        let Rest { order, limbo, .. } = seldom.made();
        limbo.retire_buckets(self.front.index().clear());
        limbo.retire_all(&lru.live);
        lru.clear();
        order.clear();
        self.settle_all(left);
    }

    /// Returns the places of all entries, the most recent first.
    #[cfg(all(test, loom))]
    pub(super) fn newest_first(&self) -> Vec<Place> {
        let Guarded { lru, seldom, readers } = &*self.guarded;
        let order = seldom.get().map(|rest| &rest.order);
        self.front.recency().newest_first(&lru.live, order, readers)
    }

    /// Takes out all entries of a table that nobody uses any more.
    pub(super) fn empty(self) -> Vec<E> {
        let Guarded { lru, seldom, .. } = &*self.guarded;
        let nodes = self.front.nodes();
        let mut places = lru.live.all_places();
        if let Some(rest) = seldom.get() {
            rest.limbo.add_retired_to(&mut places);
        }
        let mut entries = Vec::with_capacity(places.len());
        for place in places {
            // SAFETY: invariant 4: these are the places with entries, each once. Nobody uses the table any more.
            entries.push(unsafe { nodes.take(place) });
        }
        entries
    }
}

/// Returns the deadline of the entry at a place, if there is an entry and it expires.
fn deadline_at<T: Outlined, E>(
    front: Locked<'_, Front<T, E>>,
    live: &Live,
    place: Place,
    expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
) -> Option<Instant> {
    // SAFETY: invariant 5: the entry is live, and the lock is held.
    live.has(place).then(|| (expiry.deadline_of)(unsafe { front.nodes.entry(place) }))?
}
