//! Atomics, cells and locks for concurrent code. In the models, they are loom's.
//!
//! Only the crate's own tests under `--cfg loom` get loom's types, so that a program with loom models of its own can
//! depend on this crate.

#[cfg(not(all(test, loom)))]
pub(crate) use plain::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, UnsafeCell, fence,
    relax,
};

#[cfg(all(test, loom))]
pub(crate) use modelled::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Condvar, Mutex, MutexGuard, UnsafeCell, fence,
    relax,
};

#[cfg(not(all(test, loom)))]
mod plain {
    use crate::sys::clock::Instant;
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
    pub(crate) use std::sync::MutexGuard;
    use std::sync::{PoisonError, TryLockError};
    #[cfg(feature = "_stores")]
    use std::time::Duration;

    /// The pauses before a waiting thread sleeps, as powers of two of spin hints: the first takes some microseconds.
    const PAUSES: core::ops::Range<u32> = 7..10;

    /// Yields to the threads that the caller waits for.
    pub(crate) fn relax() {
        std::thread::yield_now();
    }

    /// A cell. In the models, loom checks every access.
    pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    #[allow(dead_code, reason = "older Rust does not see that entries are made of it")]
    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }

    /// The standard library's mutex. It is one word, and only the kernel knows its waiters, so the child of a fork can unlock
    /// it. parking_lot's mutex might be handed to a thread that does not exist in the child.
    pub struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        #[inline]
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            match self.0.try_lock() {
                Ok(guard) => guard,
                // No code panics while it holds the lock.
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => self.wait(),
            }
        }

        #[inline]
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }

        /// Returns the value, given exclusive access to the lock.
        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
        }

        /// Waits no longer than this for another thread, which may hold the lock for long.
        #[cfg(feature = "_stores")]
        pub(crate) fn lock_for(&self, patience: Duration) -> Option<MutexGuard<'_, T>> {
            let until = Instant::now() + patience;
            loop {
                match self.try_lock() {
                    None if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
                    guard => return guard,
                }
            }
        }

        /// Waits for a lock that another thread holds. Long pauses let the holder make several calls with the cache
        /// lines of its processor: moving them to another processor for each call costs more.
        #[cold]
        #[inline(never)]
        fn wait(&self) -> MutexGuard<'_, T> {
            for number in PAUSES {
                pause(number);
                if let Ok(guard) = self.0.try_lock() {
                    return guard;
                }
            }
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Spins for a pause.
    #[inline(never)]
    fn pause(number: u32) {
        for _ in 0..1 << number {
            core::hint::spin_loop();
        }
    }

    #[cfg(feature = "_stores")]
    impl<T: Default> Default for Mutex<T> {
        fn default() -> Self {
            Self::new(T::default())
        }
    }

    pub(crate) struct Condvar(std::sync::Condvar);

    impl Condvar {
        pub(crate) const fn new() -> Self {
            Self(std::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
        }

        /// Waits until the deadline at most.
        pub(crate) fn wait_until<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            deadline: Instant,
        ) -> MutexGuard<'a, T> {
            let left = deadline.saturating_duration_since(Instant::now());
            self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        #[cfg(feature = "_stores")]
        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

#[cfg(all(test, loom))]
mod modelled {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
    pub(crate) use loom::thread::yield_now as relax;

    const UNPOISONED: &str = "nothing panics while it holds the lock";

    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect(UNPOISONED)
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().expect(UNPOISONED)
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

        pub(crate) fn wait_until<'a, T>(
            &self,
            _: MutexGuard<'a, T>,
            _: crate::sys::clock::Instant,
        ) -> MutexGuard<'a, T> {
            unreachable!("no model waits with a deadline")
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }
    }
}
