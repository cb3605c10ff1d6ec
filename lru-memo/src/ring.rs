//! An order of places, linked by index: a place is moved to the newest end, or leaves, in constant time.
//!
//! The places are numbered from 1, without gaps. They form a ring through [`ENDS`], which is none of them:
//! from it, `older` leads to the newest place and `newer` to the oldest.

use alloc::vec::Vec;

/// The place of an entry.
pub(crate) type Place = u32;

const ENDS: Place = 0;

#[derive(Clone, Copy)]
struct Link {
    newer: Place,
    older: Place,
}

/// An order of places.
pub(crate) struct Ring(Vec<Link>);

impl Ring {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The place that is longest in its place in the order.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.0.first().map(|ends| ends.newer).filter(|&place| place != ENDS)
    }

    /// Adds the next place, as the newest, and returns it.
    ///
    /// # Panics
    /// When it would be place number 2^32.
    pub(crate) fn push(&mut self) -> Place {
        if self.0.is_empty() {
            self.0.push(Link { newer: ENDS, older: ENDS });
        }
        let place = Place::try_from(self.0.len()).expect("a cache holds fewer than 2^32 entries");
        self.0.push(Link { newer: ENDS, older: ENDS });
        self.link(place);
        place
    }

    /// Makes a place the newest.
    #[inline]
    pub(crate) fn touch(&mut self, place: Place) {
        if self.0[ENDS as usize].older != place {
            self.unlink(place);
            self.link(place);
        }
    }

    /// Removes a place; the last place gets its number.
    pub(crate) fn swap_remove(&mut self, place: Place) {
        self.unlink(place);
        let last = self.0.len() - 1;
        if place as usize != last {
            let Link { newer, older } = self.0[last];
            self.0[newer as usize].older = place;
            self.0[older as usize].newer = place;
        }
        self.0.swap_remove(place as usize);
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        let Link { newer, older } = self.0[place as usize];
        self.0[newer as usize].older = older;
        self.0[older as usize].newer = newer;
    }

    #[inline]
    fn link(&mut self, place: Place) {
        let older = core::mem::replace(&mut self.0[ENDS as usize].older, place);
        self.0[older as usize].newer = place;
        self.0[place as usize] = Link { newer: ENDS, older };
    }
}
