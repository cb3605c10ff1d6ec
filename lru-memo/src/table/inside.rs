//! A table while the calling thread holds its lock: everything that only the lock's holder may do.

use crate::sys::clock::Instant;
use alloc::vec::Vec;

use crate::sys::sync::relax;
use crate::table::blocks::Place;
use crate::table::front::{ExpiryCheck, Front, SPARE, Unfound};
use crate::table::index::{Index, Tag};
use crate::table::invalidations::SequenceNumber;
use crate::table::limbo::Limbo;
use crate::table::live::Live;
use crate::table::locked::Locked;
use crate::table::lru::{Left, Limits, Lru};
use crate::table::reader::{Owner, Reader};
use crate::table::readers::List;
use crate::table::recency::{Order, Recency};
use crate::table::running::Running;
use crate::table::threading::Threading;

/// The number of entries that leave at once when a bound becomes smaller.
const STEP: usize = 64;
/// The number of retired entries, beyond one for each thread in foreign code, at which a writer waits for pinned readers.
/// A pinned thread runs no foreign code, so the wait is short.
const HELD_BACK: usize = 1024;
/// With many entries, an eviction prefetches for two later victims. These are their distances: for the later one, its stamp
/// and its tag are prefetched; for the sooner one, its bucket, which its tag tells.
const LATER: usize = 8;
const SOON: usize = 3;
/// How often a writer looks again whether readers still see a retired entry.
const LINGER: usize = if cfg!(all(test, loom)) { 0 } else { 16 };

/// The table's own part of what its lock protects.
pub(super) struct Guarded {
    pub(super) lru: Lru,
    pub(super) order: Order,
    pub(super) limbo: Limbo,
    pub(super) readers: List,
}

/// A table while the calling thread holds its lock.
pub(crate) struct Inside<'a, T: Threading, E> {
    pub(super) front: Locked<'a, Front<T, E>>,
    pub(super) guarded: &'a mut Guarded,
    /// The calling thread's reader, if it has one.
    mine: Option<Owner<'a>>,
    /// Whether no other thread has a reader.
    is_alone: bool,
}

impl Guarded {
    pub(super) fn new(limits: Limits) -> Self {
        Self { lru: Lru::new(limits), order: Order::new(), limbo: Limbo::default(), readers: List::default() }
    }

    /// Frees the readers of ended threads. The state is that of the front's table.
    pub(super) fn prune<T: Threading, E>(&mut self, front: Locked<'_, Front<T, E>>) {
        let Self { order, limbo, readers, .. } = self;
        limbo.retain_pinned();
        readers.prune(&front.get().without_reader, |reader| front.recency().forget(reader, order));
    }
}

impl<'a, T: Threading, E> Inside<'a, T, E> {
    #[inline(always)]
    pub(super) fn new(
        front: Locked<'a, Front<T, E>>,
        guarded: &'a mut Guarded,
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
        self.guarded.lru.limits()
    }

    /// Returns the tag of the entry at a place.
    pub(crate) fn tag(&self, place: Place) -> Tag {
        self.guarded.lru.tag(place)
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.guarded.lru.len()
    }

    /// Returns how many entries were evicted, and how many were removed because they had expired.
    pub(crate) fn evictions_and_expirations(&self) -> (u64, u64) {
        (self.guarded.lru.evictions, self.guarded.lru.expirations)
    }

    /// Returns whether an entry of this weight may be stored at all.
    #[inline]
    pub(crate) fn admits(&self, weight: usize) -> bool {
        self.guarded.lru.admits(weight)
    }

