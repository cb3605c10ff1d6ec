//! A miss, from the lookup to the stored value.

use core::hash::BuildHasher;
use core::time::Duration;

use crate::advice::record::Use;
use crate::advice::watch::Watch;
use crate::cache::compared::{Compared, is_same};
use crate::cache::kind::Kind;
use crate::cache::{Cache, EntryOf, LedgerOf};
use crate::codegen::key::{Key, SameKey};
use crate::codegen::outcome::{Errors, Returned};
use crate::flight::Turn;
use crate::table::invalidations::{SequenceNumber, Since};
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;
use crate::table::{Begun, Computation, Inside, Mine, Unfound, partial_hash};
use crate::tags::Tagged;
use crate::totals::Stopwatch;

/// A lookup that found nothing. The caller runs the function, and completes the miss with its value.
///
/// A miss that is dropped has no value: the function has panicked, or its future was dropped.
pub struct Miss<'c, T: Outlined, P: Kind, K, V, S, M> {
    pub(crate) cache: &'c Cache<T, P, K, V, S>,
    pub(crate) key: Option<K>,
    pub(crate) same: M,
    pub(crate) hash: u64,
    /// The result of the search, which may save another one.
    pub(crate) unfound: Unfound,
    pub(crate) conflict: Conflict,
    /// The newest clear or invalidation before the run began.
    pub(crate) began_at: SequenceNumber,
    /// The run, one of the cache's table. Taken when it has ended.
    pub(crate) running: Option<Begun>,
    /// The turn of a leader. Taken when the followers have the value, or one of them has the turn.
    pub(crate) turn: Option<Turn<V>>,
    pub(crate) stopwatch: Stopwatch,
}

/// A run that has begun, and the newest clear or invalidation before it.
pub(crate) type RunBegun<'c, T, P, K, V> = (Computation<'c, T, EntryOf<P, K, V>>, SequenceNumber);

/// The reader of the thread that has stored a value, if the thread knew it.
type StoredBy<'c, T, P, K, V> = Option<Mine<'c, T, EntryOf<P, K, V>>>;

/// A stored entry, or one that was not stored yet.
type Stored<'c, T, P, K, V> = Result<StoredBy<'c, T, P, K, V>, EntryOf<P, K, V>>;

/// The [`Miss`] of a lookup by a key `Q`.
pub(crate) type MissOf<'c, T, P, K, V, S, Q> =
    Miss<'c, T, P, K, V, S, <Q as Key<K, <S as BuildHasher>::Hasher>>::Same>;

/// What happens to a computed value if its key is in the cache by now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The existing entry stays where it is, unless it is old. So with a bound.
    Keep,
    /// The new entry replaces it, as the most recent one.
    Replace,
}

impl<'c, T: Outlined, P: Kind, K, V, S, M> Miss<'c, T, P, K, V, S, M> {
    /// Makes a miss, which may have a number among the misses of its thread. If no run has begun, because the process may not
    /// use the cache, nothing will be stored.
    #[inline(always)]
    pub(crate) fn new(
        cache: &'c Cache<T, P, K, V, S>,
        key: K,
        same: M,
        hash: u64,
        unfound: Unfound,
        begun: Option<RunBegun<'c, T, P, K, V>>,
        number: Option<u64>,
    ) -> Self {
        let stopwatch = match number {
            Some(number) => cache.runs.begin_numbered(number),
            None => cache.runs.begin(),
        };
        let conflict = if cache.table.is_bounded() { Conflict::Keep } else { Conflict::Replace };
        let (running, began_at) = match begun {
            Some((running, began_at)) => (Some(running.apart()), began_at),
            None => (None, SequenceNumber(0)),
        };
        Self {
            cache,
            key: Some(key),
            same,
            hash,
            unfound,
            conflict,
            began_at,
            running,
            turn: None,
            stopwatch,
        }
    }
}

