//! Every cache in the process that has been used.

use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::bounds;
use crate::by_type::ByType;
use crate::info::{CacheInfo, CacheParameters};
use crate::tags::Fingerprint;
use crate::totals::CacheTotals;

/// Where a memoized function stands, and how to ask its cache.
#[derive(Clone, Copy)]
pub struct Site {
    /// Tells this function, and this instantiation of it, from all others.
    pub of: TypeId,
    /// Makes `crate::module::function::<u32>`; asked once, when the function is registered.
    pub name: fn() -> &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the function.
    pub line: u32,
    /// The configuration.
    pub parameters: CacheParameters,
    /// The function's `_cache_info`.
    pub info: fn() -> CacheInfo,
    /// The function's `_cache_totals`.
    pub totals: fn() -> CacheTotals,
    /// The function's `_cache_clear`.
    pub clear: fn(),
    /// The function's `_cache_resize`, if it has one.
    pub resize: Option<fn(usize)>,
    /// Removes what has a tag, if the function has tags.
    pub invalidate_tag: Option<fn(Fingerprint)>,
}

/// All of them, by what tells them apart.
static CACHES: ByType<Listed> = ByType::new();

/// How many numbers were given.
static NUMBERS: AtomicUsize = AtomicUsize::new(0);

/// A cache, and its number in the order of first use.
struct Listed {
    number: usize,
    cache: RegisteredCache,
}

/// Adds a cache, unless it is there: a cache of `scope = thread` is made once in each thread.
pub(crate) fn register(site: Site) {
    CACHES.get_or_insert(site.of, || Listed {
        number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        cache: RegisteredCache { name: (site.name)(), site },
    });
}

/// One memoized function whose cache has been used, as [`caches`] yields it.
#[derive(Clone, Copy)]
pub struct RegisteredCache {
    name: &'static str,
    site: Site,
}

impl RegisteredCache {
    /// The function's path: `crate::module::function`; of a generic one with the types and constants it is used with,
    /// as the compiler prints them: `crate::module::function::<u32, 3>`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The source file the function stands in, as the compiler names it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.site.file
    }

    /// The line of the function in [`file`](Self::file), from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.site.line
    }

    /// The configuration the function was compiled with, and the present bound.
    #[must_use]
    pub fn parameters(&self) -> CacheParameters {
        match self.site.resize {
            Some(_) => bounds::present(self.site.of, self.site.name, self.site.parameters),
            None => self.site.parameters,
        }
    }

    /// The counters; with [`Scope::Thread`](crate::Scope::Thread) those of the calling thread's cache.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        (self.site.info)()
    }

    /// What the cache has done since it was made; with [`Scope::Thread`](crate::Scope::Thread) the calling thread's
    /// cache.
    #[must_use]
    pub fn totals(&self) -> CacheTotals {
        (self.site.totals)()
    }

    /// Drops every entry and zeroes the counters; with [`Scope::Thread`](crate::Scope::Thread) those of the
    /// calling thread's cache.
    pub fn clear(&self) {
        (self.site.clear)();
    }

    /// Gives the function another bound, in all threads: what its `f_cache_resize` does. Returns whether it has a bound
    /// that can change. A function with `maxsize = None` or `scope = shared` has none, and nothing happens.
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
        self.site.resize.inspect(|resize| resize(maxsize)).is_some()
    }

    /// Removes what has a tag; with [`Scope::Thread`](crate::Scope::Thread) from the calling thread's cache.
    pub(crate) fn invalidate_tag(&self, tag: Fingerprint) {
        if let Some(invalidate_tag) = self.site.invalidate_tag {
            invalidate_tag(tag);
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

/// Iterates over every cache in the process that has been used so far, in the order of first use.
///
/// This is what a `/get_cache_info` endpoint or a metrics exporter needs. A cache of
/// [`Scope::Thread`](crate::Scope::Thread) appears once, and answers for the thread that asks.
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

/// Clears every cache in the process that has been used; of [`Scope::Thread`](crate::Scope::Thread) those of the
/// calling thread. For tests that must start from nothing.
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
