//! The flights of one cache, or of one function with a store, by key.
//!
//! Keys may be the user's, whose comparison must not run in the table's lock. So the table compares no keys: the caller of a
//! search says which keys are known to be equal or different, and gets back a key that must be compared first.
//!
//! A run that began before a clear, or an invalidation of its key, is outdated: no later call may get its value. Its flight
//! stays in the table until it ends, so that recursive calls of its leader still find it. Nobody else does, and the next
//! caller begins a flight beside it. So a key has at most one current flight, and any number of outdated ones.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::HashTable;

use super::{Failure, Flight, Turn};

/// The flights of one cache or function.
pub struct Flights<K, V>(HashTable<Keyed<K, V>>);

/// A flight with its key.
struct Keyed<K, V> {
    hash: u64,
    key: K,
    flight: Arc<Flight<V>>,
    is_outdated: bool,
}

/// An owner of flights, which are behind its lock.
pub trait HasFlights {
    /// The key of a flight.
    type Key;
    /// The value of a flight.
    type Value;

    /// Runs `act` in the lock.
    fn with_flights<R>(&self, act: impl FnOnce(&mut Flights<Self::Key, Self::Value>) -> R) -> R;
}

impl<K, V> Flights<K, V> {
    pub(crate) const fn new() -> Self {
        Self(HashTable::new())
    }

    /// Adds the flight of a turn. The key has no current flight.
    pub(crate) fn insert(&mut self, hash: u64, key: K, turn: &Turn<V>) {
        let flight = Arc::clone(turn.flight());
        let keyed = Keyed { hash, key, flight, is_outdated: false };
        self.0.insert_unique(hash, keyed, |keyed| keyed.hash);
    }

    /// Returns the flight of a key that the calling thread is inside of, or else the current one.
    ///
    /// # Errors
    /// A key that must be compared first: `is_equal` has returned `None` for it.
    pub(crate) fn find(
        &mut self,
        hash: u64,
        is_equal: impl Fn(&K) -> Option<bool>,
    ) -> Result<Option<Arc<Flight<V>>>, K>
    where
        K: Clone,
    {
        let mut found = None;
        self.for_each_of(hash, is_equal, |keyed| {
            if keyed.flight.is_entered() || (found.is_none() && !keyed.is_outdated) {
                found = Some(Arc::clone(&keyed.flight));
            }
        })?;
        Ok(found)
    }

    /// Outdates the flight of a key.
    ///
    /// # Errors
    /// A key that must be compared first: `is_equal` has returned `None` for it.
    pub(crate) fn outdate(&mut self, hash: u64, is_equal: impl Fn(&K) -> Option<bool>) -> Result<(), K>
    where
        K: Clone,
    {
        self.for_each_of(hash, is_equal, |keyed| keyed.is_outdated = true)
    }

    /// Outdates the flights of all keys for which the predicate holds.
    pub(crate) fn outdate_if(&mut self, belongs: impl Fn(&K) -> bool) {
        for keyed in self.0.iter_mut().filter(|keyed| belongs(&keyed.key)) {
            keyed.is_outdated = true;
        }
    }

    fn for_each_of(
        &mut self,
        hash: u64,
        is_equal: impl Fn(&K) -> Option<bool>,
        mut act: impl FnMut(&mut Keyed<K, V>),
    ) -> Result<(), K>
    where
        K: Clone,
    {
        for keyed in self.0.iter_hash_mut(hash).filter(|keyed| keyed.hash == hash) {
            if is_equal(&keyed.key).ok_or_else(|| keyed.key.clone())? {
                act(keyed);
            }
        }
        Ok(())
    }

    /// Removes a flight. The caller drops the returned key outside of the lock.
    fn remove(&mut self, hash: u64, flight: &Arc<Flight<V>>) -> Option<impl Sized + use<K, V>> {
        let found = self.0.find_entry(hash, |keyed| Arc::ptr_eq(&keyed.flight, flight));
        found.ok().map(|found| found.remove().0)
    }
}

impl<V> Turn<V> {
    /// Removes the flight from the table, and gives the value to the followers, if there are any.
    pub(crate) fn land_in(self, owner: &impl HasFlights<Value = V>, hash: u64, value: impl FnOnce() -> V) {
        if !self.flight.is_here() {
            return self.land(Arc::new(value()));
        }
        self.close(owner, hash);
        if self.flight.has_waiters() {
            self.land(Arc::new(value()));
        }
    }

    /// Removes the flight from the table, and gives each follower a copy of the error. If it cannot be copied, the turn
    /// passes to the first follower.
    pub(crate) fn fail_in(
        self,
        owner: &impl HasFlights<Value = V>,
        hash: u64,
        copy: impl Fn() -> Option<Failure>,
    ) {
        if !self.flight.is_here() {
            return;
        }
        self.close(owner, hash);
        let errors: Option<Vec<Failure>> = (0..self.flight.waiters()).map(|_| copy()).collect();
        if let Some(errors) = errors {
            self.fail(errors);
        }
    }

    /// Passes the turn to the first follower. Without a follower, removes the flight from the table.
    pub(crate) fn abandon_in(self, owner: &impl HasFlights<Value = V>, hash: u64) {
        let flight = Arc::clone(&self.flight);
        if !self.abandon() {
            remove_if_vacant(owner, hash, &flight);
        }
    }

    /// Removes the flight from the table: from here on, no caller can join it.
    fn close(&self, owner: &impl HasFlights<Value = V>, hash: u64) {
        let _dropped_outside = owner.with_flights(|flights| flights.remove(hash, &self.flight));
    }
}

pub(super) fn remove_if_vacant<V>(owner: &impl HasFlights<Value = V>, hash: u64, flight: &Arc<Flight<V>>) {
    if !flight.is_here() {
        return;
    }
    let _dropped_outside =
        owner.with_flights(|flights| flight.is_vacant().then(|| flights.remove(hash, flight)));
}
