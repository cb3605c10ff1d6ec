//! The directories as this process has last seen them. Whoever writes one says which version it was made of, so what
//! is remembered may be out of date: then the server refuses it.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::directory::Directory;
use super::names::Names;

/// A directory, as it was on the server.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) directory: Directory,
    /// The number of this version; 0 when there is none yet.
    pub(super) number: u64,
    /// The run of the server that has given it this number.
    pub(super) run: u32,
}

/// What is remembered of a namespace.
pub(super) enum Memory {
    /// Its directory, which is likely to be as it was.
    Fresh(Known),
    /// Others change it, too; this was the number of the last version, and what entries were named by.
    Doubtful { number: u64, names: Names },
}

/// Of all namespaces. Nobody waits for the lock, so none can be left behind by a fork.
#[derive(Default)]
pub(super) struct Remembered(Mutex<HashMap<u128, Memory>>);

impl Remembered {
    /// What is remembered; others find nothing until it is kept again.
    pub(super) fn take(&self, id: u128) -> Option<Memory> {
        self.0.try_lock()?.remove(&id)
    }

    pub(super) fn keep(&self, id: u128, memory: Memory) {
        if let Some(mut all) = self.0.try_lock() {
            all.insert(id, memory);
        }
    }

    /// What the entries of a namespace were named by.
    pub(super) fn names(&self, id: u128) -> Option<Names> {
        match self.0.try_lock()?.get(&id)? {
            Memory::Fresh(known) => Some(known.directory.names()),
            Memory::Doubtful { names, .. } => Some(*names),
        }
    }
}
