//! A lookup that found nothing: what is to be done once the function has run.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use crate::cache::{Cache, StateOf};
use crate::flight::Turn;
use crate::key::{Key, SameKey};
use crate::lru::Left;
use crate::outcome::Outcome;
use crate::ring::Place;
use crate::running::Era;
use crate::storage::{Entry, Storage};
use crate::threading::Threading;

/// A lookup that found nothing, to be completed with the value that the function computes.
///
/// Dropping it says that there is no value: the function panicked or returned an error.
pub struct Miss<'c, T: Threading, P: Storage<T, K, V>, K, V, S, M> {
    pub(crate) cache: &'c Cache<T, P, K, V, S>,
    pub(crate) key: Option<K>,
    pub(crate) same: M,
    pub(crate) hash: u64,
    pub(crate) conflict: Conflict,
    /// Taken when the computation has ended.
    pub(crate) era: Option<Era>,
    /// Others wait for the value. Taken when they have it, or one of them has the turn.
    pub(crate) turn: Option<Turn<V>>,
}

/// The [`Miss`] of a lookup by a key `Q`.
pub(crate) type MissOf<'c, T, P, K, V, S, Q> =
    Miss<'c, T, P, K, V, S, <Q as Key<K, <S as BuildHasher>::Hasher>>::Same>;

/// What becomes of a computed value whose key is in the cache by now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// The one that is there stays, where it is: a call of a bounded function.
    Keep,
    /// The new one replaces it, as the most recent.
    Replace,
}

impl<'c, T, P, K, V, S, M> Miss<'c, T, P, K, V, S, M>
where
    T: Threading,
    P: Storage<T, K, V>,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// Marks this thread as the one that computes the value others wait for, while the function runs.
    pub fn enter(&mut self) -> impl Sized + use<'_, 'c, T, P, K, V, S, M> {
        self.turn.as_mut().map(Turn::enter)
    }

    /// Like [`enter`](Self::enter), for an `async fn`.
    pub async fn inside<F: Future>(&mut self, body: F) -> F::Output {
        match &mut self.turn {
            Some(turn) => turn.inside(body).await,
            None => body.await,
        }
    }

    /// Stores the value of what a call has returned, if it has one and its key was not cleared or invalidated
    /// meanwhile.
    #[inline(never)]
    pub fn complete<Kind, R: Outcome<Kind, Value = V>>(
        mut self,
        outcome: R,
        clone: impl Fn(&V) -> V,
        admits: impl Fn(&V) -> bool,
        weigh: impl Fn(&K, &V) -> usize,
    ) -> R {
        // Whoever waits goes on waiting until the value is stored. The user's code that storing runs may call the
        // function again, and must not wait for itself.
        let mut landing = Landing { cache: self.cache, hash: self.hash, turn: self.turn.take() };
        {
            let _inside = landing.turn.as_mut().map(Turn::enter);
            if self.cache.limits.maxsize != Some(0) {
                if let Some(value) = outcome.value().filter(|value| admits(value)) {
                    if let Some(key) = self.key.take() {
                        let entry = Entry { key, value: clone(value) };
                        let weight = weigh(&entry.key, &entry.value);
                        self.finish(entry, weight);
                    }
                }
            }
        }
        if let Some(value) = outcome.value() {
            if let Some(turn) = landing.turn.take() {
                landing.cache.land(landing.hash, turn, || clone(value));
            }
        }
        outcome
    }

    fn finish(&mut self, mut entry: Entry<K, V>, weight: usize) {
        let Some(era) = self.era else { return };
        let (cache, hash, stamp) = (self.cache, self.hash, self.cache.stamp(weight));
        // Invalidations that were compared, and are of other keys with the same hash.
        let mut others: Vec<T::Pointer<K>> = Vec::new();
        loop {
            let inside =
                |state: &mut StateOf<T, P, K, V>, place: Option<Place>, entry, left: &mut Left<_>| {
                    let Some(since) = state.ledger.running.since(era) else { return Step::Cleared(entry) };
                    let address = |key: &T::Pointer<K>| core::ptr::from_ref::<K>(key);
                    let is_known =
                        |key: &T::Pointer<K>| others.iter().any(|other| address(other) == address(key));
                    let same_hash = since.filter(|invalidated| invalidated.hash == hash);
                    if let Some(unknown) =
                        same_hash.map(|invalidated| &invalidated.key).find(|key| !is_known(key))
                    {
                        return Step::Compare(unknown.clone(), entry);
                    }
                    let kept = match place {
                        Some(_) if self.conflict == Conflict::Keep => Some(entry),
                        place => {
                            state.store(place, hash, P::hold(entry), stamp, left);
                            None
                        }
                    };
                    Step::Done(kept, state.ledger.running.end(era))
                };
            let matches = |entry: &Entry<K, V>, stored: &K| self.same.same(stored, &entry.key);
            let (step, _dropped_outside) = cache.search(hash, entry, matches, inside);
            match step {
                Step::Compare(invalidated, unstored) => {
                    if self.same.same(&invalidated, &unstored.key) {
                        return;
                    }
                    others.push(invalidated);
                    entry = unstored;
                }
                Step::Cleared(_dropped_outside) => return,
                Step::Done(_kept, _forgotten) => {
                    self.era = None;
                    return;
                }
            }
        }
    }
}

/// One round of storing an entry `E` that a call has computed.
enum Step<E, P, F> {
    /// First see whether this invalidation is of the same key.
    Compare(P, E),
    /// Everything was cleared since.
    Cleared(E),
    /// Done; what is not needed any more is dropped outside of the lock.
    Done(Option<E>, F),
}

/// A turn that is to be used up, or abandoned when it is not.
struct Landing<'c, T: Threading, P: Storage<T, K, V>, K, V, S> {
    cache: &'c Cache<T, P, K, V, S>,
    hash: u64,
    turn: Option<Turn<V>>,
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S> Drop for Landing<'_, T, P, K, V, S> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.cache.abandon(self.hash, turn);
        }
    }
}

impl<T: Threading, P: Storage<T, K, V>, K, V, S, M> Drop for Miss<'_, T, P, K, V, S, M> {
    fn drop(&mut self) {
        drop(Landing { cache: self.cache, hash: self.hash, turn: self.turn.take() });
        if let Some(era) = self.era.take() {
            let _dropped_outside = T::with(&self.cache.state, |state| state.ledger.running.end(era));
        }
    }
}
