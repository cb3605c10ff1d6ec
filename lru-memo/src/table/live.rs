//! The set of places that have a live entry: one that is in the index.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::slice;

use crate::table::blocks::Place;

/// One bit for each place.
#[derive(Default)]
pub(crate) struct Live(Box<[u64]>);

impl Live {
    /// Returns whether the place has a live entry.
    #[inline]
    pub(crate) fn has(&self, place: Place) -> bool {
        self.0[place as usize / 64] & 1 << (place % 64) != 0
    }

    /// Makes room for a place.
    pub(crate) fn extend_to(&mut self, place: Place) {
        if self.0.len() <= place as usize / 64 {
            let longer = (2 * self.0.len()).max(1);
            let mut words = core::mem::take(&mut self.0).into_vec();
            words.reserve_exact(longer - words.len());
            words.resize(longer, 0);
            self.0 = words.into_boxed_slice();
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

    /// As [`places`](Self::places), in a list.
    pub(crate) fn all_places(&self) -> Vec<Place> {
        self.places().collect()
    }

    /// Returns the places with live entries, in ascending order.
    pub(crate) fn places(&self) -> Places<'_> {
        Places { first: 0, word: 0, words: self.0.iter() }
    }
}

/// The places with live entries. A type without parameters: what it does is compiled here, and not in each program.
pub(crate) struct Places<'l> {
    /// The place of the first bit of the word behind the present one.
    first: Place,
    /// The bits of the present word that are left.
    word: u64,
    words: slice::Iter<'l, u64>,
}

impl Iterator for Places<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        while self.word == 0 {
            self.word = *self.words.next()?;
            self.first += 64;
        }
        let place = self.first - 64 + self.word.trailing_zeros();
        self.word &= self.word - 1;
        Some(place)
    }
}
