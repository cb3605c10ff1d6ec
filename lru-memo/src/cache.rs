//! The cache behind one memoized function: the lookups, stores and removals that the generated functions make.
//!
//! No user code runs inside the lock: [`Storage`] compares and clones where that is safe, and what leaves the
//! cache is handed out of the lock and dropped there.

use core::hash::{BuildHasher, Hasher};
use std::time::Instant;

use crate::clock;
use crate::in_flight::InFlight;
use crate::info::{CacheInfo, CacheParameters};
use crate::key::Key;
use crate::lru::{Left, Limits, Lru, Stamp};
use crate::miss::{Conflict, Miss, MissOf};
use crate::ring::Place;
use crate::running::{Era, Running};
use crate::storage::{Entry, State, Storage};
use crate::threading::Threading;

/// The cache behind one memoized function: `K` is the stored form of the key, `P` the [`Storage`].
pub struct Cache<T: Threading, P: Storage<T, K, V>, K, V, S> {
    pub(crate) limits: Limits,
    hasher: S,
    pub(crate) state: T::Lock<StateOf<T, P, K, V>>,
}

pub(crate) type StateOf<T, P, K, V> = State<<P as Storage<T, K, V>>::Held, Ledger<T, K, V>>;

/// What a cache keeps account of beside its entries.
pub(crate) struct Ledger<T: Threading, K, V> {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) running: Running<Invalidated<T, K>>,
    pub(crate) in_flight: InFlight<T, K, V>,
}

/// A lookup that found nothing and was counted.
#[derive(Debug, Clone, Copy)]
pub struct Missed {
    hash: u64,
    era: Era,
}

/// A key that was invalidated while something was being computed.
pub(crate) struct Invalidated<T: Threading, K> {
    pub(crate) hash: u64,
    pub(crate) key: T::Pointer<K>,
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// An empty cache with the limits of these parameters.
    #[must_use]
    pub fn new(parameters: CacheParameters) -> Self {
        let CacheParameters { maxsize, max_weight, ttl, .. } = parameters;
        let limits = Limits { maxsize, max_weight, ttl };
        let ledger = Ledger { hits: 0, misses: 0, running: Running::new(), in_flight: InFlight::new() };
        let state = State { lru: Lru::new(limits), ledger };
        Self { limits, hasher: S::default(), state: T::lock(state) }
    }

    #[inline]
    pub(crate) fn hash<Q: Key<K, S::Hasher>>(&self, key: Q) -> u64 {
        let mut state = self.hasher.build_hasher();
        key.hash(&mut state);
        state.finish()
    }

    /// The time, if entries expire.
    #[inline]
    fn now(&self) -> Option<Instant> {
        self.limits.ttl.filter(|_| P::EXPIRES).map(|_| clock::now())
    }

    /// Runs `inside` the lock with the place of the key, if it is there at that moment. An expired entry is not,
    /// and is removed.
    #[inline]
    pub(crate) fn at<Q: Key<K, S::Hasher>, R>(
        &self,
        hash: u64,
        key: Q,
        inside: impl FnOnce(&mut StateOf<T, P, K, V>, Option<Place>) -> R,
    ) -> R {
        let matches = |key: &Q, stored: &K| key.matches(stored);
        let (result, _dropped_outside) =
            self.search(hash, key, matches, |state, place, _, _| inside(state, place));
        result
    }

    /// [`Storage::search`], for which an expired entry is not there. What leaves the cache is returned, too.
    #[inline]
    pub(crate) fn search<Q, R>(
        &self,
        hash: u64,
        subject: Q,
        matches: impl Fn(&Q, &K) -> bool,
        inside: impl FnOnce(&mut StateOf<T, P, K, V>, Option<Place>, Q, &mut Left<P::Held>) -> R,
    ) -> (R, Left<P::Held>) {
        let now = self.now();
        P::search(&self.state, hash, subject, matches, |state, place, subject| {
            let mut left = Left::new();
            let place = match place {
                Some(place) if state.lru.is_expired(place, now) => {
                    left.push(state.lru.remove(place));
                    None
                }
                place => place,
            };
            (inside(state, place, subject, &mut left), left)
        })
    }

    /// Looks a key up for a call of the function: counts, and makes what it finds the most recent.
    ///
    /// # Errors
    /// What the lookup came to when the key is not there; the caller goes on with [`missed`](Self::missed).
    #[inline]
    pub fn get<Q: Key<K, S::Hasher>>(&self, key: Q, clone: impl Fn(&V) -> V) -> Result<V, Missed> {
        let hash = self.hash(key);
        let found = self.at(hash, key, |state, place| match place {
            Some(place) => {
                state.ledger.hits += 1;
                state.lru.touch(place);
                Ok(P::take(state.lru.entry(place), &clone))
            }
            None => {
                state.ledger.misses += 1;
                Err(state.ledger.running.begin())
            }
        });
        match found {
            Ok(taken) => Ok(P::value(taken, clone)),
            Err(era) => Err(Missed { hash, era }),
        }
    }

