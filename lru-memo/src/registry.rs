//! The list of all caches of the process that have been used.

use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::bounds;
use crate::info::{CacheInfo, CacheParameters, Scope};
use crate::site::Site;
use crate::storage::by_type::ByType;
use crate::tags::Fingerprint;
use crate::totals::CacheTotals;

/// The way from a [`RegisteredCache`] to the cache itself.
pub(crate) trait Reached {
    /// Returns the counters, or `None` if the cache was not used.
    fn info(&self) -> Option<CacheInfo>;
    fn totals(&self) -> CacheTotals;
    fn clear(&self);
    /// Gives the function `of` another bound.
    fn resize(&self, of: TypeId, maxsize: usize);
    fn invalidate_tag(&self, tag: Fingerprint);
}

/// A cache of a function, which lives as long as the process.
pub(crate) type ReachedStatic = &'static (dyn Reached + Sync);

/// All caches, by [`Site::of`].
static CACHES: ByType<Registered> = ByType::new();

/// The number of registered caches.
static NUMBERS: AtomicUsize = AtomicUsize::new(0);

/// A cache, and its number in the order of first use.
struct Registered {
    number: usize,
    cache: RegisteredCache,
}

/// Registers a cache, unless it is registered: a cache of `scope = thread` is made once in each thread.
pub(crate) fn register(site: Site, reached: &mut dyn FnMut() -> ReachedStatic) {
    CACHES.get_or_insert(site.of, || Registered {
        number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        cache: RegisteredCache { name: (site.name)(), site, reached: reached() },
    });
}

/// One memoized function whose cache has been used, as [`caches`] yields it.
#[derive(Clone, Copy)]
pub struct RegisteredCache {
    name: &'static str,
    site: Site,
    reached: ReachedStatic,
}

impl RegisteredCache {
    /// Returns the function's path: `crate::module::function`. A generic function has its types and constants in the
    /// path, as the compiler prints them: `crate::module::function::<u32, 3>`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the source file of the function, as the compiler names it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.site.file
    }

    /// Returns the line of the function in [`file`](Self::file), counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.site.line
    }

    /// Returns the configuration of the cache, with its present bound.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        let compiled = self.site.parameters;
        match compiled.scope {
            Scope::Shared if compiled.maxsize.is_some() => {
                CacheParameters { maxsize: self.info().maxsize, ..compiled }
            }
            _ => bounds::present(self.site.of, self.site.name, compiled),
        }
    }

    /// Returns the counters. With [`Scope::Thread`](crate::Scope::Thread), those of the calling thread's cache.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        let unused =
            || CacheInfo::unused(bounds::present(self.site.of, self.site.name, self.site.parameters).maxsize);
        self.reached.info().unwrap_or_else(unused)
    }

    /// Returns the totals since the cache was made. With [`Scope::Thread`](crate::Scope::Thread), those of the calling
    /// thread's cache. With [`Scope::Shared`](crate::Scope::Shared), those of all processes.
    #[must_use]
    pub fn totals(&self) -> CacheTotals {
        self.reached.totals()
    }

    /// Drops all entries and zeroes the counters. With [`Scope::Thread`](crate::Scope::Thread), those of the calling
    /// thread's cache.
    pub fn clear(&self) {
        self.reached.clear();
    }

    /// Gives the function another bound, in all threads: what its `f_cache_resize` does. Returns whether it has a bound
    /// that can change. A function with `maxsize = None` has none, and nothing happens. With
    /// [`Scope::Shared`](crate::Scope::Shared), the bound is that of all processes; if the store does not work, nothing
    /// changes, and the store's `health()` counts the error.
    ///
    /// ```
    /// use lru_memo::{cache, caches, lru_cache};
    ///
    /// #[lru_cache(maxsize = 100)]
    /// fn bounded(x: u32) -> u32 {
    ///     x
    /// }
    ///
    /// #[cache]
    /// fn unbounded(x: u32) -> u32 {
    ///     x
    /// }
    ///
    /// (0..100).for_each(|x| _ = bounded(x) + unbounded(x));
    /// for cache in caches() {
    ///     let is_resized = cache.resize(10);
    ///     println!("{}: {}", cache.name(), if is_resized { "10 entries at most" } else { "no bound" });
    /// }
    /// assert_eq!((bounded_cache_info().currsize, unbounded_cache_info().currsize), (10, 100));
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn resize(&self, maxsize: usize) -> bool {
        let is_bounded = self.site.parameters.maxsize.is_some();
        if is_bounded {
            self.reached.resize(self.site.of, maxsize);
        }
        is_bounded
    }

    /// Removes the entries with a tag. With [`Scope::Thread`](crate::Scope::Thread), from the calling thread's cache.
    pub(crate) fn invalidate_tag(&self, tag: Fingerprint) {
        if self.site.is_tagged {
            self.reached.invalidate_tag(tag);
        }
    }
}

impl fmt::Debug for RegisteredCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredCache")
            .field("name", &self.name())
            .field("file", &self.file())
            .field("line", &self.line())
            .field("parameters", &self.parameters())
            .finish_non_exhaustive()
    }
}

/// Iterates over all caches of the process that have been used, in the order of first use.
///
/// A `/get_cache_info` endpoint or a metrics exporter is made of this. A function of
/// [`Scope::Thread`](crate::Scope::Thread) appears once, and stands for the cache of the calling thread.
///
/// ```
/// use lru_memo::lru_cache;
///
/// #[lru_cache(maxsize = 2)]
/// fn triple(x: u32) -> u32 {
///     3 * x
/// }
///
/// triple(1);
/// for cache in lru_memo::caches() {
///     println!("{} ({}:{}): {}", cache.name(), cache.file(), cache.line(), cache.info());
/// }
/// assert!(lru_memo::caches().any(|cache| cache.name().ends_with("triple") && cache.info().misses == 1));
/// ```
pub fn caches() -> impl Iterator<Item = RegisteredCache> {
    let mut listed = Vec::new();
    CACHES.for_each(&mut |cache| listed.push(cache));
    listed.sort_unstable_by_key(|listed| listed.number);
    listed.into_iter().map(|listed| listed.cache)
}

/// Clears all caches of the process that have been used. With [`Scope::Thread`](crate::Scope::Thread), clears those of
/// the calling thread. For tests that start with empty caches.
///
/// ```
/// use lru_memo::lru_cache;
///
/// #[lru_cache]
/// fn half(x: u32) -> u32 {
///     x / 2
/// }
///
/// half(8);
/// lru_memo::clear_all();
/// assert_eq!(half_cache_info().currsize, 0);
/// ```
pub fn clear_all() {
    for cache in caches() {
        cache.clear();
    }
}
