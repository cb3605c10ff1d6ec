//! The directories as this process has last seen them. Whoever writes one says which version it was made of, so what
//! is remembered may be out of date: then the server refuses it.

use std::collections::HashMap;

use super::directory::Directory;
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
    /// Others change it, too; this was the number of the last version.
    Doubtful(u64),
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

    /// The generation of a namespace, as it was.
    pub(super) fn generation(&self, id: u128) -> Option<u64> {
        match self.lock().get(&id)? {
            Memory::Fresh(known) => Some(known.directory.generation),
            Memory::Doubtful(_) => None,
        }
    }
}
