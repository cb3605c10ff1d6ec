//! State that each process makes for itself.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{AcqRel, Acquire};

use super::Process;

/// A value that is made on demand. It belongs to one process, so that the child of a fork has none. With `INHERITED`,
/// children whose fork ran the handlers may use it as well.
///
/// A value that this process may not use is never freed: threads that no longer exist may have been changing it.
pub(crate) struct OfProcess<T, const INHERITED: bool> {
    /// A leaked box with a [`Made<T>`], or null. The pointer does not name `T`, so that its atomic operations are
    /// compiled once for all types.
    made: AtomicPtr<()>,
    value: PhantomData<(AtomicPtr<Made<T>>, T)>,
}

/// A value that each process makes for itself.
pub(crate) type Own<T> = OfProcess<T, false>;

struct Made<T> {
    by: Process,
    value: T,
}

impl<T, const INHERITED: bool> OfProcess<T, INHERITED> {
    pub(crate) const fn none() -> Self {
        Self { made: AtomicPtr::new(core::ptr::null_mut()), value: PhantomData }
    }

    fn is_usable(by: Process) -> bool {
        if INHERITED { by.is_inherited() } else { by.is_here() }
    }

    #[inline]
    fn made(&self) -> *mut Made<T> {
        self.made.load(Acquire).cast()
    }

    /// Returns the value of this process, if there is one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: the pointer is to a leaked box. The box is freed only by a process that may not use it, or when
        // `self` is dropped.
        let made = unsafe { self.made().as_ref() }?;
        Self::is_usable(made.by).then_some(&made.value)
    }

    /// Returns the value of this process, and makes it if there is none. Never waits: two threads may both make one,
    /// and one of the two is dropped.
    #[inline]
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.make(make, |_| ()),
        }
    }

    /// Makes the value and prepares it at its final address, unless another thread is faster.
    #[cold]
    pub(super) fn make(&self, make: impl FnOnce() -> T, prepare: impl FnOnce(&T)) -> &T {
        let made = Box::into_raw(Box::new(Made { by: Process::here(), value: make() }));
        // SAFETY: it was made just now, and nobody else has it.
        prepare(unsafe { &(*made).value });
        loop {
            let other = self.made.load(Acquire);
            if let Some(value) = self.get() {
                // SAFETY: as above.
                drop(unsafe { Box::from_raw(made) });
                return value;
            }
            if self.made.compare_exchange(other, made.cast(), AcqRel, Acquire).is_ok() {
                // SAFETY: as in `get`.
                return unsafe { &(*made).value };
            }
        }
    }
}

#[cfg(all(feature = "shared", target_os = "linux"))]
impl<T> Own<T> {
    /// Replaces the value. The old one is never freed, because other threads may be using it.
    pub(crate) fn set(&self, value: T) -> &T {
        let made = Box::leak(Box::new(Made { by: Process::here(), value }));
        self.made.store((&raw mut *made).cast(), core::sync::atomic::Ordering::Release);
        &made.value
    }

    /// Drops the value, even one of another process, see [`drop_inherited`](Self::drop_inherited).
    pub(crate) fn close(&mut self) {
        let made = core::mem::replace(self.made.get_mut(), core::ptr::null_mut()).cast::<Made<T>>();
        if !made.is_null() {
            // SAFETY: a leaked box, to which there is no reference any more.
            drop(unsafe { Box::from_raw(made) });
        }
    }

    /// Drops the value of an ancestor process. One thread at a time calls this, and only for values that are consistent
    /// without the ancestor's threads.
    pub(crate) fn drop_inherited(&self) {
        let made = self.made();
        // SAFETY: as in `get`.
        if unsafe { made.as_ref() }.is_some_and(|made| !made.by.is_here()) {
            self.made.store(core::ptr::null_mut(), core::sync::atomic::Ordering::Release);
            // SAFETY: a leaked box. Only threads of another process got references from `get`: the thread that forked
            // had none, because no code forks while it has one.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

impl<T, const INHERITED: bool> Drop for OfProcess<T, INHERITED> {
    fn drop(&mut self) {
        let made = self.made.get_mut().cast::<Made<T>>();
        // SAFETY: as in `get`.
        if unsafe { made.as_ref() }.is_some_and(|made| Self::is_usable(made.by)) {
            // SAFETY: a leaked box, to which there is no reference any more.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}