    /// What is to be done about a lookup that found nothing: run the function and complete this.
    #[inline(never)]
    pub fn missed<Q: Key<K, S::Hasher>>(&self, key: Q, missed: Missed) -> MissOf<'_, T, P, K, V, S, Q> {
        self.miss(key, missed.hash, missed.era, self.conflict())
    }

    /// Begins to recompute a value for `_refresh`: counts nothing, finds nothing.
    #[inline(never)]
    pub fn refresh<Q: Key<K, S::Hasher>>(&self, key: Q) -> MissOf<'_, T, P, K, V, S, Q> {
        let hash = self.hash(key);
        let era = T::with(&self.state, |state| state.ledger.running.begin());
        self.miss(key, hash, era, Conflict::Replace)
    }

    fn miss<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        hash: u64,
        era: Era,
        conflict: Conflict,
    ) -> MissOf<'_, T, P, K, V, S, Q> {
        // First the guard that ends the computation, then the user's code that copies the key.
        let mut miss =
            Miss { cache: self, key: None, same: key.same(), hash, conflict, era: Some(era), turn: None };
        miss.key = Some(key.to_stored());
        miss
    }

    /// The value of a key, counting and moving nothing.
    #[inline(never)]
    pub fn peek<Q: Key<K, S::Hasher>>(&self, key: Q, clone: impl Fn(&V) -> V) -> Option<V> {
        let inside = |state: &mut StateOf<T, P, K, V>, place: Option<Place>| {
            place.map(|place| P::take(state.lru.entry(place), &clone))
        };
        let taken = self.at(self.hash(key), key, inside);
        taken.map(|taken| P::value(taken, clone))
    }

    /// Removes a key, and keeps what is being computed for it from being stored. Says whether it was there.
    #[inline(never)]
    pub fn invalidate<Q: Key<K, S::Hasher>>(&self, key: Q) -> bool {
        let hash = self.hash(key);
        self.forget_flight(hash, key);
        let mut invalidated = None;
        loop {
            let removed = self.at(hash, key, |state, place| {
                if state.ledger.running.any() {
                    // The key is copied outside of the lock, hence a second round.
                    state.ledger.running.invalidate(invalidated.take()?);
                }
                Some(place.map(|place| state.lru.remove(place)))
            });
            match removed {
                Some(entry) => return entry.is_some(),
                None => invalidated = Some(Invalidated { hash, key: T::pointer(key.to_stored()) }),
            }
        }
    }

    /// Stores a value as the most recent, replacing an older one; counts nothing.
    #[inline(never)]
    pub fn put<Q: Key<K, S::Hasher>>(&self, key: Q, value: V, weigh: impl Fn(&K, &V) -> usize) {
        let hash = self.hash(key);
        let entry = Entry { key: key.to_stored(), value };
        let stamp = self.stamp(weigh(&entry.key, &entry.value));
        let held = P::hold(entry);
        let matches = |key: &Q, stored: &K| key.matches(stored);
        let _dropped_outside = self.search(hash, key, matches, |state, place, _, left| {
            state.store(place, hash, held, stamp, left);
        });
    }

    /// What a call does when its key has appeared while the function ran.
    pub(crate) fn conflict(&self) -> Conflict {
        if self.limits.maxsize.is_some() { Conflict::Keep } else { Conflict::Replace }
    }

    pub(crate) fn stamp(&self, weight: usize) -> Stamp {
        Stamp { now: self.now(), weight }
    }

    /// Drops all entries and zeroes the counters; what is being computed now will not be stored.
    #[inline(never)]
    pub fn clear(&self) {
        let _dropped_outside = T::with(&self.state, |state| {
            state.ledger.hits = 0;
            state.ledger.misses = 0;
            let in_flight = core::mem::replace(&mut state.ledger.in_flight, InFlight::new());
            (
                core::mem::replace(&mut state.lru, Lru::new(self.limits)),
                state.ledger.running.clear(),
                in_flight,
            )
        });
    }

    /// The counters, all read at one moment.
    #[inline(never)]
    pub fn info(&self) -> CacheInfo {
        T::with(&self.state, |state| CacheInfo {
            hits: state.ledger.hits,
            misses: state.ledger.misses,
            maxsize: self.limits.maxsize,
            currsize: state.lru.len(),
        })
    }
}

impl<E, L> State<E, L> {
    /// Stores an entry as the most recent, in the place of the one with its key if there is one. An entry that may
    /// not be stored at all goes to `left`, and with it the one it would have replaced.
    pub(crate) fn store(
        &mut self,
        place: Option<Place>,
        hash: u64,
        held: E,
        stamp: Stamp,
        left: &mut Left<E>,
    ) {
        if self.lru.admits(stamp.weight) {
            self.lru.store(place, hash, held, stamp, left);
        } else {
            left.push(held);
            if let Some(place) = place {
                left.push(self.lru.remove(place));
            }
        }
    }
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S> core::fmt::Debug for Cache<T, P, K, V, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cache").field("limits", &self.limits).finish_non_exhaustive()
    }
}
