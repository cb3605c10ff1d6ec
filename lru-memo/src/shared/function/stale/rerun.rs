//! What a caller does that found no value, or has the lease of an old one: it runs the function. When the run fails, the
//! caller returns the old value.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::time::Duration;

use super::head::{Head, undated};
use crate::advice::record::Use;
use crate::cache::stale::pause;
use crate::codegen::caught::Panicked;
use crate::codegen::outcome::{Errors, Returned};
use crate::flight::Failure;
use crate::info::Outcome;
use crate::shared::codec::value::Codec;
use crate::shared::function::totals::Missed;
use crate::shared::function::{SharedMiss, SharedPending};
use crate::shared::{Entry, Error, Namespace, Store, Ticket};

/// An old value, and the entry in the store that has it.
pub(super) struct SharedOld<V> {
    pub(super) value: V,
    pub(super) key: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) ticket: Ticket,
}

/// A [`SharedMiss`], and the old value if there is one.
#[must_use]
pub struct SharedRerun<V> {
    miss: SharedMiss,
    old: Option<Box<SharedOld<V>>>,
}

/// A [`SharedPending`], and the old value if the caller is to run the function for it.
#[must_use]
pub struct SharedPendingRerun<V> {
    pending: SharedPending,
    old: Option<Box<SharedOld<V>>>,
}

impl<V> Missed for SharedRerun<V> {
    fn is_seen(&self) -> bool {
        self.miss.is_seen()
    }
}

impl<V> Missed for SharedPendingRerun<V> {
    fn is_seen(&self) -> bool {
        self.pending.is_seen()
    }
}

impl<V> SharedPendingRerun<V> {
    pub(super) fn run(SharedRerun { miss, old }: SharedRerun<V>) -> Self {
        Self { pending: SharedPending::Run(miss), old }
    }

    pub(super) fn join(pending: SharedPending) -> Self {
        Self { pending, old: None }
    }

    /// See [`SharedPending::wait`].
    ///
    /// # Errors
    /// When the caller is to run the function.
    pub async fn wait(
        self,
        limit: Option<Duration>,
        codec: Codec<V>,
    ) -> Result<(Result<V, Failure>, Outcome), SharedRerun<V>> {
        let Self { pending, old } = self;
        pending.wait(limit, codec).await.map_err(|miss| SharedRerun { miss, old })
    }
}

impl<V> SharedRerun<V> {
    pub(super) fn new(miss: SharedMiss) -> Self {
        Self { miss, old: None }
    }

    pub(super) fn of_old(miss: SharedMiss, old: SharedOld<V>) -> Self {
        Self { miss, old: Some(Box::new(old)) }
    }

    /// Whether there is an old value, to be returned when the run fails.
    #[must_use]
    pub fn has_old(&self) -> bool {
        self.old.is_some()
    }

    /// See [`SharedMiss::enter`].
    pub fn enter(&mut self) -> impl Sized + '_ {
        self.miss.enter()
    }

    /// See [`SharedMiss::inside`].
    pub fn inside<F: Future>(&mut self, body: F) -> impl Future<Output = F::Output> {
        self.miss.inside(body)
    }

    /// See [`SharedMiss::with_tags`].
    pub async fn with_tags(&mut self, tags: Vec<Box<str>>) {
        self.miss.with_tags(tags).await;
    }

    /// See [`SharedMiss::share_error`]. With an old value, the turn does not end before all know that the run has failed.
    pub fn share_error<Kind, R: Returned<Kind>>(
        &mut self,
        returned: &Result<R, Panicked>,
        errors: Errors<R>,
    ) {
        if let (Ok(returned), None) = (returned, &self.old) {
            self.miss.share_error(returned, errors);
        }
    }

    /// Ends the run, as [`SharedMiss::complete`] does. Returns the old value if the run has failed and there is one.
    pub async fn complete<Kind, R: Returned<Kind, Value = V>>(
        &mut self,
        returned: Result<R, Panicked>,
        codec: Codec<V>,
        admits: impl FnOnce(&V) -> bool,
        ttl_of: impl FnOnce(&V) -> Option<Duration>,
    ) -> (R, Outcome) {
        match (returned, self.old.take()) {
            (Ok(returned), None) => {
                (self.miss.complete(returned, codec, admits, ttl_of).await, Outcome::Miss)
            }
            (Ok(returned), Some(old)) if returned.value().is_some() => {
                self.replace(&returned, *old, codec, admits, ttl_of).await;
                (returned, Outcome::Miss)
            }
            (Ok(failed), Some(old)) => {
                let value = self.fall_back(*old).await;
                drop(failed);
                (R::from_value(value), Outcome::Stale)
            }
            (Err(panicked), None) => panicked.resume(),
            (Err(panicked), Some(old)) => {
                panicked.forget();
                (R::from_value(self.fall_back(*old).await), Outcome::Stale)
            }
        }
    }

    /// Stores a new value in the place of the old one. If it is not stored, the old one leaves nevertheless.
    async fn replace<Kind, R: Returned<Kind, Value = V>>(
        &mut self,
        returned: &R,
        old: SharedOld<V>,
        codec: Codec<V>,
        admits: impl FnOnce(&V) -> bool,
        ttl_of: impl FnOnce(&V) -> Option<Duration>,
    ) {
        let (cache, caller) = (self.miss.cache, self.miss.caller);
        let SharedOld { key, bytes, .. } = old;
        self.miss.run.end(true);
        // One that was put meanwhile stays, as without `stale`.
        let theirs = bytes.clone();
        let is_there =
            move |store: &dyn Store, space: &Namespace, key: &[u8]| has(store, space, key, &theirs);
        let (key, is_there) = cache.ask(caller, key, is_there).await;
        self.miss.replace |= is_there.unwrap_or(false);
        let kept = self.miss.keep(returned, codec, admits, ttl_of).await;
        let is_stored = kept.as_ref().is_some_and(|&(_, is_stored)| is_stored);
        if !is_stored {
            let remove = move |store: &dyn Store, space: &Namespace, key: &[u8]| {
                Ok(has(store, space, key, &bytes)? && store.invalidate(space, key)?)
            };
            cache.ask(caller, key, remove).await;
        }
        if let Some((bytes, _)) = kept {
            self.miss.land(bytes);
        }
    }

    /// Returns the old value, and keeps everybody from recomputing it for a while.
    async fn fall_back(&mut self, old: SharedOld<V>) -> V {
        let (cache, caller) = (self.miss.cache, self.miss.caller);
        let SharedOld { value, key, bytes, ticket } = old;
        self.miss.run.end(false);
        let ttl = cache.lifetime.ttl;
        let rest = move |store: &dyn Store, space: &Namespace, key: &[u8]| {
            let (Some(head), true) = (Head::of(&bytes), has(store, space, key, &bytes)?) else {
                return Ok(false);
            };
            let value = head.resting_for(pause(ttl)).before(undated(&bytes).unwrap_or_default());
            let (weight, age) = ((key.len() + value.len()) as u64, head.age(ttl.unwrap_or_default()));
            let entry = Entry { value: &value, weight, computed_since: Some(ticket), replace: true, age };
            store.store(space, key, entry)
        };
        // The caller has used the old value.
        cache.note_use(cache.sampled(Some(&key)), Use::Stored);
        cache.ask(caller, key, rest).await;
        drop(self.miss.turn.take());
        value
    }
}

/// Whether the store still has these bytes under the key.
fn has(store: &dyn Store, space: &Namespace, key: &[u8], bytes: &[u8]) -> Result<bool, Error> {
    Ok(store.peek(space, key)?.is_some_and(|found| found == bytes))
}
