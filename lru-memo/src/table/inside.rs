//! A cache in its lock: what is changed there of what readers see.

use crate::sys::clock::Instant;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use super::blocks::Place;
use super::index::{Index, Tag};
use super::reader::Reader;
use super::recency::Recency;
use super::running::Running;
use super::{Expiry, Front, HELD_BACK, LINGER, SPARE, Unfound};
use crate::sys::sync::relax;
use crate::table::lru::{Left, Lru};
use crate::table::threading::Threading;

/// How many entries leave at once, when a bound becomes smaller.
const STEP: usize = 64;

/// A cache in its lock.
pub(crate) struct Inside<'a, T: Threading, E> {
    pub(super) front: &'a Front<T, E>,
    /// The calling thread's reader, if it has one.
    pub(super) mine: Option<&'a Reader>,
    /// Whether no other thread has a reader.
    pub(super) is_alone: bool,
    pub(crate) lru: &'a mut Lru,
}

impl<'a, T: Threading, E> Inside<'a, T, E> {
    /// The places whose entries may have a hash with this tag.
    pub(crate) fn candidates(&self, tag: Tag) -> impl Iterator<Item = Place> + use<'a, T, E> {
        let front = self.front;
        // SAFETY: in the lock.
        unsafe { front.index.candidates(tag) }
    }

    /// What was seen of an entry that was not found in the lock.
    pub(crate) fn lacking(&self) -> Unfound {
        Unfound(Some(self.front.index.changes()))
    }

    /// Whether what was not found is certainly not there now.
    pub(crate) fn still_lacks(&self, unfound: Unfound) -> bool {
        unfound.0.is_some_and(|changes| self.front.index.has_nothing_new(changes))
    }

    /// The first entry whose hash has this tag and of which something can be made: its place, and that.
    pub(crate) fn find<R>(&self, tag: Tag, made: impl Fn(&E) -> Option<R>) -> Option<(Place, R)> {
        // SAFETY: it was found just now.
        self.candidates(tag).find_map(|place| Some((place, made(unsafe { self.entry(place) })?)))
    }

    /// An entry that was found in the lock.
    ///
    /// # Safety
    /// The place was found since the lock was taken, and has not been removed.
    pub(crate) unsafe fn entry(&self, place: Place) -> &E {
        // SAFETY: what is found in the lock is taken only after it was removed.
        unsafe { self.front.nodes.entry(place) }
    }

    /// Gives a place a stamp that is larger than all before, by the calling thread's reader. Returns the stamp.
    #[inline(always)]
    pub(super) fn stamp(&mut self, place: Place, step: u32) -> u64 {
        let Self { front, mine, lru, .. } = self;
        // SAFETY: in the lock, and the place is known.
        unsafe {
            match mine {
                Some(mine) if !T::SHARED => front.recency.stamp_alone(place, mine),
                _ => front.recency.stamp(place, *mine, step, &mut lru.order, &lru.readers),
            }
        }
    }

    fn readers(&self) -> impl Iterator<Item = &Reader> {
        T::all(&self.front.readers, &self.lru.readers)
    }

    /// Whether anything is being computed that has begun before.
    pub(crate) fn runs(&self) -> bool {
        let all = || self.readers().map(Reader::running).chain([&self.front.without_reader]);
        // What has ended is counted first: so what ends and what begins meanwhile makes it more, not less.
        let ended: u64 = all().map(Running::ended).sum();
        let begun: u64 = all().map(Running::begun).sum();
        begun != ended
    }

    /// All hits and all misses of all readers.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.readers()
            .map(Reader::counts)
            .fold(self.lru.readers.counts(), |(hits, misses), (more_hits, more_misses)| {
                (hits + more_hits, misses + more_misses)
            })
    }

    /// Makes an entry the most recent one.
    pub(crate) fn touch(&mut self, place: Place) {
        self.stamp(place, 1);
    }

    /// Removes an entry. What can leave now goes to `left`.
    pub(crate) fn remove(&mut self, place: Place, left: &mut Left<E>) {
        self.unlink(place);
        self.lru.limbo.push(place);
        self.settle(left);
    }

    fn unlink(&mut self, place: Place) {
        self.front.index.remove(self.lru.tag(place), place);
        self.lru.remove(place);
    }

    /// Stores an entry of a weight that is [admitted](Lru::admits) as the most recent, in the place of the one with
    /// its key if there is one. What leaves goes to `left`.
    #[inline(never)]
    pub(crate) fn store(
        &mut self,
        there: Option<Place>,
        tag: Tag,
        entry: E,
        weight: usize,
        expiry: &Expiry<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        // Where no other thread reads, what leaves is gone at once, and its place is free.
        let is_seen_by_nobody = self.is_seen_by_nobody();
        if let Some(there) = there {
            self.lru.remove(there);
            self.retire(there, is_seen_by_nobody, left);
        }
        while self.lru.is_full_for(weight) && self.evict(expiry, is_seen_by_nobody, left) {}
        let place = self.free_place(left);
        self.lru.add(place, tag, weight);
        self.put(there, place, tag, entry, expiry, left);
        if core::mem::needs_drop::<E>() && !is_seen_by_nobody {
            self.settle(left);
        }
    }

    /// As [`store`](Self::store), for a key that is not there. This is the shortest way for a full cache that one thread
    /// reads: the new entry gets the place of the one that leaves.
    #[inline(always)]
    pub(crate) fn store_new(
        &mut self,
        tag: Tag,
        entry: E,
        weight: usize,
        expiry: &Expiry<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        let Front { index, recency, nodes, .. } = self.front;
        if let (true, Some(mine), None) = (self.is_alone, self.mine, expiry.now) {
            // SAFETY: in the lock, and nobody else reads.
            if let Some(place) = unsafe { exchange::<T>(index, recency, self.lru, mine, tag) } {
                if core::mem::needs_drop::<E>() {
                    // SAFETY: the entry that was there cannot be found any more, and nobody sees it.
                    left.push(unsafe { nodes.take(place) });
                }
                // SAFETY: in the lock, where nobody else reads, the new one is not seen yet.
                return unsafe { nodes.put(place, entry) };
            }
        }
        self.store(None, tag, entry, weight, expiry, left);
    }

    /// Puts an entry at a free place, where the index has that of the one with its key if there is one.
    fn put(
        &mut self,
        there: Option<Place>,
        place: Place,
        tag: Tag,
        entry: E,
        expiry: &Expiry<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) {
        let front = self.front;
        let deadline = expiry.now.and_then(|_| (expiry.deadline_of)(&entry));
        // SAFETY: the place is free, so that nobody else can see it.
        unsafe { front.nodes.put(place, entry) };
        let stamp = self.stamp(place, 1);
        self.lru.order.add(place, stamp, self.lru.len());
        match there {
            Some(there) => front.index.replace(tag, there, place),
            None => {
                if let Some(old) = front.index.insert(tag, place, self.lru.len()) {
                    self.lru.limbo.push_buckets(old);
                    self.settle_all(left);
                }
            }
        }
        if let Some(deadline) = deadline {
            let entries = self.lru.len();
            let Lru { deadlines, live, .. } = &mut *self.lru;
            deadlines.push(deadline, place, entries, |place| front.deadline_at(live, place, expiry));
        }
    }

    /// Removes an entry that has expired, or else the least recent one. Returns whether there was any.
    #[inline(always)]
    fn evict(
        &mut self,
        expiry: &Expiry<impl Fn(&E) -> Option<Instant>>,
        is_seen_by_nobody: bool,
        left: &mut Left<E>,
    ) -> bool {
        let leaving = match self.expired(expiry) {
            Some(expired) => {
                self.lru.expirations += 1;
                expired
            }
            None => {
                let Some(least_recent) = self.least_recent() else { return false };
                self.lru.evictions += 1;
                least_recent
            }
        };
        self.unlink(leaving);
        self.retire(leaving, is_seen_by_nobody, left);
        true
    }

    /// Whether the calling thread alone reads, and keeps nothing.
    #[inline]
    fn is_seen_by_nobody(&self) -> bool {
        let Lru { limbo, kept, .. } = &*self.lru;
        self.is_alone
            && limbo.is_empty()
            && kept.is_empty()
            && self.mine.is_none_or(|mine| mine.hazard() == 0)
    }

    /// Lets an entry go that was removed: now, or when nobody sees it any more.
    #[inline]
    fn retire(&mut self, place: Place, is_seen_by_nobody: bool, left: &mut Left<E>) {
        if !is_seen_by_nobody {
            return self.lru.limbo.push(place);
        }
        self.lru.free.push(place);
        if core::mem::needs_drop::<E>() {
            // SAFETY: it was removed, and nobody can see it any more.
            left.push(unsafe { self.front.nodes.take(place) });
        }
    }

    /// Takes one step towards a new bound, and returns the bound that holds then. A step evicts no more than
    /// [`STEP`] entries.
    pub(crate) fn resize(
        &mut self,
        maxsize: usize,
        expiry: &Expiry<impl Fn(&E) -> Option<Instant>>,
        left: &mut Left<E>,
    ) -> usize {
        let bound = maxsize.max(self.lru.len().saturating_sub(STEP));
        let is_seen_by_nobody = self.is_seen_by_nobody();
        while self.lru.len() > bound && self.evict(expiry, is_seen_by_nobody, left) {}
        self.lru.limits.maxsize = Some(bound);
        if self.lru.limits.order_matters() {
            // SAFETY: in the lock.
            unsafe { self.front.recency.begin(self.lru.last_place()) };
        }
        self.settle_all(left);
        bound
    }

    /// An entry whose deadline has passed, which is to be removed.
    #[inline]
    fn expired(&mut self, expiry: &Expiry<impl Fn(&E) -> Option<Instant>>) -> Option<Place> {
        let Lru { deadlines, live, .. } = &mut *self.lru;
        deadlines.pop(expiry.now?, |place| self.front.deadline_at(live, place, expiry))
    }

    #[inline(always)]
    fn least_recent(&mut self) -> Option<Place> {
        let (entries, last) = (self.lru.len(), self.lru.last_place());
        let Lru { live, order, readers, .. } = &mut *self.lru;
        if !self.front.recency.is_kept() {
            return live.places().next();
        }
        // SAFETY: in the lock, and the places are known.
        unsafe { self.front.recency.least_recent(live, entries, last, order, readers) }
    }

    /// A place that no reader knows of.
    fn free_place(&mut self, left: &mut Left<E>) -> Place {
        if self.lru.free.is_empty() && self.lru.limbo.len() >= SPARE / 2 {
            self.settle_all(left);
        }
        while self.lru.free.is_empty() && self.lru.limbo.len() >= HELD_BACK + self.readers().count() {
            relax();
            self.settle_all(left);
        }
        self.lru.free.pop().unwrap_or_else(|| {
            let place = self.lru.extend();
            // SAFETY: in the lock, and one after the other.
            unsafe {
                self.front.nodes.extend_to(place);
                self.front.recency.extend_to(place);
            }
            place
        })
    }

    /// Lets go what was removed and nobody can see any more, unless it would take long to find out.
    pub(crate) fn settle(&mut self, left: &mut Left<E>) {
        let is_worth_it = self.lru.limbo.len() >= SPARE / 2;
        if is_worth_it || self.lru.readers.are_few() {
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
        let Lru { limbo, free, kept, readers, order, .. } = &mut *self.lru;
        if !readers.are_few() {
            limbo.retain_pinned();
            readers.prune(&front.without_reader, |reader| front.recency.forget(reader, order));
        }
        let hazards =
            || T::all(&front.readers, readers).map(Reader::hazard).filter(|&place| place != 0).collect();
        let were_free = free.len();
        limbo.settle((!is_alone).then_some(&*readers), hazards, kept, free);
        if core::mem::needs_drop::<E>() {
            for &place in &free[were_free..] {
                // SAFETY: it was removed, and nobody can see it any more.
                left.push(unsafe { front.nodes.take(place) });
            }
            front.held_back.store(limbo.len(), Relaxed);
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self, left: &mut Left<E>) {
        let old = self.front.index.clear();
        self.lru.limbo.push_buckets(old);
        self.lru.clear();
        self.settle_all(left);
    }

    /// All entries, the most recent first.
    #[cfg(all(test, loom))]
    pub(super) fn newest_first(&self) -> Vec<Place> {
        let Lru { live, order, readers, .. } = &*self.lru;
        // SAFETY: in the lock.
        unsafe { self.front.recency.newest_first(live, order, readers) }
    }

    /// Takes all entries out of a cache that nobody uses any more.
    pub(crate) fn empty(&mut self) -> Vec<E> {
        let places = self.lru.live.places().chain(self.lru.limbo.places());
        // SAFETY: these are the places with entries, each once, and nobody uses them any more.
        places.map(|place| unsafe { self.front.nodes.take(place) }).collect()
    }
}

/// Puts a new entry with this tag in the place of the least recent one of a full cache, as far as that needs no type of
/// entries. Returns the place, or none if nothing was done.
///
/// # Safety
/// In the lock, and nobody but the calling thread reads, whose reader is `mine`.
#[inline(never)]
unsafe fn exchange<T: Threading>(
    index: &Index,
    recency: &Recency,
    lru: &mut Lru,
    mine: &Reader,
    tag: Tag,
) -> Option<Place> {
    let is_seen_by_nobody = lru.limbo.is_empty() && lru.kept.is_empty() && mine.hazard() == 0;
    let stamps_alone = !T::SHARED || recency.is(mine);
    if !(is_seen_by_nobody && stamps_alone && lru.is_full_of_alike()) {
        return None;
    }
    let (entries, last) = (lru.len(), lru.last_place());
    let Lru { live, order, readers, .. } = &mut *lru;
    // SAFETY: in the lock, and the places are known.
    let place = unsafe { recency.least_recent(live, entries, last, order, readers) }?;
    lru.evictions += 1;
    index.exchange(lru.exchange(place, tag), tag, place);
    // SAFETY: the place is known, and the reader stamps alone.
    let stamp = unsafe { recency.stamp_alone(place, mine) };
    lru.order.add(place, stamp, entries);
    Some(place)
}
