//! `stale` on a store.
//!
//! The store keeps an entry for `ttl` and `stale` together. A stored value begins with a [`Head`], which says when the value
//! becomes old, and until when nobody recomputes it after a failure. The caller that gets the lease of the key recomputes
//! the value; all others, of all processes, get the old one. So there is one run at a time, and a lease whose process is
//! killed ends as every lease does.

pub(in crate::shared) mod head;
mod rerun;

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use self::head::{Head, undated};
use self::rerun::{SharedOld, SharedPendingRerun, SharedRerun};
use super::notes::Sampled;
use super::totals::Missed;
use super::{SharedCache, SharedCall, SharedMiss, SharedPending, noted};
use crate::info::Outcome;
use crate::shared::codec::value::Codec;
use crate::shared::task::Caller;
use crate::shared::turns::{Role, SharedTurn};
use crate::shared::{Found, Namespace, Store, Ticket, wall};

/// What the store has of a key once the caller has the lease.
struct Seen {
    /// From before the value was read, so that an invalidation after that is noticed.
    ticket: Ticket,
    bytes: Option<Vec<u8>>,
    is_due: bool,
}

impl Seen {
    fn read(store: &dyn Store, space: &Namespace, key: &[u8]) -> Result<Self, crate::shared::Error> {
        let ticket = store.ticket(space)?;
        let bytes = store.peek(space, key)?;
        let now = wall::now();
        let is_due = bytes.as_deref().and_then(Head::of).is_some_and(|head| head.is_due(now));
        if is_due || bytes.is_none() {
            store.hit_to_miss(space, key)?;
        }
        Ok(Self { ticket, bytes, is_due })
    }
}

/// The value of a hit, or what the caller does next.
type Looked<V, E> = Result<(V, Outcome), E>;

impl SharedCall {
    /// Like [`get`](Self::get), for values that may be old.
    ///
    /// # Errors
    /// When the caller is to run the function: there is no value, or the caller has the lease of an old one.
    pub async fn look_or_claim<V>(self, codec: Codec<V>) -> Looked<V, SharedRerun<V>> {
        let (cache, sampled) = (self.cache, self.sampled());
        let looked = match self.look_near(codec) {
            Ok(value) => Ok((value, Outcome::Hit)),
            Err((Self { key: None, caller, .. }, _)) => Err(SharedRerun::new(cache.miss(caller, None))),
            Err((Self { key: Some(key), caller, .. }, near)) => {
                match cache.ask(caller, key, |store, space, key| store.get(space, key)).await {
                    (key, Some(Found::Hit(bytes))) => {
                        cache.serve_or_claim(caller, key, bytes, near, codec).await
                    }
                    (key, Some(Found::Miss(ticket))) => {
                        Err(SharedRerun::new(SharedMiss { near, ..cache.miss(caller, Some((key, ticket))) }))
                    }
                    (_, None) => Err(SharedRerun::new(cache.miss(caller, None))),
                }
            }
        };
        cache.count_looked(sampled, looked)
    }

    /// Like [`get_or_join`](Self::get_or_join), for values that may be old.
    ///
    /// # Errors
    /// On a miss, and with the lease of an old value, what the caller does next.
    pub async fn join_or_claim<V>(self, codec: Codec<V>) -> Looked<V, SharedPendingRerun<V>> {
        let (cache, sampled) = (self.cache, self.sampled());
        let (Self { key, caller, .. }, near) = match self.look_near(codec) {
            Ok(value) => return cache.count_looked(sampled, Ok((value, Outcome::Hit))),
            Err(far) => far,
        };
        let Some(key) = key else {
            let rerun = SharedRerun::new(cache.miss(caller, None));
            return cache.count_looked(sampled, Err(SharedPendingRerun::run(rerun)));
        };
        let (key, found) = cache.ask(caller, key, |store, space, key| store.get_if_present(space, key)).await;
        match found.flatten() {
            Some(bytes) => {
                let looked = cache.serve_or_claim(caller, key, bytes, near, codec).await;
                cache.count_looked(sampled, looked.map_err(SharedPendingRerun::run))
            }
            None => {
                let joined = cache.turns.join(&key);
                let call = Self { cache, key: Some(key), caller, tags: Vec::new() };
                Err(SharedPendingRerun::join(SharedPending::Join(call, near, joined)))
            }
        }
    }
}

