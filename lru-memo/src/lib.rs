//! Python's `functools.lru_cache` for Rust.

extern crate alloc;

#[doc(hidden)]
pub mod __private;
mod cache;
mod info;
mod key;
mod lru;
mod outcome;
mod plain;
mod registry;
mod running;
mod slot;
mod storage;
mod thread_cache;
mod threading;

pub use info::{CacheInfo, CacheParameters, Scope};
pub use lru_memo_macros::{cache, lru_cache};
pub use registry::{RegisteredCache, caches, clear_all};
