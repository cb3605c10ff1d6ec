//! The arena: the entries, each at its place.

use core::mem::MaybeUninit;

use crate::sys::sync::{AtomicU64, UnsafeCell};
use crate::table::blocks::{Blank, Blocks, Place};
use crate::table::locked::Locked;
use crate::table::reach::Reach;

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
pub(crate) struct Nodes<E> {
    blocks: Blocks<Node<E>>,
    reach: Reach,
}

impl<E> Nodes<E> {
    /// See [`Blocks::new`].
    pub(crate) fn new(bound: usize, begins_small: bool) -> Self {
        let blocks = Blocks::new(bound, begins_small);
        Self { reach: Reach::new(blocks.first_length()), blocks }
    }

    /// See [`Blocks::beside`].
    pub(crate) fn beside<Y: Blank>(&self) -> Blocks<Y> {
        self.blocks.beside()
    }

    /// Returns whether the place is in the first block.
    #[inline(always)]
    pub(crate) fn are_near(&self, place: Place) -> bool {
        self.blocks.are_near(place)
    }

    /// Returns the number of places that the fast path of a hit reads: no more than the first block has.
    #[inline(always)]
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Restores the reach to the whole first block.
    pub(crate) fn restore_reach(&self) {
        self.reach.restore(self.blocks.first_length());
    }

    /// Returns the entry at a place in the first block.
    ///
    /// # Safety
    /// As for [`entry`](Self::entry), and the place is in the first block.
    #[inline(always)]
    pub(crate) unsafe fn near_entry(&self, place: Place) -> &E {
        // SAFETY: invariant 3 (room) and 4 (there is an entry), for a place that the caller may read.
        unsafe { self.blocks.in_first(place).0.with(|node| (*node).assume_init_ref()) }
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

impl<E> Locked<'_, Nodes<E>> {
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
    #[inline]
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
