//! `scope = self.memo`: the caches that live in an object, one for each memoized function.
//!
//! A [`Memo`] is a table from [instantiations](crate::storage::instances::instantiation) of functions to caches. The table only grows,
//! so a call borrows its cache from the owner of the `Memo` without counting references. If the owner may be dropped while the
//! function runs, the call counts a reference to the cache.

mod cache;
#[cfg(feature = "serde")]
mod serde;

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::info::{CacheInfo, CacheParameters};
use crate::storage::by_type::ByType;
use crate::storage::memo::cache::ObjectCache;
pub use crate::storage::memo::cache::{
    InObject, SiteInObject, shareable_in_object, shareable_part_in_object,
};
use crate::totals::CacheTotals;

/// The caches of one object: those of all functions that are memoized with `scope = self.memo`, where `memo` is this field.
///
/// A cache is made when its function is first called for the object, and is dropped with the object. Until then a
/// `Memo` is one pointer. Its owner may be shared between threads.
///
/// ```
/// use lru_memo::{Memo, lru_cache};
///
/// #[derive(Default)]
/// struct Store {
///     blocks: usize,
///     memo: Memo,
/// }
///
/// impl Store {
///     #[lru_cache(maxsize = self.blocks, scope = self.memo)]
///     fn block(&self, id: u64) -> String {
///         format!("block {id} of {}", self.blocks)
///     }
/// }
///
/// let (small, large) = (Store { blocks: 2, ..Store::default() }, Store { blocks: 64, ..Store::default() });
/// assert_eq!((small.block(1), large.block(1)), ("block 1 of 2".to_owned(), "block 1 of 64".to_owned()));
/// large.block(1);
/// assert_eq!(small.block_cache_info().to_string(), "CacheInfo(hits=0, misses=1, maxsize=2, currsize=1)");
/// assert_eq!(large.block_cache_info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=64, currsize=1)");
///
/// small.memo.clear();
/// for cache in large.memo.caches() {
///     println!("{}: {}", cache.name(), cache.info());
/// }
/// ```
///
/// A `Memo` is no part of the value of its owner. The owner may derive its traits: a clone of a `Memo` is empty, all of
/// them are equal and hash alike, and serde takes them for `()`.
pub struct Memo(ManuallyDrop<ByType<ObjectCache>>);

impl Memo {
    /// Returns a `Memo` without caches.
    #[must_use]
    pub const fn new() -> Self {
        Self(ManuallyDrop::new(ByType::new()))
    }

    /// Clears the caches of all functions: drops every entry and zeroes the counters.
    pub fn clear(&self) {
        self.caches().for_each(|cache| cache.clear());
    }

    #[inline(never)]
    fn free(&mut self) {
        // SAFETY: the `Memo` is being dropped, and this is the last use. A map without caches has no memory to free.
        let caches = unsafe { ManuallyDrop::take(&mut self.0) };
        caches.for_each(&mut ObjectCache::end);
    }

    /// Iterates over the caches that have been used, in the order of first use.
    pub fn caches(&self) -> impl Iterator<Item = MemoCache<'_>> {
        let mut caches = alloc::vec::Vec::new();
        self.0.for_each(&mut |cache: &ObjectCache| caches.extend((!cache.is_bound()).then_some(cache)));
        caches.sort_unstable_by_key(|cache: &&ObjectCache| cache.number());
        caches.into_iter().map(MemoCache)
    }
}

/// Frees the caches. A cache that a call still uses is emptied, and freed when the call returns.
impl Drop for Memo {
    #[inline]
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.free();
        }
    }
}

/// One cache of an object, as [`Memo::caches`] yields it.
#[derive(Clone, Copy)]
pub struct MemoCache<'m>(&'m ObjectCache);

impl MemoCache<'_> {
    /// Returns the function's path: `crate::module::Type::function`, with the types and constants of an instantiation.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Returns the configuration that the cache was made with, and the present bound.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        self.0.parameters()
    }

    /// Returns the counters.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.0.info()
    }

    /// Returns what the cache has done since it was made.
    #[must_use]
    pub fn totals(&self) -> CacheTotals {
        self.0.totals()
    }

    /// Drops every entry and zeroes the counters.
    pub fn clear(&self) {
        self.0.clear();
    }
}

impl fmt::Debug for MemoCache<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoCache")
            .field("name", &self.name())
            .field("parameters", &self.parameters())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

impl Default for Memo {
    fn default() -> Self {
        Self::new()
    }
}

/// A clone is empty: values that were computed for one object may be wrong for another.
impl Clone for Memo {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// All `Memo`s are equal.
impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Memo {}

impl PartialOrd for Memo {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Memo {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

/// Adds nothing to the hash of the owner.
impl Hash for Memo {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

// A panic never leaves a cache half changed.
impl UnwindSafe for Memo {}
impl RefUnwindSafe for Memo {}

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Memo>();
    assert!(size_of::<Memo>() == size_of::<usize>(), "an unused one is a pointer");
};