    /// Returns the places of all entries.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.guarded.lru.live.places().collect()
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
        self.guarded.limbo.keep(place);
    }

    /// Ends one [`keep`](Self::keep).
    ///
    /// # Safety
    /// The caller kept the place, and uses the entry no more.
    pub(crate) unsafe fn unkeep(&mut self, place: Place) {
        self.guarded.limbo.unkeep(place);
    }

    /// Notes the number of the newest clear or invalidation, and whether invalidations are remembered.
    pub(crate) fn set_newest(&self, newest: SequenceNumber, remembers: bool) {
        self.front.set_newest(newest, remembers);
    }

    /// Returns the places whose entries may have a hash with this tag.
    pub(crate) fn candidates(&self, tag: Tag) -> impl Iterator<Item = Place> {
        // SAFETY: the candidates borrow `self`, and reclaiming takes `&mut self`.
        unsafe { self.front.index().candidates(tag) }
    }

    /// Returns what a search in the lock has seen that found nothing.
    pub(crate) fn lacking(&self) -> Unfound {
        Unfound(Some(self.front.index.changes()))
    }

    /// Returns whether an entry that was not found certainly does not exist now.
    pub(crate) fn still_lacks(&self, unfound: Unfound) -> bool {
        unfound.0.is_some_and(|changes| self.front.index().has_nothing_new(changes))
    }

    /// Finds the first entry whose hash has this tag and of which `made` makes something. Returns its place, and that.
    pub(crate) fn find<R>(&self, tag: Tag, made: impl Fn(&E) -> Option<R>) -> Option<(Place, R)> {
        // SAFETY: invariant 5: in the lock, every entry in the index is live.
        self.candidates(tag).find_map(|place| Some((place, made(unsafe { self.front.nodes.entry(place) })?)))
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
        let Guarded { order, readers, .. } = &mut *self.guarded;
        // SAFETY: as the caller says. In a cache of one thread, the order is always kept.
        unsafe {
            match self.mine {
                Some(mine) if !T::SHARED => self.front.recency().stamp_alone(place, mine),
                mine => self.front.recency().stamp(place, mine, step, order, readers),
            }
        }
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
        let all = || {
            let of_readers = self.readers().map(|reader| reader.get().running());
            of_readers.chain([&self.front.get().without_reader])
        };
        // The ended ones are summed first, so that whatever begins or ends meanwhile only enlarges the difference.
        let ended: u64 = all().map(Running::ended).sum();
        let begun: u64 = all().map(Running::begun).sum();
        begun != ended
    }

    /// Returns the number of all hits, and that of all misses.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.readers()
            .map(Locked::counts)
            .fold(self.guarded.readers.counts(), |(hits, misses), (more_hits, more_misses)| {
                (hits + more_hits, misses + more_misses)
            })
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
        self.guarded.limbo.retire(place);
        self.settle(left);
    }

    /// As [`remove`](Self::remove), and counts that the entry had expired.
    pub(crate) fn expire(&mut self, place: Place, left: &mut Left<E>) {
        self.guarded.lru.expirations += 1;
        self.remove(place, left);
    }

    fn unlink(&mut self, place: Place) {
        let lru = &mut self.guarded.lru;
        self.front.index().remove(lru.tag(place), place);
        lru.remove(place);
    }

    /// Stores an entry of a weight that is [admitted](Self::admits) as the most recent, instead of the one at `there`, which has
    /// its key. Entries that leave go to `left`.
    #[inline(never)]
    pub(crate) fn store(
        &mut self,
        there: Option<Place>,
        tag: Tag,
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
        self.guarded.lru.add(place, tag, weight);
        // SAFETY: the place was free.
        unsafe { self.put(there, place, tag, entry, expiry, left) };
        if let Some(there) = there.filter(|_| !is_seen_by_nobody) {
            // Readers could find the old entry until now: the index has the place of the new one instead.
            self.guarded.limbo.retire(there);
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
        tag: Tag,
        entry: E,
        weight: usize,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        if let (true, Some(mine), None) = (self.is_alone, self.mine, expiry.now) {
            let (index, recency) = (self.front.index(), self.front.recency());
            // SAFETY: index, recency, state and reader are of this table, which nobody else reads.
            if let Some(place) = unsafe { exchange::<T>(index, recency, self.guarded, mine, tag) } {
                let nodes = self.front.nodes();
                if core::mem::needs_drop::<E>() {
                    // SAFETY: the old entry was unlinked, and nobody sees it.
                    left.push(unsafe { nodes.take(place) });
                }
                // SAFETY: nobody else reads, so nobody sees the new entry before it is written.
                return unsafe { nodes.put(place, entry) };
            }
        }
        self.store(None, tag, entry, weight, expiry, left);
    }

    /// Writes an entry to a place, and puts the place in the index: instead of the one with its key, if that was `there`.
    ///
    /// # Safety
    /// The place was taken from the free ones.
    unsafe fn put(
        &mut self,
        there: Option<Place>,
        place: Place,
        tag: Tag,
        entry: E,
        expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        let deadline = expiry.now.and_then(|_| (expiry.deadline_of)(&entry));
        // SAFETY: nobody can see a free place, as the caller says.
        unsafe { self.front.nodes().put(place, entry) };
        // SAFETY: a place that was free is known.
        let stamp = unsafe { self.stamp(place, 1) };
        let Guarded { lru, order, limbo, .. } = &mut *self.guarded;
        let (index, entries) = (self.front.index(), lru.len());
        order.add(place, stamp, entries);
        match there {
            Some(there) => index.replace(tag, there, place),
            None => {
                if let Some(old) = index.insert(tag, place, entries) {
                    limbo.retire_buckets(old);
                    self.settle_all(left);
                }
            }
        }
        if let Some(deadline) = deadline {
            let front = self.front;
            let Lru { deadlines, live, .. } = &mut self.guarded.lru;
            deadlines.push(deadline, place, entries, |place| deadline_at(front, live, place, expiry));
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
                self.guarded.lru.expirations += 1;
                expired
            }
            None => {
                let Some(least_recent) = self.least_recent() else { return false };
                self.guarded.lru.evictions += 1;
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
        let Guarded { limbo, .. } = &*self.guarded;
        self.is_alone && limbo.is_at_rest() && self.mine.is_none_or(|mine| mine.hazard() == 0)
    }

    /// Frees the place of an unlinked entry: at once, or when no thread sees it any more.
    ///
    /// # Safety
    /// The entry was live, and no thread finds it from now on; with `is_seen_by_nobody`, no other thread sees it either.
    #[inline]
    unsafe fn let_go(&mut self, place: Place, is_seen_by_nobody: bool, left: &mut Left<E>) {
        let limbo = &mut self.guarded.limbo;
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
        lru.maxsize = Some(bound);
        self.front.set_maxsize(bound);
        if lru.limits().order_matters() {
            self.front.recency().begin(lru.last_place());
        }
        self.settle_all(left);
        bound
    }

    /// Returns an entry whose deadline has passed. The caller removes it.
    #[inline]
    fn expired(&mut self, expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>) -> Option<Place> {
        let front = self.front;
        let Lru { deadlines, live, .. } = &mut self.guarded.lru;
        deadlines.pop(expiry.now?, |place| deadline_at(front, live, place, expiry))
    }

    #[inline(always)]
    fn least_recent(&mut self) -> Option<Place> {
        let Guarded { lru, order, readers, .. } = &mut *self.guarded;
        let recency = self.front.recency();
        if !recency.is_kept() {
            return lru.live.places().next();
        }
        // SAFETY: invariant 3: all places up to the last are known.
        unsafe { recency.least_recent(&lru.live, lru.len(), lru.last_place(), order, readers) }
    }

    /// Returns a place that no thread can see, and that is free no more.
    fn free_place(&mut self, left: &mut Left<E>) -> Place {
        if self.guarded.limbo.has_no_free_place() && self.guarded.limbo.len() >= SPARE / 2 {
            self.settle_all(left);
        }
        while self.guarded.limbo.has_no_free_place()
            && self.guarded.limbo.len() >= HELD_BACK + self.readers().count()
        {
            relax();
            self.settle_all(left);
        }
        let Guarded { lru, limbo, .. } = &mut *self.guarded;
        limbo.take_free().unwrap_or_else(|| {
            let place = lru.extend();
            // SAFETY: `extend` returns one place after the other. Thus invariant 3 holds for the place.
            unsafe {
                self.front.nodes().extend_to(place);
                self.front.recency().extend_to(place);
            }
            place
        })
    }

    /// Frees what was retired and no thread can see any more, unless it would take long to find out.
    pub(crate) fn settle(&mut self, left: &mut Left<E>) {
        let is_worth_it = self.guarded.limbo.len() >= SPARE / 2;
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
        let Guarded { limbo, readers, .. } = &mut *self.guarded;
        let hazards = || {
            let all = T::all(&front.get().readers, readers).map(|reader| reader.hazard());
            all.filter(|&place| place != 0).collect()
        };
        let freed = limbo.settle((!is_alone).then_some(&*readers), hazards);
        if core::mem::needs_drop::<E>() {
            for &place in freed {
                // SAFETY: invariant 5: it was retired, and nobody can see it any more.
                left.push(unsafe { front.nodes().take(place) });
            }
            front.set_held_back(limbo.len());
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self, left: &mut Left<E>) {
        let Guarded { lru, order, limbo, .. } = &mut *self.guarded;
        limbo.retire_buckets(self.front.index().clear());
        lru.live.places().for_each(|place| limbo.retire(place));
        lru.clear();
        order.clear();
        self.settle_all(left);
    }

    /// Returns the places of all entries, the most recent first.
    #[cfg(all(test, loom))]
    pub(super) fn newest_first(&self) -> Vec<Place> {
        let Guarded { lru, order, readers, .. } = &*self.guarded;
        self.front.recency().newest_first(&lru.live, order, readers)
    }

    /// Takes out all entries of a table that nobody uses any more.
    pub(super) fn empty(self) -> Vec<E> {
        let Guarded { lru, limbo, .. } = &*self.guarded;
        let nodes = self.front.nodes();
        let places = lru.live.places().chain(limbo.retired());
        // SAFETY: invariant 4: these are the places with entries, each once. Nobody uses the table any more.
        places.map(|place| unsafe { nodes.take(place) }).collect()
    }
}

/// Returns the deadline of the entry at a place, if there is an entry and it expires.
fn deadline_at<T: Threading, E>(
    front: Locked<'_, Front<T, E>>,
    live: &Live,
    place: Place,
    expiry: &ExpiryCheck<impl Fn(&E) -> Option<Instant>>,
) -> Option<Instant> {
    // SAFETY: invariant 5: the entry is live, and the lock is held.
    live.has(place).then(|| (expiry.deadline_of)(unsafe { front.nodes.entry(place) }))?
}

/// Replaces the least recent entry of a full cache by a new one with this tag, as far as that needs no type of entries.
/// Returns the place, or `None` if it did nothing.
///
/// # Safety
/// All arguments are of one table, and no other thread has a reader there.
#[inline(never)]
unsafe fn exchange<T: Threading>(
    index: Locked<'_, Index>,
    recency: Locked<'_, Recency>,
    guarded: &mut Guarded,
    mine: Owner<'_>,
    tag: Tag,
) -> Option<Place> {
    let Guarded { lru, order, limbo, readers } = guarded;
    let is_seen_by_nobody = limbo.is_at_rest() && mine.hazard() == 0;
    let stamps_alone = !T::SHARED || recency.is(&mine);
    if !(is_seen_by_nobody && stamps_alone && lru.is_full_of_alike()) {
        return None;
    }
    let entries = lru.len();
    // SAFETY: invariant 3: all places up to the last are known. A reader stamps alone, so the order is kept.
    let place = unsafe { recency.least_recent(&lru.live, entries, lru.last_place(), order, readers) }?;
    lru.evictions += 1;
    if let (Some(later), Some(soon)) = (order.ahead(LATER), order.ahead(SOON)) {
        recency.fetch(later);
        lru.fetch_tag(later);
        index.fetch(lru.tag(soon));
    }
    index.exchange(lru.exchange(place, tag), tag, place);
    // SAFETY: a live place is known.
    let stamp = unsafe { recency.stamp_alone(place, mine) };
    order.add(place, stamp, entries);
    Some(place)
}
