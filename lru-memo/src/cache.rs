//! The cache behind one memoized function: an [`Lru`] under a lock that no user code ever runs in.
//!
//! `Eq`, `Clone` and `Drop` of keys and values are the user's: they panic, block and call the function again. So
//! entries are counted pointers; a pointer is taken inside the lock and looked at outside of it. A search
//! ([`Cache::at`]) compares outside, comes back, and is done when the entry it found is still there and nothing
//! has appeared under the same hash that it has not compared. What leaves the cache is dropped outside.
//! Types whose code is known to be harmless ([`crate::plain`]) are compared and copied inside, in one go.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hasher};

use crate::info::CacheInfo;
use crate::key::{Key, SameKey};
use crate::lru::{Lru, Place};
use crate::outcome::Outcome;
use crate::plain::is_plain_copy;
use crate::running::{Era, Running};
use crate::threading::Threading;

struct Entry<K, V> {
    key: K,
    value: V,
}

type Pointer<T, K, V> = <T as Threading>::Pointer<Entry<K, V>>;

struct State<E, I> {
    lru: Lru<E>,
    running: Running<I>,
    hits: u64,
    misses: u64,
}

/// The cache behind one memoized function; `K` is the stored form of the key.
pub struct Cache<T: Threading, K, V, S> {
    maxsize: Option<usize>,
    hasher: S,
    state: T::Lock<State<Pointer<T, K, V>, Invalidated<T, K>>>,
}

/// A key that was invalidated while something was being computed.
struct Invalidated<T: Threading, K> {
    hash: u64,
    key: T::Pointer<K>,
}

/// A key that was looked up or is to be stored: its hash and how to recognise it.
struct Wanted<M> {
    hash: u64,
    is_plain: bool,
    matches: M,
}

/// A lookup that found nothing, to be completed with the value that the function computes.
///
/// Dropping it says that there is no value: the function panicked or returned an error.
pub struct Miss<'c, T: Threading, K, V, S, M> {
    cache: &'c Cache<T, K, V, S>,
    key: Option<K>,
    same: M,
    hash: u64,
    is_plain: bool,
    era: Option<Era>,
}

impl<T: Threading, K, V, S: BuildHasher + Default> Cache<T, K, V, S> {
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
    fn wanted<Q: Key<K, S::Hasher>>(&self, key: Q) -> Wanted<impl Fn(&K) -> bool + use<T, K, V, S, Q>> {
        let mut state = self.hasher.build_hasher();
        key.hash(&mut state);
        Wanted {
            hash: state.finish(),
            is_plain: key.is_plain(),
            matches: move |stored: &K| key.matches(stored),
        }
    }

    /// Runs `inside` under the lock with the place of the wanted entry, if it is there at that moment.
    #[inline]
    fn at<R>(
        &self,
        wanted: &Wanted<impl Fn(&K) -> bool>,
        inside: impl FnOnce(&mut State<Pointer<T, K, V>, Invalidated<T, K>>, Option<Place>) -> R,
    ) -> R {
        if wanted.is_plain {
            T::with(&self.state, |state| {
                let place = state
                    .lru
                    .find(wanted.hash, |_, entry| (wanted.matches)(&entry.key));
                inside(state, place)
            })
        } else {
            self.at_compared_outside(wanted, inside)
        }
    }

