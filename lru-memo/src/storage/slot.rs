//! The statics that hold caches, one for each memoized function.
//!
//! A static must be `Sync`. For a static with an `Rc`, the compiler would report several errors inside generated code.
//! So the bound is on the use of the static instead of its type: the user gets one error, at the argument, which names
//! `scope = thread`.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::any::{Any, TypeId};
use core::hash::BuildHasher;
use core::marker::PhantomData;

use once_cell::race::OnceBox;

use crate::advice::CacheAdvice;
use crate::bounds;
use crate::bounds::bound::Bound;
use crate::cache::Cache;
use crate::cache::kind::{Kept, Kind};
use crate::codegen::key::Part;
use crate::info::CacheInfo;
use crate::registry::{self, Reached};
use crate::site::Site;
use crate::storage::erased::ErasedCache;
use crate::table::threading::AllThreads;
use crate::tags::{Fingerprint, Tagged, Tags};
use crate::totals::CacheTotals;

/// A type that the threads of a process may share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads",
    label = "not `Send + Sync`",
    note = "write `scope = thread` to give each thread a cache of its own, or make it `Send + Sync` (`Arc` for `Rc`, `Mutex` for `RefCell`, a bound on a type parameter)"
)]
pub trait Shareable: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shareable for T {}

/// The proof that `T` is [`Shareable`].
#[derive(Debug)]
pub struct Shared<T: ?Sized>(PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> Shared<T> {
    /// Returns the proof.
    pub(crate) const fn proven() -> Self {
        Self(PhantomData)
    }
}

/// Proves that `T` is [`Shareable`].
#[inline]
#[must_use]
pub const fn shareable<T: Shareable>() -> Shared<T> {
    Shared(PhantomData)
}

/// Proves that the stored form of a part of the key is [`Shareable`].
#[inline]
#[must_use]
pub const fn shareable_part<T: ?Sized, S: Shareable, H>(_: &Part<'_, T, S, H>) -> Shared<S> {
    Shared(PhantomData)
}

/// The proof that a whole key is [`Shareable`], part by part.
pub trait ShareableKey<K> {}
impl ShareableKey<()> for () {}
impl ShareableKey<Tags> for () {}
impl<T, K, R: ShareableKey<K>> ShareableKey<(T, K)> for (Shared<T>, R) {}

/// The static of a memoized function, empty until the first call.
///
/// Making the cache never blocks: when two threads come first, or the hasher's `default()` calls the function
/// again, two caches are made and one is dropped.
pub struct Slot<C>(OnceBox<C>);

// SAFETY: a `C` gets into the slot, and a reference to it out of the slot, only by this module: `Slot::get` exists for
// `Cache<AllThreads, P, K, V, S>` alone and demands a `ShareableKey<K>`, a `Shared<V>` and `S: Shareable`. The first two
// exist only when all parts of `K`, and `V`, are `Send + Sync`; then `Cache<AllThreads, P, K, V, S>` is, too, which
// the compiler confirms in `a_cache_of_shareable_parts_is_shareable` below.
unsafe impl<C> Sync for Slot<C> {}

// SAFETY: as above: the `C` in a slot is `Send`.
unsafe impl<C> Send for Slot<C> {}

impl<C> Slot<C> {
    /// Makes an empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceBox::new())
    }

    /// Returns the cache, if it has been used.
    pub(crate) fn used(&self) -> Option<&C> {
        self.0.get()
    }
}

impl<C> Default for Slot<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, K, V, S> Slot<Cache<AllThreads, P, K, V, S>>
where
    P: Kind + 'static,
    K: Tagged + 'static,
    V: 'static,
    S: BuildHasher + Default + Shareable,
{
    /// Returns the cache. The first call makes and registers it.
    #[inline]
    pub fn get(
        &'static self,
        key: impl ShareableKey<K>,
        value: Shared<V>,
        site: fn() -> Site,
    ) -> &'static Cache<AllThreads, P, K, V, S> {
        let _ = (key, value);
        match self.0.get() {
            Some(cache) => cache,
            None => self.fill(site),
        }
    }

    #[cold]
    fn fill(&'static self, site: fn() -> Site) -> &'static Cache<AllThreads, P, K, V, S> {
        let site = site();
        let made = Box::new(Cache::of_function(&site));
        // SAFETY: the cache stays in its box, and all threads may use a cache in a slot, as said above.
        unsafe { made.take_part_in_forks() };
        // The cache is registered before another thread, or a child that is forked now, can find it.
        registry::register(site, &mut || self);
        // A cache that is not needed is dropped at the end, because dropping it runs user code.
        let _unused = self.0.set(made).err();
        let cache = self.0.get().expect("the slot was filled just now, if not before");
        cache.begin_to_follow();
        cache
    }
}

impl<P, K, V, S> Reached for Slot<Cache<AllThreads, P, K, V, S>>
where
    P: Kind + 'static,
    K: Tagged + 'static,
    V: 'static,
    S: BuildHasher + Default + 'static,
{
    fn info(&self) -> Option<CacheInfo> {
        self.0.get().map(Cache::info)
    }

    fn totals(&self) -> CacheTotals {
        self.0.get().map(Cache::totals).unwrap_or_default()
    }

    fn clear(&self) {
        if let Some(cache) = self.0.get() {
            cache.clear();
        }
    }

    fn resize(&self, of: TypeId, maxsize: usize) {
        self.follow(bounds::set(of, maxsize));
    }

    fn invalidate_tag(&self, tag: Fingerprint) {
        if let Some(cache) = self.0.get() {
            cache.invalidate_tag(tag);
        }
    }
}

impl<P, K, V, S> ErasedCache for Slot<Cache<AllThreads, P, K, V, S>>
where
    P: Kind + 'static,
    K: Tagged + 'static,
    V: 'static,
    S: BuildHasher + Default + 'static,
{
    fn advice(&self) -> Option<CacheAdvice> {
        self.0.get().map(Cache::advice)
    }

    fn follow(&self, bound: &Bound) {
        if let Some(cache) = self.0.get() {
            cache.follow(bound);
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

const _: () = {
    const fn shareable<T: Shareable>() {}
    #[allow(dead_code, reason = "to be compiled is all it is for; older Rust does not see that it is dead")]
    fn a_cache_of_shareable_parts_is_shareable<K: Shareable, V: Shareable, S: Shareable>() {
        shareable::<Cache<AllThreads, Kept<true, true>, K, V, S>>();
        shareable::<Cache<AllThreads, Kept<false, true>, K, V, S>>();
    }
};
