//! The exact LRU itself: a slab of nodes linked by index in order of use, and an index by hash.
//!
//! Single-threaded, free of locks and of user code: keys are found by their hash and a predicate of the
//! caller's, and whatever leaves is handed back to the caller, who drops it where that is safe.
//!
//! Invariants: the occupied nodes form a ring through [`RING`], which stands for no entry: from it, `older` leads
//! to the most recent entry and `newer` to the least recent. Each is in `index` once, under its own hash. The
//! vacant nodes form a list through `older` that ends at `RING`.

use alloc::vec::Vec;

use hashbrown::HashTable;

/// The place of an entry. Valid until that entry is removed.
pub(crate) type Place = u32;

/// The node at which the ring of entries begins and ends.
const RING: Place = 0;

struct Node<E> {
    hash: u64,
    newer: Place,
    older: Place,
    entry: Option<E>,
}

/// Entries of type `E` in order of use.
pub(crate) struct Lru<E> {
    nodes: Vec<Node<E>>,
    index: HashTable<Place>,
    vacant: Place,
}

impl<E> Lru<E> {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            index: HashTable::new(),
            vacant: RING,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Finds an entry that the predicate accepts among those whose hash is, or may be, this one; the predicate
    /// is given the hash. Recency stays as it is.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut accepts: impl FnMut(u64, &E) -> bool) -> Option<Place> {
        let found = self.index.find(hash, |&place| {
            let node = &self.nodes[place as usize];
            node.entry.as_ref().is_some_and(|entry| accepts(node.hash, entry))
        });
        found.copied()
    }

    #[inline]
    pub(crate) fn entry(&self, place: Place) -> &E {
        self.nodes[place as usize]
            .entry
            .as_ref()
            .expect("the place of a removed entry was used")
    }

    /// Makes an entry the most recent one.
    #[inline]
    pub(crate) fn touch(&mut self, place: Place) {
        if self.nodes[RING as usize].older != place {
            self.unlink(place);
            self.link_newest(place);
        }
    }

    /// Adds an entry as the most recent one. The caller has made sure that its key is not there.
    ///
    /// # Panics
    /// When it would be entry number 2^32 - 1.
    pub(crate) fn insert(&mut self, hash: u64, entry: E) {
        if self.nodes.is_empty() {
            self.nodes.push(Node {
                hash: 0,
                newer: RING,
                older: RING,
                entry: None,
            });
        }
        let place = self.vacant;
        let place = if place == RING {
            let place = Place::try_from(self.nodes.len()).expect("a cache holds fewer than 2^32 - 1 entries");
            self.nodes.push(Node {
                hash,
                newer: RING,
                older: RING,
                entry: Some(entry),
            });
            place
        } else {
            let node = &mut self.nodes[place as usize];
            self.vacant = node.older;
            node.hash = hash;
            node.entry = Some(entry);
            place
        };
        let nodes = &self.nodes;
        self.index
            .insert_unique(hash, place, |&place| nodes[place as usize].hash);
        self.link_newest(place);
    }

    /// Puts another entry in the place of this one and returns the old one; hash and recency stay.
    pub(crate) fn replace(&mut self, place: Place, entry: E) -> E {
        let old = self.nodes[place as usize].entry.replace(entry);
        old.expect("the place of a removed entry was used")
    }

    pub(crate) fn remove(&mut self, place: Place) -> E {
        let found = self
            .index
            .find_entry(self.nodes[place as usize].hash, |&other| other == place);
        found.expect("every occupied node is in the index").remove();
        self.unlink(place);
        let node = &mut self.nodes[place as usize];
        node.older = self.vacant;
        self.vacant = place;
        node.entry.take().expect("the place of a removed entry was used")
    }

    /// Removes the least recent entry.
    pub(crate) fn pop_oldest(&mut self) -> Option<E> {
        let oldest = self.nodes.first()?.newer;
        (oldest != RING).then(|| self.remove(oldest))
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        let Node { newer, older, .. } = self.nodes[place as usize];
        self.nodes[newer as usize].older = older;
        self.nodes[older as usize].newer = newer;
    }

    #[inline]
    fn link_newest(&mut self, place: Place) {
        let older = core::mem::replace(&mut self.nodes[RING as usize].older, place);
        self.nodes[older as usize].newer = place;
        let node = &mut self.nodes[place as usize];
        node.newer = RING;
        node.older = older;
    }
}
