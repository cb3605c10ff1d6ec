//! One cache of an object, and the way to it from the object.

use alloc::sync::Arc;
use core::any::TypeId;
use core::hash::BuildHasher;
use core::ops::Deref;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicUsize, fence};

use crate::advice::CacheAdvice;
use crate::bounds::{self, Bound};
use crate::cache::Cache;
use crate::cache::kind::{InBlocks, Kept, Kind};
use crate::codegen::hooks::cold;
use crate::codegen::key::Part;
use crate::info::{CacheInfo, CacheParameters};
use crate::storage::memo::Memo;
use crate::storage::slot::{ShareableKey, Shared};
use crate::table::threading::AllThreads;
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

/// Whether the bound of a cache of any object was ever changed. Until then, caches are made without looking for it.
static IS_ANY_CHANGED: AtomicBool = AtomicBool::new(false);

type TheCache<P, K, V, S> = Cache<AllThreads, InBlocks<P>, K, V, S>;

/// What a cache is made with.
pub struct SiteInObject {
    /// Makes the name of the function.
    pub name: fn() -> &'static str,
    /// The configuration; for this object, if it depends on that.
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

/// A cache whose types are forgotten.
trait Erased: Send + Sync {
    fn info(&self) -> CacheInfo;
    fn totals(&self) -> CacheTotals;
    fn advice(&self) -> CacheAdvice;
    fn clear(&self);
    fn follow(&self, bound: &Bound);
    /// The bound that a cache is to follow, if this is none but that.
    fn as_bound(&self) -> Option<&Bound> {
        None
    }
}

/// In place of a cache, the bound that the cache follows, which may not have been made yet.
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

    fn as_bound(&self) -> Option<&Bound> {
        Some(self)
    }
}

/// A cache that all threads may share.
struct Sharing<C>(C);

// SAFETY: a `C` gets in here, and a reference to it out of here, only by this module: `Entry::new` and `Entry::typed` exist for
// a `Cache<AllThreads, P, K, V, S>` alone, and the former demands a `ShareableKey<K>`, a `Shared<V>` and `S:
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
}

/// The cache of one function in the table of an object.
pub(crate) struct Entry {
    cache: Arc<dyn Erased>,
    /// The type that is forgotten.
    of: TypeId,
    /// When it was made, among all.
    number: usize,
    name: fn() -> &'static str,
    parameters: CacheParameters,
}

impl Entry {
    fn new<P, K, V, S>(site: SiteInObject, _proofs: (impl ShareableKey<K>, Shared<V>)) -> Self
    where
        P: Kind + 'static,
        K: Tagged + 'static,
        V: 'static,
        S: BuildHasher + Default + ShareableInObject,
    {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        let SiteInObject { name, parameters, .. } = site.with_first_bound();
        let cache = Arc::new(Sharing(TheCache::<P, K, V, S>::unlisted(parameters).named(name)));
        let of = TypeId::of::<TheCache<P, K, V, S>>();
        Self { cache, of, number: NUMBERS.fetch_add(1, Relaxed), name, parameters }
    }

    /// In place of a cache, its bound.
    fn of_bound(site: SiteInObject, maxsize: usize) -> Self {
        let SiteInObject { name, parameters, .. } = site;
        Self { cache: Arc::new(Bound::new(maxsize)), of: TypeId::of::<Bound>(), number: 0, name, parameters }
    }

    pub(super) fn is_bound(&self) -> bool {
        self.cache.as_bound().is_some()
    }

    /// The cache by its type.
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
        unsafe { &*Arc::as_ptr(&self.cache).cast() }
    }

    /// The cache by its type, to be kept.
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

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn name(&self) -> &'static str {
        (self.name)()
    }

    pub(super) fn parameters(&self) -> CacheParameters {
        CacheParameters { maxsize: self.info().maxsize, ..self.parameters }
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
        if Arc::strong_count(&self.cache) > 1 {
            self.clear();
        }
    }
}

/// A cache that a call keeps, also when its owner is gone.
pub struct CountedUse<P: Kind, K, V, S>(Arc<Sharing<TheCache<P, K, V, S>>>);

impl<P: Kind, K, V, S> Deref for CountedUse<P, K, V, S> {
    type Target = TheCache<P, K, V, S>;

