//! The memory of the arena: blocks of values, whose addresses never change. So readers may read while places are added.
//!
//! [`Wide`] has one block if the values up to the bound take little memory. Otherwise each further block is as long as all
//! blocks before it together. A block is allocated when its first place is used. The blocks within the bound end exactly
//! at the bound. Places beyond the bound are in blocks of their own: retired entries need them, and a bound that has grown.

use alloc::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use core::marker::PhantomData;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::sys::huge_pages::{self, HUGE};
use crate::sys::prefetch::fetch;
use crate::sys::sync::AtomicPtr;

/// The number of an entry's slot in the arena, from 1.
pub(crate) type Place = u32;

/// The largest number of further blocks, within the bound and beyond it: enough for every place.
const BLOCKS: usize = 32;
/// The least length of the first block, in values, if there are further ones.
const FEWEST: usize = 8;
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
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub unsafe trait Blank {
    /// Returns the value of zeros. Loom's types have more than their content, and must be made.
    #[cfg_attr(not(all(test, loom)), allow(dead_code, reason = "memory of zeros is allocated"))]
    fn blank() -> Self;
}

/// Values at places, in blocks.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Blocks<X: Blank> {
    /// Returns blocks for values up to this bound, beside entries of this size: the blocks of entries and those beside them have
    /// equal lengths.
    fn new(bound: usize, size_of_entry: usize) -> Self;

    /// Makes room for a place.
    ///
    /// # Safety
    /// One thread at a time calls this, for one place after the other, from 1.
    unsafe fn extend_to(&self, place: Place);

    /// Returns the number of places that are [near](Self::are_near).
    fn reach(&self) -> usize;

    /// Returns whether the fast path of a hit reads a place. There is no place 0.
    fn are_near(&self, place: Place) -> bool;

    /// Prefetches the value at a place, unless that takes longer than it saves.
    fn fetch(&self, place: Place);

    /// Returns the value at a place that is [near](Self::are_near).
    ///
    /// # Safety
    /// There is room for the place, and the place is near.
    unsafe fn near(&self, place: Place) -> &X;

    /// Does this with the value at a near place, if there is room for any place.
    ///
    /// # Safety
    /// If there is room for any place, then for this one, and it is [near](Self::are_near).
    unsafe fn with_near_if_any(&self, place: Place, act: impl FnOnce(&X));

    /// Returns the value at a place.
    ///
    /// # Safety
    /// There is room for the place.
    unsafe fn at(&self, place: Place) -> &X;

    /// Returns the values at the places from the first to the last, in slices, each with its first place.
    ///
    /// # Safety
    /// There is room for all of them.
    unsafe fn slices<'b>(&'b self, first: Place, last: Place) -> impl Iterator<Item = (Place, &'b [X])>
    where
        X: 'b;
}

/// One block that is long enough for most caches, and further ones.
pub struct Wide<X> {
    first: Pointer,
    layout: Shape,
    /// A leaked box.
    further: AtomicPtr<Further>,
    values: PhantomData<AtomicPtr<X>>,
}

/// A pointer to a block's first value, or null. The pointer does not name the type of the values, so that it is
/// compiled once for all types.
type Pointer = AtomicPtr<()>;

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
struct Further {
    within: [Pointer; BLOCKS],
    beyond: [Pointer; BLOCKS],
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

impl<X: Blank> Blocks<X> for Wide<X> {
    fn new(bound: usize, size_of_entry: usize) -> Self {
        // With a bound as small as that, the first block has all places within it.
        let bound = bound.max(FIRST_BEYOND);
        let size = size_of_entry.max(1);
        let is_small = bound.checked_mul(size).is_some_and(|size| size <= AT_ONCE);
        let unit = 1 << (FIRST_BYTES / size).max(FEWEST).ilog2();
        let near = if is_small { bound } else { unit.min(bound) };
        Self {
            first: AtomicPtr::new(core::ptr::null_mut()),
            layout: Shape { near, unit, bound },
            further: AtomicPtr::new(core::ptr::null_mut()),
            values: PhantomData,
        }
    }

    unsafe fn extend_to(&self, place: Place) {
        let block = self.layout.block(place as usize - 1);
        if block.start == place as usize - 1 {
            let pointer = match block.start {
                0 => &self.first,
                _ => make_further(&self.further).of(&block),
            };
            pointer.store(allocate::<X>(block.length).cast(), Release);
        }
    }

    fn reach(&self) -> usize {
        self.layout.near
    }

    /// Returns whether a place is in the first block.
    #[inline(always)]
    fn are_near(&self, place: Place) -> bool {
        (place as usize).wrapping_sub(1) < self.layout.near
    }

    /// Prefetches the value at a place, if it is in the first block.
    #[inline(always)]
    fn fetch(&self, place: Place) {
        fetch(self.first().wrapping_add(place as usize).wrapping_sub(1));
    }

    #[inline(always)]
    unsafe fn near(&self, place: Place) -> &X {
        // SAFETY: the place is in the first block, which was there before the place was known.
        unsafe { &*self.first().add(place as usize - 1) }
    }

    #[inline(always)]
    unsafe fn with_near_if_any(&self, place: Place, act: impl FnOnce(&X)) {
        let first = self.first();
        if !first.is_null() {
            // SAFETY: as for `near`.
            act(unsafe { &*first.add(place as usize - 1) });
        }
    }

    #[inline(always)]
    unsafe fn at(&self, place: Place) -> &X {
        if self.are_near(place) {
            // SAFETY: as the caller says.
            unsafe { self.near(place) }
        } else {
            // SAFETY: as the caller says.
            unsafe { self.far(place as usize - 1) }
        }
    }

