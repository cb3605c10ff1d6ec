//! Caches in a process that forks: the child goes on with a copy of each, in which nobody else is doing anything.
//!
//! Before a fork all locks are taken, so that nobody is in the middle of something; in the child, what belongs to
//! threads that do not exist there is put at rest.

use alloc::boxed::Box;

/// A cache that all threads share.
pub(crate) trait Forkable {
    /// Takes the lock, until what is returned is dropped.
    fn lock(&self) -> Box<dyn Locked + '_>;
}

/// A cache in its lock.
pub(crate) trait Locked {
    /// Puts at rest what other threads were doing; in a process that has no other thread. Runs no foreign code.
    fn forget_others(&mut self);
}

#[cfg(unix)]
pub(crate) use unix::register;

/// There is no fork.
#[cfg(not(unix))]
pub(crate) unsafe fn register(publish: impl FnOnce() -> Option<&'static dyn Forkable>) {
    publish();
}

#[cfg(unix)]
mod unix {
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use core::cell::Cell;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{Forkable, Locked};

    struct Cache(&'static dyn Forkable);

    // SAFETY: whoever registers a cache says that all threads may use it.
    unsafe impl Send for Cache {}

    static CACHES: Mutex<Vec<Cache>> = Mutex::new(Vec::new());

    /// What is locked while the process forks.
    struct Held {
        caches: Vec<Box<dyn Locked>>,
        _list: MutexGuard<'static, Vec<Cache>>,
    }

    std::thread_local! {
        /// Of the thread that forks.
        static HELD: Cell<Option<Held>> = const { Cell::new(None) };
    }

    fn list() -> MutexGuard<'static, Vec<Cache>> {
        CACHES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a cache, as it becomes known to other threads: no process forks between the two. `publish` runs no foreign
    /// code.
    ///
    /// # Safety
    /// It may be used by all threads.
    pub(crate) unsafe fn register(publish: impl FnOnce() -> Option<&'static dyn Forkable>) {
        let mut caches = list();
        let Some(cache) = publish() else { return };
        if caches.is_empty() {
            // SAFETY: the handlers take no lock but ours, and what they allocate they free in the same thread. If there is
            // no memory to note them, a fork is as it is without them.
            unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        }
        caches.push(Cache(cache));
    }

    extern "C" fn before() {
        // A thread that forks while it ends goes without.
        let _ = HELD.try_with(|held| {
            let list = list();
            let caches = list.iter().map(|cache| cache.0.lock()).collect();
            held.set(Some(Held { caches, _list: list }));
        });
    }

    extern "C" fn in_parent() {
        drop(held());
    }

    extern "C" fn in_child() {
        if let Some(mut held) = held() {
            held.caches.iter_mut().for_each(|cache| cache.forget_others());
        }
    }

    fn held() -> Option<Held> {
        HELD.try_with(Cell::take).ok().flatten()
    }
}
