//! A follower's place in a flight of a table.

use alloc::sync::Arc;
use core::time::Duration;

use super::table::{HasFlights, remove_if_vacant};
use super::{Flight, Landed, Waiting};
use crate::sys::clock::Instant;

/// A follower's place in a flight of a table. Dropping it leaves the flight.
pub struct Seat<'o, O: HasFlights> {
    owner: &'o O,
    hash: u64,
    flight: Arc<Flight<O::Value>>,
    /// `None` once the wait has ended.
    waiting: Option<Waiting<O::Value>>,
}

impl<'o, O: HasFlights> Seat<'o, O> {
    /// Takes the place of a follower that joined a flight, which was found in the owner's table.
    pub(crate) fn new(
        owner: &'o O,
        hash: u64,
        flight: Arc<Flight<O::Value>>,
        waiting: Waiting<O::Value>,
    ) -> Self {
        Self { owner, hash, flight, waiting: Some(waiting) }
    }

    pub(crate) fn owner(&self) -> &'o O {
        self.owner
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Waits on this thread. Returns `None` at the deadline.
    pub(crate) fn block(&mut self, deadline: Option<Instant>) -> Option<Landed<O::Value>> {
        self.waiting.take().expect(SEATED).block(deadline)
    }

    /// Waits as a task. Returns `None` at the deadline.
    pub(crate) async fn wait(&mut self, deadline: Option<Instant>) -> Option<Landed<O::Value>> {
        self.waiting.as_mut().expect(SEATED).wait(deadline).await
    }
}

const SEATED: &str = "a follower waits once";

impl<O: HasFlights> Drop for Seat<'_, O> {
    fn drop(&mut self) {
        // A dropped follower passes its turn on. If no follower is left, the flight is over.
        drop(self.waiting.take());
        remove_if_vacant(self.owner, self.hash, &self.flight);
    }
}

/// Returns the deadline of a wait that begins now, or `None` for a limit that the clock cannot represent.
pub(crate) fn deadline(limit: Option<Duration>) -> Option<Instant> {
    limit.and_then(|limit| Instant::now().checked_add(limit))
}
