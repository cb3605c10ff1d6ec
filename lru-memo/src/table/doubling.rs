//! Blocks of a cache that begins small: the first has a few values, and each further one is as long as all blocks before it
//! together.
//!
//! The length of each block is a power of two, so the logarithm of an index tells its block. A directory has the addresses of the
//! further blocks, each less the index of the block's first value. So a hit adds the index to what it finds there.
//!
//! A full directory is replaced by one of twice the length. Readers may still use the old one, so it is freed with the blocks. The new
//! one leads to it.

use alloc::boxed::Box;
use core::sync::atomic::Ordering::{Acquire, Release};

use crate::sys::sync::AtomicPtr;
use crate::table::blocks::{Blank, Blocks, Place, allocate, deallocate, slices};

/// The length of the first block, a power of two.
const FEW: usize = 2;
/// The number of the directory's first words: its length, and the address of the directory that it has replaced.
const HEAD: usize = 2;
/// The length of the first directory, with which there is room for `FEW * 4` values.
const FIRST_DIRECTORY: usize = HEAD + 2;

/// Blocks of lengths that double.
pub struct Doubling<X> {
    first: AtomicPtr<X>,
    /// A leaked [`Directory`], as soon as there is more than the first block.
    further: AtomicPtr<AtomicPtr<X>>,
}

/// The head of the directory, then the addresses of the further blocks.
type Directory<X> = Box<[AtomicPtr<X>]>;

/// Returns the position in the directory of the block that has this index, which is in a further block.
#[inline(always)]
fn position(index: usize) -> usize {
    HEAD + (index.ilog2() - FEW.ilog2()) as usize
}

/// Returns the index of the first value in the further block at a position, which is the block's length, too.
fn start(position: usize) -> usize {
    FEW << (position - HEAD)
}

impl<X: Blank> Blocks<X> for Doubling<X> {
    fn new(_: usize, _: usize) -> Self {
        Self { first: AtomicPtr::new(core::ptr::null_mut()), further: AtomicPtr::new(core::ptr::null_mut()) }
    }

    unsafe fn extend_to(&self, place: Place) {
        let index = place as usize - 1;
        if index == 0 {
            self.first.store(allocate(FEW), Release);
        } else if index >= FEW && index.is_power_of_two() {
            let block: *mut X = allocate(index);
            self.with_room_for(position(index)).store(block.wrapping_sub(index), Release);
        }
    }

    fn reach(&self) -> usize {
        usize::MAX
    }

    #[inline(always)]
    fn are_near(&self, place: Place) -> bool {
        place != 0
    }

    #[inline(always)]
    fn fetch(&self, _: Place) {}

    #[inline(always)]
    unsafe fn near(&self, place: Place) -> &X {
        // SAFETY: as the caller says.
        unsafe { self.at(place) }
    }

    #[inline(always)]
    unsafe fn with_near_if_any(&self, place: Place, act: impl FnOnce(&X)) {
        if !self.first.load(Acquire).is_null() {
            // SAFETY: as the caller says.
            act(unsafe { self.at(place) });
        }
    }

    #[inline(always)]
    unsafe fn at(&self, place: Place) -> &X {
        let index = place as usize - 1;
        // SAFETY: the block was there before the place was known, and the index is in the block.
        unsafe {
            if index < FEW {
                return &*self.first.load(Acquire).add(index);
            }
            let directory = self.further.load(Acquire);
            &*(*directory.add(position(index))).load(Acquire).wrapping_add(index)
        }
    }

    unsafe fn slices<'b>(&'b self, first: Place, last: Place) -> impl Iterator<Item = (Place, &'b [X])>
    where
        X: 'b,
    {
        let end = |index: usize| (index + 1).next_power_of_two().max(FEW);
        // SAFETY: as the caller says.
        unsafe { slices(self, first, last, end) }
    }
}

impl<X> Doubling<X> {
    /// Returns the word of a further block, and makes a directory that has the word if there is none. One thread at a time calls this.
    #[cold]
    fn with_room_for(&self, position: usize) -> &AtomicPtr<X> {
        let old = self.further.load(Acquire);
        // SAFETY: a directory that was stored here.
        let known = if old.is_null() { &[] } else { unsafe { words(old) } };
        let length = known.len().max(FIRST_DIRECTORY / 2);
        if position < known.len() {
            return &known[position];
        }
        let blank = || AtomicPtr::new(core::ptr::null_mut());
        let mut directory: Directory<X> = core::iter::repeat_with(blank).take(2 * length).collect();
        for (word, known) in directory.iter_mut().zip(known).skip(HEAD) {
            *word = AtomicPtr::new(known.load(Acquire));
        }
        directory[0] = AtomicPtr::new(core::ptr::without_provenance_mut(2 * length));
        directory[1] = AtomicPtr::new(old.cast());
        let directory = Box::into_raw(directory).cast::<AtomicPtr<X>>();
        self.further.store(directory, Release);
        // SAFETY: as above.
        unsafe { &words(directory)[position] }
    }
}

/// Returns the words of a directory.
///
/// # Safety
/// The directory exists for as long as the words are used.
unsafe fn words<'t, X>(directory: *mut AtomicPtr<X>) -> &'t [AtomicPtr<X>] {
    // SAFETY: the first word tells the length.
    unsafe { core::slice::from_raw_parts(directory, (*directory).load(Acquire).addr()) }
}

impl<X> Drop for Doubling<X> {
    fn drop(&mut self) {
        let first = self.first.load(Acquire);
        if !first.is_null() {
            deallocate(first, FEW);
        }
        let mut directory = self.further.load(Acquire);
        if directory.is_null() {
            return;
        }
        // SAFETY: a directory that was stored here, and that nobody uses any more.
        for (position, word) in unsafe { words(directory) }.iter().enumerate().skip(HEAD) {
            let block = word.load(Acquire);
            if !block.is_null() {
                deallocate(block.wrapping_add(start(position)), start(position));
            }
        }
        while !directory.is_null() {
            // SAFETY: a leaked directory, which nobody uses any more.
            let leaked = unsafe {
                Box::from_raw(core::ptr::slice_from_raw_parts_mut(directory, words(directory).len()))
            };
            directory = leaked[1].load(Acquire).cast();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Doubling;
    use crate::table::blocks::tests::expect_what_is_put;

    #[test]
    fn what_is_put_at_a_place_is_found_there_in_blocks_that_double() {
        for last in [1, 2, 3, 5, 100_000] {
            expect_what_is_put::<Doubling<_>>(128, last, u32::MAX);
        }
    }
}
