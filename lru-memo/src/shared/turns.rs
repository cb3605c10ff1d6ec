//! Single flight on a store: who of this process computes a key, and the lease that this one has against all others.
//!
//! In this process, callers of one key wait for a [`Flight`], as they do with `scope = process`; its runner alone
//! asks the store for the lease. When it is done, those who have waited get the bytes of its value.
//!
//! A run that began before a clear, or an invalidation of its key, is outdated: who calls later must not get its value.
//! This process forgets flights when it clears or invalidates, as with `scope = process`; the next caller begins a run
//! beside the outdated one, under the same lease. What other processes do is seen by the ticket of the run: the store
//! tells those who have waited whether it is current.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::future::Future;
use core::time::Duration;
use std::collections::HashMap;
use std::thread;
use std::time::Instant;

use super::error::Error;
use super::lease::Lease;
use super::namespace::Namespace;
use super::task::{self, Caller};
use super::{Store, Ticket};
use crate::flight::{self, Failure, Flight, Inside, Landed, Waiting};
use crate::fork::Own;
use crate::sync::{Mutex, MutexGuard};

type Key = Arc<[u8]>;
type Bytes = Vec<u8>;

/// The keys of one function that this process computes.
pub(super) struct Turns(Own<Mutex<Table>>);

#[derive(Default)]
struct Table {
    /// Those that may be joined.
    flights: HashMap<Key, Arc<Flight<Run>>>,
    /// Those that this process has forgotten, as long as they last.
    outdated: Vec<(Key, Weak<Flight<Run>>)>,
    /// The leases of this process, also those of flights that are outdated.
    leases: HashMap<Key, Weak<SharedLease>>,
}

/// A lease of one run, or of several, of which all but the last are outdated. The lock makes it `Sync`; nobody takes it.
type SharedLease = Mutex<Lease>;

/// What a run has come to.
pub(super) struct Run {
    pub(super) bytes: Arc<Bytes>,
    /// When it began, if the store has told.
    pub(super) since: Option<Ticket>,
}

/// The error that a run has come to.
pub(super) struct Failed {
    pub(super) error: Failure,
    /// When it began, if the store has told.
    pub(super) since: Option<Ticket>,
}

/// The right to compute a key, until it is dropped: then another caller has it.
pub(super) struct Turn {
    turns: &'static Turns,
    key: Key,
    /// Taken when it is over.
    turn: Option<flight::Turn<Run>>,
    /// Against other processes. Dropped before others of this one are woken.
    lease: Option<Arc<SharedLease>>,
}

/// The place of a caller that waits for its turn.
pub(super) struct Seat {
    turns: &'static Turns,
    key: Key,
    flight: Arc<Flight<Run>>,
    waiting: Option<Waiting<Run>>,
}

/// What a caller of a key is to do.
pub(super) enum Joined {
    /// Take its turn.
    Turn(Turn),
    /// Wait.
    Wait(Seat),
    /// Run: it is called by the one whose turn it is.
    Within,
}

/// What a caller has waited for.
pub(super) enum Waited {
    Value(Arc<Run>),
    Error(Failed),
    Turn(Turn),
    /// The deadline has passed.
    Late,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self(Own::none())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.get_or_make(Mutex::default).lock()
    }

    pub(super) fn join(&'static self, key: &[u8]) -> Joined {
        if self.is_within_outdated(key) {
            return Joined::Within;
        }
        let mut table = self.lock();
        if let Some((key, flight)) = table.flights.get_key_value(key) {
            if flight.is_entered() {
                return Joined::Within;
            }
            let (key, flight) = (Arc::clone(key), Arc::clone(flight));
            let waiting = Some(flight.join());
            return Joined::Wait(Seat { turns: self, key, flight, waiting });
        }
        let (key, turn) = (Key::from(key), Flight::begin());
        table.flights.insert(Arc::clone(&key), Arc::clone(turn.flight()));
        Joined::Turn(Turn { turns: self, key, turn: Some(turn), lease: None })
    }

    /// Keeps later callers from waiting for what is being computed now for this key.
    pub(super) fn forget(&self, key: &[u8]) {
        let mut table = self.lock();
        let forgotten = table.flights.remove_entry(key);
        table.note_outdated(forgotten);
    }

    /// Keeps later callers from waiting for whatever is being computed now.
    pub(super) fn forget_all(&self) {
        let mut table = self.lock();
        let forgotten = core::mem::take(&mut table.flights);
        table.note_outdated(forgotten);
    }

    /// Whether the calling thread is inside of a run of this key that is outdated.
    fn is_within_outdated(&self, key: &[u8]) -> bool {
        let outdated: Vec<_> = {
            let table = self.lock();
            let of_key = table.outdated.iter().filter(|(other, _)| **other == *key);
            of_key.filter_map(|(_, flight)| flight.upgrade()).collect()
        };
        outdated.iter().any(|flight| flight.is_entered())
    }

    fn forget_if_vacant(&self, key: &Key, flight: &Arc<Flight<Run>>) {
        if !flight.is_here() {
            return;
        }
        let mut table = self.lock();
        if flight.is_vacant() {
            table.remove(key, flight);
        }
    }
}