    #[inline(never)]
    fn at_compared_outside<R>(
        &self,
        wanted: &Wanted<impl Fn(&K) -> bool>,
        inside: impl FnOnce(&mut State<Pointer<T, K, V>, Invalidated<T, K>>, Option<Place>) -> R,
    ) -> R {
        let mut inside = Some(inside);
        let mut equal: Option<Pointer<T, K, V>> = None;
        // Held, so that no new entry can have the address of one that was compared.
        let mut different: Vec<Pointer<T, K, V>> = Vec::new();
        loop {
            let step = T::with(&self.state, |state| {
                let is = |pointer: &Pointer<T, K, V>, entry: &Pointer<T, K, V>| {
                    core::ptr::eq(&raw const **pointer, &raw const **entry)
                };
                let mut unknown = None;
                let place = state.lru.find(wanted.hash, |hash, entry| {
                    if hash != wanted.hash || different.iter().any(|pointer| is(pointer, entry)) {
                        return false;
                    }
                    if equal.as_ref().is_some_and(|pointer| is(pointer, entry)) {
                        return true;
                    }
                    unknown = Some(T::Pointer::clone(entry));
                    true
                });
                match unknown {
                    Some(unknown) => Err(unknown),
                    None => Ok(inside.take().map(|inside| inside(state, place))),
                }
            });
            match step {
                Ok(done) => return done.expect("the loop ends here"),
                Err(unknown) if (wanted.matches)(&unknown.key) => equal = Some(unknown),
                Err(unknown) => different.push(unknown),
            }
        }
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
    ) -> Result<V, Miss<'_, T, K, V, S, Q::Same>>
    where
        V: 'static,
    {
        let wanted = self.wanted(key);
        let found = self.at(&wanted, |state, place| match place {
            Some(place) => {
                state.hits += 1;
                state.lru.touch(place);
                let entry = state.lru.entry(place);
                Ok(if is_plain_copy::<V>() {
                    Held::Copy(clone(&entry.value))
                } else {
                    Held::Pointer(T::Pointer::clone(entry))
                })
            }
            None => {
                state.misses += 1;
                Err(state.running.begin())
            }
        });
        match found {
            Ok(Held::Copy(value)) => Ok(value),
            Ok(Held::Pointer(entry)) => Ok(clone(&entry.value)),
            Err(era) => {
                let (hash, is_plain) = (wanted.hash, wanted.is_plain);
                Err(self.miss(key, hash, is_plain, era))
            }
        }
    }

    /// Begins to recompute a value for `_refresh`: counts nothing, finds nothing.
    pub fn refresh<Q: Key<K, S::Hasher>>(&self, key: Q) -> Miss<'_, T, K, V, S, Q::Same> {
        let wanted = self.wanted(key);
        let (hash, is_plain) = (wanted.hash, wanted.is_plain);
        let era = T::with(&self.state, |state| state.running.begin());
        self.miss(key, hash, is_plain, era)
    }

    // Inlined, so that the key need not be in memory on the way of a hit.
    #[inline(always)]
    fn miss<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        hash: u64,
        is_plain: bool,
        era: Era,
    ) -> Miss<'_, T, K, V, S, Q::Same> {
        // First the guard that ends the computation, then the user's code that copies the key.
        let mut miss = Miss {
            cache: self,
            key: None,
            same: key.same(),
            hash,
            is_plain,
            era: Some(era),
        };
        miss.key = Some(key.to_stored());
        miss
    }

    /// The value of a key, counting and moving nothing.
    pub fn peek<Q: Key<K, S::Hasher>>(&self, key: Q, clone: impl Fn(&V) -> V) -> Option<V> {
        let wanted = self.wanted(key);
        let entry = self.at(&wanted, |state, place| {
            place.map(|place| T::Pointer::clone(state.lru.entry(place)))
        });
        entry.map(|entry| clone(&entry.value))
    }

    /// Removes a key, and keeps what is being computed for it from being stored. Says whether it was there.
    pub fn invalidate<Q: Key<K, S::Hasher>>(&self, key: Q) -> bool {
        let wanted = self.wanted(key);
        let mut invalidated = None;
        loop {
            let removed = self.at(&wanted, |state, place| {
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
                        hash: wanted.hash,
                        key: T::pointer(key.to_stored()),
                    })
                }
            }
        }
    }

    /// Stores a value as the most recent, replacing an older one; counts nothing.
    pub fn put<Q: Key<K, S::Hasher>>(&self, key: Q, value: V) {
        if self.maxsize == Some(0) {
            return;
        }
        let wanted = self.wanted(key);
        let entry = T::pointer(Entry {
            key: key.to_stored(),
            value,
        });
        let _dropped_outside = self.at(&wanted, |state, place| {
            self.put_at(state, place, wanted.hash, entry)
        });
    }

    fn put_at(
        &self,
        state: &mut State<Pointer<T, K, V>, Invalidated<T, K>>,
        place: Option<Place>,
        hash: u64,
        entry: Pointer<T, K, V>,
    ) -> Option<Pointer<T, K, V>> {
        match place {
            Some(place) => {
                state.lru.touch(place);
                Some(state.lru.replace(place, entry))
            }
            None => {
                // Out before in, so that there are never more than `maxsize`.
                let full = self.maxsize.is_some_and(|maxsize| state.lru.len() >= maxsize);
                let evicted = if full { state.lru.pop_oldest() } else { None };
                state.lru.insert(hash, entry);
                evicted
            }
        }
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

/// What a hit takes out of the lock.
enum Held<V, P> {
    Copy(V),
    Pointer(P),
}

/// What becomes of a computed value whose key is in the cache by now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conflict {
    /// The one that is there stays, where it is: a call of a bounded function.
    Keep,
    /// The new one replaces it, as the most recent.
    Replace,
}

