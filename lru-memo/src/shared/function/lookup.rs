//! Lookups of a function's calls in the near cache and in the store.

use alloc::vec::Vec;

use super::{SharedCache, SharedCall, SharedMiss, SharedPending, tags};
use crate::shared::codec::value::Codec;
use crate::shared::events::note_rejected;
use crate::shared::task::Caller;
use crate::shared::{Found, Ticket};

impl SharedCall {
    /// Looks up the key for a call of the function, and counts a hit or a miss.
    ///
    /// # Errors
    /// A miss.
    pub async fn get<V>(self, codec: Codec<V>) -> Result<V, SharedMiss> {
        let (cache, sampled) = (self.cache, self.sampled());
        let found = match self.look_near(codec) {
            Ok(value) => Ok(value),
            Err((call, near)) => call.get_far(near, codec).await,
        };
        cache.count(sampled, found)
    }

    /// Looks up the key in the near cache. On a miss, returns the call and the near cache's ticket.
    pub(super) fn look_near<V>(self, codec: Codec<V>) -> Result<V, (Self, Option<Ticket>)> {
        let (Some(near), Some(key)) = (&self.cache.near, &self.key) else { return Err((self, None)) };
        match near.get(key) {
            Some(Found::Hit(bytes)) if self.cache.is_old(&bytes) => {
                near.invalidate(key);
                let ticket = near.ticket();
                Err((self, ticket))
            }
            // The near cache does not see what other processes invalidate: the option `near` allows that for a time.
            Some(Found::Hit(bytes)) => match self.cache.decode_alone(&bytes, codec) {
                Some(value) => {
                    self.cache.count_unseen_hit();
                    Ok(value)
                }
                None => Err((self, None)),
            },
            Some(Found::Miss(ticket)) => Err((self, Some(ticket))),
            None => Err((self, None)),
        }
    }

    pub(super) async fn get_far<V>(self, near: Option<Ticket>, codec: Codec<V>) -> Result<V, SharedMiss> {
        let Self { cache, key, caller, .. } = self;
        let Some(key) = key else { return Err(cache.miss(caller, None)) };
        match cache.ask(caller, key, |store, space, key| store.get(space, key)).await {
            (key, Some(Found::Hit(bytes))) => cache.decode(caller, key, &bytes, near, codec).await,
            (key, Some(Found::Miss(ticket))) => {
                Err(SharedMiss { near, ..cache.miss(caller, Some((key, ticket))) })
            }
            (_, None) => Err(cache.miss(caller, None)),
        }
    }

    /// Looks up the key for a call with `single_flight`.
    ///
    /// # Errors
    /// On a miss, what the caller does next.
    pub async fn get_or_join<V>(self, codec: Codec<V>) -> Result<V, SharedPending> {
        let (cache, sampled) = (self.cache, self.sampled());
        let (Self { key, caller, .. }, near) = match self.look_near(codec) {
            Ok(value) => return cache.count(sampled, Ok(value)),
            Err(far) => far,
        };
        let Some(key) = key else {
            return cache.count(sampled, Err(SharedPending::Run(cache.miss(caller, None))));
        };
        let (key, found) = cache.ask(caller, key, |store, space, key| store.get_if_present(space, key)).await;
        match found.flatten() {
            Some(bytes) => {
                let found = cache.decode(caller, key, &bytes, near, codec).await;
                cache.count(sampled, found.map_err(SharedPending::Run))
            }
            None => {
                let joined = cache.turns.join(&key);
                let call = Self { cache, key: Some(key), caller, tags: Vec::new() };
                Err(SharedPending::Join(call, near, joined))
            }
        }
    }

    /// Returns the value of the key. Changes neither recency nor counters.
    pub async fn peek<V>(self, codec: Codec<V>) -> Option<V> {
        let (cache, caller) = (self.cache, self.caller);
        let bytes = self.ask(|store, space, key| store.peek(space, key)).await.flatten()?;
        if cache.is_current(caller, &bytes).await { cache.decode_alone(&bytes, codec) } else { None }
    }
}

impl SharedCache {
    /// Decodes a hit. A value that cannot be decoded, or whose tags were invalidated, becomes a miss.
    pub(super) async fn decode<V>(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        bytes: &[u8],
        near: Option<Ticket>,
        codec: Codec<V>,
    ) -> Result<V, SharedMiss> {
        // Not in an async function of its own: another future would cost each hit.
        let is_current = !self.is_tagged || tags::are_current(caller, self.undated(bytes)).await;
        if let Some(value) = is_current.then(|| self.decode_alone(bytes, codec)).flatten() {
            self.keep_near(&key, bytes, near, false);
            return Ok(value);
        }
        if is_current {
            note_rejected();
        }
        let (key, ticket) = self.ask(caller, key, |store, space, key| store.reject(space, key)).await;
        Err(self.miss(caller, ticket.map(|ticket| (key, ticket))))
    }

    /// Decodes a value, whether or not its tags were invalidated.
    pub(super) fn decode_alone<V>(&self, bytes: &[u8], codec: Codec<V>) -> Option<V> {
        let bytes = self.undated(bytes);
        (codec.decode)(if self.is_tagged { tags::without_head(bytes)? } else { bytes })
    }

    /// Whether no tag of the value was invalidated since the value was computed.
    pub(super) async fn is_current(&self, caller: Caller, bytes: &[u8]) -> bool {
        !self.is_tagged || tags::are_current(caller, self.undated(bytes)).await
    }

    pub(super) fn keep_near(&self, key: &[u8], value: &[u8], ticket: Option<Ticket>, replace: bool) {
        if let (Some(near), Some(ticket)) = (&self.near, ticket) {
            near.keep(key, value, ticket, replace);
        }
    }
}
