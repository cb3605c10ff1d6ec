//! A search without the lock, and the hit of what it finds.

use crate::sys::fork::Process;
use crate::table::bias::Biased as _;
use crate::table::blocks::Place;
use crate::table::front::{Begun, Computation, Front, Unfound};
use crate::table::index::PartialHash;
use crate::table::reader::{Hazard, Owner, Pin};
use crate::table::threading::Threading;

/// The calling thread's reader in a table: what the thread may do there without the lock.
pub(crate) struct Mine<'f, T: Threading, E> {
    front: &'f Front<T, E>,
    owner: Owner<'f>,
}

/// An entry that a pinned reader has found.
pub(crate) struct PinnedEntry<'f, T: Threading, E> {
    mine: Mine<'f, T, E>,
    pin: Pin<'f>,
    place: Place,
    entry: &'f E,
}

/// An entry that a pinned reader has found at a near place.
pub(crate) struct PinnedNear<'f, T: Threading, E>(PinnedEntry<'f, T, E>);

/// A place that is not near, which ends a search for near ones.
struct Far;

/// An entry that the calling thread has found at a near place.
pub(crate) struct Near<'f, T: Threading, E> {
    front: &'f Front<T, E>,
    pin: Pin<'f>,
    /// Whether the table is biased to the calling thread.
    is_biased: bool,
    place: Place,
    entry: &'f E,
}

/// An entry that the calling thread protects by its hazard, while it runs foreign code.
pub(crate) struct Protected<'f, T: Threading, E> {
    mine: Mine<'f, T, E>,
    place: Place,
    entry: &'f E,
    _hazard: Hazard<'f>,
}

impl<T: Threading, E> Clone for Mine<'_, T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Threading, E> Copy for Mine<'_, T, E> {}

impl<T: Threading, E> Front<T, E> {
    /// Returns the calling thread's reader, if it has one.
    #[inline(always)]
    pub(crate) fn mine(&self) -> Option<Mine<'_, T, E>> {
        // SAFETY: the reader is one of this table.
        self.owner().map(|owner| unsafe { Mine::new(self, owner) })
    }

    /// Finds an entry that has this partial hash and that the predicate accepts, with the least work: at a near place.
    ///
    /// # Errors
    /// What the search has seen.
    #[inline(always)]
    pub(crate) fn find_near(
        &self,
        partial_hash: PartialHash,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<Near<'_, T, E>, Unfound> {
        let (pin, is_biased) = match self.pin_if_biased() {
            Some(pin) => (pin, true),
            None => (self.pin_mine().ok_or(Unfound::UNSURE)?, false),
        };
        let visit = |place| {
            // Without a fence, no load waits until the stamp is stored.
            if !is_biased {
                self.fetch_stamp(&pin, place);
            }
            // SAFETY: the search finds the places while the reader is pinned.
            unsafe { self.visit_near(&pin, place, &accepts) }
        };
        // SAFETY: the pin is of a reader of this table.
        match unsafe { self.index.find_anywhere(&pin, partial_hash, visit) } {
            Some(Ok((place, entry))) => Ok(Near { front: self, pin, is_biased, place, entry }),
            Some(Err(Far)) => Err(Unfound::UNSURE),
            None => Err(self.unfound(&pin, is_biased, partial_hash)),
        }
    }

    /// Pins the reader of the calling thread, if it has one and the table is not biased to it.
    #[inline(always)]
    fn pin_mine(&self) -> Option<Pin<'_>> {
        let owner = self.owner()?;
        // SAFETY: the reader is one of this table. A pin without a bias has a fence.
        Some(unsafe { T::pin(owner, &()) })
    }

    /// Returns what a search for near entries has seen that found none.
    #[inline(always)]
    fn unfound(&self, pin: &Pin<'_>, is_biased: bool, partial_hash: PartialHash) -> Unfound {
        if !is_biased {
            return Unfound(self.index.lacks(pin, partial_hash));
        }
        let changes = self.index.changes();
        // As long as the table is biased to this thread, no other one changes the index.
        match self.bias.holds_after_load(pin.owner().reader()) {
            true => Unfound(changes),
            false => Unfound::UNSURE,
        }
    }

    /// Returns the place of an entry that has this partial hash and that the predicate accepts.
    ///
    /// # Safety
    /// The pin is of a reader of this table.
    #[inline(always)]
    unsafe fn search_near(
        &self,
        pin: &Pin<'_>,
        partial_hash: PartialHash,
        accepts: impl Fn(&E) -> bool,
    ) -> Option<Result<(Place, &E), Far>> {
        let visit = |place| {
            self.fetch_stamp(pin, place);
            // SAFETY: the search finds the places while the reader is pinned.
            unsafe { self.visit_near(pin, place, &accepts) }
        };
        // SAFETY: the pin is of a reader of this table.
        unsafe { self.index.find(pin, partial_hash, visit) }
    }

    /// Prefetches the stamp of a place together with the entry: the next pin waits until the stamp is stored.
    #[inline(always)]
    fn fetch_stamp(&self, pin: &Pin<'_>, place: Place) {
        if !(T::SHARED && pin.fetch_stamp(place)) {
            self.recency.fetch(place);
        }
    }

    /// Returns the entry at a place, if the predicate accepts it.
    ///
    /// # Safety
    /// The pinned reader is one of this table, and has found the place, unless that is 0.
    #[inline(always)]
    unsafe fn visit_near<'e>(
        &'e self,
        _: &Pin<'_>,
        place: Place,
        accepts: &impl Fn(&E) -> bool,
    ) -> Option<Result<(Place, &'e E), Far>> {
        let Self { nodes, .. } = self;
        let is_in_reach = match nodes.reach() {
            Some(reach) if !T::SHARED => reach.covers(place),
            _ => nodes.are_near(place),
        };
        if !is_in_reach {
            return Some(Err(Far));
        }
        // SAFETY: invariant 5: the pinned reader has found it. A place in reach is near.
        let entry = unsafe { nodes.near_entry(place) };
        accepts(entry).then_some(Ok((place, entry)))
    }
}