impl<T: Threading, K, V, S: BuildHasher + Default, M: SameKey<K>> Miss<'_, T, K, V, S, M> {
    /// Stores the value of what a call has returned, if it has one and its key was not cleared or invalidated
    /// meanwhile.
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
        let cache = self.cache;
        let Some(key) = self.key.take() else { return };
        let entry = T::pointer(Entry { key, value });
        let wanted = Wanted {
            hash: self.hash,
            is_plain: self.is_plain,
            matches: |stored: &K| self.same.same(stored, &entry.key),
        };
        // Invalidations that were compared, and are of other keys with the same hash.
        let mut others: Vec<T::Pointer<K>> = Vec::new();
        loop {
            let step = cache.at(&wanted, |state, place| {
                let Some(era) = self.era else {
                    return Step::Done(None, None);
                };
                let Some(mut since) = state.running.since(era) else {
                    return Step::Done(None, None);
                };
                let unknown = since.find(|invalidated| {
                    invalidated.hash == self.hash
                        && !others
                            .iter()
                            .any(|other| core::ptr::eq(&**other, &*invalidated.key))
                });
                if let Some(unknown) = unknown {
                    return Step::Compare(unknown.key.clone());
                }
                drop(since);
                let left = match place {
                    Some(_) if conflict == Conflict::Keep => None,
                    place => cache.put_at(state, place, self.hash, entry.clone()),
                };
                Step::Done(left, Some(state.running.end(era)))
            });
            match step {
                Step::Compare(invalidated) if (wanted.matches)(&invalidated) => return,
                Step::Compare(invalidated) => others.push(invalidated),
                Step::Done(_left, forgotten) => {
                    if forgotten.is_some() {
                        self.era = None;
                    }
                    return;
                }
            }
        }
    }
}

/// One round of storing a value.
enum Step<E, P, I> {
    /// First see whether this invalidation is of the same key.
    Compare(P),
    /// Stored or not, with what left the cache for it, to be dropped outside of the lock.
    Done(Option<E>, Option<I>),
}

impl<T: Threading, K, V, S, M> Drop for Miss<'_, T, K, V, S, M> {
    fn drop(&mut self) {
        if let Some(era) = self.era.take() {
            let _dropped_outside = T::with(&self.cache.state, |state| state.running.end(era));
        }
    }
}

impl<T: Threading, K, V, S> core::fmt::Debug for Cache<T, K, V, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cache")
            .field("maxsize", &self.maxsize)
            .finish_non_exhaustive()
    }
}
