//! The entries, each at its place.

use core::mem::MaybeUninit;

use crate::front::blocks::{Blank, Blocks, Place};
use crate::sync::{AtomicU64, UnsafeCell};

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
pub(crate) struct Nodes<E>(Blocks<Node<E>>);

impl<E> Nodes<E> {
    /// See [`Blocks::new`].
    pub(crate) fn new(bound: usize, begins_small: bool) -> Self {
        Self(Blocks::new(bound, begins_small))
    }

    /// See [`Blocks::beside`].
    pub(crate) fn beside<Y: Blank>(&self) -> Blocks<Y> {
        self.0.beside()
    }

    /// Makes room for a place.
    ///
    /// # Safety
    /// Called by one thread at a time, for the places one after the other.
    pub(crate) unsafe fn extend_to(&self, place: Place) {
        // SAFETY: as the caller says.
        unsafe { self.0.extend_to(place) };
    }

    /// The entry at a place, if it is in the first block.
    ///
    /// # Safety
    /// As for [`entry`](Self::entry).
    #[inline(always)]
    pub(crate) unsafe fn near_entry(&self, place: Place) -> Option<&E> {
        // SAFETY: where there is an entry there is room, and there is one, as the caller says.
        unsafe { self.0.near(place) }.map(|node| node.0.with(|node| unsafe { (*node).assume_init_ref() }))
    }

    /// The entry at a place.
    ///
    /// # Safety
    /// There is one, and it is not taken while the reference is used.
    #[inline]
    pub(crate) unsafe fn entry(&self, place: Place) -> &E {
        // SAFETY: where there is an entry there is room, and there is one, as the caller says.
        unsafe { self.0.at(place).0.with(|node| (*node).assume_init_ref()) }
    }

    /// Puts an entry at a place.
    ///
    /// # Safety
    /// There is room and no entry, and nobody else accesses the place.
    #[inline]
    pub(crate) unsafe fn put(&self, place: Place, entry: E) {
        // SAFETY: as the caller says.
        unsafe { self.0.at(place) }.0.with_mut(|node| unsafe {
            (*node).write(entry);
        });
    }

    /// Takes an entry away.
    ///
    /// # Safety
    /// There is one, and nobody else accesses it any more.
    pub(crate) unsafe fn take(&self, place: Place) -> E {
        // SAFETY: as the caller says.
        unsafe { self.0.at(place).0.with_mut(|node| (*node).assume_init_read()) }
    }
}
