//! Lookups: the fast path of a hit, which takes no lock, and the longer ways.

use core::hash::BuildHasher;

use super::{Cache, EntryOf};
use crate::advice::record::Use;
use crate::advice::watch::Watch;
use crate::cache::keeping::Keeping;
use crate::cache::kind::Kind;
use crate::cache::miss::{Conflict, Miss, MissOf};
use crate::codegen::key::Key;
use crate::table::bias::Biased as _;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;
use crate::table::{Computation, Mine, Unfound, partial_hash};

/// The result of a search that found nothing and counted nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unseen {
    pub(super) hash: u64,
    pub(super) unfound: Unfound,
}

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Looks a key up, counts the hit, and makes the entry the most recent. This is the fast path: it finds most entries, but
    /// not all.
    ///
    /// # Errors
    /// If it has found nothing, and counted nothing. The caller goes on with [`look`](Self::look).
    // Without optimization, what is inlined takes room in the caller's frame, for as long as the function runs.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn get<Q: Key<K, S::Hasher>>(&self, key: Q, clone: fn(&V) -> V) -> Result<V, Unseen> {
        let hash = self.hash(key);
        if !(P::PLAIN && T::Bias::MAY_HOLD) {
            let found = match self.table.mine() {
                Some(mine) => self.find_near(mine, hash, key, clone),
                None => Err(Unfound::UNSURE),
            };
            return found.map_err(|unfound| Unseen { hash, unfound });
        }
        self.find_plain(hash, key, clone).map_err(|unfound| Unseen { hash, unfound })
    }

    /// Finds a plain entry with the least work, above all for the thread to which the cache is biased.
    #[inline(always)]
    fn find_plain<Q: Key<K, S::Hasher>>(
        &self,
        hash: u64,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Result<V, Unfound> {
        if self.watch.samples(partial_hash(hash)) {
            return Err(Unfound::UNSURE);
        }
        let now = self.now();
        let found = self.table.find_near(partial_hash(hash), |entry| key.matches(&entry.key))?;
        if self.is_old(found.entry(), now) {
            return Err(Unfound::UNSURE);
        }
        self.put_off(found.entry(), now);
        found.hit(|entry| clone(&entry.value)).ok_or(Unfound::UNSURE)
    }

    #[inline(always)]
    fn find_near<Q: Key<K, S::Hasher>>(
        &self,
        mine: Mine<'_, T, EntryOf<P, K, V>>,
        hash: u64,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Result<V, Unfound> {
        if self.watch.samples(partial_hash(hash)) {
            return Err(Unfound::UNSURE);
        }
        let now = self.now();
        if P::PLAIN {
            let found = mine.find_near(partial_hash(hash), |entry| key.matches(&entry.key))?;
            if self.is_old(found.entry(), now) {
                return Err(Unfound::UNSURE);
            }
            self.put_off(found.entry(), now);
            found.hit(|entry| clone(&entry.value)).ok_or(Unfound::UNSURE)
        } else {
            // User code runs while the entry is protected, and the reader is not pinned.
            let _after = LetGo(self);
            let kept = mine.find_near(partial_hash(hash), |_| true)?.protect().ok_or(Unfound::UNSURE)?;
            if !key.matches(&kept.entry().key) || self.is_old(kept.entry(), now) || !kept.stamp() {
                return Err(Unfound::UNSURE);
            }
            self.put_off(kept.entry(), now);
            Ok(clone(&kept.entry().value))
        }
    }

    /// Looks up a key that the [fast path](Self::get) has not found.
    ///
    /// # Errors
    /// On a miss. The caller runs the function and completes the [`Miss`].
    #[inline(never)]
    pub fn look<Q: Key<K, S::Hasher>>(
        &self,
        unseen: &Unseen,
        key: Q,
        clone: fn(&V) -> V,
    ) -> Result<V, MissOf<'_, T, P, K, V, S, Q>> {
        self.catch_up_with_bound();
        let Some(process) = self.usable_in() else {
            let heir = self.make_heir();
            return heir.look(&Unseen { hash: heir.hash(key), unfound: Unfound::UNSURE }, key, clone);
        };
        let &Unseen { hash, mut unfound } = unseen;
        if let Some(mine) = self.table.join_in() {
            let mut is_lacking = self.table.lacks(unfound);
            if !is_lacking {
                match self.look_without_lock(mine, hash, key, &clone) {
                    Ok(value) => return Ok(value),
                    Err(seen) => unfound = seen,
                }
                is_lacking = self.table.lacks(unfound);
            }
            if is_lacking {
                let number = mine.count_miss();
                self.note(partial_hash(hash), Use::Missed);
                let running = mine.begin_in(process);
                return Err(self.miss(key, hash, unfound, running, Some(number)));
            }
        }
        match self.look_in_lock(hash, key) {
            Ok(kept) => Ok(clone(kept.value())),
            Err(unfound) => {
                let running = self.table.begin_in(process);
                Err(self.miss(key, hash, unfound, running, None))
            }
        }
    }

    /// Does what [`look`](Self::look) does, under the lock.
    #[cold]
    #[inline(never)]
    fn look_in_lock<Q: Key<K, S::Hasher>>(
        &self,
        hash: u64,
        key: Q,
    ) -> Result<Keeping<'_, T, P, K, V, S>, Unfound> {
        self.at(hash, key, |searched| {
            if searched.place.is_some() {
                return Ok(searched.hit(self));
            }
            searched.ledger.made().misses += 1;
            self.note(partial_hash(hash), Use::Missed);
            Err(searched.inside.lacking())
        })
    }

    /// Looks a key up. Takes the lock only to become the thread that stamps alone.
    ///
    /// # Errors
    /// If it has found nothing.
    pub(crate) fn look_without_lock<Q: Key<K, S::Hasher>>(
        &self,
        mine: Mine<'_, T, EntryOf<P, K, V>>,
        hash: u64,
        key: Q,
        clone: &impl Fn(&V) -> V,
    ) -> Result<V, Unfound> {
        let now = self.now();
        let _after = LetGo(self);
        // User code compares one candidate, which is protected. If that is another key, the search under the lock goes on.
        let may_be_it = |entry: &EntryOf<P, K, V>| !P::PLAIN || key.matches(&entry.key);
        let kept = mine.find(partial_hash(hash), may_be_it)?.protect().ok_or(Unfound::UNSURE)?;
        if !key.matches(&kept.entry().key) || self.is_old(kept.entry(), now) {
            return Err(Unfound::UNSURE);
        }
        self.put_off(kept.entry(), now);
        if !kept.stamp() {
            self.table.hit(&kept);
        }
        self.note(partial_hash(hash), Use::Hit);
        Ok(clone(&kept.entry().value))
    }

    /// Begins the run of `f_cache_refresh`. Counts nothing, and searches for nothing.
    #[inline(never)]
    pub fn refresh<Q: Key<K, S::Hasher>>(&self, key: Q) -> MissOf<'_, T, P, K, V, S, Q> {
        if let Some(heir) = self.heir() {
            return heir.refresh(key);
        }
        let hash = self.hash(key);
        let running = self.table.begin();
        let mut miss = self.miss(key, hash, Unfound::UNSURE, running, None);
        miss.conflict = Conflict::Replace;
        miss
    }

    /// Makes a miss. It may have a number among the misses of its thread.
    #[inline(always)]
    pub(super) fn miss<'c, Q: Key<K, S::Hasher>>(
        &'c self,
        key: Q,
        hash: u64,
        unfound: Unfound,
        running: Computation<'c, T, EntryOf<P, K, V>>,
        number: Option<u64>,
    ) -> MissOf<'c, T, P, K, V, S, Q> {
        let begun = Some((running, self.table.newest()));
        Miss::new(self, key.to_stored(), key.same(), hash, unfound, begun, number)
    }

    /// Returns the value of a key. Changes neither counters nor recency.
    #[inline(never)]
    pub fn peek<Q: Key<K, S::Hasher>>(&self, key: Q, clone: fn(&V) -> V) -> Option<V> {
        if let Some(heir) = self.heir() {
            return heir.peek(key, clone);
        }
        let kept = self.at(self.hash(key), key, |mut searched| searched.keep(self))?;
        Some(clone(kept.value()))
    }
}

