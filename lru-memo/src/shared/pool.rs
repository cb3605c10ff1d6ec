//! Connections to a server that nobody is using at the moment.

use parking_lot::Mutex;

use crate::fork::Own;

/// How many are kept.
const KEPT: usize = 32;

/// Connections that nobody is using. Nobody waits for a lock here, so none is left behind by a fork.
pub(super) struct Pool<C> {
    idle: [Mutex<Option<C>>; KEPT],
    /// Says that they are those of this process: the child of a fork must not use those of its parent.
    are_mine: Own<()>,
}

impl<C> Pool<C> {
    pub(super) fn new() -> Self {
        Self { idle: [const { Mutex::new(None) }; KEPT], are_mine: Own::none() }
    }

    pub(super) fn take(&self) -> Option<C> {
        if self.are_mine.get().is_none() {
            self.clear();
            self.are_mine.get_or_make(|| ());
        }
        self.idle.iter().find_map(|place| place.try_lock()?.take())
    }

    /// Keeps a connection for others; where there are enough, it is closed.
    pub(super) fn keep(&self, connection: C) {
        let vacant = self.idle.iter().find_map(|place| place.try_lock().filter(|place| place.is_none()));
        if let Some(mut vacant) = vacant {
            *vacant = Some(connection);
        }
    }

    /// Closes all.
    pub(super) fn clear(&self) {
        self.idle.iter().for_each(|place| drop(place.try_lock().and_then(|mut place| place.take())));
    }
}
