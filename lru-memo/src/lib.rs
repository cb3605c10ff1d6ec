//! Memoizes functions with one attribute: an exact LRU cache for a thread, a process, or all worker processes, with the
//! semantics and the counters of Python's `functools.lru_cache`.
//!
//! ```
//! use lru_memo::lru_cache;
//!
//! #[lru_cache(maxsize = None)]
//! fn fib(n: u32) -> u64 {
//!     if n < 2 { n.into() } else { fib(n - 1) + fib(n - 2) }
//! }
//!
//! assert_eq!(fib(90), 2_880_067_194_370_816_120);
//! assert_eq!(fib_cache_info().to_string(), "CacheInfo(hits=88, misses=91, maxsize=None, currsize=91)");
//! ```
//!
//! [`lru_cache`](macro@lru_cache) documents the attribute and the functions that it generates; [`limits`], [`keys`], [`scopes`] and
//! [`signatures`] its options, with examples. [`cache`](macro@cache) is the same without a bound. Then read the [`cookbook`], and
//! [`machines`] for caches that processes share.
//!
//! # Which scope to take
//!
//! | scope | take it for | it needs |
//! |---|---|---|
//! | [`process`](Scope::Process), the default | all threads of one process | `Send + Sync + 'static` arguments and results |
//! | [`thread`](Scope::Thread) | results that stay in their thread, such as `Rc` | |
//! | [`self.memo`](Scope::Object), a [`Memo`] in a field | each object on its own: an engine, a client, a tenant | as `process` |
//! | [`shared`](Scope::Shared) | all worker processes of one machine, or of many | feature `shared` (embedded, Linux), `redis` or `memcached`; serde's traits |
//!
//! The same program runs on any shared store: the program, or the environment variable `LRU_MEMO_STORE`, chooses the
//! store at start-up.
//!
//! # Concepts
//!
//! - **Hit, miss.** A call whose key is in the cache is a hit and returns a clone of the stored value. Any other call is
//!   a miss: the cache counts the miss, then the function runs, then the cache stores the value.
//! - **Key.** The arguments are the key, by their own `Hash` and `Eq`; `self` is one of them. A lookup borrows references
//!   as they are. Storing owns them (`&str` as `String`). `f32` and `f64` compare by their bits, with `0.0 == -0.0`.
//! - **Recency.** A hit makes an entry the most recent one. A full cache evicts exactly the least recent entry for each
//!   new entry. A cache never holds more than `maxsize` entries.
//! - **Companions.** Beside a function `f` the attribute generates `f_cache_info`, `f_cache_clear`,
//!   `f_cache_resize`, `f_cache_totals`, `f_cache_parameters`, `f_uncached`, `f_cache_invalidate`, `f_cache_peek`, `f_cache_put`, `f_cache_refresh` and `f_with_outcome`.
//!   [`caches`] and [`clear_all`] reach the caches of all functions.
//!
//! # What the cache guarantees
//!
//! - Results and counters equal those of CPython's `functools.lru_cache` for the same calls, with one deliberate
//!   difference: a value whose computation began before a clear, or before an invalidation of its key, is not stored.
//! - A panic or an `Err` leaves the miss counted and nothing stored.
//! - User code (the function, `Hash`, `Eq`, `Clone`, `Drop`, closures in options) runs outside every lock. User code may
//!   panic, block, or call the same function again.
//! - If one access happens before another, the cache orders them so. Concurrent accesses take either order.
//!
//! # When not to use it
//!
//! - The result depends on more than the arguments.
//! - The cache should keep what is used often rather than what was used last: the policy is LRU.
//! - The result borrows from an argument, or the function changes an argument: the macro refuses both.

// Hidden items link to private ones, for those who read the code.
#![allow(rustdoc::private_intra_doc_links)]

extern crate alloc;

#[doc(hidden)]
pub mod __private;
mod advice;
mod bounds;
mod cache;
mod codegen;
mod flight;
mod info;
#[cfg(feature = "metrics")]
pub mod metrics;
mod registry;
#[cfg(feature = "_stores")]
pub mod shared;
mod site;
mod storage;
mod sys;
mod table;
mod tags;
mod totals;

pub use advice::CacheAdvice;
pub use info::{CacheInfo, CacheParameters, Outcome, Scope};
#[doc(inline)]
pub use lru_memo_macros::cache;
#[doc(inline)]
#[doc = include_str!("../docs/lru_cache.md")]
pub use lru_memo_macros::lru_cache;
pub use registry::{RegisteredCache, caches, clear_all};
pub use storage::memo::{Memo, MemoCache};
pub use sys::clock;
pub use tags::invalidate::{invalidate_tag, invalidate_tag_async};
pub use totals::CacheTotals;

#[doc = include_str!("../docs/coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("../docs/coming_from_caches.md")]
pub mod coming_from_caches {}

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("../docs/cookbook_operation.md")]
pub mod cookbook_operation {}

#[doc = include_str!("../docs/cookbook_shared.md")]
pub mod cookbook_shared {}

#[doc = include_str!("../docs/keys.md")]
pub mod keys {}

#[doc = include_str!("../docs/limits.md")]
pub mod limits {}

#[doc = include_str!("../docs/machines.md")]
pub mod machines {}

#[doc = include_str!("../docs/old_values.md")]
pub mod old_values {}

#[doc = include_str!("../docs/scopes.md")]
pub mod scopes {}

#[doc = include_str!("../docs/signatures.md")]
pub mod signatures {}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
