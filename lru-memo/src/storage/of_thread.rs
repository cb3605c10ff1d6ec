//! The cache of a function with `scope = thread`: in a thread-local.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::any::TypeId;
use core::cell::OnceCell;
use core::hash::BuildHasher;
use std::thread::LocalKey;

use crate::cache::Cache;
use crate::cache::kind::Kind;
use crate::cache::lookup::Unseen;
use crate::codegen::hooks::cold;
use crate::codegen::key::Key;
use crate::info::CacheInfo;
use crate::registry::{self, Reached};
use crate::site::Site;
use crate::table::threading::OneThread;
use crate::tags::{Fingerprint, Tagged};
use crate::totals::CacheTotals;

type ThreadCache<P, K, V, S> = Cache<OneThread, P, K, V, S>;
type Local<P, K, V, S> = LocalKey<OnceCell<Rc<ThreadCache<P, K, V, S>>>>;

/// The way to the calling thread's cache of one function.
pub struct OfThread<P: Kind + 'static, K: 'static, V: 'static, S: 'static> {
    /// The thread-local that has the cache.
    pub local: &'static Local<P, K, V, S>,
    /// Returns what is registered with a new cache.
    pub site: fn() -> Site,
}

impl<P: Kind, K, V, S> Clone for OfThread<P, K, V, S> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Kind, K, V, S> Copy for OfThread<P, K, V, S> {}

impl<P: Kind, K: Tagged, V, S: BuildHasher + Default> OfThread<P, K, V, S> {
    /// As [`Cache::get`], without touching the reference count of the cache.
    ///
    /// # Errors
    /// What the search has seen.
    // As with `Cache::get`.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn get<Q: Key<K, S::Hasher>>(self, key: Q, clone: fn(&V) -> V) -> Result<V, Unseen> {
        let local = self.local.try_with(|cache| cache.get().map(|cache| core::ptr::from_ref(&**cache)));
        let Ok(Some(cache)) = local else {
            return cold(move || self.cache().get(key, clone));
        };
        // SAFETY: the cache stays in the thread-local, which is not destroyed while its thread is in this call. (A call in the
        // closure of `try_with` compiles to more instructions.)
        unsafe { &*cache }.get(key, clone)
    }

    /// Returns the cache. The first call makes and registers it.
    ///
    /// When a thread ends, its thread-locals are dropped before the last of the user's destructors has run. A call from such a
    /// destructor gets an empty cache of its own, and so runs the function.
    #[inline]
    #[must_use]
    pub fn cache(self) -> Rc<ThreadCache<P, K, V, S>> {
        match self.local.try_with(|cache| cache.get().cloned()) {
            Ok(Some(cache)) => cache,
            _ => self.make(),
        }
    }

    #[cold]
    fn make(self) -> Rc<ThreadCache<P, K, V, S>> {
        let site = (self.site)();
        // The hasher's `default()` is user code, and may have made the cache already: then this one is dropped.
        let made = Rc::new(Cache::of_function(&site));
        let kept = self.local.try_with(|cache| {
            let is_first = cache.set(Rc::clone(&made)).is_ok();
            (cache.get().cloned(), is_first)
        });
        match kept {
            Ok((Some(kept), is_first)) => {
                if is_first {
                    registry::register(site, &mut || Box::leak(Box::new(self)));
                    kept.begin_to_follow();
                }
                kept
            }
            _ => made,
        }
    }
}

impl<P: Kind, K: Tagged, V, S: BuildHasher + Default> Reached for OfThread<P, K, V, S> {
    fn info(&self) -> Option<CacheInfo> {
        Some(self.cache().info())
    }

    fn totals(&self) -> CacheTotals {
        self.cache().totals()
    }

    fn clear(&self) {
        self.cache().clear();
    }

    fn resize(&self, _: TypeId, maxsize: usize) {
        self.cache().resize(maxsize);
    }

    fn invalidate_tag(&self, tag: Fingerprint) {
        self.cache().invalidate_tag(tag);
    }
}
