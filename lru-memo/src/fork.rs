//! Caches in a process that forks: the child goes on with a copy of each, in which nobody else is doing anything.
//!
//! Before a fork all locks are taken, so that nobody is in the middle of something; in the child, what belongs to
//! threads that do not exist there is put at rest.

/// A cache that all threads share.
pub(crate) trait Forkable {
    /// Takes the lock.
    fn lock(&self);
    /// Opens the lock again.
    ///
    /// # Safety
    /// The calling thread has [taken](Self::lock) it, and nobody has opened it since.
    unsafe fn unlock(&self);
    /// Puts at rest what other threads were doing; in the lock, in a process that has no other thread.
    fn forget_others(&self);
}

#[cfg(unix)]
pub(crate) use unix::register;

/// There is no fork.
#[cfg(not(unix))]
pub(crate) unsafe fn register(_: &'static dyn Forkable) {}

#[cfg(unix)]
mod unix {
    use alloc::vec::Vec;

    use parking_lot::Mutex;
    use parking_lot::lock_api::RawMutex as _;

    use super::Forkable;

    struct Cache(&'static dyn Forkable);

    // SAFETY: whoever registers a cache says that all threads may use it.
    unsafe impl Send for Cache {}

    static CACHES: Mutex<Vec<Cache>> = Mutex::new(Vec::new());

    /// Adds a cache.
    ///
    /// # Safety
    /// It may be used by all threads.
    pub(crate) unsafe fn register(cache: &'static dyn Forkable) {
        let mut caches = CACHES.lock();
        if caches.is_empty() {
            // SAFETY: the handlers allocate nothing and take no lock but ours. If there is no memory to note them, a
            // fork is as it is without them.
            unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        }
        caches.push(Cache(cache));
    }

    extern "C" fn before() {
        // SAFETY: it is opened in `after`, by this thread or its only copy.
        unsafe { CACHES.raw() }.lock();
        for cache in registered() {
            cache.0.lock();
        }
    }

    extern "C" fn in_parent() {
        after(|_| ());
    }

    extern "C" fn in_child() {
        after(|cache| cache.forget_others());
    }

    fn after(each: impl Fn(&dyn Forkable)) {
        for cache in registered() {
            each(cache.0);
            // SAFETY: it was taken in `before`.
            unsafe { cache.0.unlock() };
        }
        // SAFETY: it was taken in `before`.
        unsafe { CACHES.force_unlock() };
    }

    /// The caches, between `before` and `after`.
    fn registered() -> &'static [Cache] {
        // SAFETY: the lock is taken, and nobody changes the list.
        unsafe { &*CACHES.data_ptr() }
    }
}
