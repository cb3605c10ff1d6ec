//! The cache behind one memoized function: the lookups, stores and removals that the generated functions make.
//!
//! No user code runs inside the lock: [`Storage`] compares and clones where that is safe, and what leaves the
//! cache is handed out of the lock and dropped there.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};

use crate::info::CacheInfo;
use crate::key::{Key, SameKey};
use crate::lru::{Lru, Place};
use crate::outcome::Outcome;
use crate::running::{Era, Running};
use crate::storage::{Entry, State, Storage};
use crate::threading::Threading;

/// The cache behind one memoized function: `K` is the stored form of the key, `P` the [`Storage`].
pub struct Cache<T: Threading, P: Storage<T, K, V>, K, V, S> {
    maxsize: Option<usize>,
    hasher: S,
    state: T::Lock<State<P::Held, Invalidated<T, K>>>,
}

/// A key that was invalidated while something was being computed.
struct Invalidated<T: Threading, K> {
    hash: u64,
    key: T::Pointer<K>,
}

/// A lookup that found nothing, to be completed with the value that the function computes.
///
/// Dropping it says that there is no value: the function panicked or returned an error.
pub struct Miss<'c, T: Threading, P: Storage<T, K, V>, K, V, S, M> {
    cache: &'c Cache<T, P, K, V, S>,
    key: Option<K>,
    same: M,
    hash: u64,
    /// Taken when the computation has ended.
    era: Option<Era>,
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// An empty cache; `maxsize` is the number of entries it may hold, `None` for any number.
    #[must_use]
    pub fn new(maxsize: Option<usize>) -> Self {
        let state = State {
            lru: Lru::new(),
            running: Running::new(),
            hits: 0,
            misses: 0,
        };
        Self {
            maxsize,
            hasher: S::default(),
            state: T::lock(state),
        }
    }

    #[inline]
    fn hash<Q: Key<K, S::Hasher>>(&self, key: Q) -> u64 {
        let mut state = self.hasher.build_hasher();
        key.hash(&mut state);
        state.finish()
    }

    /// Runs `inside` the lock with the place of the key, if it is there at that moment.
    #[inline]
    fn at<Q: Key<K, S::Hasher>, R>(
        &self,
        hash: u64,
        key: Q,
        inside: impl FnOnce(&mut State<P::Held, Invalidated<T, K>>, Option<Place>) -> R,
    ) -> R {
        P::search(
            &self.state,
            hash,
            key,
            |key, stored| key.matches(stored),
            |state, place, _| inside(state, place),
        )
    }

    /// Looks a key up for a call of the function: counts, and makes what it finds the most recent.
    ///
    /// # Errors
    /// A [`Miss`] when the key is not there; the caller then runs the function and completes it.
    #[inline]
    pub fn get<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Result<V, Miss<'_, T, P, K, V, S, Q::Same>> {
        let hash = self.hash(key);
        let found = self.at(hash, key, |state, place| match place {
            Some(place) => {
                state.hits += 1;
                state.lru.touch(place);
                Ok(P::take(state.lru.entry(place), &clone))
            }
            None => {
                state.misses += 1;
                Err(state.running.begin())
            }
        });
        match found {
            Ok(taken) => Ok(P::value(taken, clone)),
            Err(era) => Err(self.miss(key, hash, era)),
        }
    }

    /// Begins to recompute a value for `_refresh`: counts nothing, finds nothing.
    pub fn refresh<Q: Key<K, S::Hasher>>(&self, key: Q) -> Miss<'_, T, P, K, V, S, Q::Same> {
        let hash = self.hash(key);
        let era = T::with(&self.state, |state| state.running.begin());
        self.miss(key, hash, era)
    }

    // Inlined, so that the key need not be in memory on the way of a hit.
    #[inline(always)]
    fn miss<Q: Key<K, S::Hasher>>(&self, key: Q, hash: u64, era: Era) -> Miss<'_, T, P, K, V, S, Q::Same> {
        // First the guard that ends the computation, then the user's code that copies the key.
        let mut miss = Miss {
            cache: self,
            key: None,
            same: key.same(),
            hash,
            era: Some(era),
        };
        miss.key = Some(key.to_stored());
        miss
    }

    /// The value of a key, counting and moving nothing.
    pub fn peek<Q: Key<K, S::Hasher>>(&self, key: Q, clone: impl Fn(&V) -> V) -> Option<V> {
        let inside = |state: &mut State<P::Held, _>, place: Option<Place>| {
            place.map(|place| P::take(state.lru.entry(place), &clone))
        };
        let taken = self.at(self.hash(key), key, inside);
        taken.map(|taken| P::value(taken, clone))
    }

    /// Removes a key, and keeps what is being computed for it from being stored. Says whether it was there.
    pub fn invalidate<Q: Key<K, S::Hasher>>(&self, key: Q) -> bool {
        let hash = self.hash(key);
        let mut invalidated = None;
        loop {
            let removed = self.at(hash, key, |state, place| {
                if state.running.any() {
                    // The key is copied outside of the lock, hence a second round.
                    state.running.invalidate(invalidated.take()?);
                }
                Some(place.map(|place| state.lru.remove(place)))
            });
            match removed {
                Some(entry) => return entry.is_some(),
                None => {
                    invalidated = Some(Invalidated {
                        hash,
                        key: T::pointer(key.to_stored()),
                    })
                }
            }
        }
    }

    /// Stores a value as the most recent, replacing an older one; counts nothing.
    pub fn put<Q: Key<K, S::Hasher>>(&self, key: Q, value: V) {
        let hash = self.hash(key);
        let held = P::hold(Entry {
            key: key.to_stored(),
            value,
        });
        let _dropped_outside = self.at(hash, key, |state, place| self.put_at(state, place, hash, held));
    }

    /// Stores an entry as the most recent; returns what leaves the cache for it.
    fn put_at(
        &self,
        state: &mut State<P::Held, Invalidated<T, K>>,
        place: Option<Place>,
        hash: u64,
        held: P::Held,
    ) -> Option<P::Held> {
        if let Some(place) = place {
            state.lru.touch(place);
            return Some(state.lru.replace(place, held));
        }
        if self.maxsize.is_some_and(|maxsize| state.lru.len() >= maxsize) {
            // Out and in at once, so that there are never more than `maxsize`.
            return Some(
                state
                    .lru
                    .replace_oldest(hash, held)
                    .unwrap_or_else(|unwanted| unwanted),
            );
        }
        state.lru.insert(hash, held);
        None
    }

    /// Drops all entries and zeroes the counters; what is being computed now will not be stored.
    pub fn clear(&self) {
        let _dropped_outside = T::with(&self.state, |state| {
            state.hits = 0;
            state.misses = 0;
            (
                core::mem::replace(&mut state.lru, Lru::new()),
                state.running.clear(),
            )
        });
    }

    /// The counters, all read at one moment.
    pub fn info(&self) -> CacheInfo {
        T::with(&self.state, |state| CacheInfo {
            hits: state.hits,
            misses: state.misses,
            maxsize: self.maxsize,
            currsize: state.lru.len(),
        })
    }
}

