//! What a caller does after a miss: it runs the function, and stores the value.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::time::Duration;

use super::super::codec::value::Codec;
use super::super::turns::{Run, SharedTurn};
use super::tags::{self, with_head};
use super::{SharedCache, SharedMiss, noted};
use crate::advice::record::Use;
use crate::codegen::outcome::{Errors, Returned};
use crate::shared::task::Caller;
use crate::shared::{Entry, Namespace, Store, Ticket};

impl SharedMiss {
    /// Marks the calling thread as the leader while the function runs, so that a recursive call does not wait.
    pub fn enter(&mut self) -> impl Sized + '_ {
        self.turn.as_mut().and_then(SharedTurn::enter)
    }

    /// Like [`enter`](Self::enter), for an `async fn`.
    pub fn inside<F: Future>(&mut self, body: F) -> impl Future<Output = F::Output> {
        SharedTurn::inside(self.turn.as_mut(), body)
    }

    /// Gives copies of the run's error to the followers in this process, if there is an error and it can be copied.
    pub fn share_error<Kind, R: Returned<Kind>>(&mut self, returned: &R, errors: Errors<R>) {
        let Some(copy) = errors.copy() else { return };
        if returned.value().is_some() {
            return;
        }
        if let Some(turn) = self.turn.take() {
            turn.fail(self.since, || copy(returned));
        }
    }

    /// Ends the run, and stores its value. Nothing is stored without a value (`Err`), or after a clear or an
    /// invalidation of the key during the run.
    pub async fn complete<Kind, R: Returned<Kind>>(
        &mut self,
        outcome: R,
        codec: Codec<R::Value>,
        admits: impl FnOnce(&R::Value) -> bool,
        ttl_of: impl FnOnce(&R::Value) -> Option<Duration>,
    ) -> R {
        self.run.end(outcome.value().is_some());
        if let Some((bytes, _)) = self.keep(&outcome, codec, admits, ttl_of).await {
            self.land(bytes);
        }
        outcome
    }

    /// Stores the value of a run, if it has one. Returns its bytes, and whether they are stored.
    pub(super) async fn keep<Kind, R: Returned<Kind>>(
        &mut self,
        outcome: &R,
        codec: Codec<R::Value>,
        admits: impl FnOnce(&R::Value) -> bool,
        ttl_of: impl FnOnce(&R::Value) -> Option<Duration>,
    ) -> Option<(Arc<Vec<u8>>, bool)> {
        let (bytes, own_ttl) = self.encode(outcome.value(), codec, admits, ttl_of)?;
        let Self { cache, caller, replace, near, .. } = *self;
        let is_stored = match self.stored.take() {
            Some((key, ticket)) if self.refreshes => {
                let bytes = Arc::clone(&bytes);
                let refresh = move |store: Option<&dyn Store>, key: &[u8]| {
                    let is_stored = cache.overwrite(store, key, &bytes, own_ttl, Some(ticket));
                    if is_stored {
                        cache.keep_near(key, &bytes, near, true);
                    }
                    is_stored
                };
                cache.change(caller, key, refresh).await.unwrap_or(false)
            }
            Some((key, ticket)) => {
                let stored = cache.store(caller, key, (Arc::clone(&bytes), own_ttl), ticket, replace);
                let (key, is_stored) = stored.await;
                if is_stored {
                    cache.keep_near(&key, &bytes, near, replace);
                }
                is_stored
            }
            None => false,
        };
        Some((bytes, is_stored))
    }

    /// Gives the bytes of the value to the followers.
    pub(super) fn land(&mut self, bytes: Arc<Vec<u8>>) {
        if let Some(turn) = self.turn.take() {
            turn.land(Run { bytes, since: self.since });
        }
    }

    /// Encodes the value if it will be stored, or if followers may wait for it, and asks for the lifetime that the value
    /// gives itself. `admits` decides whether the value is stored.
    fn encode<V>(
        &mut self,
        value: Option<&V>,
        codec: Codec<V>,
        admits: impl FnOnce(&V) -> bool,
        ttl_of: impl FnOnce(&V) -> Option<Duration>,
    ) -> Option<(Arc<Vec<u8>>, Option<Duration>)> {
        let Self { cache, stored, turn, head, .. } = self;
        let unstored = |(key, _): &(Vec<u8>, Ticket)| cache.note_use(cache.sampled(Some(key)), Use::Unstored);
        let Some(value) = value else {
            stored.iter().for_each(unstored);
            return None;
        };
        let is_awaited = turn.is_some();
        // `admits` and serde are user code: they may call the function again, which then must not wait for this run.
        let _inside = turn.as_mut().map(SharedTurn::enter);
        if stored.is_some() && !admits(value) {
            stored.take().iter().for_each(unstored);
        }
        let own_ttl = stored.is_some().then(|| ttl_of(value)).flatten();
        let bytes = (stored.is_some() || is_awaited).then(|| noted((codec.encode)(value)));
        let bytes = with_head(core::mem::take(head), bytes.flatten()?);
        let key = stored.as_ref().map(|(key, _)| key.as_slice()).unwrap_or_default();
        Some((Arc::new(cache.dated(key, own_ttl, bytes)), own_ttl))
    }

    /// Sets the tags of the value, before the function runs. If the store does not answer, the value will not be
    /// stored.
    pub async fn with_tags(&mut self, tags: Vec<Box<str>>) {
        let head = tags::head(self.caller, tags).await;
        if head.is_none() {
            self.stored = None;
        }
        self.head = head.unwrap_or_else(tags::empty_head);
    }
}

impl SharedCache {
    /// Stores the bytes of a value. Returns the key, and whether the value is stored.
    async fn store(
        &'static self,
        caller: Caller,
        key: Vec<u8>,
        (value, own_ttl): (Arc<Vec<u8>>, Option<Duration>),
        since: Ticket,
        replace: bool,
    ) -> (Vec<u8>, bool) {
        let Some(age) = self.age(&key, own_ttl) else { return (key, false) };
        let (weight, computed_since) = ((key.len() + value.len()) as u64, Some(since));
        let store = move |store: &dyn Store, space: &Namespace, key: &[u8]| {
            store.store(space, key, Entry { value: &value, weight, computed_since, replace, age })
        };
        let (key, is_stored) = self.ask(caller, key, store).await;
        if let Some(is_stored) = is_stored {
            self.note_use(self.sampled(Some(&key)), if is_stored { Use::Stored } else { Use::Unstored });
        }
        (key, is_stored.unwrap_or(false))
    }
}
