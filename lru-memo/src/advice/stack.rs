//! The LRU stack of Mattson et al. (1970): keys, the most recent first. A key is in a cache of `n` entries if it is among
//! the first `n`.
//!
//! Searches walk over the keys, which lie side by side: for some thousands of them this takes less time than a tree, and
//! a quarter of its memory.

use alloc::collections::VecDeque;

/// In place of a key that was removed. The next key that comes takes this place rather than moving those behind it, as in
/// a cache that has room.
const HOLE: u32 = 0;

/// Recent keys, up to a depth.
pub(super) struct Stack {
    keys: VecDeque<u32>,
    deepest: usize,
    holes: usize,
    /// A key that is not there: the last one that was searched for in vain. It comes next, as a rule.
    absent: u32,
}

impl Stack {
    pub(super) fn new(deepest: usize) -> Self {
        Self { keys: VecDeque::new(), deepest, holes: 0, absent: HOLE }
    }

    /// Makes a stack of these keys and holes.
    #[cfg(feature = "_stores")]
    pub(super) fn of(deepest: usize, keys: VecDeque<u32>) -> Self {
        let holes = keys.iter().filter(|&&key| key == HOLE).count();
        Self { keys, deepest, holes, absent: HOLE }
    }

    /// Returns the keys and holes, the most recent first.
    #[cfg(feature = "_stores")]
    pub(super) fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.keys.iter().copied()
    }

    /// Returns where a key is, from 0 for the most recent one.
    pub(super) fn position(&mut self, key: u32) -> Option<usize> {
        if key == self.absent {
            return None;
        }
        let position = self.search(key);
        if position.is_none() {
            self.absent = key;
        }
        position
    }

    fn search(&self, key: u32) -> Option<usize> {
        let (first, second) = self.keys.as_slices();
        position(first, key).or_else(|| Some(first.len() + position(second, key)?))
    }

    /// Makes a key the most recent one. Its position is given, if it is there.
    pub(super) fn touch(&mut self, key: u32, position: Option<usize>) {
        let before = position.unwrap_or(self.keys.len());
        match self.first_hole(before) {
            Some(hole) => {
                // Those between the hole and the key stay where they are.
                if let Some(position) = position {
                    self.keys[position] = HOLE;
                } else {
                    self.holes -= 1;
                }
                self.keys.remove(hole);
            }
            None => match position {
                Some(position) => _ = self.keys.remove(position),
                None if self.keys.len() == self.deepest => _ = self.keys.pop_back(),
                None => {}
            },
        }
        self.keys.push_front(key);
        if key == self.absent {
            self.absent = HOLE;
        }
    }

    /// Removes the key at a position.
    pub(super) fn remove(&mut self, position: usize) {
        self.keys[position] = HOLE;
        self.holes += 1;
    }

    /// Returns how many keys it has room for.
    pub(super) fn deepest(&self) -> usize {
        self.deepest
    }

    fn first_hole(&self, before: usize) -> Option<usize> {
        if self.holes == 0 { None } else { self.search(HOLE).filter(|&hole| hole < before) }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.holes = 0;
    }

    /// Removes all keys, and returns how many there were.
    pub(super) fn take(&mut self) -> usize {
        let keys = self.keys.len() - self.holes;
        self.clear();
        keys
    }
}

/// Compares many keys at a time, which the compiler does with vector instructions.
fn position(keys: &[u32], key: u32) -> Option<usize> {
    const MANY: usize = 64;
    let is_in = |chunk: &[u32]| chunk.iter().fold(0, |found, &other| found | u32::from(other == key)) != 0;
    let chunk = keys.chunks(MANY).position(is_in)?;
    let rest = &keys[chunk * MANY..];
    rest.iter().position(|&other| other == key).map(|at| chunk * MANY + at)
}
