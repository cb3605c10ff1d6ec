//! The arena: the entries, each at its place.

use core::mem::MaybeUninit;

use crate::sys::sync::{AtomicU64, UnsafeCell};
use crate::table::blocks::{Blank, Blocks, Place};
use crate::table::locked::Locked;
use crate::table::reach::Reach;
use crate::table::seldom::UnlessSmall;
use crate::table::threading::Threading;

/// Room for an entry.
struct Node<E>(UnsafeCell<MaybeUninit<E>>);

// SAFETY: any bytes are a valid `MaybeUninit`, which needs no drop.
unsafe impl<E> Blank for Node<E> {
    fn blank() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

// SAFETY: an integer.
unsafe impl Blank for AtomicU64 {
    fn blank() -> Self {
        Self::new(0)
    }
}

/// The entries. Dropping this drops none of them: the table takes them out before.
pub(crate) struct Nodes<T: Threading, E> {
    blocks: T::Blocks<Node<E>>,
    reach: T::UnlessSmall<Reach>,
}

impl<T: Threading, E> Nodes<T, E> {
    /// Returns an arena for entries at places up to this bound.
    pub(crate) fn new(bound: usize) -> Self {
        let blocks = T::Blocks::new(bound, size_of::<E>());
        Self { reach: T::UnlessSmall::new(|| Reach::new(blocks.reach())), blocks }
    }

    /// Returns whether the fast path of a hit reads the place. There is no place 0.
    #[inline(always)]
    pub(crate) fn are_near(&self, place: Place) -> bool {
        self.blocks.are_near(place)
    }

    /// Prefetches the entry at a place, unless that takes longer than it saves.
    #[inline(always)]
    pub(crate) fn fetch(&self, place: Place) {
        self.blocks.fetch(place);
    }

    /// Returns the number of places that the fast path of a hit reads, unless that is all.
    #[inline(always)]
    pub(crate) fn reach(&self) -> Option<&Reach> {
        self.reach.get()
    }

    /// Restores the reach to all near places.
    pub(crate) fn restore_reach(&self) {
        if let Some(reach) = self.reach() {
            reach.restore(self.blocks.reach());
        }
    }

    /// Returns the entry at a near place.
    ///
    /// # Safety
    /// As for [`entry`](Self::entry), and the place is [near](Self::are_near).
    #[inline(always)]
    pub(crate) unsafe fn near_entry(&self, place: Place) -> &E {
        // SAFETY: invariant 3 (room) and 4 (there is an entry), for a place that the caller may read.
        unsafe { self.blocks.near(place).0.with(|node| (*node).assume_init_ref()) }
    }

    /// Returns the entry at a place.
    ///
    /// # Safety
    /// Invariant 5 protects the entry while the reference is used: a pinned reader has found it, a hazard or the lock's
    /// list of kept places names it, or it is live and the lock is held.
    #[inline]
    pub(crate) unsafe fn entry(&self, place: Place) -> &E {
        // SAFETY: invariant 3 (room) and 4 (there is an entry), for a place that the caller may read.
        unsafe { self.blocks.at(place).0.with(|node| (*node).assume_init_ref()) }
    }
}

impl<T: Threading, E> Locked<'_, Nodes<T, E>> {
    /// Makes room for a place.
    ///
    /// # Safety
    /// Places are extended to one after the other, from 1.
    pub(crate) unsafe fn extend_to(self, place: Place) {
        // SAFETY: the lock lets one thread in at a time, and the caller keeps the order.
        unsafe { self.blocks.extend_to(place) };
    }

    /// Writes an entry to a place.
    ///
    /// # Safety
    /// The place is free, or its entry was taken: no thread can see it.
    #[inline(always)]
    pub(crate) unsafe fn put(self, place: Place, entry: E) {
        // SAFETY: invariant 3 (room). Nobody else accesses the place, as the caller says.
        unsafe { self.blocks.at(place) }.0.with_mut(|node| unsafe {
            (*node).write(entry);
        });
    }

    /// Takes an entry away.
    ///
    /// # Safety
    /// There is an entry, no thread can see it any more (invariant 5), and it is taken once.
    pub(crate) unsafe fn take(self, place: Place) -> E {
        // SAFETY: invariant 3 (room). Nobody else accesses the place, as the caller says.
        unsafe { self.blocks.at(place).0.with_mut(|node| (*node).assume_init_read()) }
    }
}
