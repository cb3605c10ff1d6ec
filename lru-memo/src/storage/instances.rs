//! The caches of generic functions: one for each instantiation. An instantiation is identified by the type of a closure
//! inside the function, which differs with every type and constant that the function or its `impl` is generic over.
//!
//! A `static` inside a generic function is one static for all instantiations. It holds [`Instances`], or
//! [`ThreadInstances`] for `scope = thread`. A key whose type only the compiler knows (`key = ..`) needs these, too.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::any::TypeId;
use core::hash::BuildHasher;

use once_cell::race::OnceBox;

use crate::advice::CacheAdvice;
use crate::bounds;
use crate::cache::Cache;
use crate::cache::kind::Kind;
use crate::info::CacheInfo;
use crate::registry::{self, Reached};
use crate::site::Site;
use crate::storage::by_type::ByType;
use crate::storage::erased::ErasedCache;
use crate::storage::slot::{Shareable, ShareableKey, Shared, Slot};
use crate::table::reach::Reach;
use crate::table::threading::{AllThreads, OneThread};
use crate::tags::{Fingerprint, Tagged};
use crate::totals::CacheTotals;

/// A cache of one thread.
type RcCache<P, K, V, S> = Rc<Cache<OneThread, P, K, V, S>>;

/// Identifies an instantiation by the type of a closure that was written in it.
#[inline]
#[must_use]
pub fn instantiation<F: 'static>(_: F) -> TypeId {
    TypeId::of::<F>()
}

/// Identifies an instantiation of a method by the method's own type.
///
/// Every function can name that type without calling the method, unlike the type of a closure in it. This matters for
/// `dyn Trait`: its methods can call only methods with a receiver.
#[inline]
#[must_use]
pub fn instantiation_of<F>(_: F) -> TypeId {
    // A type that mentions `F` would have to be `'static`; a closure that captures nothing is.
    instantiation(|| ())
}

/// Returns the instance of a method, among those of all methods.
#[inline]
pub fn instance_of<F>(method: F) -> &'static Instance {
    static ALL: Instances = Instances::new();
    ALL.of(instantiation_of(method))
}

/// Returns the instance of a method in the calling thread, among those of all methods.
#[inline]
pub fn thread_instance_of<F>(method: F) -> ThreadInstance {
    std::thread_local! {
        static ALL: ThreadInstances = const { ThreadInstances::new() };
    }
    ThreadInstance { instances: &ALL, of: instantiation_of(method) }
}

/// The caches of one generic function, for all threads. Finding or adding one never blocks.
pub struct Instances(ByType<Instance>);

/// The cache of one instantiation.
pub struct Instance(OnceBox<Box<dyn ErasedCache + Send + Sync>>);

impl Instances {
    /// Makes an empty list of instances.
    #[must_use]
    pub const fn new() -> Self {
        Self(ByType::new())
    }

    /// Returns the instance of this [`instantiation`], and makes it if it is missing.
    #[inline]
    pub fn of(&'static self, of: TypeId) -> &'static Instance {
        self.0.get(of).unwrap_or_else(|| self.0.get_or_insert(of, || Instance(OnceBox::new())).0)
    }
}

impl Default for Instances {
    fn default() -> Self {
        Self::new()
    }
}

impl Instance {
    /// Returns the cache. The first call makes and registers it.
    pub fn cache<P: Kind + 'static, K: Tagged + 'static, V: 'static, S: BuildHasher + Default + Shareable>(
        &'static self,
        key: impl ShareableKey<K>,
        value: Shared<V>,
        site: fn() -> Site,
    ) -> &'static Cache<AllThreads, P, K, V, S> {
        type TheSlot<P, K, V, S> = Slot<Cache<AllThreads, P, K, V, S>>;
        let slot = self.0.get_or_init(|| Box::new(Box::new(TheSlot::<P, K, V, S>::new())));
        let slot = (**slot).as_any().downcast_ref::<TheSlot<P, K, V, S>>();
        slot.expect("an instantiation has one type of key, of value and of hasher").get(key, value, site)
    }

    /// Returns the cache, if it has been used.
    #[must_use]
    pub fn used<P: Kind + 'static, K: Tagged + 'static, V: 'static, S: BuildHasher + Default + 'static>(
        &'static self,
    ) -> Option<&'static Cache<AllThreads, P, K, V, S>> {
        let slot = (**self.0.get()?).as_any().downcast_ref::<Slot<Cache<AllThreads, P, K, V, S>>>();
        slot.expect("an instantiation has one type of key, of value and of hasher").used()
    }

    /// Returns the counters, given the bound of a cache that is not there.
    #[must_use]
    pub fn info(&self, maxsize: impl FnOnce() -> Option<usize>) -> CacheInfo {
        self.0.get().and_then(|slot| slot.info()).unwrap_or_else(|| CacheInfo::unused(maxsize()))
    }

    /// Returns the totals since the cache was made.
    #[must_use]
    pub fn totals(&self) -> CacheTotals {
        self.0.get().map(|slot| slot.totals()).unwrap_or_default()
    }

    /// Returns the advice on the bound, given that of a cache that is not there.
    #[must_use]
    pub fn advice(&self, maxsize: impl FnOnce() -> Option<usize>) -> CacheAdvice {
        self.0.get().and_then(|slot| slot.advice()).unwrap_or_else(|| CacheAdvice::unused(maxsize()))
    }

    /// Drops all entries and zeroes the counters.
    pub fn clear(&self) {
        if let Some(slot) = self.0.get() {
            slot.clear();
        }
    }

    /// Gives the function of this [`instantiation`](instantiation_of) another bound.
    pub fn resize(&self, of: TypeId, maxsize: usize) {
        let bound = bounds::set(of, maxsize);
        if let Some(slot) = self.0.get() {
            slot.follow(bound);
        }
    }
}

