//! A search without the lock, and the hit of what it finds.

use crate::sys::fork::Process;
use crate::table::blocks::Place;
use crate::table::front::{Computation, Front, Unfound};
use crate::table::index::Tag;
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

/// An entry that a pinned reader has found in the first block, or, with `in_blocks`, in any block.
pub(crate) struct PinnedNear<'f, T: Threading, E> {
    found: PinnedEntry<'f, T, E>,
    in_blocks: bool,
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
    pub(crate) fn end(self, computation: Computation<'_, T, E>) {
        computation.end_by(Some(self.owner));
    }

    /// Finds an entry whose hash has this tag and that the predicate accepts, with the least work: only in the first block,
    /// or, with `in_blocks`, in all blocks.
    ///
    /// # Errors
    /// What the search has seen.
    #[inline(always)]
    pub(crate) fn find_near(
        self,
        tag: Tag,
        in_blocks: bool,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<PinnedNear<'f, T, E>, Unfound> {
        let Front { index, nodes, recency, .. } = self.front;
        let pin = self.pin();
        let changes = index.changes();
        // SAFETY: the pin is of a reader of this table.
        for place in unsafe { index.candidates(&pin, tag) } {
            recency.fetch(place);
            let is_in_reach = match (in_blocks, T::SHARED) {
                (true, _) => true,
                (false, true) => nodes.are_near(place),
                (false, false) => nodes.reach().covers(place),
            };
            if !is_in_reach {
                return Err(Unfound::UNSURE);
            }
            // SAFETY: invariant 5: the pinned reader has found it. A place in reach is in the first block.
            let entry = unsafe { if in_blocks { nodes.entry(place) } else { nodes.near_entry(place) } };
            if accepts(entry) {
                return Ok(PinnedNear { found: PinnedEntry { mine: self, pin, place, entry }, in_blocks });
            }
        }
        Err(Unfound(Some(changes)))
    }

    /// Finds an entry whose hash has this tag and that the predicate accepts.
    ///
    /// # Errors
    /// What the search has seen.
    pub(crate) fn find(
        self,
        tag: Tag,
        accepts: impl Fn(&E) -> bool,
    ) -> Result<PinnedEntry<'f, T, E>, Unfound> {
        let Front { index, nodes, .. } = self.front;
        let pin = self.pin();
        let changes = index.changes();
        // SAFETY: the pin is of a reader of this table.
        for place in unsafe { index.candidates(&pin, tag) } {
            // SAFETY: invariant 5: the pinned reader has found it.
            let entry = unsafe { nodes.entry(place) };
            if accepts(entry) {
                return Ok(PinnedEntry { mine: self, pin, place, entry });
            }
        }
        Err(Unfound(Some(changes)))
    }
}

impl<'f, T: Threading, E> PinnedNear<'f, T, E> {
    #[inline(always)]
    pub(crate) fn entry(&self) -> &E {
        self.found.entry
    }

    /// Stamps the hit, and returns what `value` makes of the entry before, if nothing stands in the way.
    #[inline(always)]
    pub(crate) fn hit<V>(self, value: impl FnOnce(&E) -> V) -> Option<V> {
        let PinnedEntry { mine: Mine { front, .. }, pin, place, entry } = self.found;
        let value = value(entry);
        if !T::SHARED || front.recency.is(pin.owner().reader()) {
            // SAFETY: the only reader, or the one that stamps alone, has found the place, in the first block unless it
            // searched `in_blocks`.
            unsafe {
                match self.in_blocks {
                    true => front.recency.hit_alone(pin, place),
                    false => front.recency.hit_alone_near(pin, place),
                }
            }
            return Some(value);
        }
        // SAFETY: a reader of this table has found the place.
        unsafe { front.recency.hit(pin, place) }.then_some(value)
    }

    /// As [`PinnedEntry::protect`].
    #[inline(always)]
    pub(crate) fn protect(self) -> Option<Protected<'f, T, E>> {
        self.found.protect()
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
        if !T::SHARED || front.recency.is(owner.reader()) {
            // SAFETY: the only reader, or the one that stamps alone, which was seen since the pin, has found the place.
            unsafe { front.recency.hit_alone(pin, self.place) };
            return true;
        }
        // SAFETY: a reader of this table has found the place.
        unsafe { front.recency.hit(pin, self.place) }
    }
}
