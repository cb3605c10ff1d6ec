//! A cache in a process that forks: each fork takes its lock, so that the child has a whole copy. A child whose fork did
//! not take the lock uses another cache instead, its heir.

use core::hash::BuildHasher;

use super::Cache;
use crate::cache::kind::Kind;
use crate::sys::fork::Process;
use crate::table::threading::{AllThreads, Threading};

impl<T: Threading, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// The cache that is to be used instead, in a process that was forked off without taking the lock of this one. Each
    /// operation but the shortest way of a hit begins with this, so the cache of a thread catches up here as well.
    #[inline]
    pub(crate) fn heir(&self) -> Option<&Self> {
        self.catch_up_with_bound();
        if self.is_usable() { None } else { Some(self.make_heir()) }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn make_heir(&self) -> &Self {
        self.table.leave();
        self.heir.get_or_make(|| self.with_present_bound())
    }
}

impl<T: Threading, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Whether this process may take the lock.
    #[inline]
    pub(crate) fn is_usable(&self) -> bool {
        self.usable_in().is_some()
    }

    /// The process that asks, if it may take the lock: that which has made the cache, or one that it was handed over to.
    #[inline]
    pub(super) fn usable_in(&self) -> Option<Process> {
        if !T::SHARED {
            return Some(Process::ANY);
        }
        if self.registration.has_begun() {
            return self.made_by.inherited();
        }
        self.made_by.is_here().then_some(self.made_by)
    }
}

impl<P: Kind + 'static, K: 'static, V: 'static, S: 'static> Cache<AllThreads, P, K, V, S> {
    /// Has forks take the lock, until the cache is dropped.
    ///
    /// # Safety
    /// The cache stays where it is, and may be used by all threads.
    pub(crate) unsafe fn take_part_in_forks(&self) {
        // SAFETY: as the caller says; dropping it ends the registration.
        unsafe { self.registration.begin(self) };
    }
}

#[cfg(unix)]
mod handlers {
    use alloc::boxed::Box;

    use super::super::{Cache, Ledger};
    use crate::cache::in_flight::InFlight;
    use crate::cache::kind::Kind;
    use crate::sys::fork::{Forkable, LockedByFork};
    use crate::table::Guard;
    use crate::table::threading::AllThreads;

    impl<P: Kind, K, V, S> Forkable for Cache<AllThreads, P, K, V, S> {
        fn lock(&self) -> Box<dyn LockedByFork + '_> {
            Box::new(self.table.lock())
        }
    }

    impl<E, K, V> LockedByFork for Guard<'_, AllThreads, E, Ledger<AllThreads, K, V>> {
        fn forget_others(&mut self) {
            let ledger = Self::forget_others(self);
            // Nobody will land what others were computing. Dropping their keys is the user's code, and not for here.
            core::mem::forget(core::mem::replace(&mut ledger.in_flight, InFlight::new()));
        }
    }
}