impl SharedCache {
    /// Counts a hit or a miss of a function with `stale`.
    fn count_looked<V, E: Missed>(
        &'static self,
        sampled: Option<Sampled>,
        looked: Looked<V, E>,
    ) -> Looked<V, E> {
        let calls = &self.ledger().calls;
        if matches!(looked, Ok((_, Outcome::Stale))) {
            calls.stale_hits.fetch_add(1, Relaxed);
            self.tell_later();
        }
        self.count(sampled, looked)
    }

    /// Whether these bytes of a value are older than its `ttl`.
    pub(super) fn is_old(&self, bytes: &[u8]) -> bool {
        self.lifetime.stale.is_some() && Head::of(bytes).is_some_and(|head| head.is_old(wall::now()))
    }

    /// Puts the head before the bytes of a value that is stored now.
    pub(super) fn dated(&self, key: &[u8], own_ttl: Option<Duration>, bytes: Vec<u8>) -> Vec<u8> {
        if self.lifetime.stale.is_none() {
            return bytes;
        }
        let ttl = self.lifetime.ttl.unwrap_or_default();
        let left = self.age(key, own_ttl).map_or(Duration::ZERO, |age| ttl.saturating_sub(age));
        Head::fresh_for(left).before(&bytes)
    }

    /// The bytes of a value without the head; none if they do not begin with one.
    pub(super) fn undated<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        if self.lifetime.stale.is_none() {
            return bytes;
        }
        undated(bytes).unwrap_or_default()
    }

    /// Returns the value that was found, unless it is old and the caller gets the lease.
    async fn serve_or_claim<V>(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        bytes: Vec<u8>,
        near: Option<Ticket>,
        codec: Codec<V>,
    ) -> Looked<V, SharedRerun<V>> {
        let now = wall::now();
        let Some(head) = Head::of(&bytes).filter(|head| head.is_old(now)) else {
            let fresh = self.decode(caller, key, &bytes, near, codec).await;
            return fresh.map(|value| (value, Outcome::Hit)).map_err(SharedRerun::new);
        };
        let value = self.decode(caller, key.clone(), &bytes, None, codec).await.map_err(SharedRerun::new)?;
        let turn = if head.is_due(now) { self.claim(caller, &key).await } else { None };
        let Some(turn) = turn else { return Ok((value, Outcome::Stale)) };
        let (key, seen) = self.ask(caller, key, Seen::read).await;
        let Some(Seen { ticket, bytes, is_due }) = seen else { return Ok((value, Outcome::Stale)) };
        let miss = |key| SharedMiss { near, turn: Some(turn), ..self.miss(caller, Some((key, ticket))) };
        match bytes {
            // Invalidated meanwhile.
            None => Err(SharedRerun::new(miss(key))),
            Some(bytes) if is_due => {
                let old = SharedOld { value, key: key.clone(), bytes, ticket };
                Err(SharedRerun::of_old(miss(key), old))
            }
            // Recomputed, or tried, since it was looked up.
            Some(bytes) => {
                let outcome = if self.is_old(&bytes) { Outcome::Stale } else { Outcome::Hit };
                Ok((self.decode_alone(&bytes, codec).unwrap_or(value), outcome))
            }
        }
    }

    /// Claims the key, unless a caller of this process or another one computes it.
    async fn claim(&'static self, caller: Caller, key: &[u8]) -> Option<SharedTurn> {
        let Role::Turn(mut turn) = self.turns.join(key) else { return None };
        let is_mine = noted(turn.try_lease(&self.space, caller).await)?;
        is_mine.then_some(turn)
    }
}
