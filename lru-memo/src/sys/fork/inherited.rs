//! State that the child of a fork continues to use.

#[cfg(all(feature = "shared", target_os = "linux"))]
use core::time::Duration;

use super::Registration;
use super::own::OfProcess;
use crate::sys::sync::{Mutex, MutexGuard};

/// State behind a lock that each fork takes.
pub(crate) trait Heritage {
    /// Forgets the operations of other threads, in a child that has no other thread. Runs no foreign code.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no fork"))]
    fn forget_others(&mut self) {}
}

/// A lock that each fork takes, so that the child has a consistent copy of the state. If a fork did not take it, the
/// child begins with a new state.
pub(crate) struct Inherited<T> {
    guarded: OfProcess<Guarded<T>, true>,
    make: fn() -> T,
}

struct Guarded<T> {
    registration: Registration,
    state: Mutex<T>,
}

impl<T: Heritage + Send + 'static> Inherited<T> {
    pub(crate) const fn new(make: fn() -> T) -> Self {
        Self { guarded: OfProcess::none(), make }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.guarded().state.lock()
    }

    /// Like [`lock`](Self::lock), but waits no longer than this.
    #[cfg(all(feature = "shared", target_os = "linux"))]
    pub(crate) fn lock_for(&self, patience: Duration) -> Option<MutexGuard<'_, T>> {
        self.guarded().state.lock_for(patience)
    }

    fn guarded(&self) -> &Guarded<T> {
        self.guarded.get().unwrap_or_else(|| {
            let make = || Guarded { registration: Registration::none(), state: Mutex::new((self.make)()) };
            // SAFETY: it stays where it is until it is dropped, which ends the registration; `T` is `Send`.
            self.guarded.make(make, |guarded| unsafe { guarded.registration.begin(guarded) })
        })
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.registration.end();
    }
}

#[cfg(unix)]
mod handlers {
    use alloc::boxed::Box;
    use core::ops::DerefMut;

    use super::super::{Forkable, LockedByFork};
    use super::{Guarded, Heritage};

    impl<T: Heritage> Forkable for Guarded<T> {
        fn lock(&self) -> Box<dyn LockedByFork + '_> {
            Box::new(InheritedGuard(self.state.lock()))
        }
    }

    /// The guard of the lock during a fork.
    struct InheritedGuard<G>(G);

    impl<T: Heritage, G: DerefMut<Target = T>> LockedByFork for InheritedGuard<G> {
        fn forget_others(&mut self) {
            self.0.forget_others();
        }
    }
}
