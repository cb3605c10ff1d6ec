//! `single_flight = true`: callers of one missing key wait for the caller that computes it.
//!
//! The flights of a cache are in a table, which the cache's lock protects. Keys are compared outside of the lock, as
//! those of entries are: a search is repeated until it has compared all keys in the table with its hash.

use crate::sys::clock::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::time::Duration;

use hashbrown::HashTable;

use crate::advice::Use;
use crate::cache::Cache;
use crate::cache::compared::Compared;
use crate::cache::kind::Kind;
use crate::cache::miss::Miss;
use crate::cache::stale::{ClaimedEntry, Old};
use crate::codegen::key::{Key, SameKey};
use crate::flight::{Failure, Flight, Landed, Turn, Waiting};
use crate::info::Outcome;
use crate::table::invalidations::SequenceNumber;
use crate::table::threading::Threading;
use crate::table::{Unfound, tag};

/// The flights of one cache.
pub(crate) struct InFlight<T: Threading, K, V>(HashTable<Keyed<T, K, V>>);

/// A flight with its key.
pub(crate) struct Keyed<T: Threading, K, V> {
    hash: u64,
    key: T::Pointer<K>,
    flight: Arc<Flight<V>>,
}

impl<T: Threading, K, V> InFlight<T, K, V> {
    pub(crate) const fn new() -> Self {
        Self(HashTable::new())
    }

    fn insert(&mut self, hash: u64, key: T::Pointer<K>, flight: Arc<Flight<V>>) {
        self.0.insert_unique(hash, Keyed { hash, key, flight }, |keyed| keyed.hash);
    }

    /// Removes the flights of all keys for which the predicate holds. The caller drops the returned flights outside of
    /// the lock.
    pub(crate) fn remove_all(&mut self, belongs: impl Fn(&K) -> bool) -> Vec<Keyed<T, K, V>> {
        self.0.extract_if(|keyed| belongs(&keyed.key)).collect()
    }

    /// Removes a flight. The caller drops the returned key outside of the lock.
    fn remove(&mut self, hash: u64, flight: &Arc<Flight<V>>) -> Option<impl Sized + use<T, K, V>> {
        let found = self.0.find_entry(hash, |keyed| Arc::ptr_eq(&keyed.flight, flight));
        found.ok().map(|found| found.remove().0)
    }

    /// Returns the flight whose key was compared and found equal, if it is still there, or a key that must be compared
    /// first.
    fn find(&self, hash: u64, compared: &Compared<T::Pointer<K>>) -> Match<T, K, V> {
        let mut equal = None;
        let is_among = |keys: &[T::Pointer<K>], key| keys.iter().any(|other| is_same::<T, K>(other, key));
        for keyed in self.0.iter_hash(hash).filter(|keyed| keyed.hash == hash) {
            if is_among(&compared.equal, &keyed.key) {
                equal = Some(Arc::clone(&keyed.flight));
            } else if !is_among(&compared.different, &keyed.key) {
                return Match::Unknown(keyed.key.clone());
            }
        }
        equal.map_or(Match::Nothing, Match::Flight)
    }
}

/// Whether two pointers are to one key.
pub(super) fn is_same<T: Threading, K>(left: &T::Pointer<K>, right: &T::Pointer<K>) -> bool {
    core::ptr::eq(&raw const **left, &raw const **right)
}

enum Match<T: Threading, K, V> {
    /// This key must be compared first.
    Unknown(T::Pointer<K>),
    Flight(Arc<Flight<V>>),
    Nothing,
}

/// The next step of a lookup.
enum Step<V, H, C> {
    Hit(H, Outcome),
    /// Copy the key, and look again.
    CopyKey,
    /// Copy the key for the table, and look again.
    ShareKey,
    Wait(Arc<Flight<V>>, Waiting<V>),
    /// Run the function: with the turn, or without one if the thread is inside the flight of this key already. It may be
    /// for an old entry, which is claimed.
    Run(C, SequenceNumber, Option<Turn<V>>, Option<ClaimedEntry<H>>),
}