impl<T: Threading, E> Near<'_, T, E> {
    #[inline(always)]
    pub(crate) fn entry(&self) -> &E {
        self.entry
    }

    /// Stamps the hit, and returns what `value` makes of the entry before, if nothing stands in the way.
    #[inline(always)]
    pub(crate) fn hit<V>(self, value: impl FnOnce(&E) -> V) -> Option<V> {
        let Self { front, pin, is_biased, place, entry } = self;
        let value = value(entry);
        if is_biased {
            // SAFETY: the biased reader stamps alone, or the order is not kept. It has found the place, which is near.
            unsafe { front.recency.hit_biased_near(pin, place) };
            return Some(value);
        }
        // SAFETY: a reader of this table has found the place.
        unsafe { front.recency.hit(pin, place) }.then_some(value)
    }
}

impl<'f, T: Threading, E> Mine<'f, T, E> {
    /// # Safety
    /// The reader is one of this table.
    #[inline(always)]
    pub(super) unsafe fn new(front: &'f Front<T, E>, owner: Owner<'f>) -> Self {
        Self { front, owner }
    }

    #[inline(always)]
    fn pin(self) -> Pin<'f> {
        // SAFETY: the reader is one of the front's table, as `new` demands.
        unsafe { self.front.pin(self.owner) }
    }

    /// Counts a miss, and returns its number.
    #[inline]
    pub(crate) fn count_miss(self) -> u64 {
        self.owner.count_miss()
    }

    /// As [`Front::begin_in`].
    #[inline]
    pub(crate) fn begin_in(self, process: Process) -> Computation<'f, T, E> {
        self.front.begin_by(Some(self.owner), process)
    }

    /// Ends a computation, which another thread may have begun.
    #[inline]
    pub(crate) fn end(self, begun: Begun) {
        self.front.end_by(Some(self.owner), begun);
    }

    /// Finds an entry that has this partial hash and that the predicate accepts, with the least work: only at near places.
    ///
    /// # Errors
    /// What the search has seen.
    #[inline(always)]
    pub(crate) fn find_near(
        self,
        partial_hash: PartialHash,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<PinnedNear<'f, T, E>, Unfound> {
        let pin = self.pin();
        // SAFETY: the pin is of a reader of this table.
        match unsafe { self.front.search_near(&pin, partial_hash, accepts) } {
            Some(Ok((place, entry))) => Ok(PinnedNear(PinnedEntry { mine: self, pin, place, entry })),
            Some(Err(Far)) => Err(Unfound::UNSURE),
            // No other thread changes the index.
            None if !T::SHARED => Err(Unfound(self.front.index.changes())),
            None => Err(Unfound(self.front.index.lacks(&pin, partial_hash))),
        }
    }

    /// Finds an entry that has this partial hash and that the predicate accepts.
    ///
    /// # Errors
    /// What the search has seen.
    pub(crate) fn find(
        self,
        partial_hash: PartialHash,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<PinnedEntry<'f, T, E>, Unfound> {
        let Front { index, nodes, .. } = self.front;
        let pin = self.pin();
        let changes = index.changes();
        // SAFETY: the pin is of a reader of this table.
        for place in unsafe { index.candidates(&pin, partial_hash) } {
            // SAFETY: invariant 5: the pinned reader has found it.
            let entry = unsafe { nodes.entry(place) };
            if accepts(entry) {
                return Ok(PinnedEntry { mine: self, pin, place, entry });
            }
        }
        Err(Unfound(changes))
    }
}

