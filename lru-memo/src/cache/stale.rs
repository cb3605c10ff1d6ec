//! `stale`: an entry older than its `ttl` is *old*. One caller at a time recomputes it; all others, and the one whose run
//! fails, get the old value.
//!
//! Who recomputes has the [claim] of the entry. The claim is in the entry and goes with it: once the entry was
//! invalidated, evicted or replaced, the claim keeps nobody from computing.

pub(crate) mod claim;
pub(crate) mod old;
mod rerun;

use alloc::sync::Arc;
use core::hash::BuildHasher;
use core::time::Duration;

use self::claim::{Claim, Claimed};
use self::old::ClaimedEntry;
use self::rerun::{PendingRerun, Rerun};
use super::keeping::Keeping;
use super::lookup::Unseen;
use super::search::Searched;
use super::{Cache, EntryOf};
use crate::advice::record::Use;
use crate::cache::kind::{Expiry, Kind};
use crate::cache::lifetime::LifetimeOf;
use crate::codegen::key::Key;
use crate::info::Outcome;
use crate::sys::clock::Instant;
use crate::sys::fork::Process;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::seldom::Seldom;
use crate::table::{Unfound, partial_hash};

/// What a lookup has found in the lock, where it keeps what is there as a `K`.
enum Seen<K> {
    Fresh(K),
    Old(K),
    Claimed(ClaimedEntry<K>),
    Nothing(Unfound),
}

/// An old entry of a cache that the caller has claimed.
type ClaimedIn<'c, T, P, K, V, S> = ClaimedEntry<Keeping<'c, T, P, K, V, S>>;

/// The value of a hit, or what the caller does next.
type Looked<V, E> = Result<(V, Outcome), E>;

/// The [`Rerun`] of a lookup by a key `Q`.
type RerunOf<'c, T, P, K, V, S, Q> =
    Rerun<'c, T, P, K, V, S, <Q as Key<K, <S as BuildHasher>::Hasher>>::Same>;

/// The [`PendingRerun`] of a lookup by a key `Q`.
type PendingRerunOf<'c, T, P, K, V, S, Q> =
    PendingRerun<'c, T, P, K, V, S, <Q as Key<K, <S as BuildHasher>::Hasher>>::Same>;

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// As [`look`](Self::look), for entries that may be old.
    ///
    /// # Errors
    /// When the caller is to run the function: there is no entry, or the caller has claimed the old one.
    #[inline(never)]
    pub fn look_or_claim<Q: Key<K, S::Hasher>>(
        &self,
        unseen: &Unseen,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Looked<V, RerunOf<'_, T, P, K, V, S, Q>> {
        self.catch_up_with_bound();
        let Some(process) = self.usable_in() else {
            let heir = self.make_heir();
            return heir.look_or_claim(
                &Unseen { hash: heir.hash(key), unfound: Unfound::UNSURE },
                key,
                clone,
            );
        };
        let hash = unseen.hash;
        let found = self.table.join_in().map(|mine| self.look_without_lock(mine, hash, key, &clone));
        if let Some(Ok(value)) = found {
            return Ok((value, Outcome::Hit));
        }
        let (unfound, old) = match self.at(hash, key, |searched| searched.see(self)) {
            Seen::Fresh(kept) => return Ok((clone(kept.value()), Outcome::Hit)),
            Seen::Old(kept) => return Ok((clone(kept.value()), Outcome::Stale)),
            Seen::Claimed(entry) => (Unfound::UNSURE, Some(entry.old(clone))),
            Seen::Nothing(unfound) => (unfound, None),
        };
        self.note(partial_hash(hash), Use::Missed);
        let running = self.table.begin_in(process);
        Err(Rerun { miss: self.miss(key, hash, unfound, running, None), old })
    }

    /// As [`get_or_join`](Self::get_or_join), for entries that may be old.
    ///
    /// # Errors
    /// On a miss, and with the claim of an old entry, what the caller does next.
    pub fn join_or_claim<Q: Key<K, S::Hasher>>(
        &self,
        key: Q,
        clone: impl Fn(&V) -> V,
    ) -> Looked<V, PendingRerunOf<'_, T, P, K, V, S, Q>> {
        self.join(key, clone).map_err(|(pending, old)| PendingRerun { pending, old })
    }
}