impl<T: Threading, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Like [`get`](Self::get), for a function with `single_flight`.
    ///
    /// # Errors
    /// On a miss, what the caller does next: run the function, or wait for the leader.
    pub fn get_or_join<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Result<V, PendingOf<'_, T, P, K, V, S, Q>> {
        self.join(key, clone).map(|(value, _)| value).map_err(|(pending, _)| pending)
    }

    /// Like [`get_or_join`](Self::get_or_join), and tells the outcome of a hit. An old entry that the caller has claimed
    /// is a miss, with the old value.
    #[inline]
    pub(super) fn join<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Joined<V, PendingOf<'_, T, P, K, V, S, Q>> {
        if let Some(heir) = self.heir() {
            return heir.join(key, clone);
        }
        let hash = self.hash(key);
        let mine = self.table.join_in();
        if let Some(Ok(value)) = mine.map(|mine| self.look_without_lock(mine, hash, key, &clone)) {
            return Ok((value, Outcome::Hit));
        }
        let mut compared = Compared::new();
        // The key is copied before the caller joins a flight: the user's code that copies may call the function again,
        // and would wait for itself.
        let (mut stored, mut shared) = (None, None);
        loop {
            let mut next = |compared: &Compared<T::Pointer<K>>| {
                self.at(hash, key, |mut searched| {
                    let is_old = searched.is_old(self);
                    if searched.place.is_some() && !is_old {
                        return Ok(Step::Hit(searched.hit(self), Outcome::Hit));
                    }
                    let flight = match searched.ledger.in_flight.find(hash, compared) {
                        Match::Unknown(other) => return Err((other, ())),
                        Match::Flight(flight) => Some(flight),
                        Match::Nothing => None,
                    };
                    // In the child of a fork, nobody computes for a flight that began before.
                    let is_computed = flight.as_ref().is_some_and(|flight| flight.is_here());
                    if is_old && (is_computed || !searched.is_claimable(self)) {
                        return Ok(Step::Hit(searched.hit_old(self), Outcome::Stale));
                    }
                    if stored.is_none() {
                        return Ok(Step::CopyKey);
                    }
                    let runs_alone = flight.as_ref().is_some_and(|flight| is_old || flight.is_entered());
                    if let Some(flight) = flight.filter(|_| !runs_alone) {
                        searched.ledger.waits += 1;
                        let waiting = flight.join();
                        return Ok(Step::Wait(flight, waiting));
                    }
                    if !runs_alone && shared.is_none() {
                        return Ok(Step::ShareKey);
                    }
                    let claimed = if is_old { searched.claim(self) } else { None };
                    let ledger = searched.ledger;
                    let turn = shared.take().filter(|_| !runs_alone).map(|shared| {
                        let turn = if T::SHARED { Flight::begin() } else { Flight::begin_in_thread() };
                        ledger.in_flight.insert(hash, shared, Arc::clone(turn.flight()));
                        turn
                    });
                    ledger.misses += u64::from(claimed.is_none());
                    Ok(Step::Run(self.table.begin(), ledger.invalidations.newest(), turn, claimed))
                })
            };
            let step: Step<V, _, _> =
                compared.search((), |compared, ()| next(compared), |(), other| key.matches(other));
            match step {
                Step::Hit(kept, outcome) => return Ok((clone(kept.value()), outcome)),
                Step::CopyKey => stored = Some(key.to_stored()),
                Step::ShareKey => shared = Some(T::pointer(key.to_stored())),
                Step::Wait(flight, waiting) => {
                    let seat = Seat { cache: self, hash, flight, waiting: Some(waiting) };
                    let key_in_hand = stored.take().expect(COPIED);
                    let pending = Pending::Wait { seat, key: key_in_hand, same: key.same(), _unused: shared };
                    return Err((pending, None));
                }
                Step::Run(running, began_at, turn, claimed) => {
                    self.note(tag(hash), Use::Missed);
                    let key_in_hand = stored.take().expect(COPIED);
                    let begun = Some((running, began_at));
                    let mut miss =
                        Miss::new(self, key_in_hand, key.same(), hash, Unfound::UNSURE, begun, None);
                    miss.turn = turn;
                    let old = claimed.map(|entry| entry.old(clone));
                    return Err((Pending::Run(miss), old));
                }
            }
        }
    }

    /// Gives the value to the followers, and removes the flight from the table.
    pub(crate) fn land(&self, hash: u64, turn: Turn<V>, value: impl FnOnce() -> V) {
        if !turn.flight().is_here() {
            return turn.land(Arc::new(value()));
        }
        let _dropped_outside = self.table.with_ledger(|ledger| ledger.in_flight.remove(hash, turn.flight()));
        // From here on, no caller can join the flight.
        if turn.flight().has_waiters() {
            turn.land(Arc::new(value()));
        }
    }

    /// Gives each follower a copy of the error, and removes the flight from the table.
    pub(crate) fn fail(&self, hash: u64, turn: Turn<V>, copy: impl Fn() -> Option<Failure>) {
        if !turn.flight().is_here() {
            return;
        }
        let _dropped_outside = self.table.with_ledger(|ledger| ledger.in_flight.remove(hash, turn.flight()));
        // From here on, no caller can join the flight.
        let errors: Option<Vec<Failure>> = (0..turn.flight().waiters()).map(|_| copy()).collect();
        if let Some(errors) = errors {
            turn.fail(errors);
        }
    }

    /// Outdates the run of this key: later callers do not join it.
    pub(crate) fn forget_flight<Q: Key<K, S::Hasher>>(&self, hash: u64, key: Q) {
        Compared::new().search(
            (),
            |compared, ()| {
                let (unknown, _dropped_outside) = self.table.with_ledger(|ledger| {
                    let in_flight = &mut ledger.in_flight;
                    match in_flight.find(hash, compared) {
                        Match::Unknown(other) => (Err((other, ())), None),
                        Match::Flight(flight) => (Ok(()), in_flight.remove(hash, &flight)),
                        Match::Nothing => (Ok(()), None),
                    }
                });
                unknown
            },
            |(), other| key.matches(other),
        );
    }
}

