//! Entries side by side, at addresses that never change, so that they can be read while others are written.
//!
//! The first block is the only one where all entries are not too large together; every further one is as long as all
//! before it together, and none is allocated before there is an entry for it. Where the number of entries is bounded, the blocks end there
//! exactly; places beyond the bound, which are needed only while readers keep entries from being freed, are in blocks
//! of their own.

use alloc::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::ring::Place;
use crate::sync::{AtomicPtr, UnsafeCell};

type Node<E> = UnsafeCell<MaybeUninit<E>>;

/// How many further blocks there can be, within the bound and beyond it: enough for all places there are.
const BLOCKS: usize = 32;
/// How many entries the first block of a cache has that begins small.
const FEW: usize = 16;
/// Room for so many bytes of entries is allocated at once; of memory the system gives only what is used.
const AT_ONCE: usize = 1 << 28;
/// Where there is no room for all, it is for so many bytes.
const FIRST_BYTES: usize = 1 << 20;
/// The length of the first block beyond the bound.
const FIRST_BEYOND: usize = 64;

pub(crate) struct Nodes<E> {
    first: AtomicPtr<Node<E>>,
    /// The length of the first block.
    near: usize,
    /// The length of the first block, if there are further ones: a power of two, as all first lengths are.
    unit: usize,
    /// Where the blocks within the bound end.
    bound: usize,
    /// A leaked box.
    further: AtomicPtr<Further<E>>,
}

/// The further blocks.
struct Further<E> {
    within: [AtomicPtr<Node<E>>; BLOCKS],
    beyond: [AtomicPtr<Node<E>>; BLOCKS],
}

/// A block: which it is, the index of its first node, and its length.
struct Block {
    is_within: bool,
    number: usize,
    start: usize,
    length: usize,
}

impl<E> Nodes<E> {
    /// The length of the first block where there is no room for all: a power of two.
    const FIRST: usize = {
        let fit = FIRST_BYTES / if size_of::<E>() == 0 { 1 } else { size_of::<E>() };
        if fit <= 16 { 16 } else { 1 << fit.ilog2() }
    };

    /// Room for entries up to this bound; not all of it at once for one that `begins_small`.
    pub(crate) fn new(bound: usize, begins_small: bool) -> Self {
        let is_small = bound.checked_mul(size_of::<E>()).is_some_and(|size| size <= AT_ONCE);
        let unit = if begins_small { FEW } else { Self::FIRST };
        let near = if is_small && !begins_small { bound } else { unit.min(bound) };
        let (first, further) = (AtomicPtr::new(core::ptr::null_mut()), AtomicPtr::new(core::ptr::null_mut()));
        Self { first, near, unit, bound, further }
    }

    /// Where the blocks that are not beyond the bound end.
    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    /// Makes room for a place.
    ///
    /// # Safety
    /// Called by one thread at a time, for the places one after the other.
    pub(crate) unsafe fn extend_to(&self, place: Place) {
        let index = place as usize - 1;
        if index == 0 {
            self.first.store(allocate(self.near), Release);
        }
        if index >= self.near {
            let block = self.block(index);
            if block.start == index {
                self.make_further().of(&block).store(allocate(block.length), Release);
            }
        }
    }

    fn make_further(&self) -> &Further<E> {
        let mut further = self.further.load(Acquire);
        if further.is_null() {
            further = Box::into_raw(Box::new(Further {
                within: core::array::from_fn(|_| AtomicPtr::new(core::ptr::null_mut())),
                beyond: core::array::from_fn(|_| AtomicPtr::new(core::ptr::null_mut())),
            }));
            self.further.store(further, Release);
        }
        // SAFETY: a leaked box, which is freed with the table.
        unsafe { &*further }
    }

    #[inline]
    fn block(&self, index: usize) -> Block {
        let is_within = index < self.bound;
        let (before, first, most) = if is_within {
            (0, self.unit, self.bound)
        } else {
            (self.bound - FIRST_BEYOND, FIRST_BEYOND, usize::MAX)
        };
        // The lengths double, so that the logarithm tells the block. It is below 32, of which the compiler is told.
        let number = ((index - before).max(first).ilog2() - first.ilog2()) as usize % BLOCKS;
        let start = before + (first << number);
        Block { is_within, number, start, length: (first << number).min(most - start) }
    }

    /// # Safety
    /// There is room for the place.
    #[inline]
    unsafe fn node(&self, place: Place) -> &Node<E> {
        let index = place as usize - 1;
        if index < self.near {
            // SAFETY: the first block is that long.
            return unsafe { &*self.first.load(Relaxed).add(index) };
        }
        // SAFETY: as the caller says.
        unsafe { self.far_node(index) }
    }

    #[inline]
    unsafe fn far_node(&self, index: usize) -> &Node<E> {
        let block = self.block(index);
        // SAFETY: whoever has the place got it after the block was there, and the index is in the block.
        unsafe {
            let further = &*self.further.load(Acquire);
            &*further.of(&block).load(Acquire).add(index - block.start)
        }
    }

