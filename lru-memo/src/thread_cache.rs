//! Where the caches of `scope = thread` live: a thread-local for each memoized function.

use alloc::rc::Rc;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicBool, Ordering};
use std::thread::LocalKey;

use crate::cache::Cache;
use crate::registry::{self, Site};
use crate::storage::Storage;
use crate::threading::OneThread;

/// Registers a function of `scope = thread` once for all threads.
#[derive(Debug, Default)]
pub struct Registration(AtomicBool);

impl Registration {
    /// Not registered yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }
}

/// The calling thread's cache.
///
/// While the thread ends, its thread-locals are gone before the last of the user's destructors has run; a call
/// from there gets an empty cache of its own and so runs the function.
#[inline]
pub fn thread_cache<P: Storage<OneThread, K, V>, K, V, S: BuildHasher + Default>(
    local: &'static LocalKey<Rc<Cache<OneThread, P, K, V, S>>>,
    registration: &Registration,
    site: impl Fn() -> Site,
) -> Rc<Cache<OneThread, P, K, V, S>> {
    if !registration.0.load(Ordering::Relaxed) && !registration.0.swap(true, Ordering::Relaxed) {
        registry::register(site());
    }
    local
        .try_with(Rc::clone)
        .unwrap_or_else(|_| Rc::new(Cache::new(site().parameters.maxsize)))
}