/// What the caller of a missing key does next. It owns its copy of the key, because a waiting task borrows nothing.
pub enum Pending<'c, T: Threading, P: Kind, K, V, S, M> {
    /// The caller runs the function.
    Run(Miss<'c, T, P, K, V, S, M>),
    /// The caller waits for the leader.
    Wait {
        /// The caller's place in the flight.
        seat: Seat<'c, T, P, K, V, S>,
        /// The key.
        key: K,
        /// Compares it.
        same: M,
        /// A copy for the table that was not needed. Dropping it runs the user's code.
        _unused: Option<T::Pointer<K>>,
    },
}

/// The result of a wait: a value, an error, or a miss if the caller has to run the function.
type Waited<'c, T, P, K, V, S, M> = Result<(Result<V, Failure>, Outcome), Miss<'c, T, P, K, V, S, M>>;

/// The value of a hit, or what the caller does next, with the old value if it runs the function for that.
type Joined<V, N> = Result<(V, Outcome), (N, Option<Box<Old<V>>>)>;

/// What the caller that looked up a key `Q` does next.
type PendingOf<'c, T, P, K, V, S, Q> =
    Pending<'c, T, P, K, V, S, <Q as Key<K, <S as BuildHasher>::Hasher>>::Same>;

impl<'c, T, P, K, V, S, M> Pending<'c, T, P, K, V, S, M>
where
    T: Threading,
    P: Kind,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// Waits on this thread, no longer than the limit.
    ///
    /// # Errors
    /// A miss, when the caller has got the turn or has reached the limit: it then runs the function.
    pub fn block(self, limit: Option<Duration>, clone: impl Fn(&V) -> V) -> Waited<'c, T, P, K, V, S, M> {
        match self {
            Self::Run(miss) => Err(miss),
            Self::Wait { mut seat, key, same, _unused } => {
                let landed = seat.waiting.take().expect(SEATED).block(deadline(limit));
                seat.landed(landed, key, same, clone)
            }
        }
    }

    /// Waits as a task, no longer than the limit.
    ///
    /// # Errors
    /// A miss, when the caller has got the turn or has reached the limit: it then runs the function.
    pub async fn wait(
        self,
        limit: Option<Duration>,
        clone: impl Fn(&V) -> V,
    ) -> Waited<'c, T, P, K, V, S, M> {
        match self {
            Self::Run(miss) => Err(miss),
            Self::Wait { mut seat, key, same, _unused } => {
                let landed = seat.waiting.as_mut().expect(SEATED).wait(deadline(limit)).await;
                seat.landed(landed, key, same, clone)
            }
        }
    }
}

