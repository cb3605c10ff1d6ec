//! The directories that this process has seen last. They may be outdated: a write names the version that it was derived
//! from, and the server refuses it if that is not the current one.

use std::collections::HashMap;

use super::directory::Directory;
use super::names::Names;
use crate::sys::fork::Own;
use crate::sys::sync::{Mutex, MutexGuard};

/// A directory as it was on the server.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) directory: Directory,
    /// The number of this version, or 0 if there is no directory yet.
    pub(super) number: u64,
    /// The run of the server in which it has given this number.
    pub(super) run: u32,
}

/// The memory of one namespace.
pub(super) enum LastSeen {
    /// The directory, which is probably still the current one.
    Fresh(Known),
    /// Other processes change the directory, too. The number of the last version, and what the names of entries were
    /// made of.
    Doubtful { number: u64, names: Names },
}

/// The memory of all namespaces.
pub(super) struct Remembered(Own<Mutex<HashMap<u128, LastSeen>>>);

impl Remembered {
    pub(super) const fn new() -> Self {
        Self(Own::none())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u128, LastSeen>> {
        self.0.get_or_make(Mutex::default).lock()
    }

    /// Takes the memory of a namespace. Other threads find none until it is kept again.
    pub(super) fn take(&self, id: u128) -> Option<LastSeen> {
        self.lock().remove(&id)
    }

    pub(super) fn keep(&self, id: u128, seen: LastSeen) {
        self.lock().insert(id, seen);
    }

    /// Returns what the names of a namespace's entries were made of.
    pub(super) fn names(&self, id: u128) -> Option<Names> {
        match self.lock().get(&id)? {
            LastSeen::Fresh(known) => Some(known.directory.names()),
            LastSeen::Doubtful { names, .. } => Some(*names),
        }
    }
}
