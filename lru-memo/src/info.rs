//! What a cache tells about itself: its counters and its configuration.

use core::fmt;
use core::time::Duration;

/// The counters of one cache, as Python's `cache_info()` returns them.
///
/// `hits` and `misses` count calls of the memoized function since the cache was made or last cleared;
/// `maxsize` and `currsize` count entries. [`Display`](fmt::Display) prints what Python prints.
///
/// ```
/// use lru_memo::{CacheInfo, lru_cache};
///
/// #[lru_cache(maxsize = 32)]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// square(3);
/// square(3);
/// assert_eq!(square_cache_info(), CacheInfo { hits: 1, misses: 1, maxsize: Some(32), currsize: 1 });
/// assert_eq!(square_cache_info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=32, currsize=1)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheInfo {
    /// Calls that were answered from the cache.
    pub hits: u64,
    /// Calls that found nothing; each is counted before the function runs.
    pub misses: u64,
    /// The largest number of entries the cache keeps; `None` when it is unbounded.
    pub maxsize: Option<usize>,
    /// The number of entries it holds now.
    pub currsize: usize,
}

impl CacheInfo {
    /// Of a cache that has not been used.
    pub(crate) const fn unused(maxsize: Option<usize>) -> Self {
        Self { hits: 0, misses: 0, maxsize, currsize: 0 }
    }
}

impl fmt::Display for CacheInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheInfo(hits={}, misses={}, maxsize=", self.hits, self.misses)?;
        match self.maxsize {
            Some(maxsize) => write!(f, "{maxsize}")?,
            None => f.write_str("None")?,
        }
        write!(f, ", currsize={})", self.currsize)
    }
}

/// Who shares one cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// One cache for all threads of the process. The default.
    Process,
    /// One cache for each thread; arguments and values need not be `Send`.
    Thread,
    /// One cache for all worker processes, on the store that `lru_memo::shared` is about.
    Shared,
    /// One cache for each object, in its [`Memo`](crate::Memo).
    Object,
}

/// The outcome of one call, as `f_with_outcome` tells it.
///
/// ```
/// use lru_memo::{Outcome, lru_cache};
///
/// #[lru_cache]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// assert_eq!(square_with_outcome(3), (9, Outcome::Miss));
/// assert_eq!(square_with_outcome(3), (9, Outcome::Hit));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The value was in the cache.
    Hit,
    /// The function ran in this call, also where the call had waited for another one before, which then failed.
    Miss,
    /// The call waited for another one, with `single_flight`, and got what that one had computed.
    Waited,
    /// The call got a value older than its `ttl`, with `stale`: another call computes it anew, or this call tried to and
    /// failed.
    Stale,
}

/// The configuration of a cache, as Python's `cache_parameters()` returns it.
///
/// ```
/// use lru_memo::{Scope, lru_cache};
///
/// #[lru_cache(maxsize = 2, typed = true)]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let parameters = double_cache_parameters();
/// assert_eq!(parameters.maxsize, Some(2));
/// assert!(parameters.typed);
/// assert_eq!(parameters.scope, Scope::Process);
/// assert_eq!(parameters.ttl, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheParameters {
    /// The largest number of entries the cache keeps at present; `None` when it is unbounded, `Some(0)` when it is off.
    pub maxsize: Option<usize>,
    /// Whether `typed = true` was given. Rust's types are always told apart, so it changes nothing.
    pub typed: bool,
    /// Who shares the cache.
    pub scope: Scope,
    /// The age at which an entry expires; `None` when entries do not expire.
    pub ttl: Option<Duration>,
    /// What `ttl` is shortened by at most, for each key by another part of it; `None` when it is not.
    pub jitter: Option<Duration>,
    /// How long an entry stays that nobody uses; `None` when that does not matter.
    pub idle: Option<Duration>,
    /// How long an entry older than `ttl` is still served while one caller computes it anew, and when that fails; `None`
    /// when it is not.
    pub stale: Option<Duration>,
    /// The largest sum of weights the cache keeps, in the unit of its `weigh`; `None` when it weighs nothing.
    pub max_weight: Option<usize>,
    /// With `scope = shared`, for how long this process may go on using what it has got from the store, without asking
    /// again; `None` when it always asks.
    pub near: Option<Duration>,
    /// The version given to the function, 0 if none: entries of another version are never read.
    pub version: u64,
}

impl CacheParameters {
    /// Made by generated code only, so that fields can be added later.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(maxsize: Option<usize>, typed: bool, scope: Scope) -> Self {
        Self {
            maxsize,
            typed,
            scope,
            ttl: None,
            jitter: None,
            idle: None,
            stale: None,
            max_weight: None,
            near: None,
            version: 0,
        }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_jitter(self, jitter: Duration) -> Self {
        Self { jitter: Some(jitter), ..self }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_idle(self, idle: Duration) -> Self {
        Self { idle: Some(idle), ..self }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_stale(self, stale: Duration) -> Self {
        Self { stale: Some(stale), ..self }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_near(self, near: Duration) -> Self {
        Self { near: Some(near), ..self }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_version(self, version: u64) -> Self {
        Self { version, ..self }
    }

    /// Made by generated code only.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_max_weight(self, max_weight: usize) -> Self {
        Self { max_weight: Some(max_weight), ..self }
    }
}
