//! The directories as this process has last seen them. Whoever writes one says which version it was made of, so what
//! is remembered may be out of date: then the server refuses it.

use std::collections::HashMap;

use super::directory::Directory;
use super::names::Names;
use crate::fork::Own;
use crate::sync::{Mutex, MutexGuard};

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

/// Of all namespaces.
pub(super) struct Remembered(Own<Mutex<HashMap<u128, Memory>>>);

impl Remembered {
    pub(super) const fn new() -> Self {
        Self(Own::none())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Memory>> {
        self.0.get_or_make(Mutex::default).lock()
    }

    /// What is remembered; others find nothing until it is kept again.
    pub(super) fn take(&self, id: u128) -> Option<Memory> {
        self.lock().remove(&id)
    }

    pub(super) fn keep(&self, id: u128, memory: Memory) {
        self.lock().insert(id, memory);
    }

    /// What the entries of a namespace were named by.
    pub(super) fn names(&self, id: u128) -> Option<Names> {
        match self.lock().get(&id)? {
            Memory::Fresh(known) => Some(known.directory.names()),
            Memory::Doubtful { names, .. } => Some(*names),
        }
    }
}