/// Returns the deadline of a wait that begins now, or `None` for a limit that the clock cannot represent.
pub(crate) fn deadline(limit: Option<Duration>) -> Option<Instant> {
    limit.and_then(|limit| Instant::now().checked_add(limit))
}

const COPIED: &str = "the key is copied before anybody waits";
const SEATED: &str = "a follower waits until its seat is dropped";

/// A follower in a flight of a cache's table.
pub struct Seat<'c, T: Threading, P: Kind, K, V, S> {
    cache: &'c Cache<T, P, K, V, S>,
    hash: u64,
    flight: Arc<Flight<V>>,
    waiting: Option<Waiting<V>>,
}

impl<'c, T: Threading, P: Kind, K, V, S: BuildHasher + Default> Seat<'c, T, P, K, V, S> {
    /// Ends a wait: returns the value or the error, or a miss if this follower has to run the function.
    fn landed<M: SameKey<K>>(
        &self,
        landed: Option<Landed<V>>,
        key: K,
        same: M,
        clone: impl Fn(&V) -> V,
    ) -> Waited<'c, T, P, K, V, S, M> {
        let (cache, hash) = (self.cache, self.hash);
        let turn = match landed {
            Some(Landed::Value(value)) => {
                let matches = |key: &K, stored: &K| same.same(stored, key);
                let _dropped_outside =
                    cache.search(hash, Unfound::UNSURE, key, matches, |mut searched, key| {
                        searched.ledger.hits += 1;
                        searched.touch(cache);
                        cache.note(tag(hash), Use::Hit);
                        key
                    });
                return Ok((Ok(clone(&value)), Outcome::Waited));
            }
            Some(Landed::Error(error)) => {
                if cache.is_usable() {
                    cache.table.with_ledger(|ledger| ledger.misses += 1);
                    cache.note(tag(hash), Use::Missed);
                }
                return Ok((Err(error), Outcome::Waited));
            }
            Some(Landed::YourTurn(turn)) => Some(turn),
            None => None,
        };
        let begun = cache.is_usable().then(|| {
            cache.table.with_ledger(|ledger| {
                ledger.misses += 1;
                (cache.table.begin(), ledger.invalidations.newest())
            })
        });
        cache.note(tag(hash), Use::Missed);
        let mut miss = Miss::new(cache, key, same, hash, Unfound::UNSURE, begun, None);
        miss.turn = turn;
        Err(miss)
    }
}

impl<T: Threading, P: Kind, K, V, S> Drop for Seat<'_, T, P, K, V, S> {
    fn drop(&mut self) {
        // A dropped follower passes its turn on. If no follower is left, the flight is over.
        drop(self.waiting.take());
        self.cache.forget_if_vacant(self.hash, &self.flight);
    }
}

impl<T: Threading, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Abandons a flight: the turn passes to the first follower, or the flight is over.
    pub(crate) fn abandon(&self, hash: u64, turn: Turn<V>) {
        let flight = Arc::clone(turn.flight());
        if !turn.abandon() {
            self.forget_if_vacant(hash, &flight);
        }
    }

    fn forget_if_vacant(&self, hash: u64, flight: &Arc<Flight<V>>) {
        if !flight.is_here() {
            return;
        }
        let _dropped_outside = self
            .table
            .with_ledger(|ledger| flight.is_vacant().then(|| ledger.in_flight.remove(hash, flight)));
    }
}
