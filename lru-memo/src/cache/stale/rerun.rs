//! What a caller does that found no entry, or has claimed an old one: it runs the function. When the run fails, the caller
//! returns the old value.

use alloc::boxed::Box;
use core::future::Future;
use core::hash::BuildHasher;
use core::time::Duration;

use super::old::Old;
use crate::advice::record::Use;
use crate::cache::in_flight::Pending;
use crate::cache::kind::Kind;
use crate::cache::miss::Miss;
use crate::codegen::caught::Panicked;
use crate::codegen::key::SameKey;
use crate::codegen::outcome::{Errors, Returned};
use crate::flight::Failure;
use crate::info::Outcome;
use crate::table::outlined::Outlined;
use crate::table::partial_hash;
use crate::tags::Tagged;

/// A [`Miss`], and the old value if there is one.
pub struct Rerun<'c, T: Outlined, P: Kind, K, V, S, M> {
    /// Dropped before the miss: whoever gets the turn then finds the claim free.
    pub(super) old: Option<Box<Old<V>>>,
    pub(super) miss: Miss<'c, T, P, K, V, S, M>,
}

/// A [`Pending`], and the old value if the caller is to run the function for it.
pub struct PendingRerun<'c, T: Outlined, P: Kind, K, V, S, M> {
    pub(super) pending: Pending<'c, T, P, K, V, S, M>,
    pub(super) old: Option<Box<Old<V>>>,
}

/// The result of a wait, as for [`Pending`].
type Waited<'c, T, P, K, V, S, M> = Result<(Result<V, Failure>, Outcome), Rerun<'c, T, P, K, V, S, M>>;

impl<'c, T, P, K, V, S, M> PendingRerun<'c, T, P, K, V, S, M>
where
    T: Outlined,
    P: Kind,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// See [`Pending::block`].
    ///
    /// # Errors
    /// When the caller is to run the function.
    pub fn block(self, limit: Option<Duration>, clone: impl Fn(&V) -> V) -> Waited<'c, T, P, K, V, S, M> {
        let Self { pending, old } = self;
        pending.block(limit, clone).map_err(|miss| Rerun { miss, old })
    }

    /// See [`Pending::wait`].
    ///
    /// # Errors
    /// When the caller is to run the function.
    pub async fn wait(
        self,
        limit: Option<Duration>,
        clone: impl Fn(&V) -> V,
    ) -> Waited<'c, T, P, K, V, S, M> {
        let Self { pending, old } = self;
        pending.wait(limit, clone).await.map_err(|miss| Rerun { miss, old })
    }
}

impl<'c, T, P, K, V, S, M> Rerun<'c, T, P, K, V, S, M>
where
    T: Outlined,
    P: Kind,
    K: Tagged,
    S: BuildHasher + Default,
    M: SameKey<K>,
{
    /// Whether there is an old value, to be returned when the run fails.
    pub fn has_old(&self) -> bool {
        self.old.is_some()
    }

    /// See [`Miss::enter`].
    pub fn enter(&mut self) -> impl Sized + use<'_, 'c, T, P, K, V, S, M> {
        self.miss.enter()
    }

    /// See [`Miss::inside`].
    pub fn inside<F: Future>(&mut self, body: F) -> impl Future<Output = F::Output> {
        self.miss.inside(body)
    }

    /// See [`Miss::share_error`].
    pub fn share_error<Kind, R: Returned<Kind>>(
        &mut self,
        returned: &Result<R, Panicked>,
        errors: Errors<R>,
    ) {
        if let Ok(returned) = returned {
            self.miss.share_error(returned, errors);
        }
    }

    /// Ends the run, as [`Miss::complete`] does. Returns the old value if the run has failed and there is one.
    #[inline(never)]
    pub fn complete<Kind, R: Returned<Kind, Value = V>>(
        &mut self,
        returned: Result<R, Panicked>,
        clone: impl Fn(&V) -> V,
        admits: impl Fn(&K, &V) -> bool,
        weigh: impl Fn(&K, &V) -> usize,
        ttl_of: impl Fn(&V) -> Option<Duration>,
    ) -> (R, Outcome) {
        match returned {
            Ok(returned) if self.old.is_none() || returned.value().is_some() => {
                let returned = self.miss.complete(returned, clone, admits, weigh, ttl_of);
                if let Some(old) = self.old.take() {
                    // Whether or not the new value is stored.
                    self.miss.cache.remove_claimed(self.miss.hash, &old.claim);
                }
                (returned, Outcome::Miss)
            }
            Ok(failed) => (self.fall_back(|| drop(failed)), Outcome::Stale),
            Err(panicked) if self.old.is_none() => panicked.resume(),
            Err(panicked) => (self.fall_back(|| panicked.forget()), Outcome::Stale),
        }
    }

    /// Returns the old value, and keeps everybody from recomputing for a while.
    fn fall_back<Kind, R: Returned<Kind, Value = V>>(&mut self, drop_failure: impl FnOnce()) -> R {
        let Old { value, claim } = *self.old.take().expect("there is an old value");
        self.miss.stopwatch.end_in(&self.miss.cache.runs, false);
        claim.rest(crate::sys::clock::now(), self.miss.cache.pause());
        // The claim has used the old value.
        if self.miss.key.take().is_some() {
            self.miss.cache.note(partial_hash(self.miss.hash), Use::Stored);
        }
        drop_failure();
        R::from_value(value)
    }
}
