//! Python's `functools.lru_cache` for Rust: an attribute that memoizes a function with an exact LRU cache.
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
//! [`lru_cache`](macro@lru_cache) explains the attribute with all of its options, and what it generates beside the
//! function. [`cache`](macro@cache) is the same without a bound.
//!
//! # Concepts
//!
//! **Hit, miss.** A call whose arguments are in the cache is a hit and returns a clone of the stored value. Any other
//! call is a miss: it is counted, then the function runs, then its value is stored.
//!
//! **Key.** The arguments, by their own `Hash` and `Eq`; `self`, too. References are looked up as they are, and owned
//! (`&str` as `String`) to be stored. `f32` and `f64` count by their bits, with `0.0 == -0.0`.
//!
//! **Recency.** A hit makes an entry the most recent. A full cache evicts exactly the least recent entry for each new
//! one; it never holds more than `maxsize`.
//!
//! **Scope.** [`Scope::Process`]: one cache for all threads. [`Scope::Thread`]: one for each, and no need for `Send`.
//! [`Scope::Shared`]: one for all worker processes, with one set of counters, on a store that is chosen when the program
//! starts; it needs the cargo feature `shared`.
//!
//! **Companions.** Beside a function `f` stand `f_cache_info`, `f_cache_clear`, `f_cache_parameters`, `f_uncached`,
//! `f_cache_invalidate`, `f_cache_peek`, `f_cache_put` and `f_cache_refresh`. [`caches`] and [`clear_all`] reach the
//! caches of all functions.
//!
//! # What can be relied on
//!
//! - Results and counters are those of CPython's `functools.lru_cache` for the same calls. One difference is meant:
//!   a value that was computed while its cache was cleared, or its key invalidated, is not stored.
//! - A panic or an `Err` leaves the miss counted and nothing stored.
//! - The user's code (the function, `Hash`, `Eq`, `Clone`, `Drop`, closures in options) runs outside of every lock:
//!   it may panic, block, or call the same function again. Nothing is poisoned by a panic.
//! - Two accesses of which one happens before the other are seen in that order; concurrent ones in either.
//!
//! # What is not done
//!
//! Values that borrow from the arguments cannot be cached, nor functions that change their arguments; the macro says
//! so. Methods with the attribute in an `impl` of a trait, and associated functions without `self`, need
//! `#[lru_cache]` on the `impl` block as well.

// Hidden items link to private ones, for those who read the code.
#![allow(rustdoc::private_intra_doc_links)]

extern crate alloc;

#[doc(hidden)]
pub mod __private;
mod cache;
pub mod clock;
mod flight;
mod fork;
mod front;
mod hasher;
mod hooks;
mod in_flight;
mod info;
mod instances;
mod invalidations;
mod key;
mod kind;
mod lru;
mod miss;
mod of_thread;
mod outcome;
mod plain;
mod registry;
mod ring;
#[cfg(feature = "_stores")]
pub mod shared;
mod slot;
mod sync;
mod threading;

pub use info::{CacheInfo, CacheParameters, Scope};
#[doc(inline)]
pub use lru_memo_macros::cache;
#[doc(inline)]
#[doc = include_str!("../docs/lru_cache.md")]
pub use lru_memo_macros::lru_cache;
pub use registry::{RegisteredCache, caches, clear_all};

#[doc = include_str!("../docs/coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("../docs/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("../docs/machines.md")]
pub mod machines {}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
