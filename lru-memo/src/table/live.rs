//! The set of places that have a live entry: one that is in the index.

use alloc::vec::Vec;

use crate::table::blocks::Place;

/// One bit for each place.
#[derive(Default)]
pub(crate) struct Live(Vec<u64>);

impl Live {
    /// Returns whether the place has a live entry.
    #[inline]
    pub(crate) fn has(&self, place: Place) -> bool {
        self.0[place as usize / 64] & 1 << (place % 64) != 0
    }

    /// Makes room for a place.
    pub(crate) fn extend_to(&mut self, place: Place) {
        if self.0.len() <= place as usize / 64 {
            self.0.push(0);
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, place: Place) {
        self.0[place as usize / 64] |= 1 << (place % 64);
    }

    #[inline]
    pub(crate) fn remove(&mut self, place: Place) {
        self.0[place as usize / 64] &= !(1 << (place % 64));
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Returns the places with live entries, in ascending order.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        let bits = |(at, &word): (u32, &u64)| {
            let next = |&word: &u64| Some(word & (word - 1)).filter(|&word| word != 0);
            let words = core::iter::successors(Some(word).filter(|&word| word != 0), next);
            words.map(move |word| at * 64 + word.trailing_zeros())
        };
        (0..).zip(&self.0).flat_map(bits)
    }
}