    unsafe fn slices<'b>(&'b self, first: Place, last: Place) -> impl Iterator<Item = (Place, &'b [X])>
    where
        X: 'b,
    {
        let end = |start| {
            let block = self.layout.block(start);
            block.start + block.length
        };
        // SAFETY: as the caller says.
        unsafe { slices(self, first, last, end) }
    }
}

/// Returns the further blocks, which it makes if there are none.
#[cold]
fn make_further(pointer: &AtomicPtr<Further>) -> &Further {
    let mut further = pointer.load(Acquire);
    if further.is_null() {
        let none = |_| AtomicPtr::new(core::ptr::null_mut());
        further = Box::into_raw(Box::new(Further {
            within: core::array::from_fn(none),
            beyond: core::array::from_fn(none),
        }));
        pointer.store(further, Release);
    }
    // SAFETY: a leaked box, which is freed with the blocks.
    unsafe { &*further }
}

impl<X> Wide<X> {
    #[inline(always)]
    fn first(&self) -> *mut X {
        self.first.load(Relaxed).cast()
    }

    #[inline]
    unsafe fn far(&self, index: usize) -> &X {
        let block = self.layout.block(index);
        // SAFETY: the block was there before the place was known, and the index is in the block.
        unsafe {
            let further = &*self.further.load(Acquire);
            &*further.of(&block).load(Acquire).cast::<X>().add(index - block.start)
        }
    }
}

/// Returns the values at the places from the first to the last, in slices. `end` returns the end of the block that has an index.
///
/// # Safety
/// There is room for all of them.
pub(super) unsafe fn slices<'b, X: Blank + 'b, B: Blocks<X>>(
    blocks: &'b B,
    first: Place,
    last: Place,
    end: impl Fn(usize) -> usize,
) -> impl Iterator<Item = (Place, &'b [X])> {
    let mut next = first as usize - 1;
    core::iter::from_fn(move || {
        let last = last as usize;
        if next >= last {
            return None;
        }
        let start = next;
        next = end(start).min(last);
        // SAFETY: as the caller says, and the slice is within the block.
        let slice = unsafe { core::slice::from_raw_parts(blocks.at(start as Place + 1), next - start) };
        Some((start as Place + 1, slice))
    })
}

impl Further {
    fn of(&self, block: &Block) -> &Pointer {
        let blocks = if block.is_within { &self.within } else { &self.beyond };
        &blocks[block.number]
    }
}

impl<X> Drop for Wide<X> {
    fn drop(&mut self) {
        let first = self.first.load(Acquire);
        if !first.is_null() {
            deallocate(first.cast::<X>(), self.layout.near);
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
                deallocate(within.cast::<X>(), self.layout.block(self.layout.unit << number).length);
            }
            if !beyond.is_null() {
                deallocate(beyond.cast::<X>(), FIRST_BEYOND << number);
            }
        }
    }
}

fn layout<X>(length: usize) -> Layout {
    Layout::array::<X>(length).expect("so many values fit into memory")
}

pub(super) fn allocate<X: Blank>(length: usize) -> *mut X {
    let layout = layout::<X>(length);
    if layout.size() == 0 {
        return core::ptr::dangling_mut();
    }
    // SAFETY: the layout has a size.
    let block = unsafe { alloc_zeroed(layout) }.cast::<X>();
    if block.is_null() {
        handle_alloc_error(layout);
    }
    // The beginning has small pages, because many caches never have the entries that their bounds allow.
    // SAFETY: the block was just allocated.
    unsafe { huge_pages::prefer(block, HUGE, layout.size()) };
    #[cfg(all(test, loom))]
    for index in 0..length {
        // SAFETY: the index is in the block.
        unsafe { block.add(index).write(X::blank()) };
    }
    block
}

/// Returns so many values of zeros.
pub(super) fn zeros<X: Blank>(length: usize) -> Box<[X]> {
    // SAFETY: the block has the layout of such a slice, and nobody else has it.
    unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(allocate(length), length)) }
}

pub(super) fn deallocate<X>(block: *mut X, length: usize) {
    let layout = layout::<X>(length);
    if layout.size() > 0 {
        // SAFETY: it was allocated with this layout, and nobody has it any more.
        unsafe { dealloc(block.cast(), layout) };
    }
}

#[cfg(all(test, not(loom)))]
pub(super) mod tests {
    use core::sync::atomic::AtomicU64;

    use super::*;

    /// Stores a number at each place up to the last, and reads it in each way.
    pub(crate) fn expect_what_is_put<B: Blocks<AtomicU64>>(bound: usize, last: Place, near: Place) {
        let blocks = B::new(bound, size_of::<AtomicU64>());
        for place in 1..=last {
            // SAFETY: one after the other.
            unsafe {
                blocks.extend_to(place);
                assert_eq!(blocks.at(place).swap(u64::from(place), Relaxed), 0);
            }
        }
        for place in 1..=last {
            assert_eq!(blocks.are_near(place), place <= near, "{place}");
            // SAFETY: there is room.
            unsafe {
                assert_eq!(blocks.at(place).load(Relaxed), u64::from(place));
                if place <= near {
                    assert_eq!(blocks.near(place).load(Relaxed), u64::from(place));
                }
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
        expect_what_is_put::<Wide<_>>(1 << 31, 300_000, 1 << 17);
        expect_what_is_put::<Wide<_>>(5_000, 5_300, 5_000);
        expect_what_is_put::<Wide<_>>(0, 400, 64);
    }
}
