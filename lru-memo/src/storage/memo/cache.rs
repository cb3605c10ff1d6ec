//! One cache of an object, and how a call finds it.

use alloc::sync::Arc;
use core::any::TypeId;
use core::hash::BuildHasher;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, fence};

use crate::advice::CacheAdvice;
use crate::bounds;
use crate::bounds::bound::Bound;
use crate::cache::Cache;
use crate::cache::kind::{Kept, Kind};
use crate::codegen::hooks::cold;
use crate::codegen::key::Part;
use crate::info::{CacheInfo, CacheParameters, Scope};
use crate::storage::memo::Memo;
use crate::storage::slot::{ShareableKey, Shared};
use crate::table::threading::OfObject;
use crate::tags::Tagged;
use crate::totals::CacheTotals;

/// A type that the threads that use an object may share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads",
    label = "not `Send + Sync + 'static`",
    note = "the threads that have the object share its caches; make it `Send + Sync` (`Arc` for `Rc`, `Mutex` for `RefCell`, a bound on a type parameter)"
)]
pub trait ShareableInObject: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> ShareableInObject for T {}

/// Proves that `T` is [`ShareableInObject`].
#[inline]
#[must_use]
pub const fn shareable_in_object<T: ShareableInObject>() -> Shared<T> {
    Shared::proven()
}

/// Proves that what is stored of a part of the key is [`ShareableInObject`].
#[inline]
#[must_use]
pub const fn shareable_part_in_object<T: ?Sized, S: ShareableInObject, H>(
    _: &Part<'_, T, S, H>,
) -> Shared<S> {
    Shared::proven()
}

/// Whether the bound of any object's cache was ever changed. Until then, new caches do not look for a changed bound.
static IS_ANY_CHANGED: AtomicBool = AtomicBool::new(false);

type TheCache<P, K, V, S> = Cache<OfObject, P, K, V, S>;

/// The parts that a cache is made from.
pub struct SiteInObject {
    /// Makes the name of the function.
    pub name: fn() -> &'static str,
    /// The configuration, for this object.
    pub parameters: CacheParameters,
    /// Where the object keeps the bound, if it was changed.
    pub bound: TypeId,
}

impl SiteInObject {
    /// With the bound that the cache begins with, of an object without another.
    fn with_first_bound(self) -> Self {
        Self { parameters: bounds::before_use(self.name, self.parameters), ..self }
    }
}

/// A cache without its types.
trait Erased: Send + Sync {
    fn info(&self) -> CacheInfo;
    fn totals(&self) -> CacheTotals;
    fn advice(&self) -> CacheAdvice;
    fn clear(&self);
    fn follow(&self, bound: &Bound);
    fn name(&self) -> &'static str;
    fn parameters(&self) -> CacheParameters;
    /// Returns the number of the cache, in the order in which caches were made.
    fn number(&self) -> u64;
    /// Returns the bound, if this is a bound in place of a cache.
    fn as_bound(&self) -> Option<&Bound> {
        None
    }
}

/// A bound in place of a cache: the cache follows it once it is made.
impl Erased for Bound {
    fn info(&self) -> CacheInfo {
        CacheInfo::unused(Some(self.get()))
    }

    fn totals(&self) -> CacheTotals {
        CacheTotals::default()
    }

    fn advice(&self) -> CacheAdvice {
        CacheAdvice::unused(Some(self.get()))
    }

    fn clear(&self) {}

    fn follow(&self, _: &Bound) {}

    fn name(&self) -> &'static str {
        ""
    }

    fn parameters(&self) -> CacheParameters {
        CacheParameters::new(Some(self.get()), false, Scope::Object)
    }

    fn number(&self) -> u64 {
        0
    }

    fn as_bound(&self) -> Option<&Bound> {
        Some(self)
    }
}

/// A cache that threads may share.
struct Sharing<C>(C);

// SAFETY: a `C` gets in here, and a reference to it out of here, only by this module: `ObjectCache::new` and `ObjectCache::typed` exist for
// `TheCache<P, K, V, S>` alone, and the former demands a `ShareableKey<K>`, a `Shared<V>` and `S:
// ShareableInObject`. The first two exist only when all parts of `K`, and `V`, are `Send + Sync`; then the cache is,
// too, which the compiler confirms below.
unsafe impl<C> Sync for Sharing<C> {}
// SAFETY: as above.
unsafe impl<C> Send for Sharing<C> {}

impl<P: Kind, K, V, S: BuildHasher + Default> Erased for Sharing<TheCache<P, K, V, S>> {
    fn info(&self) -> CacheInfo {
        self.0.info()
    }

    fn totals(&self) -> CacheTotals {
        self.0.totals()
    }

    fn advice(&self) -> CacheAdvice {
        self.0.advice()
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn follow(&self, bound: &Bound) {
        self.0.follow(bound);
    }

    fn name(&self) -> &'static str {
        self.0.runs.name()
    }

    fn parameters(&self) -> CacheParameters {
        self.0.parameters_of_object()
    }

    fn number(&self) -> u64 {
        self.0.table.number()
    }
}

