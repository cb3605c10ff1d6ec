//! The memory of the arena: blocks of values, whose addresses never change. So readers may read while places are added.
//!
//! There is one block if the values up to the bound take little memory. Otherwise each further block is as long as all
//! blocks before it together. A block is allocated when its first place is used. The blocks within the bound end exactly
//! at the bound. Places beyond the bound are in blocks of their own: retired entries need them, and a bound that has grown.

use alloc::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::prefetch::fetch;
use crate::sys::sync::AtomicPtr;

/// The number of an entry's slot in the arena, from 1.
pub(crate) type Place = u32;

/// The largest number of further blocks, within the bound and beyond it: enough for every place.
const BLOCKS: usize = 32;
/// The length of the first block of a cache that begins small, in values.
const FEW: usize = 8;
/// The largest first block, in bytes. The system provides its pages when they are written.
const AT_ONCE: usize = 1 << 28;
/// The length of the first block, in bytes, if the values do not fit into the largest one.
const FIRST_BYTES: usize = 1 << 20;
/// The length of the first block beyond the bound.
const FIRST_BEYOND: usize = 64;

/// A type of values that blocks hold.
///
/// # Safety
/// A value of zeros is valid, and needs no drop.
pub(crate) unsafe trait Blank {
    /// Returns the value of zeros. Loom's types have more than their content, and must be made.
    #[cfg_attr(not(all(test, loom)), allow(dead_code, reason = "memory of zeros is allocated"))]
    fn blank() -> Self;
}

pub(crate) struct Blocks<X> {
    first: AtomicPtr<X>,
    layout: Shape,
    /// A leaked box.
    further: AtomicPtr<Further<X>>,
}

/// The lengths of the blocks.
#[derive(Clone, Copy)]
struct Shape {
    /// The length of the first block.
    near: usize,
    /// The length of the first block if there are further ones: a power of two.
    unit: usize,
    /// The number of values within the bound.
    bound: usize,
}

/// The further blocks.
struct Further<X> {
    within: [AtomicPtr<X>; BLOCKS],
    beyond: [AtomicPtr<X>; BLOCKS],
}

/// A block: its number, the index of its first value, and its length.
struct Block {
    is_within: bool,
    number: usize,
    start: usize,
    length: usize,
}

impl Shape {
    #[inline]
    fn block(self, index: usize) -> Block {
        if index < self.near {
            return Block { is_within: true, number: BLOCKS, start: 0, length: self.near };
        }
        let is_within = index < self.bound;
        let (before, first, most) = if is_within {
            (0, self.unit, self.bound)
        } else {
            (self.bound - FIRST_BEYOND, FIRST_BEYOND, usize::MAX)
        };
        // The lengths double, so the logarithm of the index gives the block. `% BLOCKS` tells the compiler its range.
        let number = ((index - before).max(first).ilog2() - first.ilog2()) as usize % BLOCKS;
        let start = before + (first << number);
        Block { is_within, number, start, length: (first << number).min(most - start) }
    }
}

impl<X: Blank> Blocks<X> {
    /// Returns blocks for values up to this bound. If it `begins_small`, the first block is short.
    pub(crate) fn new(bound: usize, begins_small: bool) -> Self {
        // With a bound as small as that, the first block has all places within it.
        let bound = bound.max(FIRST_BEYOND);
        let size = size_of::<X>().max(1);
        let is_small = bound.checked_mul(size).is_some_and(|size| size <= AT_ONCE);
        let unit = if begins_small { FEW } else { 1 << (FIRST_BYTES / size).max(FEW).ilog2() };
        let near = if is_small && !begins_small { bound } else { unit.min(bound) };
        Self::of(Shape { near, unit, bound })
    }

    /// Returns the length of the first block.
    pub(crate) fn first_length(&self) -> usize {
        self.layout.near
    }

    /// Returns blocks of the same lengths, for values of another type.
    pub(crate) fn beside<Y: Blank>(&self) -> Blocks<Y> {
        Blocks::of(self.layout)
    }

    fn of(layout: Shape) -> Self {
        let none = core::ptr::null_mut();
        Self { first: AtomicPtr::new(none), layout, further: AtomicPtr::new(core::ptr::null_mut()) }
    }

    /// Makes room for a place.
    ///
    /// # Safety
    /// One thread at a time calls this, for one place after the other, from 1.
    pub(crate) unsafe fn extend_to(&self, place: Place) {
        let block = self.layout.block(place as usize - 1);
        if block.start == place as usize - 1 {
            let pointer = match block.start {
                0 => &self.first,
                _ => self.make_further().of(&block),
            };
            pointer.store(allocate(block.length), Release);
        }
    }

    #[cold]
    fn make_further(&self) -> &Further<X> {
        let mut further = self.further.load(Acquire);
        if further.is_null() {
            let none = |_| AtomicPtr::new(core::ptr::null_mut());
            further = Box::into_raw(Box::new(Further {
                within: core::array::from_fn(none),
                beyond: core::array::from_fn(none),
            }));
            self.further.store(further, Release);
        }
        // SAFETY: a leaked box, which is freed with the blocks.
        unsafe { &*further }
    }

    /// Returns whether a place is in the first block.
    #[inline(always)]
    pub(crate) fn are_near(&self, place: Place) -> bool {
        (place as usize - 1) < self.layout.near
    }