/// When dropped, drops the entries that were removed while user code looked at them.
struct LetGo<'c, T: Outlined, P: Kind, K, V, S>(&'c Cache<T, P, K, V, S>);

impl<T: Outlined, P: Kind, K, V, S> LetGo<'_, T, P, K, V, S> {
    #[cold]
    #[inline(never)]
    fn let_go(&self) {
        let mut left = Left::new();
        self.0.table.with(|mut inside, _| inside.settle(&mut left));
    }
}

impl<T: Outlined, P: Kind, K, V, S> Drop for LetGo<'_, T, P, K, V, S> {
    #[inline]
    fn drop(&mut self) {
        if self.0.table.holds_back() {
            self.let_go();
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Looks up a key that the [fast path](Self::get) has not found, or was not asked for (then there is no [`Unseen`]).
    ///
    /// # Errors
    /// As for [`look`](Self::look).
    #[inline]
    pub fn look_on<Q: Key<K, S::Hasher>>(
        &self,
        unseen: &Option<Unseen>,
        key: Q,
        clone: fn(&V) -> V,
    ) -> Result<V, MissOf<'_, T, P, K, V, S, Q>> {
        let unseen = unseen.unwrap_or_else(|| self.not_asked_for(key));
        self.look(&unseen, key, clone)
    }

    #[cold]
    #[inline(never)]
    fn not_asked_for<Q: Key<K, S::Hasher>>(&self, key: Q) -> Unseen {
        Unseen { hash: self.hash(key), unfound: Unfound::UNSURE }
    }
}