/// The cache of one function in the table of an object.
pub(crate) struct ObjectCache {
    cache: Erasing,
    /// The type that is forgotten.
    of: TypeId,
}

/// An `Arc<dyn Erased>` as a pointer to what is in it, which a hit casts without a look at its alignment.
struct Erasing(*const dyn Erased);

// SAFETY: an `Arc` of something that is `Send` and `Sync`.
unsafe impl Send for Erasing {}
// SAFETY: as above.
unsafe impl Sync for Erasing {}

impl Erasing {
    fn new(cache: Arc<dyn Erased>) -> Self {
        Self(Arc::into_raw(cache))
    }

    /// Returns whether a call keeps the cache.
    fn is_shared(&self) -> bool {
        // SAFETY: the pointer came from `into_raw`, and this is no owner more.
        Arc::strong_count(&ManuallyDrop::new(unsafe { Arc::from_raw(self.0) })) > 1
    }
}

impl Deref for Erasing {
    type Target = dyn Erased;

    #[inline(always)]
    fn deref(&self) -> &(dyn Erased + 'static) {
        // SAFETY: the pointer is to what is in an `Arc`, of which this is an owner.
        unsafe { &*self.0 }
    }
}

impl Drop for Erasing {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `into_raw`, and is not used any more.
        drop(unsafe { Arc::from_raw(self.0) });
    }
}

impl ObjectCache {
    fn new<P, K, V, S>(site: SiteInObject, _proofs: (impl ShareableKey<K>, Shared<V>)) -> Self
    where
        P: Kind + 'static,
        K: Tagged + 'static,
        V: 'static,
        S: BuildHasher + Default + ShareableInObject,
    {
        let SiteInObject { name, parameters, .. } = site.with_first_bound();
        let cache = Arc::new(Sharing(TheCache::<P, K, V, S>::new(parameters).named(name)));
        Self { cache: Erasing::new(cache), of: TypeId::of::<TheCache<P, K, V, S>>() }
    }

    /// Makes one with a bound in place of a cache.
    fn of_bound(maxsize: usize) -> Self {
        Self { cache: Erasing::new(Arc::new(Bound::new(maxsize))), of: TypeId::of::<Bound>() }
    }

    pub(super) fn is_bound(&self) -> bool {
        self.cache.as_bound().is_some()
    }

    /// Returns the cache with its type.
    #[inline(always)]
    fn typed<P, K, V, S>(&self) -> &Sharing<TheCache<P, K, V, S>>
    where
        P: Kind + 'static,
        K: 'static,
        V: 'static,
        S: 'static,
    {
        assert!(self.of == TypeId::of::<TheCache<P, K, V, S>>(), "a function has one type of cache");
        // SAFETY: it is of this type.
        unsafe { &*self.cache.0.cast() }
    }

    /// Returns the cache with its type, counted.
    fn held<P, K, V, S>(&self) -> CountedUse<P, K, V, S>
    where
        P: Kind + 'static,
        K: 'static,
        V: 'static,
        S: 'static,
    {
        let typed: *const Sharing<TheCache<P, K, V, S>> = self.typed();
        // SAFETY: the pointer is to what is in an `Arc`, which has one more owner now.
        CountedUse(unsafe {
            Arc::increment_strong_count(typed);
            Arc::from_raw(typed)
        })
    }

    /// Returns the number of the cache, in the order in which caches were made.
    pub(super) fn number(&self) -> u64 {
        self.cache.number()
    }

    pub(super) fn name(&self) -> &'static str {
        self.cache.name()
    }

    pub(super) fn parameters(&self) -> CacheParameters {
        self.cache.parameters()
    }

    pub(super) fn info(&self) -> CacheInfo {
        self.cache.info()
    }

    pub(super) fn totals(&self) -> CacheTotals {
        self.cache.totals()
    }

    pub(super) fn clear(&self) {
        self.cache.clear();
    }

    /// Empties the cache of an object that is being dropped, if a call keeps it.
    pub(super) fn end(&self) {
        if self.cache.is_shared() {
            self.clear();
        }
    }
}

/// A cache that a call keeps, even if its owner is dropped.
pub struct CountedUse<P: Kind, K, V, S>(Arc<Sharing<TheCache<P, K, V, S>>>);

impl<P: Kind, K, V, S> Deref for CountedUse<P, K, V, S> {
    type Target = TheCache<P, K, V, S>;

    #[inline]
    fn deref(&self) -> &TheCache<P, K, V, S> {
        &self.0.0
    }
}

/// Finds the cache of a function in an object.
pub struct InObject<'m> {
    memo: &'m Memo,
    of: TypeId,
}

impl<'m> InObject<'m> {
    /// For this [`instantiation`](crate::storage::instances::instantiation).
    #[inline]
    #[must_use]
    pub fn new(memo: &'m Memo, of: TypeId) -> Self {
        Self { memo, of }
    }