    #[inline]
    fn deref(&self) -> &TheCache<P, K, V, S> {
        &self.0.0
    }
}

/// The way to the cache that a function has in an object.
pub struct InObject<'m> {
    memo: &'m Memo,
    of: TypeId,
}

impl<'m> InObject<'m> {
    /// The way for this [`instantiation`](crate::storage::instances::instantiation).
    #[inline]
    #[must_use]
    pub fn new(memo: &'m Memo, of: TypeId) -> Self {
        Self { memo, of }
    }

    /// The cache; it is made when it is not there.
    ///
    /// Making it never blocks: when two threads come first, or what makes it calls the function, two caches are made
    /// and one is dropped.
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
        &self.entry::<P, K, V, S>(key, value, site).typed::<P, K, V, S>().0
    }

    /// As [`cache`](Self::cache), to be kept while the owner goes.
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
        self.entry::<P, K, V, S>(key, value, site).held()
    }

    #[inline]
    fn entry<P, K, V, S>(
        self,
        key: impl ShareableKey<K>,
        value: Shared<V>,
        site: impl FnOnce() -> SiteInObject,
    ) -> &'m Entry
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
                let make = || Entry::new::<P, K, V, S>(site, (key, value));
                let entry = self.memo.0.get_or_insert(self.of, make).0;
                // The bound may have been changed before others could find the cache.
                if let Some(bound) = self.bound(of_bound) {
                    entry.cache.follow(bound);
                }
                entry
            })
        })
    }

    /// The bound of the function in this object, if it was changed.
    #[inline]
    fn bound(&self, of: TypeId) -> Option<&'m Bound> {
        // Whoever makes a cache sees the bound here, or whoever changes the bound sees the cache.
        fence(SeqCst);
        if !IS_ANY_CHANGED.load(Relaxed) {
            return None;
        }
        self.memo.0.get(of)?.cache.as_bound()
    }

    /// The cache, when it has been used.
    #[must_use]
    pub fn used<P, K, V, S>(self) -> Option<CountedUse<P, K, V, S>>
    where
        P: Kind + 'static,
        K: 'static,
        V: 'static,
        S: 'static,
    {
        self.find().map(Entry::held)
    }

    #[inline]
    fn find(&self) -> Option<&'m Entry> {
        self.memo.0.get(self.of)
    }

    /// The counters, given what a cache that is not there would be made with.
    pub fn info(self, site: impl FnOnce() -> SiteInObject) -> CacheInfo {
        self.find().map_or_else(|| CacheInfo::unused(self.parameters_before_use(site()).maxsize), Entry::info)
    }

    /// What it has done since it was made.
    #[must_use]
    pub fn totals(self) -> CacheTotals {
        self.find().map(Entry::totals).unwrap_or_default()
    }

    /// The advice on the bound, given what a cache that is not there would be made with.
    pub fn advice(self, site: impl FnOnce() -> SiteInObject) -> CacheAdvice {
        self.find().map_or_else(
            || CacheAdvice::unused(self.parameters_before_use(site()).maxsize),
            |entry| entry.cache.advice(),
        )
    }

    /// Drops every entry and zeroes the counters.
    pub fn clear(self) {
        if let Some(entry) = self.find() {
            entry.clear();
        }
    }

    /// The configuration of the cache, given what one that is not there would be made with.
    pub fn parameters(self, site: impl FnOnce() -> SiteInObject) -> CacheParameters {
        self.find().map_or_else(|| self.parameters_before_use(site()), Entry::parameters)
    }

    fn parameters_before_use(&self, site: SiteInObject) -> CacheParameters {
        match self.bound(site.bound) {
            bound @ Some(_) => bounds::with_present(bound, site.parameters),
            None => site.with_first_bound().parameters,
        }
    }

    /// Gives the cache another bound, given what a cache that is not there would be made with.
    pub fn resize(self, maxsize: usize, site: impl FnOnce() -> SiteInObject) {
        IS_ANY_CHANGED.store(true, Relaxed);
        let site = site();
        let entry = self.memo.0.get_or_insert(site.bound, || Entry::of_bound(site, maxsize)).0;
        let Some(bound) = entry.cache.as_bound() else { return };
        bound.set(maxsize);
        if let Some(entry) = self.find() {
            entry.cache.follow(bound);
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