/// What becomes of a computed value whose key is in the cache by now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conflict {
    /// The one that is there stays, where it is: a call of a bounded function.
    Keep,
    /// The new one replaces it, as the most recent.
    Replace,
}

impl<T, P, K, V, S, M> Miss<'_, T, P, K, V, S, M>
where
    T: Threading,
    P: Storage<T, K, V>,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// Stores the value of what a call has returned, if it has one and its key was not cleared or invalidated
    /// meanwhile.
    #[inline]
    pub fn complete<Kind, R: Outcome<Kind, Value = V>>(self, outcome: R, clone: impl Fn(&V) -> V) -> R {
        let conflict = if self.cache.maxsize.is_some() {
            Conflict::Keep
        } else {
            Conflict::Replace
        };
        self.store(conflict, outcome, clone)
    }

    /// Like [`complete`](Self::complete), for `_refresh`: replaces the value that is there.
    pub fn overwrite<Kind, R: Outcome<Kind, Value = V>>(self, outcome: R, clone: impl Fn(&V) -> V) -> R {
        self.store(Conflict::Replace, outcome, clone)
    }

    #[inline(never)]
    fn store<Kind, R: Outcome<Kind, Value = V>>(
        self,
        conflict: Conflict,
        outcome: R,
        clone: impl Fn(&V) -> V,
    ) -> R {
        if self.cache.maxsize != Some(0) {
            if let Some(value) = outcome.value() {
                self.finish(clone(value), conflict);
            }
        }
        outcome
    }

    fn finish(mut self, value: V, conflict: Conflict) {
        let (Some(key), Some(era)) = (self.key.take(), self.era) else {
            return;
        };
        let mut entry = Entry { key, value };
        // Invalidations that were compared, and are of other keys with the same hash.
        let mut others: Vec<T::Pointer<K>> = Vec::new();
        loop {
            let inside = |state: &mut State<P::Held, Invalidated<T, K>>, place: Option<Place>, entry| {
                let Some(since) = state.running.since(era) else {
                    return Step::Cleared;
                };
                let same_hash = since.filter(|invalidated| invalidated.hash == self.hash);
                let is_known = |key: &T::Pointer<K>| {
                    others
                        .iter()
                        .any(|other| core::ptr::eq(&raw const **other, &raw const **key))
                };
                if let Some(unknown) = same_hash
                    .map(|invalidated| &invalidated.key)
                    .find(|key| !is_known(key))
                {
                    return Step::Compare(unknown.clone(), entry);
                }
                let left = match place {
                    Some(_) if conflict == Conflict::Keep => Err(entry),
                    place => Ok(self.cache.put_at(state, place, self.hash, P::hold(entry))),
                };
                Step::Done(left, state.running.end(era))
            };
            let matches = |entry: &Entry<K, V>, stored: &K| self.same.same(stored, &entry.key);
            match P::search(&self.cache.state, self.hash, entry, matches, inside) {
                Step::Compare(invalidated, unstored) => {
                    if self.same.same(&invalidated, &unstored.key) {
                        return;
                    }
                    others.push(invalidated);
                    entry = unstored;
                }
                Step::Cleared => return,
                Step::Done(_left, _forgotten) => {
                    self.era = None;
                    return;
                }
            }
        }
    }
}

/// One round of storing an entry `E` that a call has computed.
enum Step<E, P, D, F> {
    /// First see whether this invalidation is of the same key.
    Compare(P, E),
    /// Everything was cleared since.
    Cleared,
    /// Done; what is not needed any more is dropped outside of the lock.
    Done(D, F),
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S, M> Drop for Miss<'_, T, P, K, V, S, M> {
    fn drop(&mut self) {
        if let Some(era) = self.era.take() {
            let _dropped_outside = T::with(&self.cache.state, |state| state.running.end(era));
        }
    }
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S> core::fmt::Debug for Cache<T, P, K, V, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cache")
            .field("maxsize", &self.maxsize)
            .finish_non_exhaustive()
    }
}