    /// Returns the cache, and makes it if there is none.
    ///
    /// This never blocks: if two threads come first, or if making the cache calls the function, two caches are made and one is
    /// dropped.
    #[inline]
    pub fn cache<P, K, V, S>(
        self,
        key: impl ShareableKey<K>,
        value: Shared<V>,
        site: impl FnOnce() -> SiteInObject,
    ) -> &'m TheCache<P, K, V, S>
    where
        P: Kind + 'static,
        K: Tagged + 'static,
        V: 'static,
        S: BuildHasher + Default + ShareableInObject,
    {
        &self.object_cache::<P, K, V, S>(key, value, site).typed::<P, K, V, S>().0
    }

    /// Like [`cache`](Self::cache), for a call whose owner may be dropped.
    #[inline]
    pub fn held<P, K, V, S>(
        self,
        key: impl ShareableKey<K>,
        value: Shared<V>,
        site: impl FnOnce() -> SiteInObject,
    ) -> CountedUse<P, K, V, S>
    where
        P: Kind + 'static,
        K: Tagged + 'static,
        V: 'static,
        S: BuildHasher + Default + ShareableInObject,
    {
        self.object_cache::<P, K, V, S>(key, value, site).held()
    }

    #[inline]
    fn object_cache<P, K, V, S>(
        self,
        key: impl ShareableKey<K>,
        value: Shared<V>,
        site: impl FnOnce() -> SiteInObject,
    ) -> &'m ObjectCache
    where
        P: Kind + 'static,
        K: Tagged + 'static,
        V: 'static,
        S: BuildHasher + Default + ShareableInObject,
    {
        self.find().unwrap_or_else(|| {
            cold(|| {
                let site = site();
                let of_bound = site.bound;
                let make = || ObjectCache::new::<P, K, V, S>(site, (key, value));
                let found = self.memo.0.get_or_insert(self.of, make).0;
                // The bound may have changed before other threads could find the cache.
                if let Some(bound) = self.bound(of_bound) {
                    found.cache.follow(bound);
                }
                found
            })
        })
    }

    /// Returns the bound of the function in this object, if it was changed.
    #[inline]
    fn bound(&self, of: TypeId) -> Option<&'m Bound> {
        // Whoever makes a cache sees the bound here, or whoever changes the bound sees the cache.
        fence(SeqCst);
        if !IS_ANY_CHANGED.load(Relaxed) {
            return None;
        }
        self.memo.0.get(of)?.cache.as_bound()
    }

    /// Returns the cache, if it has been used.
    #[must_use]
    pub fn used<P, K, V, S>(self) -> Option<CountedUse<P, K, V, S>>
    where
        P: Kind + 'static,
        K: 'static,
        V: 'static,
        S: 'static,
    {
        self.find().map(ObjectCache::held)
    }

    #[inline]
    fn find(&self) -> Option<&'m ObjectCache> {
        self.memo.0.get(self.of)
    }

    /// Returns the counters. The argument is the configuration of a cache that does not exist yet.
    pub fn info(self, site: impl FnOnce() -> SiteInObject) -> CacheInfo {
        self.find()
            .map_or_else(|| CacheInfo::unused(self.parameters_before_use(site()).maxsize), ObjectCache::info)
    }

    /// Returns the totals since the cache was made.
    #[must_use]
    pub fn totals(self) -> CacheTotals {
        self.find().map(ObjectCache::totals).unwrap_or_default()
    }

    /// Returns the advice on the bound. The argument is the configuration of a cache that does not exist yet.
    pub fn advice(self, site: impl FnOnce() -> SiteInObject) -> CacheAdvice {
        self.find().map_or_else(
            || CacheAdvice::unused(self.parameters_before_use(site()).maxsize),
            |found| found.cache.advice(),
        )
    }

    /// Drops every entry and zeroes the counters.
    pub fn clear(self) {
        if let Some(found) = self.find() {
            found.clear();
        }
    }

    /// Returns the configuration. The argument is that of a cache that does not exist yet.
    pub fn parameters(self, site: impl FnOnce() -> SiteInObject) -> CacheParameters {
        self.find().map_or_else(|| self.parameters_before_use(site()), ObjectCache::parameters)
    }

    fn parameters_before_use(&self, site: SiteInObject) -> CacheParameters {
        match self.bound(site.bound) {
            bound @ Some(_) => bounds::with_present(bound, site.parameters),
            None => site.with_first_bound().parameters,
        }
    }

    /// Changes the bound. The argument is the configuration of a cache that does not exist yet.
    pub fn resize(self, maxsize: usize, site: impl FnOnce() -> SiteInObject) {
        IS_ANY_CHANGED.store(true, Relaxed);
        let found = self.memo.0.get_or_insert(site().bound, || ObjectCache::of_bound(maxsize)).0;
        let Some(bound) = found.cache.as_bound() else { return };
        bound.set(maxsize);
        if let Some(found) = self.find() {
            found.cache.follow(bound);
        }
    }
}

const _: () = {
    const fn shareable<T: ShareableInObject>() {}
    #[allow(dead_code, reason = "to be compiled is all it is for; older Rust does not see that it is dead")]
    fn a_cache_of_shareable_parts_is_shareable<
        K: ShareableInObject,
        V: ShareableInObject,
        S: ShareableInObject,
    >() {
        shareable::<TheCache<Kept<true, true>, K, V, S>>();
        shareable::<TheCache<Kept<false, true>, K, V, S>>();
    }
};