impl Table {
    /// Notes flights that were forgotten. Whoever has their turn, or waits for them, keeps them.
    fn note_outdated(&mut self, forgotten: impl IntoIterator<Item = (Key, Arc<Flight<Run>>)>) {
        self.outdated.retain(|(_, flight)| flight.strong_count() > 0);
        self.outdated.extend(forgotten.into_iter().map(|(key, flight)| (key, Arc::downgrade(&flight))));
    }

    fn remove(&mut self, key: &Key, flight: &Arc<Flight<Run>>) {
        if self.flights.get(key).is_some_and(|current| Arc::ptr_eq(current, flight)) {
            self.flights.remove(key);
        }
    }
}

impl Turn {
    /// Waits until no other process computes the key, or until the deadline: then there is no lease.
    pub(super) async fn lease(
        &mut self,
        space: &'static Namespace,
        caller: Caller,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let shared = self.turns.lock().leases.get(&self.key).and_then(Weak::upgrade);
        if shared.is_some() {
            self.lease = shared;
            return Ok(());
        }
        let (store, key) = (task::store(caller).await?, Arc::clone(&self.key));
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
                // What would have to wait is waited for.
                let free = task::without_waiting(|| store.try_lease(space, &key)).transpose()?.flatten();
                wait_for(store, space, key, free, deadline).await?
            }
        };
        let Some(lease) = lease else { return Ok(()) };
        let lease = Arc::new(Mutex::new(lease));
        self.turns.lock().leases.insert(Arc::clone(&self.key), Arc::downgrade(&lease));
        self.lease = Some(lease);
        Ok(())
    }

    /// Gives the lease up, unless another run has it, too.
    fn end_lease(&mut self) {
        if self.lease.take().is_some() {
            let mut table = self.turns.lock();
            if table.leases.get(&self.key).is_some_and(|lease| lease.strong_count() == 0) {
                table.leases.remove(&self.key);
            }
        }
    }

    pub(super) fn enter(&mut self) -> Option<Inside<'_>> {
        self.turn.as_ref().map(flight::Turn::enter)
    }

    pub(super) async fn inside<F: Future>(&mut self, body: F) -> F::Output {
        match &mut self.turn {
            Some(turn) => turn.inside(body).await,
            None => body.await,
        }
    }

    /// Ends the turn of one who has computed a value, with its bytes.
    pub(super) fn land(mut self, run: Run) {
        self.end_lease();
        let Some(turn) = self.turn.take() else { return };
        // Nobody can join any more.
        if turn.flight().is_here() {
            self.turns.lock().remove(&self.key, turn.flight());
        }
        turn.land(Arc::new(run));
    }
}

impl Turn {
    /// Ends the turn of one whose run has come to an error, with copies of it.
    pub(super) fn fail(mut self, since: Option<Ticket>, copy: impl Fn() -> Option<Failure>) {
        let Some(turn) = self.turn.take() else { return };
        if !turn.flight().is_here() {
            return;
        }
        self.turns.lock().remove(&self.key, turn.flight());
        // Nobody can join any more.
        let copies = (0..turn.flight().waiters()).map(|_| copy().map(|error| Failed { error, since }));
        let errors: Option<Vec<Failure>> =
            copies.map(|failed| failed.map(|failed| Box::new(failed) as Failure)).collect();
        self.end_lease();
        if let Some(errors) = errors {
            turn.fail(errors);
        }
    }
}

/// If another process computes the key, a thread waits for a task.
async fn wait_for(
    store: &'static dyn Store,
    space: &'static Namespace,
    key: Key,
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

/// How long a thread with a deadline sleeps at first, and at most, before it asks again for a lease.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(20));

/// Waits for a lease. Returns `None` when the deadline has passed before.
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

/// A lease of a task, which must not wait for its end either.
struct EndsLater(Option<Lease>);

impl Drop for EndsLater {
    fn drop(&mut self) {
        let lease = self.0.take();
        task::later(move || drop(lease));
    }
}

/// The turn passes to one who waits.
impl Drop for Turn {
    fn drop(&mut self) {
        self.end_lease();
        if let Some(turn) = self.turn.take() {
            let flight = Arc::clone(turn.flight());
            if !turn.abandon() {
                self.turns.forget_if_vacant(&self.key, &flight);
            }
        }
    }
}

impl Seat {
    pub(super) async fn wait(mut self, caller: Caller, deadline: Option<Instant>) -> Waited {
        let landed = match caller {
            Caller::Thread => self.waiting.take().expect(SEATED).block(deadline),
            Caller::Task => self.waiting.as_mut().expect(SEATED).wait(deadline).await,
        };
        match landed {
            None => Waited::Late,
            Some(Landed::Value(run)) => Waited::Value(run),
            Some(Landed::Error(failed)) => {
                Waited::Error(*failed.downcast().expect("a turn fails with nothing else"))
            }
            Some(Landed::YourTurn(turn)) => {
                let (turns, key) = (self.turns, Arc::clone(&self.key));
                Waited::Turn(Turn { turns, key, turn: Some(turn), lease: None })
            }
        }
    }
}

const SEATED: &str = "whoever has a seat is waiting";

impl Drop for Seat {
    fn drop(&mut self) {
        // A waiter that is given up passes its turn on; when nobody wants it, the flight is over.
        drop(self.waiting.take());
        self.turns.forget_if_vacant(&self.key, &self.flight);
    }
}
