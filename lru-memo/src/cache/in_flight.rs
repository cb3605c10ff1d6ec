//! `single_flight = true`: callers of one missing key wait for the caller that computes it.
//!
//! The cache's lock protects its flights. Keys are compared outside of the lock, as those of entries are: a search is
//! repeated until it has compared all keys of flights with its hash.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hash::BuildHasher;
use core::time::Duration;

use crate::advice::record::Use;
use crate::cache::Cache;
use crate::cache::compared::{Compared, is_same};
use crate::cache::kind::Kind;
use crate::cache::miss::Miss;
use crate::cache::stale::old::{ClaimedEntry, Old};
use crate::codegen::key::{Key, SameKey};
use crate::flight::{Failure, Flight, Flights, HasFlights, Landed, Seat, Turn, Waiting, deadline};
use crate::info::Outcome;
use crate::table::invalidations::SequenceNumber;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;
use crate::table::{Unfound, partial_hash};

impl<T: Outlined, P: Kind, K, V, S> HasFlights for Cache<T, P, K, V, S> {
    type Key = T::Pointer<K>;
    type Value = V;

    fn with_flights<R>(&self, act: impl FnOnce(&mut Flights<T::Pointer<K>, V>) -> R) -> R {
        self.table.with_ledger(|ledger| act(&mut ledger.made().in_flight))
    }
}

/// Whether a key equals the one of a search, if the two were compared.
fn is_equal<T: Outlined, K>(compared: &Compared<T::Pointer<K>>, key: &T::Pointer<K>) -> Option<bool> {
    let is_among = |keys: &[T::Pointer<K>]| keys.iter().any(|other| is_same::<T, K>(other, key));
    if is_among(&compared.equal) { Some(true) } else { is_among(&compared.different).then_some(false) }
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

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
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
                    let flights = &mut searched.ledger.made().in_flight;
                    let flight = flights.find(hash, |other| is_equal::<T, K>(compared, other));
                    let flight = flight.map_err(|other| (other, ()))?;
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
                        searched.ledger.made().waits += 1;
                        let waiting = flight.join();
                        return Ok(Step::Wait(flight, waiting));
                    }
                    if !runs_alone && shared.is_none() {
                        return Ok(Step::ShareKey);
                    }
                    let claimed = if is_old { searched.claim(self) } else { None };
                    let ledger = searched.ledger.made();
                    let turn = shared.take().filter(|_| !runs_alone).map(|shared| {
                        let turn = if T::SHARED { Flight::begin() } else { Flight::begin_in_thread() };
                        ledger.in_flight.insert(hash, shared, &turn);
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
                    let seat = Seat::new(self, hash, flight, waiting);
                    let key_in_hand = stored.take().expect(COPIED);
                    let pending = Pending::Wait { seat, key: key_in_hand, same: key.same(), _unused: shared };
                    return Err((pending, None));
                }
                Step::Run(running, began_at, turn, claimed) => {
                    self.note(partial_hash(hash), Use::Missed);
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

    /// Outdates the run of this key: later callers do not join it.
    pub(crate) fn outdate_flight<Q: Key<K, S::Hasher>>(&self, hash: u64, key: Q) {
        Compared::new().search(
            (),
            |compared, ()| {
                let is_equal = |other: &T::Pointer<K>| is_equal::<T, K>(compared, other);
                self.with_flights(|flights| flights.outdate(hash, is_equal)).map_err(|other| (other, ()))
            },
            |(), other| key.matches(other),
        );
    }
}

/// What the caller of a missing key does next. It owns its copy of the key, because a waiting task borrows nothing.
pub enum Pending<'c, T: Outlined, P: Kind, K, V, S, M> {
    /// The caller runs the function.
    Run(Miss<'c, T, P, K, V, S, M>),
    /// The caller waits for the leader.
    Wait {
        /// The caller's place in the flight.
        seat: Seat<'c, Cache<T, P, K, V, S>>,
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
    T: Outlined,
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
            Self::Wait { seat, key, same, _unused } => {
                let (cache, hash) = (seat.owner, seat.hash);
                let landed = seat.block(deadline(limit));
                cache.waited(hash, landed, key, same, clone)
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
            Self::Wait { seat, key, same, _unused } => {
                let (cache, hash) = (seat.owner, seat.hash);
                let landed = seat.wait(deadline(limit)).await;
                cache.waited(hash, landed, key, same, clone)
            }
        }
    }
}

const COPIED: &str = "the key is copied before anybody waits";

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Ends a wait: returns the value or the error, or a miss if this follower has to run the function.
    fn waited<M: SameKey<K>>(
        &self,
        hash: u64,
        landed: Option<Landed<V>>,
        key: K,
        same: M,
        clone: impl Fn(&V) -> V,
    ) -> Waited<'_, T, P, K, V, S, M> {
        let turn = match landed {
            Some(Landed::Value(value)) => {
                let matches = |key: &K, stored: &K| same.same(stored, key);
                let _dropped_outside =
                    self.search(hash, Unfound::UNSURE, key, matches, |mut searched, key| {
                        searched.ledger.made().hits += 1;
                        searched.touch(self);
                        self.note(partial_hash(hash), Use::Hit);
                        key
                    });
                return Ok((Ok(clone(&value)), Outcome::Waited));
            }
            Some(Landed::Error(error)) => {
                if self.is_usable() {
                    self.table.with_ledger(|ledger| ledger.made().misses += 1);
                    self.note(partial_hash(hash), Use::Missed);
                }
                return Ok((Err(error), Outcome::Waited));
            }
            Some(Landed::YourTurn(turn)) => Some(turn),
            None => None,
        };
        let begun = self.is_usable().then(|| {
            self.table.with_ledger(|ledger| {
                let ledger = ledger.made();
                ledger.misses += 1;
                (self.table.begin(), ledger.invalidations.newest())
            })
        });
        self.note(partial_hash(hash), Use::Missed);
        let mut miss = Miss::new(self, key, same, hash, Unfound::UNSURE, begun, None);
        miss.turn = turn;
        Err(miss)
    }
}
