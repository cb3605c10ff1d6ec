//! An order of places, linked by index: a place is moved to the newest end, or leaves, in constant time.
//!
//! The places are numbered from 1; not all of them need be in the order. They form a ring through [`ENDS`], which is
//! none of them: from it, `older` leads to the newest place and `newer` to the oldest.

use alloc::vec::Vec;

/// The place of an entry; below 2^31.
pub(crate) type Place = u32;

/// So many places are moved at a time.
pub(crate) const GROUP: usize = 16;
/// Where both ends of the order meet.
pub(crate) const ENDS: Place = 0;
/// The `newer` of a place that is not in the order.
const OUT: Place = Place::MAX;

#[derive(Clone, Copy)]
struct Link {
    newer: Place,
    older: Place,
}

const UNLINKED: Link = Link { newer: OUT, older: OUT };

/// An order of places.
pub(crate) struct Ring(Vec<Link>);

impl Ring {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Makes a place known, which is not in the order yet; at most so many will be.
    pub(crate) fn extend_to(&mut self, place: Place, most: usize) {
        if self.0.is_empty() {
            self.0.push(Link { newer: ENDS, older: ENDS });
        }
        let length = place as usize + 1;
        reserve(&mut self.0, length, most);
        self.0.resize(length, UNLINKED);
    }

    /// The place that is longest in its place in the order.
    pub(crate) fn oldest(&self) -> Option<Place> {
        self.0.first().map(|ends| ends.newer).filter(|&place| place != ENDS)
    }

    /// The places, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = Place> {
        let older = |place: Place| self.0.get(place as usize).map(|link| link.older);
        core::iter::successors(older(ENDS), move |&place| older(place)).take_while(|&place| place != ENDS)
    }

    /// Reads what moving these places needs, at most [`GROUP`] of them, so that it is waited for once and not in turn.
    pub(crate) fn fetch(&self, places: &[Place]) {
        let link = |place: Place| self.0.get(place as usize).copied().unwrap_or(UNLINKED);
        let mut links = [UNLINKED; GROUP];
        for (slot, &place) in links.iter_mut().zip(places) {
            *slot = link(place);
        }
        let neighbours = links.iter().map(|at| link(at.newer).older ^ link(at.older).newer);
        core::hint::black_box(neighbours.fold(0, |all, neighbour| all ^ neighbour));
    }

    pub(crate) fn contains(&self, place: Place) -> bool {
        self.0[place as usize].newer != OUT
    }

    /// Adds a place as the newest.
    pub(crate) fn push(&mut self, place: Place) {
        self.link_behind(ENDS, place);
    }

    /// Moves a place behind another one: just older than that, or, behind the ends, the newest.
    #[inline]
    pub(crate) fn move_behind(&mut self, cursor: Place, place: Place) {
        if self.0[cursor as usize].older != place {
            self.unlink(place);
            self.link_behind(cursor, place);
        }
    }

    /// Removes a place from the order.
    pub(crate) fn remove(&mut self, place: Place) {
        self.unlink(place);
        self.0[place as usize] = UNLINKED;
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        let Link { newer, older } = self.0[place as usize];
        self.0[newer as usize].older = older;
        self.0[older as usize].newer = newer;
    }

    #[inline]
    fn link_behind(&mut self, cursor: Place, place: Place) {
        let older = core::mem::replace(&mut self.0[cursor as usize].older, place);
        self.0[older as usize].newer = place;
        self.0[place as usize] = Link { newer: cursor, older };
    }
}

/// Has a vector grow as it would by itself, but not beyond what it will ever need.
pub(crate) fn reserve<T>(vector: &mut Vec<T>, length: usize, most: usize) {
    if length > vector.capacity() {
        let wanted = (vector.capacity() * 2).max(16).min(most).max(length);
        vector.reserve_exact(wanted - vector.len());
    }
}
