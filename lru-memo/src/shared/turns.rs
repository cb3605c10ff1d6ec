//! Single flight on a store: one leader for each key in this process, and a lease against the leaders of other
//! processes.
//!
//! Within the process, callers of one key share a [`Flight`], as with `scope = process`. Only its leader asks the store
//! for the lease. The followers get the bytes of the leader's value.
//!
//! A process that clears or invalidates outdates its flights, so the next caller begins a new run beside the outdated one,
//! under the same lease. If another process clears or invalidates, followers find out by the ticket of the run: the
//! store says whether it is current.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::future::Future;
use core::hash::BuildHasher;
use core::time::Duration;
use std::collections::HashMap;
use std::thread;
use std::time::Instant;

use super::configured::store_for;
use super::error::Error;
use super::lease::Lease;
use super::namespace::Namespace;
use super::task::{self, Caller};
use super::{Store, Ticket};
use crate::flight::{self, Entered, Failure, Flight, Flights, HasFlights, Seat};
use crate::sys::fork::Own;
use crate::sys::sync::{Mutex, MutexGuard};

type KeyBytes = Arc<[u8]>;
type Bytes = Vec<u8>;

/// The flights and leases of one function in this process.
pub(super) struct Turns(Own<Mutex<FlightsAndLeases>>);

struct FlightsAndLeases {
    flights: Flights<KeyBytes, Run>,
    /// The leases of this process, for current and outdated flights. Its hasher hashes the keys of flights as well.
    leases: HashMap<KeyBytes, Weak<SharedLease>>,
}

/// A lease, shared by the current run of a key and the outdated ones. The mutex only makes it `Sync`; it is never
/// locked.
type SharedLease = Mutex<Lease>;

/// The value of a run, as bytes.
pub(super) struct Run {
    pub(super) bytes: Arc<Bytes>,
    /// The ticket of the run, if the store has issued one.
    pub(super) since: Option<Ticket>,
}

/// The error of a run.
pub(super) struct Failed {
    pub(super) error: Failure,
    /// The ticket of the run, if the store has issued one.
    pub(super) since: Option<Ticket>,
}

/// The right to compute a key in this process, with the lease. When it is dropped, the next follower gets the right.
pub(super) struct SharedTurn {
    turns: &'static Turns,
    key: KeyBytes,
    hash: u64,
    /// `None` once the turn has ended.
    turn: Option<flight::Turn<Run>>,
    /// The right against other processes. Dropped before followers in this process wake.
    lease: Option<Arc<SharedLease>>,
}

/// The role of a caller in the flight of its key.
pub(super) enum Role {
    /// The leader.
    Turn(SharedTurn),
    /// A follower.
    Wait(Seat<'static, Turns>),
    /// A recursive call by the leader, which runs the function and does not wait.
    Within,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self(Own::none())
    }

    fn lock(&self) -> MutexGuard<'_, FlightsAndLeases> {
        self.0.get_or_make(|| Mutex::new(FlightsAndLeases::new())).lock()
    }

    pub(super) fn join(&'static self, key: &[u8]) -> Role {
        let mut table = self.lock();
        let hash = table.hash(key);
        let found = table.flights.find(hash, |other| Some(**other == *key));
        if let Some(flight) = found.expect(COMPARED) {
            if flight.is_entered() {
                return Role::Within;
            }
            let waiting = flight.join();
            return Role::Wait(Seat::new(self, hash, flight, waiting));
        }
        let (key, turn) = (KeyBytes::from(key), Flight::begin());
        table.flights.insert(hash, Arc::clone(&key), &turn);
        Role::Turn(SharedTurn::new(self, key, hash, turn))
    }

    /// Outdates the run of this key: later callers do not join it.
    pub(super) fn outdate(&self, key: &[u8]) {
        let mut table = self.lock();
        let hash = table.hash(key);
        table.flights.outdate(hash, |other| Some(**other == *key)).expect(COMPARED);
    }

    /// Outdates all runs: later callers do not join them.
    pub(super) fn outdate_all(&self) {
        self.lock().flights.outdate_if(|_| true);
    }
}

const COMPARED: &str = "bytes are compared at once";

impl HasFlights for Turns {
    type Key = KeyBytes;
    type Value = Run;

    fn with_flights<R>(&self, act: impl FnOnce(&mut Flights<KeyBytes, Run>) -> R) -> R {
        act(&mut self.lock().flights)
    }
}

impl FlightsAndLeases {
    fn new() -> Self {
        Self { flights: Flights::new(), leases: HashMap::new() }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.leases.hasher().hash_one(key)
    }
}

impl SharedTurn {
    pub(super) fn new(turns: &'static Turns, key: KeyBytes, hash: u64, turn: flight::Turn<Run>) -> Self {
        Self { turns, key, hash, turn: Some(turn), lease: None }
    }

    /// Takes part in the lease of an outdated run in this process, if there is one, and returns whether there is.
    fn shares_lease(&mut self) -> bool {
        self.lease = self.turns.lock().leases.get(&self.key).and_then(Weak::upgrade);
        self.lease.is_some()
    }

