//! A lookup that found nothing: what is to be done once the function has run.

use core::hash::BuildHasher;
use core::time::Duration;

use crate::advice::{Use, Watch};
use crate::cache::compared::Compared;
use crate::cache::in_flight::is_same;
use crate::cache::kind::Kind;
use crate::cache::{Cache, EntryOf};
use crate::codegen::key::{Key, SameKey};
use crate::codegen::outcome::{Errors, Returned};
use crate::flight::Turn;
use crate::table::invalidations::{SequenceNumber, Since};
use crate::table::lru::Left;
use crate::table::threading::Threading;
use crate::table::{Computation, Inside, Mine, Unfound, tag};
use crate::tags::Tagged;
use crate::totals::Stopwatch;

/// A lookup that found nothing, to be completed with the value that the function computes.
///
/// Dropping it says that there is no value: the function panicked or returned an error.
pub struct Miss<'c, T: Threading, P: Kind, K, V, S, M> {
    pub(crate) cache: &'c Cache<T, P, K, V, S>,
    pub(crate) key: Option<K>,
    pub(crate) same: M,
    pub(crate) hash: u64,
    /// What was seen when it was looked up.
    pub(crate) unfound: Unfound,
    pub(crate) conflict: Conflict,
    /// What was cleared or invalidated before it began.
    pub(crate) began_at: SequenceNumber,
    /// Taken when it has ended.
    pub(crate) running: Option<Computation<'c, T, EntryOf<P, K, V>>>,
    /// Others wait for the value. Taken when they have it, or one of them has the turn.
    pub(crate) turn: Option<Turn<V>>,
    pub(crate) stopwatch: Stopwatch<'c>,
}

/// A run that has begun, and what was cleared or invalidated before.
pub(crate) type Begun<'c, T, P, K, V> = (Computation<'c, T, EntryOf<P, K, V>>, SequenceNumber);

/// The reader of the thread that has stored a value, if it was at hand.
type StoredBy<'c, T, P, K, V> = Option<Mine<'c, T, EntryOf<P, K, V>>>;

/// A stored entry, or one that was not stored yet.
type Stored<'c, T, P, K, V> = Result<StoredBy<'c, T, P, K, V>, EntryOf<P, K, V>>;

/// The [`Miss`] of a lookup by a key `Q`.
pub(crate) type MissOf<'c, T, P, K, V, S, Q> =
    Miss<'c, T, P, K, V, S, <Q as Key<K, <S as BuildHasher>::Hasher>>::Same>;

/// What becomes of a computed value whose key is in the cache by now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The one that is there stays, where it is, unless it is old: a call of a bounded function.
    Keep,
    /// The new one replaces it, as the most recent.
    Replace,
}

