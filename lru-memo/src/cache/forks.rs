//! A cache in a process that forks. Each fork takes the lock of the cache, so the child gets a consistent copy. A child whose
//! fork did not take the lock uses another cache instead, its heir.

use core::hash::BuildHasher;

use super::Cache;
use crate::cache::kind::Kind;
use crate::sys::fork::Process;
use crate::table::outlined::Outlined;
use crate::table::seldom::{SeldomShared, UnlessSmall};
use crate::table::threading::AllThreads;

impl<T: Outlined, P: Kind, K, V, S: BuildHasher + Default> Cache<T, P, K, V, S> {
    /// Returns the heir, in a child whose fork did not take the lock. Each operation but the fast path of a hit begins with this,
    /// so the cache of a thread catches up with a changed bound here as well.
    #[inline]
    pub(crate) fn heir(&self) -> Option<&Self> {
        self.catch_up_with_bound();
        if self.is_usable() { None } else { Some(self.make_heir()) }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn make_heir(&self) -> &Self {
        self.table.leave();
        self.rare.made().heir.get_or_make(|| self.with_present_bound())
    }
}

impl<T: Outlined, P: Kind, K, V, S> Cache<T, P, K, V, S> {
    /// Whether this process may take the lock.
    #[inline]
    pub(crate) fn is_usable(&self) -> bool {
        self.usable_in().is_some()
    }

    /// Returns the calling process if it may take the lock: it has made the cache, or has inherited it by a fork that took the
    /// lock.
    #[inline]
    pub(super) fn usable_in(&self) -> Option<Process> {
        if !T::SHARED {
            return Some(Process::ANY);
        }
        if self.of_function.get().is_some_and(|of_function| of_function.registration.has_begun()) {
            return self.made_by.inherited();
        }
        self.made_by.is_here().then_some(self.made_by)
    }
}

impl<P: Kind + 'static, K: 'static, V: 'static, S: 'static> Cache<AllThreads, P, K, V, S> {
    /// Makes forks take the lock, until the cache is dropped.
    ///
    /// # Safety
    /// The cache stays where it is, and may be used by all threads.
    pub(crate) unsafe fn take_part_in_forks(&self) {
        if let Some(of_function) = self.of_function.get() {
            // SAFETY: as the caller says; dropping it ends the registration.
            unsafe { of_function.registration.begin(self) };
        }
    }
}

#[cfg(unix)]
mod handlers {
    use alloc::boxed::Box;

    use super::super::{Cache, Ledger};
    use crate::cache::kind::Kind;
    use crate::flight::Flights;
    use crate::sys::fork::{Forkable, LockedByFork};
    use crate::table::Guard;
    use crate::table::seldom::{AtOnce, Seldom};
    use crate::table::threading::AllThreads;

    impl<P: Kind, K, V, S> Forkable for Cache<AllThreads, P, K, V, S> {
        fn lock(&self) -> Box<dyn LockedByFork + '_> {
            Box::new(self.table.lock())
        }
    }

    impl<E, K, V> LockedByFork for Guard<'_, AllThreads, E, AtOnce<Ledger<AllThreads, K, V>>> {
        fn forget_others(&mut self) {
            let ledger = Self::forget_others(self).made();
            // No thread of the child will land these flights. Their keys are not dropped: that might run user code.
            core::mem::forget(core::mem::replace(&mut ledger.in_flight, Flights::new()));
        }
    }
}
