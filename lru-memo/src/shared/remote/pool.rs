//! A pool of idle connections to a server.

use parking_lot::Mutex;

use crate::sys::fork::Own;

/// The maximum number of idle connections.
const KEPT: usize = 32;

/// Idle connections. No thread waits for a lock here, so a lock that a fork copies in its locked state does no harm.
pub(in crate::shared) struct Pool<C> {
    idle: [Mutex<Option<C>>; KEPT],
    /// Set once this process owns the pool: the child of a fork must not use its parent's connections.
    are_mine: Own<()>,
}

impl<C> Pool<C> {
    pub(in crate::shared) fn new() -> Self {
        Self { idle: [const { Mutex::new(None) }; KEPT], are_mine: Own::none() }
    }

    pub(in crate::shared) fn take(&self) -> Option<C> {
        if self.are_mine.get().is_none() {
            self.clear();
            self.are_mine.get_or_make(|| ());
        }
        self.idle.iter().find_map(|place| place.try_lock()?.take())
    }

    /// Returns a connection to the pool, or closes it if the pool is full.
    pub(in crate::shared) fn keep(&self, connection: C) {
        let vacant = self.idle.iter().find_map(|place| place.try_lock().filter(|place| place.is_none()));
        if let Some(mut vacant) = vacant {
            *vacant = Some(connection);
        }
    }

    /// Closes all idle connections.
    pub(in crate::shared) fn clear(&self) {
        self.idle.iter().for_each(|place| drop(place.try_lock().and_then(|mut place| place.take())));
    }
}