    /// Returns the value at a place, if the place is in the first block, which most are.
    ///
    /// # Safety
    /// There is room for the place.
    #[inline(always)]
    pub(crate) unsafe fn near(&self, place: Place) -> Option<&X> {
        let index = place as usize - 1;
        // SAFETY: the first block is that long, and was there before the place was known.
        (index < self.layout.near).then(|| unsafe { &*self.first.load(Relaxed).add(index) })
    }

    /// Prefetches the value at a place, if it is in the first block.
    #[inline(always)]
    pub(crate) fn fetch(&self, place: Place) {
        fetch(self.first.load(Relaxed).wrapping_add(place as usize - 1));
    }

    /// Returns the value at a place in the first block.
    ///
    /// # Safety
    /// There is room for the place, and the place is in the first block.
    #[inline(always)]
    pub(crate) unsafe fn in_first(&self, place: Place) -> &X {
        // SAFETY: as the caller says.
        unsafe { &*self.first.load(Relaxed).add(place as usize - 1) }
    }

    /// Returns the value at a place.
    ///
    /// # Safety
    /// There is room for the place.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, place: Place) -> &X {
        // SAFETY: as the caller says.
        match unsafe { self.near(place) } {
            Some(value) => value,
            // SAFETY: as the caller says.
            None => unsafe { self.far(place as usize - 1) },
        }
    }

    #[inline]
    unsafe fn far(&self, index: usize) -> &X {
        let block = self.layout.block(index);
        // SAFETY: the block was there before the place was known, and the index is in the block.
        unsafe {
            let further = &*self.further.load(Acquire);
            &*further.of(&block).load(Acquire).add(index - block.start)
        }
    }

    /// Returns the values at the places from the first to the last, in slices, each with its first place.
    ///
    /// # Safety
    /// There is room for all of them.
    pub(crate) unsafe fn slices(&self, first: Place, last: Place) -> impl Iterator<Item = (Place, &[X])> {
        let mut next = first as usize - 1;
        core::iter::from_fn(move || {
            let last = last as usize;
            if next >= last {
                return None;
            }
            let start = next;
            let block = self.layout.block(start);
            next = (block.start + block.length).min(last);
            // SAFETY: as the caller says, and the slice is within the block.
            let slice = unsafe { core::slice::from_raw_parts(self.at(start as Place + 1), next - start) };
            Some((start as Place + 1, slice))
        })
    }
}

impl<X> Further<X> {
    fn of(&self, block: &Block) -> &AtomicPtr<X> {
        let blocks = if block.is_within { &self.within } else { &self.beyond };
        &blocks[block.number]
    }
}

impl<X> Drop for Blocks<X> {
    fn drop(&mut self) {
        let first = self.first.load(Acquire);
        if !first.is_null() {
            deallocate(first, self.layout.near);
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
                deallocate(within, self.layout.block(self.layout.unit << number).length);
            }
            if !beyond.is_null() {
                deallocate(beyond, FIRST_BEYOND << number);
            }
        }
    }
}

fn layout<X>(length: usize) -> Layout {
    Layout::array::<X>(length).expect("so many values fit into memory")
}

fn allocate<X: Blank>(length: usize) -> *mut X {
    let layout = layout::<X>(length);
    if layout.size() == 0 {
        return core::ptr::dangling_mut();
    }
    // SAFETY: the layout has a size.
    let block = unsafe { alloc_zeroed(layout) }.cast::<X>();
    if block.is_null() {
        handle_alloc_error(layout);
    }
    #[cfg(all(test, loom))]
    for index in 0..length {
        // SAFETY: the index is in the block.
        unsafe { block.add(index).write(X::blank()) };
    }
    block
}

fn deallocate<X>(block: *mut X, length: usize) {
    let layout = layout::<X>(length);
    if layout.size() > 0 {
        // SAFETY: it was allocated with this layout, and nobody has it any more.
        unsafe { dealloc(block.cast(), layout) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::sync::atomic::AtomicU64;

    use super::*;

    /// Stores a number at each place up to the last, and reads it in each way.
    fn expect_what_is_put(bound: usize, begins_small: bool, last: Place, near: Place) {
        let blocks: Blocks<AtomicU64> = Blocks::new(bound, begins_small);
        for place in 1..=last {
            // SAFETY: one after the other.
            unsafe {
                blocks.extend_to(place);
                assert_eq!(blocks.at(place).swap(u64::from(place), Relaxed), 0);
            }
        }
        for place in 1..=last {
            // SAFETY: there is room.
            unsafe {
                assert_eq!(blocks.at(place).load(Relaxed), u64::from(place));
                assert_eq!(blocks.near(place).is_some(), place <= near, "{place}");
            }
        }
        // SAFETY: there is room.
        let all = unsafe { blocks.slices(1, last) }.flat_map(|(first, slice)| (first..).zip(slice));
        let mut expected = 1..=last;
        for (place, value) in all {
            assert_eq!((Some(place), value.load(Relaxed)), (expected.next(), u64::from(place)));
        }
        assert_eq!(expected.next(), None);
    }

    #[test]
    fn what_is_put_at_a_place_is_found_there_in_any_block() {
        expect_what_is_put(1 << 31, false, 300_000, 1 << 17);
        expect_what_is_put(5_000, false, 5_300, 5_000);
        expect_what_is_put(5_000, true, 5_300, 8);
        expect_what_is_put(70, true, 400, 8);
        expect_what_is_put(1, true, 400, 8);
        expect_what_is_put(0, false, 400, 64);
    }
}