    /// Waits for the lease, until no other process computes the key. At the deadline, goes on without a lease.
    pub(super) async fn lease(
        &mut self,
        space: &'static Namespace,
        caller: Caller,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        if self.shares_lease() {
            return Ok(());
        }
        let (store, key) = (store_for(caller).await?, Arc::clone(&self.key));
        let lease = match caller {
            Caller::Thread => lease(store, space, &key, deadline)?,
            Caller::Task if store.blocks() => {
                let tried = Arc::clone(&key);
                let free = task::in_pool(move || store.try_lease(space, &tried))
                    .await
                    .ok_or_else(task::forked)??;
                let lease = wait_for(store, space, key, free, deadline).await?;
                lease.map(|lease| Lease::new(EndsLater(Some(lease))))
            }
            Caller::Task => {
                // If the attempt would have blocked, `free` is `None`, and a thread waits for the lease.
                let free = task::without_waiting(|| store.try_lease(space, &key)).transpose()?.flatten();
                wait_for(store, space, key, free, deadline).await?
            }
        };
        lease.into_iter().for_each(|lease| self.hold(lease));
        Ok(())
    }

    /// Takes the lease if no other process computes the key, and returns whether it is taken.
    pub(super) async fn try_lease(
        &mut self,
        space: &'static Namespace,
        caller: Caller,
    ) -> Result<bool, Error> {
        if self.shares_lease() {
            return Ok(true);
        }
        let (store, key) = (store_for(caller).await?, Arc::clone(&self.key));
        let here = match caller {
            Caller::Thread => Some(store.try_lease(space, &key)?),
            Caller::Task if store.blocks() => None,
            Caller::Task => task::without_waiting(|| store.try_lease(space, &key)).transpose()?,
        };
        let lease = match here {
            Some(lease) => lease,
            None => {
                let lease = task::in_pool(move || store.try_lease(space, &key)).await;
                lease.ok_or_else(task::forked)??.map(|lease| Lease::new(EndsLater(Some(lease))))
            }
        };
        let is_taken = lease.is_some();
        lease.into_iter().for_each(|lease| self.hold(lease));
        Ok(is_taken)
    }

    fn hold(&mut self, lease: Lease) {
        let lease = Arc::new(Mutex::new(lease));
        self.turns.lock().leases.insert(Arc::clone(&self.key), Arc::downgrade(&lease));
        self.lease = Some(lease);
    }

    /// Ends the lease, unless another run shares it.
    fn end_lease(&mut self) {
        if self.lease.take().is_some() {
            let mut table = self.turns.lock();
            if table.leases.get(&self.key).is_some_and(|lease| lease.strong_count() == 0) {
                table.leases.remove(&self.key);
            }
        }
    }

    pub(super) fn enter(&mut self) -> Option<Entered<'_>> {
        self.turn.as_ref().map(flight::Turn::enter)
    }

    /// As [`flight::Turn::inside`].
    pub(super) fn inside<F: Future>(turn: Option<&mut Self>, body: F) -> impl Future<Output = F::Output> {
        flight::Turn::inside(turn.and_then(|turn| turn.turn.as_mut()), body)
    }

    /// Ends the turn with a value, which all followers get.
    pub(super) fn land(mut self, run: Run) {
        self.end_lease();
        if let Some(turn) = self.turn.take() {
            turn.land_in(self.turns, self.hash, || run);
        }
    }

    /// Ends the turn with an error, of which each follower gets a copy.
    pub(super) fn fail(mut self, since: Option<Ticket>, copy: impl Fn() -> Option<Failure>) {
        self.end_lease();
        if let Some(turn) = self.turn.take() {
            let copy = || copy().map(|error| Box::new(Failed { error, since }) as Failure);
            turn.fail_in(self.turns, self.hash, copy);
        }
    }
}

/// Waits for the lease on behalf of a task, on another thread, unless the lease was free.
async fn wait_for(
    store: &'static dyn Store,
    space: &'static Namespace,
    key: KeyBytes,
    free: Option<Lease>,
    deadline: Option<Instant>,
) -> Result<Option<Lease>, Error> {
    match free {
        Some(lease) => Ok(Some(lease)),
        None => {
            task::on_new_thread(move || lease(store, space, &key, deadline)).await.ok_or_else(task::forked)?
        }
    }
}

/// The first and the longest pause between two attempts of a thread with a deadline to get a lease.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(20));

/// Waits for a lease. Returns `None` at the deadline.
fn lease(
    store: &dyn Store,
    space: &Namespace,
    key: &[u8],
    deadline: Option<Instant>,
) -> Result<Option<Lease>, Error> {
    let Some(deadline) = deadline else { return store.lease(space, key).map(Some) };
    let mut pause = PAUSES.0;
    loop {
        let lease = store.try_lease(space, key)?;
        let left = deadline.saturating_duration_since(Instant::now());
        if lease.is_some() || left.is_zero() {
            return Ok(lease);
        }
        thread::sleep(pause.min(left));
        pause = (2 * pause).min(PAUSES.1);
    }
}

/// A lease of a task. Ending it may block, so a thread of the pool ends it.
struct EndsLater(Option<Lease>);

impl Drop for EndsLater {
    fn drop(&mut self) {
        let lease = self.0.take();
        task::later(move || drop(lease));
    }
}

/// Passes the turn to the first follower.
impl Drop for SharedTurn {
    fn drop(&mut self) {
        self.end_lease();
        if let Some(turn) = self.turn.take() {
            turn.abandon_in(self.turns, self.hash);
        }
    }
}