impl<'c, T, P, K, V, S, M> Miss<'c, T, P, K, V, S, M>
where
    T: Outlined,
    P: Kind,
    K: Tagged,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// Marks this thread as the leader while the function runs, so that a recursive call does not wait.
    pub fn enter(&mut self) -> impl Sized + use<'_, 'c, T, P, K, V, S, M> {
        self.turn.as_ref().map(Turn::enter)
    }

    /// Like [`enter`](Self::enter), for an `async fn`.
    pub fn inside<F: Future>(&mut self, body: F) -> impl Future<Output = F::Output> {
        Turn::inside(self.turn.as_mut(), body)
    }

    /// Gives copies of the run's error to the followers, if there is an error and it can be copied.
    pub fn share_error<Kind, R: Returned<Kind>>(&mut self, returned: &R, errors: Errors<R>) {
        let Some(copy) = errors.copy() else { return };
        if returned.value().is_some() {
            return;
        }
        if let Some(turn) = self.turn.take() {
            turn.fail_in(self.cache, self.hash, || copy(returned));
        }
    }

    /// Ends the run, and stores its value. Nothing is stored without a value (`Err`), or after a clear or an invalidation of
    /// the key during the run.
    #[inline(never)]
    pub fn complete<Kind, R: Returned<Kind, Value = V>>(
        &mut self,
        outcome: R,
        clone: impl Fn(&V) -> V,
        admits: impl Fn(&K, &V) -> bool,
        weigh: impl Fn(&K, &V) -> usize,
        ttl_of: impl Fn(&V) -> Option<Duration>,
    ) -> R {
        self.stopwatch.end_in(&self.cache.runs, outcome.value().is_some());
        let mut stored_by = None;
        let key = outcome.value().filter(|_| !self.cache.table.is_off()).and(self.key.take());
        {
            // Followers wait until the value is stored. Storing runs user code, which may call the function again and must
            // not wait for itself.
            let _inside = self.turn.as_ref().map(Turn::enter);
            if let (Some(value), Some(key)) = (outcome.value(), key) {
                if admits(&key, value) {
                    stored_by = self.store(key, clone(value), weigh, ttl_of);
                } else {
                    self.cache.note(partial_hash(self.hash), Use::Unstored);
                }
            } else if outcome.value().is_some() {
                self.cache.note_unstored(partial_hash(self.hash));
            } else {
                self.cache.note(partial_hash(self.hash), Use::Unstored);
            }
        }
        if let Some(mine) = stored_by {
            if let Some(running) = self.running.take() {
                mine.end(running);
            }
        }
        if let Some(value) = outcome.value().filter(|_| self.turn.is_some()) {
            if let Some(turn) = self.turn.take() {
                turn.land_in(self.cache, self.hash, || clone(value));
            }
        }
        outcome
    }

    /// Stores a value. Returns the reader of the calling thread, if that is known.
    #[inline(always)]
    fn store(
        &self,
        key: K,
        value: V,
        weigh: impl Fn(&K, &V) -> usize,
        ttl_of: impl Fn(&V) -> Option<Duration>,
    ) -> StoredBy<'c, T, P, K, V> {
        let cache = self.cache;
        let entry = cache.entry(self.hash, key, value, ttl_of);
        let weight = weigh(&entry.key, &entry.value);
        match self.store_at_once(entry, weight) {
            Ok(reader) => reader,
            Err(entry) => {
                self.store_searching(entry, weight);
                None
            }
        }
    }

    /// Stores an entry whose key is absent, and was neither cleared nor invalidated. Returns the reader of the calling thread.
    ///
    /// # Errors
    /// The entry, if that is not so, or if only user code can tell.
    #[inline(always)]
    fn store_at_once(&self, entry: EntryOf<P, K, V>, weight: usize) -> Stored<'c, T, P, K, V> {
        let mut left = Left::new();
        let Some(mut guard) = self.cache.table.lock_if(|| self.cache.is_usable()) else {
            return Ok(None);
        };
        let (mut inside, ledger, mine) = guard.parts();
        let is_lacking = inside.still_lacks(self.unfound) || self.lacks_now(&inside, &entry);
        if !is_lacking || newest::<T, K, V>(ledger) != self.began_at {
            return Err(entry);
        }
        let expiry = self.cache.expiry();
        let is_wanted = entry.key.is_current() && inside.admits(weight);
        if is_wanted && !self.cache.is_old(&entry, expiry.now) {
            inside.store_new(partial_hash(self.hash), entry, weight, &expiry, &mut left);
            self.cache.note(partial_hash(self.hash), Use::Stored);
        } else {
            self.cache.note_unstored(partial_hash(self.hash));
            left.push(entry);
        }
        Ok(mine)
    }

    /// Returns whether the key is absent. Returns false as well if only user code can tell.
    #[inline(never)]
    fn lacks_now(&self, inside: &Inside<'_, T, EntryOf<P, K, V>>, entry: &EntryOf<P, K, V>) -> bool {
        let is_it = |stored: &EntryOf<P, K, V>| self.same.same(&stored.key, &entry.key).then_some(());
        P::PLAIN && inside.find(partial_hash(self.hash), is_it).is_none()
    }

    #[inline(never)]
    fn store_searching(&self, entry: EntryOf<P, K, V>, weight: usize) {
        let (cache, hash) = (self.cache, self.hash);
        let matches = |entry: &EntryOf<P, K, V>, stored: &K| self.same.same(stored, &entry.key);
        Compared::<T::Pointer<K>>::new().search(
            entry,
            |compared, entry| {
                if !compared.equal.is_empty() {
                    return Ok(());
                }
                let is_known =
                    |key: &T::Pointer<K>| compared.different.iter().any(|other| is_same::<T, K>(other, key));
                let (unknown, _dropped_outside) =
                    cache.search(hash, self.unfound, entry, matches, |searched, entry| {
                        let invalidations = &searched.ledger.made().invalidations;
                        match invalidations.since(self.began_at, hash, is_known) {
                            Since::Unknown(invalidated) => return Err((invalidated, entry)),
                            Since::Everything => searched.left.push(entry),
                            Since::Others if self.conflict == Conflict::Keep && searched.is_kept(cache) => {
                                searched.left.push(entry);
                            }
                            Since::Others => cache.store(searched, hash, entry, weight),
                        }
                        Ok(())
                    });
                unknown
            },
            |entry, invalidated| self.same.same(invalidated, &entry.key),
        );
    }
}

/// Returns the number of the newest clear or invalidation.
#[inline]
fn newest<T: Outlined, K, V>(ledger: &LedgerOf<T, K, V>) -> SequenceNumber {
    ledger.get().map_or(SequenceNumber(0), |ledger| ledger.invalidations.newest())
}

impl<T: Outlined, P: Kind, K, V, S, M> Miss<'_, T, P, K, V, S, M> {
    /// Ends the run and the turn, unless storing the value has ended them.
    #[cold]
    #[inline(never)]
    fn end(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.abandon_in(self.cache, self.hash);
        }
        if let Some(running) = self.running.take() {
            self.cache.table.end(running);
        }
        if self.cache.table.remembers() && self.cache.is_usable() {
            self.cache.forget_invalidations();
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S, M> Drop for Miss<'_, T, P, K, V, S, M> {
    #[inline]
    fn drop(&mut self) {
        if P::Watch::IS_ON && self.key.is_some() {
            // The function has panicked, or was cancelled.
            self.cache.note(partial_hash(self.hash), Use::Unstored);
        }
        if self.turn.is_some() || self.running.is_some() || self.cache.table.remembers() {
            self.end();
        }
        self.stopwatch.drop_in(&self.cache.runs);
    }
}
