//! Single flight on a store: who of this process computes a key, and the lease that this one has against all others.
//!
//! In this process, callers of one key wait for a [`Flight`], as they do with `scope = process`; its runner alone
//! asks the store for the lease. When it is done, those who have waited get the bytes of its value.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::ops::DerefMut;
use std::collections::HashMap;
use std::thread;

use super::error::{Error, Kind};
use super::lease::Lease;
use super::namespace::Namespace;
use super::store;
use crate::flight::{self, Flight, Inside, Landed, Waiting};
use crate::fork::{Forkable, Locked};
use crate::sync::Mutex;

type Key = Arc<[u8]>;
type Bytes = Vec<u8>;

/// The keys of one function that this process computes.
pub(super) struct Turns(Mutex<Flights>);

type Flights = HashMap<Key, Arc<Flight<Bytes>>>;

/// The right to compute a key, until it is dropped: then another caller has it.
pub(super) struct Turn {
    turns: &'static Turns,
    key: Key,
    /// Taken when it is over.
    turn: Option<flight::Turn<Bytes>>,
    /// Against other processes. Dropped before others of this one are woken.
    lease: Option<Lease>,
}

/// The place of a caller that waits for its turn.
pub(super) struct Seat {
    turns: &'static Turns,
    key: Key,
    flight: Arc<Flight<Bytes>>,
    waiting: Option<Waiting<Bytes>>,
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
    Value(Arc<Bytes>),
    Turn(Turn),
}

impl Turns {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Flights::new()))
    }

    pub(super) fn join(&'static self, key: &[u8]) -> Joined {
        let mut flights = self.0.lock();
        if let Some((key, flight)) = flights.get_key_value(key) {
            if flight.is_entered() {
                return Joined::Within;
            }
            let (key, flight) = (Arc::clone(key), Arc::clone(flight));
            let waiting = Some(flight.join());
            return Joined::Wait(Seat { turns: self, key, flight, waiting });
        }
        let (key, turn) = (Key::from(key), Flight::begin());
        flights.insert(Arc::clone(&key), Arc::clone(turn.flight()));
        Joined::Turn(Turn { turns: self, key, turn: Some(turn), lease: None })
    }

    fn forget_if_vacant(&self, key: &Key, flight: &Arc<Flight<Bytes>>) {
        let mut flights = self.0.lock();
        if flight.is_vacant() && flights.get(key).is_some_and(|current| Arc::ptr_eq(current, flight)) {
            flights.remove(key);
        }
    }
}

impl Turn {
    /// Waits until no other process computes the key.
    pub(super) fn lease(&mut self, space: &Namespace) -> Result<(), Error> {
        self.lease = Some(store()?.lease(space, &self.key)?);
        Ok(())
    }

    /// As [`lease`](Self::lease), as a task: if another process computes it, a thread waits for this one.
    pub(super) async fn lease_as_task(&mut self, space: &'static Namespace) -> Result<(), Error> {
        self.lease = store()?.try_lease(space, &self.key)?;
        if self.lease.is_some() {
            return Ok(());
        }
        let (answer, key) = (Flight::begin(), Arc::clone(&self.key));
        let answered = answer.flight().join();
        let wait = move || {
            answer.land(Arc::new(Mutex::new(Some(store().and_then(|store| store.lease(space, &key))))))
        };
        thread::Builder::new().name("lru-memo lease".into()).spawn(wait).map_err(|error| {
            Error::new(Kind::Unavailable, format!("there is no thread to wait for a turn: {error}"))
        })?;
        let lease = match answered.await {
            Landed::Value(lease) => lease.lock().take(),
            Landed::YourTurn(_) => None,
        };
        let failed = || Err(Error::new(Kind::Unavailable, "waiting for a turn has failed"));
        self.lease = Some(lease.unwrap_or_else(failed)?);
        Ok(())
    }

    pub(super) fn enter(&mut self) -> Option<Inside<'_>> {
        self.turn.as_mut().map(flight::Turn::enter)
    }

    pub(super) async fn inside<F: Future>(&mut self, body: F) -> F::Output {
        match &mut self.turn {
            Some(turn) => turn.inside(body).await,
            None => body.await,
        }
    }

    /// Ends the turn of one who has computed a value, with its bytes. Without them, the turn passes to one who waits.
    pub(super) fn land(mut self, bytes: impl FnOnce() -> Option<Bytes>) {
        self.lease = None;
        let Some(turn) = self.turn.take() else { return };
        let forgotten = self.turns.0.lock().remove(&self.key);
        drop(forgotten);
        // Nobody can join any more.
        if turn.flight().has_waiters() {
            match bytes() {
                Some(bytes) => turn.land(Arc::new(bytes)),
                None => drop(turn.abandon()),
            }
        }
    }
}

/// The turn passes to one who waits.
impl Drop for Turn {
    fn drop(&mut self) {
        self.lease = None;
        if let Some(turn) = self.turn.take() {
            let flight = Arc::clone(turn.flight());
            if !turn.abandon() {
                self.turns.forget_if_vacant(&self.key, &flight);
            }
        }
    }
}

impl Seat {
    /// Waits on this thread.
    pub(super) fn block(mut self) -> Waited {
        let landed = self.waiting.take().expect(SEATED).block();
        self.landed(landed)
    }

    /// Waits as a task.
    pub(super) async fn wait(mut self) -> Waited {
        let landed = self.waiting.as_mut().expect(SEATED).await;
        self.landed(landed)
    }

    fn landed(&self, landed: Landed<Bytes>) -> Waited {
        match landed {
            Landed::Value(bytes) => Waited::Value(bytes),
            Landed::YourTurn(turn) => {
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

impl Forkable for Turns {
    fn lock(&self) -> Box<dyn Locked + '_> {
        Box::new(Held(self.0.lock()))
    }
}

/// The keys, in the lock, while the process forks.
struct Held<G>(G);

impl<G: DerefMut<Target = Flights>> Locked for Held<G> {
    fn forget_others(&mut self) {
        // Nobody will land what others were computing.
        core::mem::forget(core::mem::take(&mut *self.0));
    }
}