impl<'c, T: Threading, P: Kind, K, V, S, M> Miss<'c, T, P, K, V, S, M> {
    /// Makes a miss, which may have a number among those of its thread. What has not begun, because the process may not use
    /// the cache, stores nothing.
    #[inline(always)]
    pub(crate) fn new(
        cache: &'c Cache<T, P, K, V, S>,
        key: K,
        same: M,
        hash: u64,
        unfound: Unfound,
        begun: Option<Begun<'c, T, P, K, V>>,
        number: Option<u64>,
    ) -> Self {
        let stopwatch = match number {
            Some(number) => cache.runs.begin_numbered(number),
            None => cache.runs.begin(),
        };
        let conflict = if cache.table.is_bounded() { Conflict::Keep } else { Conflict::Replace };
        let (running, began_at) = match begun {
            Some((running, began_at)) => (Some(running), began_at),
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
    T: Threading,
    P: Kind,
    K: Tagged,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// Marks this thread as the one that computes the value others wait for, while the function runs.
    pub fn enter(&mut self) -> impl Sized + use<'_, 'c, T, P, K, V, S, M> {
        self.turn.as_ref().map(Turn::enter)
    }

    /// Like [`enter`](Self::enter), for an `async fn`.
    pub async fn inside<F: Future>(&mut self, body: F) -> F::Output {
        match &mut self.turn {
            Some(turn) => turn.inside(body).await,
            None => body.await,
        }
    }

    /// Gives the error that a call has returned, if it has one and that can be copied, to those who wait.
    pub fn share_error<Kind, R: Returned<Kind>>(&mut self, returned: &R, errors: Errors<R>) {
        let Some(copy) = errors.copy() else { return };
        if returned.value().is_some() {
            return;
        }
        if let Some(turn) = self.turn.take() {
            self.cache.fail(self.hash, turn, || copy(returned));
        }
    }

    /// Stores the value of what a call has returned, if it has one and its key was not cleared or invalidated
    /// meanwhile.
    #[inline(never)]
    pub fn complete<Kind, R: Returned<Kind, Value = V>>(
        &mut self,
        outcome: R,
        clone: impl Fn(&V) -> V,
        admits: impl Fn(&K, &V) -> bool,
        weigh: impl Fn(&K, &V) -> usize,
        ttl_of: impl Fn(&V) -> Option<Duration>,
    ) -> R {
        self.stopwatch.end(outcome.value().is_some());
        let mut stored_by = None;
        let key = outcome.value().filter(|_| !self.cache.table.is_off()).and(self.key.take());
        {
            // Whoever waits goes on waiting until the value is stored. The user's code that storing runs may call the
            // function again, and must not wait for itself.
            let _inside = self.turn.as_ref().map(Turn::enter);
            if let (Some(value), Some(key)) = (outcome.value(), key) {
                if admits(&key, value) {
                    stored_by = self.store(key, clone(value), weigh, ttl_of);
                } else {
                    self.cache.note(tag(self.hash), Use::Unstored);
                }
            } else if outcome.value().is_some() {
                self.cache.note_unstored(tag(self.hash));
            } else {
                self.cache.note(tag(self.hash), Use::Unstored);
            }
        }
        if let Some(mine) = stored_by {
            if let Some(running) = self.running.take() {
                mine.end(running);
            }
        }
        if let Some(value) = outcome.value().filter(|_| self.turn.is_some()) {
            if let Some(turn) = self.turn.take() {
                self.cache.land(self.hash, turn, || clone(value));
            }
        }
        outcome
    }

    /// Stores a value. Returns the calling thread's reader, if that was at hand.
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

    /// Stores an entry whose key is not there, and was not cleared or invalidated. Returns the calling thread's reader.
    ///
    /// # Errors
    /// The entry, when that is not so, or takes foreign code to find out.
    #[inline(always)]
    fn store_at_once(&self, entry: EntryOf<P, K, V>, weight: usize) -> Stored<'c, T, P, K, V> {
        let mut left = Left::new();
        let Some(mut guard) = self.cache.table.lock_if(|| self.cache.is_usable()) else {
            return Ok(None);
        };
        let (mut inside, ledger, mine) = guard.parts();
        let is_lacking = inside.still_lacks(self.unfound) || self.lacks_now(&inside, &entry);
        if !is_lacking || ledger.invalidations.newest() != self.began_at {
            return Err(entry);
        }
        let expiry = self.cache.expiry();
        let is_wanted = entry.key.is_current() && inside.admits(weight);
        if is_wanted && !self.cache.is_old(&entry, expiry.now) {
            inside.store_new(tag(self.hash), entry, weight, &expiry, &mut left);
            self.cache.note(tag(self.hash), Use::Stored);
        } else {
            self.cache.note_unstored(tag(self.hash));
            left.push(entry);
        }
        Ok(mine)
    }

    /// Searches in the lock, unless that takes foreign code. Returns whether the key is not there.
    #[inline(never)]
    fn lacks_now(&self, inside: &Inside<'_, T, EntryOf<P, K, V>>, entry: &EntryOf<P, K, V>) -> bool {
        let is_it = |stored: &EntryOf<P, K, V>| self.same.same(&stored.key, &entry.key).then_some(());
        P::PLAIN && inside.find(tag(self.hash), is_it).is_none()
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
                        let invalidations = &searched.ledger.invalidations;
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

impl<T: Threading, P: Kind, K, V, S, M> Miss<'_, T, P, K, V, S, M> {
    /// Ends what a stored value has not ended.
    #[cold]
    #[inline(never)]
    fn end(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.cache.abandon(self.hash, turn);
        }
        drop(self.running.take());
        if self.cache.table.remembers() && self.cache.is_usable() {
            self.cache.forget_invalidations();
        }
    }
}

impl<T: Threading, P: Kind, K, V, S, M> Drop for Miss<'_, T, P, K, V, S, M> {
    #[inline]
    fn drop(&mut self) {
        if P::Watch::IS_ON && self.key.is_some() {
            // The function has panicked, or was cancelled.
            self.cache.note(tag(self.hash), Use::Unstored);
        }
        if self.turn.is_some() || self.running.is_some() || self.cache.table.remembers() {
            self.end();
        }
    }
}
