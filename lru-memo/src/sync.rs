//! The lock and the condition variable that single flight is built on: parking_lot's, or loom's in the models.
//!
//! Only the crate's own tests under `--cfg loom` get loom's, so that a program with loom models of its own can
//! depend on this crate.

#[cfg(not(all(test, loom)))]
pub(crate) use plain::{Condvar, Mutex};

#[cfg(all(test, loom))]
pub(crate) use modelled::{Condvar, Mutex};

#[cfg(not(all(test, loom)))]
mod plain {
    pub(crate) use parking_lot::Mutex;
    use parking_lot::MutexGuard;

    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(parking_lot::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(&mut guard);
            guard
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }
    }
}

#[cfg(all(test, loom))]
mod modelled {
    use loom::sync::MutexGuard;

    const UNPOISONED: &str = "nothing panics while it holds the lock";

    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect(UNPOISONED)
        }
    }

    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).expect(UNPOISONED)
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }
    }
}
