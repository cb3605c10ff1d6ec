//! A bound that changes while the program runs.

use core::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{Cache, EntryOf};
use crate::advice::watch::Watch;
use crate::bounds;
use crate::bounds::bound::Bound;
use crate::cache::kind::{Expiry, Kind};
use crate::site::Site;
use crate::table;
use crate::table::lru::Left;
use crate::table::outlined::Outlined;
use crate::table::reach::Reach;
use crate::table::seldom::UnlessSmall;

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Returns an empty cache of a function, with the present bound of the function.
    pub(crate) fn of_function(site: &Site) -> Self {
        let bound = bounds::of_function(site);
        let mut cache = Self::new(bounds::with_present(bound, site.parameters)).named(site.name);
        cache.follows(bound);
        cache
    }

    /// Returns an empty cache for the child of a fork.
    pub(super) fn with_present_bound(&self) -> Self {
        let mut cache = Self::with_limits(self.table.limits(), self.lifetime());
        cache.follows(self.bound());
        cache.noting(self.typed, self.version())
    }

    /// Gives the function another bound. Caches of other threads follow at their next call.
    pub fn resize(&self, maxsize: usize) {
        if let Some(bound) = self.bound() {
            bound.set(maxsize);
            if !T::SHARED {
                Reach::cut_all(bound);
            }
            self.follow(bound);
        }
    }

    /// Follows the bound of its function from now on. Whoever makes the cache calls this when others can find it.
    pub(crate) fn begin_to_follow(&self) {
        let Some(bound) = self.bound() else { return };
        if !T::SHARED {
            if let Some(reach) = self.table.reach() {
                // SAFETY: a cache of one thread is counted, so it stays where it is until it is dropped, which ends this.
                unsafe { reach.begin(bound) };
            }
        }
        self.follow(bound);
    }

    /// Has the cache of a thread follow if its bound has changed.
    #[inline]
    pub(super) fn catch_up_with_bound(&self) {
        if !T::SHARED && self.table.reach().is_some_and(Reach::is_cut) {
            self.catch_up_with_changed_bound();
        }
    }

    #[cold]
    #[inline(never)]
    fn catch_up_with_changed_bound(&self) {
        self.table.restore_reach();
        if let Some(bound) = self.bound() {
            self.follow(bound);
        }
    }

    /// Changes the bound step by step until it is that one. Each step lowers it as far as it evicts, so that no call waits
    /// for long, and none sees more entries than the bound.
    pub(crate) fn follow(&self, bound: &Bound) {
        if !self.is_usable() {
            return self.make_heir().follow(bound);
        }
        let mut panic = None;
        loop {
            let mut left = Left::new();
            let reached = self.table.with(|mut inside, _| {
                let maxsize = bound.get();
                if inside.limits().maxsize == Some(maxsize) {
                    return Some(maxsize);
                }
                let deadline_of = |entry: &EntryOf<P, K, V>| entry.expiry.deadline();
                let expiry = table::ExpiryCheck { now: self.now(), deadline_of };
                let reached = inside.resize(maxsize, &expiry, &mut left);
                (reached == maxsize).then_some(maxsize)
            });
            // A value whose destructor panics must not keep the others.
            for entry in left {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(entry))) {
                    match panic {
                        None => panic = Some(payload),
                        // Dropping it might panic once more.
                        Some(_) => core::mem::forget(payload),
                    }
                }
            }
            if let Some(maxsize) = reached {
                self.watch.resize(maxsize, || self.table.maxsize());
                break;
            }
        }
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}

impl<T: Outlined, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Returns the bound of the function, which the cache follows.
    fn bound(&self) -> Option<&'static Bound> {
        self.of_function.get().and_then(|of_function| of_function.bound)
    }

    fn follows(&mut self, bound: Option<&'static Bound>) {
        if let Some(of_function) = self.of_function.get_mut() {
            of_function.bound = bound;
        }
    }

    /// Ends what [`begin_to_follow`](Self::begin_to_follow) began.
    pub(super) fn stop_following(&self) {
        if T::SHARED {
            return;
        }
        if let (Some(bound), Some(reach)) = (self.bound(), self.table.reach()) {
            reach.end(bound);
        }
    }
}
