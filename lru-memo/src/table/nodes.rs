//! The entries, each at its place.

use core::mem::MaybeUninit;

use crate::sys::sync::{AtomicU64, UnsafeCell};
use crate::table::blocks::{Blank, Blocks, Place};
use crate::table::reach::Reach;

struct Node<E>(UnsafeCell<MaybeUninit<E>>);

// SAFETY: anything is a valid one, and it is not dropped.
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

/// The entries. They are taken before this is dropped.
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

    /// Makes room for a place.
    ///
    /// # Safety
    /// Called by one thread at a time, for the places one after the other.
    pub(crate) unsafe fn extend_to(&self, place: Place) {
        // SAFETY: as the caller says.
        unsafe { self.blocks.extend_to(place) };
    }

    /// Whether a place is in the first block.
    #[inline(always)]
    pub(crate) fn are_near(&self, place: Place) -> bool {
        self.blocks.are_near(place)
    }

    /// How far the shortest way of a hit reaches: no further than the first block.
    #[inline(always)]
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Restores the reach to the whole first block.
    pub(crate) fn restore_reach(&self) {
        self.reach.restore(self.blocks.first_length());
    }

    /// The entry at a place in the first block.
    ///
    /// # Safety
    /// As for [`entry`](Self::entry), and the place is in the first block.
    #[inline(always)]
    pub(crate) unsafe fn near_entry(&self, place: Place) -> &E {
        // SAFETY: where there is an entry there is room, and there is one, as the caller says.
        unsafe { self.blocks.in_first(place).0.with(|node| (*node).assume_init_ref()) }
    }

    /// The entry at a place.
    ///
    /// # Safety
    /// There is one, and it is not taken while the reference is used.
    #[inline]
    pub(crate) unsafe fn entry(&self, place: Place) -> &E {
        // SAFETY: where there is an entry there is room, and there is one, as the caller says.
        unsafe { self.blocks.at(place).0.with(|node| (*node).assume_init_ref()) }
    }

    /// Puts an entry at a place.
    ///
    /// # Safety
    /// There is room and no entry, and nobody else accesses the place.
    #[inline]
    pub(crate) unsafe fn put(&self, place: Place, entry: E) {
        // SAFETY: as the caller says.
        unsafe { self.blocks.at(place) }.0.with_mut(|node| unsafe {
            (*node).write(entry);
        });
    }

    /// Takes an entry away.
    ///
    /// # Safety
    /// There is one, and nobody else accesses it any more.
    pub(crate) unsafe fn take(&self, place: Place) -> E {
        // SAFETY: as the caller says.
        unsafe { self.blocks.at(place).0.with_mut(|node| (*node).assume_init_read()) }
    }
}
