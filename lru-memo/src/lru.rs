//! The exact LRU itself: entries side by side, linked by index in order of use, and an index by hash.
//!
//! Single-threaded, free of locks and of user code: keys are found by their hash and a predicate of the
//! caller's, and whatever leaves is handed back to the caller, who drops it where that is safe.
//!
//! Invariants: there are no gaps: when an entry leaves, the last one takes its place. The entries form a ring
//! through [`RING`], which stands for none of them: from it, `older` leads to the most recent and `newer` to the
//! least recent. Each is in `index` once, under its own hash.

use alloc::vec::Vec;

use hashbrown::HashTable;

/// The place of an entry: valid until an entry is removed. Entry `place` has `links[place]` and
/// `nodes[place - 1]`.
pub(crate) type Place = u32;

/// The link at which the ring begins and ends.
const RING: Place = 0;

#[derive(Clone, Copy)]
struct Link {
    newer: Place,
    older: Place,
}

struct Node<E> {
    hash: u64,
    entry: E,
}

/// Entries of type `E` in order of use.
pub(crate) struct Lru<E> {
    links: Vec<Link>,
    nodes: Vec<Node<E>>,
    index: HashTable<Place>,
}

impl<E> Lru<E> {
    pub(crate) const fn new() -> Self {
        Self {
            links: Vec::new(),
            nodes: Vec::new(),
            index: HashTable::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Finds an entry that the predicate accepts among those whose hash is, or may be, this one; the predicate
    /// is given the hash. Recency stays as it is.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut accepts: impl FnMut(u64, &E) -> bool) -> Option<Place> {
        let found = self.index.find(hash, |&place| {
            let node = &self.nodes[at(place)];
            accepts(node.hash, &node.entry)
        });
        found.copied()
    }

    #[inline]
    pub(crate) fn entry(&self, place: Place) -> &E {
        &self.nodes[at(place)].entry
    }

    /// Makes an entry the most recent one.
    #[inline]
    pub(crate) fn touch(&mut self, place: Place) {
        if self.links[RING as usize].older != place {
            self.unlink(place);
            self.link_newest(place);
        }
    }

    /// Adds an entry as the most recent one. The caller has made sure that its key is not there.
    ///
    /// # Panics
    /// When it would be entry number 2^32.
    pub(crate) fn insert(&mut self, hash: u64, entry: E) {
        if self.links.is_empty() {
            self.links.push(Link {
                newer: RING,
                older: RING,
            });
        }
        let place = Place::try_from(self.links.len()).expect("a cache holds fewer than 2^32 entries");
        self.links.push(Link {
            newer: RING,
            older: RING,
        });
        self.nodes.push(Node { hash, entry });
        self.index_at(hash, place);
        self.link_newest(place);
    }

    /// Puts another entry in the place of this one and returns the old one; hash and recency stay.
    pub(crate) fn replace(&mut self, place: Place, entry: E) -> E {
        core::mem::replace(&mut self.nodes[at(place)].entry, entry)
    }

    /// Puts another entry in the place of the least recent one, as the most recent, and returns the old one;
    /// or returns the other when there is none.
    pub(crate) fn replace_oldest(&mut self, hash: u64, entry: E) -> Result<E, E> {
        let Some(&Link { newer: oldest, .. }) = self.links.first().filter(|link| link.newer != RING) else {
            return Err(entry);
        };
        self.unindex(oldest);
        let old = core::mem::replace(&mut self.nodes[at(oldest)], Node { hash, entry });
        self.index_at(hash, oldest);
        self.touch(oldest);
        Ok(old.entry)
    }

    pub(crate) fn remove(&mut self, place: Place) -> E {
        self.unindex(place);
        self.unlink(place);
        let last = self.nodes.len() as Place;
        if last != place {
            let moved = self
                .index
                .find_mut(self.nodes[at(last)].hash, |&other| other == last);
            *moved.expect("every entry is in the index") = place;
            let Link { newer, older } = self.links[last as usize];
            self.links[newer as usize].older = place;
            self.links[older as usize].newer = place;
        }
        self.links.swap_remove(place as usize);
        self.nodes.swap_remove(at(place)).entry
    }

    fn index_at(&mut self, hash: u64, place: Place) {
        let nodes = &self.nodes;
        self.index
            .insert_unique(hash, place, |&place| nodes[at(place)].hash);
    }

    fn unindex(&mut self, place: Place) {
        let found = self
            .index
            .find_entry(self.nodes[at(place)].hash, |&other| other == place);
        found.expect("every entry is in the index").remove();
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        let Link { newer, older } = self.links[place as usize];
        self.links[newer as usize].older = older;
        self.links[older as usize].newer = newer;
    }

    #[inline]
    fn link_newest(&mut self, place: Place) {
        let older = core::mem::replace(&mut self.links[RING as usize].older, place);
        self.links[older as usize].newer = place;
        self.links[place as usize] = Link { newer: RING, older };
    }
}

/// Where the node of a place is.
#[inline]
fn at(place: Place) -> usize {
    place as usize - 1
}
