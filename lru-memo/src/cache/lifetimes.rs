//! When the entries of a cache expire.

use crate::sys::clock::Instant;
use core::hash::BuildHasher;
use core::time::Duration;

use super::{Cache, Entry, EntryOf};
use crate::cache::kind::{Expiry, Kind};
use crate::cache::lifetime::{Lifetime, LifetimeOf};
use crate::cache::search::Searched;
use crate::info::{CacheParameters, Scope};
use crate::sys::clock;
use crate::table;
use crate::table::lru::Limits;
use crate::table::outlined::Outlined;
use crate::table::seldom::SeldomShared;

impl<T: Outlined, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Makes an entry, whose lifetime begins now.
    pub(crate) fn entry(
        &self,
        hash: u64,
        key: K,
        value: V,
        ttl_of: impl Fn(&V) -> Option<Duration>,
    ) -> EntryOf<P, K, V> {
        let lifetime = self.lifetime();
        let age = if P::Expiry::EXPIRES { lifetime.age(ttl_of(&value), hash) } else { None };
        Entry { key, value, expiry: P::Expiry::new(self.now(), age, lifetime) }
    }

    /// Returns how entries expire, as of now.
    #[inline(always)]
    pub(crate) fn expiry(&self) -> table::ExpiryCheck<impl Fn(&EntryOf<P, K, V>) -> Option<Instant>> {
        table::ExpiryCheck {
            now: self.now(),
            deadline_of: |entry: &EntryOf<P, K, V>| entry.expiry.deadline(),
        }
    }

    /// Returns how long entries may stay.
    #[inline]
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime.whole()
    }

    /// Returns the configuration of a cache that an object owns.
    pub(crate) fn parameters_of_object(&self) -> CacheParameters
    where
        S: BuildHasher + Default,
    {
        if let Some(heir) = self.heir() {
            return heir.parameters_of_object();
        }
        let Limits { maxsize, max_weight } = self.table.with(|inside, _| inside.limits());
        let Lifetime { ttl, jitter, idle, stale } = self.lifetime();
        let parameters = CacheParameters::new(maxsize, self.typed, Scope::Object);
        CacheParameters { max_weight, ttl, jitter, idle, stale, version: self.version(), ..parameters }
    }

    /// Returns the parameter of that name, in a cache that an object owns.
    pub(super) fn version(&self) -> u64 {
        self.rare.get().map_or(0, |rare| rare.version)
    }

    /// Returns the time, if entries expire.
    #[inline(always)]
    pub(super) fn now(&self) -> Option<Instant> {
        let is_needed = P::Expiry::EXPIRES && (P::Expiry::IDLES || self.lifetime.ttl().is_some());
        if is_needed { Some(clock::now()) } else { None }
    }

    #[inline(always)]
    pub(crate) fn is_expired(&self, entry: &EntryOf<P, K, V>, now: Option<Instant>) -> bool {
        match (now, entry.expiry.deadline()) {
            (Some(now), Some(deadline)) => now >= deadline,
            _ => false,
        }
    }

    /// Notes that an entry is used now. With `idle`, that puts off its deadline.
    #[inline(always)]
    pub(super) fn put_off(&self, entry: &EntryOf<P, K, V>, now: Option<Instant>) {
        if P::Expiry::IDLES {
            if let (Some(now), Some(idle)) = (now, self.lifetime().idle) {
                entry.expiry.put_off(now, idle);
            }
        }
    }
}

impl<T: Outlined, P: Kind, K, V> Searched<'_, T, P, K, V> {
    /// Makes the found entry the most recent one, and moves its deadline with `idle`.
    pub(crate) fn touch<S>(&mut self, cache: &Cache<T, P, K, V, S>) {
        if let Some(place) = self.place {
            self.inside.touch(place);
            // SAFETY: it was found in this lock, and not removed.
            cache.put_off(unsafe { self.inside.entry(place) }, cache.now());
        }
    }
}