impl<T: Outlined, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Whether an entry is older than its `ttl`, or has expired.
    #[inline(always)]
    pub(crate) fn is_old(&self, entry: &EntryOf<P, K, V>, now: Option<Instant>) -> bool {
        now.zip(entry.expiry.fresh_until()).is_some_and(|(now, until)| now >= until)
    }

    /// How long nobody tries again after a run has failed.
    fn pause(&self) -> Duration {
        pause(self.lifetime.ttl())
    }

    /// Removes the entry whose claim this is, if it is still there.
    fn remove_claimed(&self, hash: u64, claim: &Claimed) {
        let mut left = Left::new();
        if !self.is_usable() {
            return;
        }
        self.table.with(|mut inside, _| {
            let is_it = |entry: &EntryOf<P, K, V>| {
                entry.expiry.claim().is_some_and(|other| claim.is_of(other)).then_some(())
            };
            if let Some((place, ())) = inside.find(partial_hash(hash), is_it) {
                inside.remove(place, &mut left);
            }
        });
    }
}

/// How long nobody tries again after a run of a function with this `ttl` has failed.
pub(crate) fn pause(ttl: Option<Duration>) -> Duration {
    (ttl.unwrap_or_default() / 10).max(Duration::from_secs(1))
}

impl<T: Outlined, P: Kind, K, V> Searched<'_, T, P, K, V> {
    fn see<S>(mut self, cache: &Cache<T, P, K, V, S>) -> Seen<Keeping<'_, T, P, K, V, S>> {
        if self.place.is_none() {
            self.ledger.made().misses += 1;
            return Seen::Nothing(self.inside.lacking());
        }
        if !self.is_old(cache) {
            return Seen::Fresh(self.hit(cache));
        }
        match self.claim(cache) {
            Some(entry) => Seen::Claimed(entry),
            None => Seen::Old(self.hit_old(cache)),
        }
    }

    /// Whether there is an entry that is old.
    #[inline]
    pub(super) fn is_old<S>(&self, cache: &Cache<T, P, K, V, S>) -> bool {
        P::Expiry::STALES && self.entry().is_some_and(|entry| cache.is_old(entry, cache.now()))
    }

    /// Whether there is an entry that a call does not replace.
    pub(super) fn is_kept<S>(&self, cache: &Cache<T, P, K, V, S>) -> bool {
        self.place.is_some() && !self.is_old(cache)
    }

    /// Whether the claim of the old entry is free.
    pub(super) fn is_claimable<S>(&self, cache: &Cache<T, P, K, V, S>) -> bool {
        self.claim_of::<S>(cache).is_some_and(|(claim, now, old_since)| claim.is_free(now, old_since))
    }

    /// Claims the old entry, counts a miss, and keeps the entry, as used now.
    pub(super) fn claim<'c, S>(
        &mut self,
        cache: &'c Cache<T, P, K, V, S>,
    ) -> Option<ClaimedIn<'c, T, P, K, V, S>> {
        let process = if T::SHARED { Process::here() } else { Process::ANY };
        let (claim, now, old_since) = self.claim_of::<S>(cache)?;
        let claim = claim.take(now, old_since, process)?;
        self.ledger.made().misses += 1;
        self.touch(cache);
        Some(ClaimedEntry { kept: self.keep(cache)?, claim })
    }

    /// Counts a hit of the old entry, and keeps the entry.
    pub(super) fn hit_old<'c, S>(self, cache: &'c Cache<T, P, K, V, S>) -> Keeping<'c, T, P, K, V, S> {
        self.ledger.made().stale_hits += 1;
        self.hit(cache)
    }

    fn entry(&self) -> Option<&EntryOf<P, K, V>> {
        // SAFETY: it was found in this lock, and not removed.
        self.place.map(|place| unsafe { self.inside.entry(place) })
    }

    /// The claim of the entry, the time, and since when the entry is old.
    fn claim_of<S>(&self, cache: &Cache<T, P, K, V, S>) -> Option<(&Arc<Claim>, Instant, Instant)> {
        let expiry = &self.entry()?.expiry;
        Some((expiry.claim()?, cache.now()?, expiry.fresh_until()?))
    }
}