/// The caches of one generic function in one thread.
#[derive(Default)]
pub struct ThreadInstances(ByType<Rc<dyn ErasedCache>>);

impl ThreadInstances {
    /// Makes an empty list of instances.
    #[must_use]
    pub const fn new() -> Self {
        Self(ByType::new())
    }

    fn find(&self, of: TypeId) -> Option<Rc<dyn ErasedCache>> {
        self.0.get(of).map(Rc::clone)
    }
}

/// The instance of a generic function, in the calling thread.
#[derive(Clone, Copy)]
pub struct ThreadInstance {
    /// The thread's instances.
    pub instances: &'static std::thread::LocalKey<ThreadInstances>,
    /// The instantiation.
    pub of: TypeId,
}

impl ThreadInstance {
    /// Returns the cache. The first call makes and registers it.
    ///
    /// When a thread ends, its thread-locals are dropped before the last of the user's destructors has run. A call from
    /// such a destructor gets an empty cache of its own, and so runs the function.
    #[must_use]
    pub fn cache<P: Kind + 'static, K: Tagged + 'static, V: 'static, S: BuildHasher + Default + 'static>(
        self,
        site: fn() -> Site,
    ) -> RcCache<P, K, V, S> {
        type TheCache<P, K, V, S> = Cache<OneThread, P, K, V, S>;
        let typed = |found: Rc<dyn ErasedCache>| {
            let found = found.into_any().downcast::<TheCache<P, K, V, S>>();
            found.expect("an instantiation has one type of key, of value and of hasher")
        };
        if let Some(found) = self.find() {
            return typed(found);
        }
        let site = site();
        let made = Rc::new(TheCache::<P, K, V, S>::of_function(&site));
        // The hasher's `default()` is user code, and may have made the cache already: then this one is dropped.
        if let Some(found) = self.find() {
            return typed(found);
        }
        let erased = Rc::<TheCache<P, K, V, S>>::clone(&made);
        if self.instances.try_with(|all| all.0.get_or_insert(self.of, || erased).1) == Ok(true) {
            registry::register(site, &mut || Box::leak(Box::new(self)));
            made.begin_to_follow();
        }
        made
    }

    /// Returns the cache, if it has been used.
    #[must_use]
    pub fn used<P: Kind + 'static, K: Tagged + 'static, V: 'static, S: BuildHasher + Default + 'static>(
        self,
    ) -> Option<RcCache<P, K, V, S>> {
        let found = self.find()?.into_any().downcast();
        Some(found.expect("an instantiation has one type of key, of value and of hasher"))
    }

    /// Returns the counters, given the bound of a cache that is not there.
    #[must_use]
    pub fn info(self, maxsize: impl FnOnce() -> Option<usize>) -> CacheInfo {
        self.find().and_then(|cache| cache.info()).unwrap_or_else(|| CacheInfo::unused(maxsize()))
    }

    /// Returns the totals since the cache was made.
    #[must_use]
    pub fn totals(self) -> CacheTotals {
        self.find().map(|cache| cache.totals()).unwrap_or_default()
    }

    /// Returns the advice on the bound, given that of a cache that is not there.
    #[must_use]
    pub fn advice(self, maxsize: impl FnOnce() -> Option<usize>) -> CacheAdvice {
        self.find().and_then(|cache| cache.advice()).unwrap_or_else(|| CacheAdvice::unused(maxsize()))
    }

    /// Drops all entries and zeroes the counters.
    pub fn clear(self) {
        if let Some(cache) = self.find() {
            cache.clear();
        }
    }

    /// Gives the function of this [`instantiation`](instantiation_of) another bound, in all threads.
    pub fn resize(self, of: TypeId, maxsize: usize) {
        let bound = bounds::set(of, maxsize);
        Reach::cut_all(bound);
        if let Some(cache) = self.find() {
            cache.follow(bound);
        }
    }

    fn find(self) -> Option<Rc<dyn ErasedCache>> {
        self.instances.try_with(|instances| instances.find(self.of)).ok().flatten()
    }
}

impl Reached for ThreadInstance {
    fn info(&self) -> Option<CacheInfo> {
        self.find()?.info()
    }

    fn totals(&self) -> CacheTotals {
        Self::totals(*self)
    }

    fn clear(&self) {
        Self::clear(*self);
    }

    fn resize(&self, of: TypeId, maxsize: usize) {
        Self::resize(*self, of, maxsize);
    }

    fn invalidate_tag(&self, tag: Fingerprint) {
        if let Some(cache) = self.find() {
            cache.invalidate_tag(tag);
        }
    }
}
