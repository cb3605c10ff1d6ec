//! The exact LRU itself: a slab of nodes linked by index in order of use, and an index by hash.
//!
//! Single-threaded, free of locks and of user code: keys are found by their hash and a predicate of the
//! caller's, and whatever leaves is handed back to the caller, who drops it where that is safe.
//!
//! Invariants: every occupied node is in `index` once, under its own hash, and in the list from `newest` to
//! `oldest` once; every vacant node is in the list of free nodes once.

use alloc::vec::Vec;

use hashbrown::HashTable;

/// The end of a list.
const NONE: u32 = u32::MAX;

/// The place of an entry. Valid until that entry is removed.
pub(crate) type Place = u32;

struct Node<E> {
    hash: u64,
    newer: Place,
    /// In a vacant node, the next vacant one.
    older: Place,
    entry: Option<E>,
}

/// Entries of type `E` in order of use.
pub(crate) struct Lru<E> {
    nodes: Vec<Node<E>>,
    index: HashTable<Place>,
    newest: Place,
    oldest: Place,
    vacant: Place,
}

impl<E> Lru<E> {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            index: HashTable::new(),
            newest: NONE,
            oldest: NONE,
            vacant: NONE,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Finds the entry with this hash that the predicate accepts; its recency stays as it is.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut accepts: impl FnMut(&E) -> bool) -> Option<Place> {
        let found = self.index.find(hash, |&place| {
            let node = &self.nodes[place as usize];
            node.hash == hash && node.entry.as_ref().is_some_and(&mut accepts)
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
        if self.newest != place {
            self.unlink(place);
            self.link_newest(place);
        }
    }

    /// Adds an entry as the most recent one. The caller has made sure that its key is not there.
    ///
    /// # Panics
    /// When it would be entry number 2^32 - 1.
    pub(crate) fn insert(&mut self, hash: u64, entry: E) -> Place {
        let place = if self.vacant == NONE {
            let place = Place::try_from(self.nodes.len())
                .ok()
                .filter(|&place| place != NONE);
            let place = place.expect("a cache holds fewer than 2^32 - 1 entries");
            self.nodes.push(Node {
                hash,
                newer: NONE,
                older: NONE,
                entry: Some(entry),
            });
            place
        } else {
            let place = self.vacant;
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
        place
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
        (self.oldest != NONE).then(|| self.remove(self.oldest))
    }

    fn unlink(&mut self, place: Place) {
        let Node { newer, older, .. } = self.nodes[place as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.nodes[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.nodes[older as usize].newer = newer,
        }
    }

    fn link_newest(&mut self, place: Place) {
        let older = core::mem::replace(&mut self.newest, place);
        let node = &mut self.nodes[place as usize];
        node.newer = NONE;
        node.older = older;
        match older {
            NONE => self.oldest = place,
            older => self.nodes[older as usize].newer = place,
        }
    }
}