impl<'f, T: Threading, E> PinnedNear<'f, T, E> {
    #[inline(always)]
    pub(crate) fn entry(&self) -> &E {
        self.0.entry
    }

    /// Stamps the hit, and returns what `value` makes of the entry before, if nothing stands in the way.
    #[inline(always)]
    pub(crate) fn hit<V>(self, value: impl FnOnce(&E) -> V) -> Option<V> {
        let PinnedEntry { mine: Mine { front, .. }, pin, place, entry } = self.0;
        let value = value(entry);
        if !T::SHARED
            || front.recency.is(pin.owner().reader()) && !(T::Bias::MAY_HOLD && pin.is_time_for_bias())
        {
            // SAFETY: the only reader, or the one that stamps alone, has found the place, which is near.
            unsafe { front.recency.hit_alone_near(pin, place) };
            return Some(value);
        }
        // SAFETY: a reader of this table has found the place.
        unsafe { front.recency.hit(pin, place) }.then_some(value)
    }

    /// As [`PinnedEntry::protect`].
    #[inline(always)]
    pub(crate) fn protect(self) -> Option<Protected<'f, T, E>> {
        self.0.protect()
    }
}

impl<'f, T: Threading, E> PinnedEntry<'f, T, E> {
    #[cfg(all(test, loom))]
    pub(super) fn entry(&self) -> &E {
        self.entry
    }

    /// Protects the entry while foreign code looks at it. Returns `None` if the thread protects another one already.
    #[inline(always)]
    pub(crate) fn protect(self) -> Option<Protected<'f, T, E>> {
        let Self { mine, pin, place, entry } = self;
        Some(Protected { mine, place, entry, _hazard: pin.protect(place)? })
    }
}

impl<'f, T: Threading, E> Protected<'f, T, E> {
    #[inline(always)]
    pub(crate) fn entry(&self) -> &E {
        self.entry
    }

    pub(super) fn front(&self) -> &'f Front<T, E> {
        self.mine.front
    }

    pub(super) fn owner(&self) -> Owner<'f> {
        self.mine.owner
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Stamps the hit, if nothing stands in the way. If this returns `false`, the caller stamps it
    /// [in the lock](crate::table::Table::hit).
    #[inline(always)]
    pub(crate) fn stamp(&self) -> bool {
        let Mine { front, owner } = self.mine;
        let pin = self.mine.pin();
        if !T::SHARED || front.recency.is(owner.reader()) && !(T::Bias::MAY_HOLD && pin.is_time_for_bias()) {
            // SAFETY: the only reader, or the one that stamps alone, which was seen since the pin, has found the place.
            unsafe { front.recency.hit_alone(pin, self.place) };
            return true;
        }
        // SAFETY: a reader of this table has found the place.
        unsafe { front.recency.hit(pin, self.place) }
    }
}