    /// The entry at a place, if it is in the first block: what most have, and what is found with the least work.
    ///
    /// # Safety
    /// As for [`entry`](Self::entry).
    #[inline(always)]
    pub(crate) unsafe fn near_entry(&self, place: Place) -> Option<&E> {
        let index = place as usize - 1;
        if index >= self.near {
            return None;
        }
        // SAFETY: the first block is that long, and there is an entry, as the caller says.
        Some(unsafe { (*self.first.load(Relaxed).add(index)).with(|node| (*node).assume_init_ref()) })
    }

    /// The entry at a place.
    ///
    /// # Safety
    /// There is one, and it is not taken while the reference is used.
    #[inline]
    pub(crate) unsafe fn entry(&self, place: Place) -> &E {
        // SAFETY: where there is an entry there is room.
        let node = unsafe { self.node(place) };
        // SAFETY: as the caller says.
        node.with(|node| unsafe { (*node).assume_init_ref() })
    }

    /// Puts an entry at a place.
    ///
    /// # Safety
    /// There is room and no entry, and nobody else accesses the place.
    pub(crate) unsafe fn put(&self, place: Place, entry: E) {
        // SAFETY: as the caller says.
        let node = unsafe { self.node(place) };
        // SAFETY: as the caller says.
        node.with_mut(|node| unsafe {
            (*node).write(entry);
        });
    }

    /// Takes an entry away.
    ///
    /// # Safety
    /// There is one, and nobody else accesses it any more.
    pub(crate) unsafe fn take(&self, place: Place) -> E {
        // SAFETY: where there is an entry there is room.
        let node = unsafe { self.node(place) };
        // SAFETY: as the caller says.
        node.with_mut(|node| unsafe { (*node).assume_init_read() })
    }
}

impl<E> Further<E> {
    fn of(&self, block: &Block) -> &AtomicPtr<Node<E>> {
        let blocks = if block.is_within { &self.within } else { &self.beyond };
        &blocks[block.number]
    }
}

impl<E> Drop for Nodes<E> {
    fn drop(&mut self) {
        // The entries are taken by then.
        let first = self.first.load(Acquire);
        if !first.is_null() {
            deallocate(first, self.near);
        }
        let further = self.further.load(Acquire);
        if further.is_null() {
            return;
        }
        // SAFETY: a leaked box, which nobody uses any more.
        let further = unsafe { Box::from_raw(further) };
        for number in 0..BLOCKS {
            let (within, beyond) =
                (further.within[number].load(Acquire), further.beyond[number].load(Acquire));
            if !within.is_null() {
                deallocate(within, self.block(self.unit << number).length);
            }
            if !beyond.is_null() {
                deallocate(beyond, FIRST_BEYOND << number);
            }
        }
    }
}

fn layout<E>(length: usize) -> Layout {
    Layout::array::<Node<E>>(length).expect("so many entries fit into memory")
}

fn allocate<E>(length: usize) -> *mut Node<E> {
    let layout = layout::<E>(length);
    if layout.size() == 0 {
        return core::ptr::dangling_mut();
    }
    // SAFETY: the layout has a size.
    let block = unsafe { alloc(layout) }.cast::<Node<E>>();
    if block.is_null() {
        handle_alloc_error(layout);
    }
    #[cfg(all(test, loom))]
    for index in 0..length {
        // SAFETY: the index is in the block. loom's cells are more than their content and must be made.
        unsafe { block.add(index).write(UnsafeCell::new(MaybeUninit::uninit())) };
    }
    block
}

fn deallocate<E>(block: *mut Node<E>, length: usize) {
    let layout = layout::<E>(length);
    if layout.size() > 0 {
        // SAFETY: it was allocated with this layout, and nobody has it any more.
        unsafe { dealloc(block.cast(), layout) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Puts a number at each place up to the last, and expects to find it there, both ways.
    fn expect_what_is_put<const BYTES: usize>(bound: usize, begins_small: bool, last: Place, near: Place) {
        let nodes: Nodes<[u8; BYTES]> = Nodes::new(bound, begins_small);
        let content = |place: Place| [place.to_le_bytes()[0] ^ place.to_le_bytes()[1]; BYTES];
        for place in 1..=last {
            // SAFETY: one after the other, and nothing was there.
            unsafe {
                nodes.extend_to(place);
                nodes.put(place, content(place));
            }
        }
        for place in 1..=last {
            // SAFETY: it was put there, and is not taken.
            unsafe {
                assert_eq!(nodes.entry(place), &content(place), "{place}");
                assert_eq!(nodes.near_entry(place), (place <= near).then_some(&content(place)), "{place}");
            }
        }
    }

    #[test]
    fn what_is_put_at_a_place_is_found_there_in_any_block() {
        expect_what_is_put::<16>(1 << 31, false, 200_000, 1 << 16);
        expect_what_is_put::<16>(5_000, false, 5_300, 5_000);
        expect_what_is_put::<{ 1 << 14 }>(20_000, false, 20_300, 1 << 6);
        expect_what_is_put::<16>(5_000, true, 5_300, 16);
        expect_what_is_put::<16>(70, true, 400, 16);
    }
}
