//! When entries expire, and what puts that off.

use std::time::Instant;

use super::{Cache, EntryOf, Searched};
use crate::clock;
use crate::kind::{Expiry, Kind};
use crate::lifetime::Lifetime;
use crate::threading::Threading;

impl<T: Threading, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Returns how long entries may stay.
    #[inline]
    pub(super) fn lifetime(&self) -> Lifetime {
        match &self.lifetime {
            Some(lifetime) => **lifetime,
            None => Lifetime { ttl: self.ttl, ..Lifetime::default() },
        }
    }

    /// The time, if entries expire.
    #[inline(always)]
    pub(super) fn now(&self) -> Option<Instant> {
        if P::Expiry::IDLES {
            return Some(clock::now());
        }
        self.ttl.filter(|_| P::Expiry::EXPIRES).map(|_| clock::now())
    }

    #[inline(always)]
    pub(crate) fn is_expired(&self, entry: &EntryOf<P, K, V>, now: Option<Instant>) -> bool {
        now.zip(entry.expiry.deadline()).is_some_and(|(now, deadline)| now >= deadline)
    }

    /// Notes that an entry is used now, where that puts off when it expires.
    #[inline(always)]
    pub(super) fn put_off(&self, entry: &EntryOf<P, K, V>, now: Option<Instant>) {
        if P::Expiry::IDLES {
            if let (Some(now), Some(idle)) = (now, self.lifetime().idle) {
                entry.expiry.put_off(now, idle);
            }
        }
    }
}

impl<T: Threading, P: Kind, K, V> Searched<'_, T, P, K, V> {
    /// Makes what is there, if anything, the most recent, and puts off when it expires.
    pub(crate) fn touch<S>(&mut self, cache: &Cache<T, P, K, V, S>) {
        if let Some(place) = self.place {
            self.inside.touch(place);
            // SAFETY: it was found in this lock, and not removed.
            cache.put_off(unsafe { self.inside.entry(place) }, cache.now());
        }
    }
}
