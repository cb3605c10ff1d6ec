//! Python's `functools.lru_cache` for Rust.

extern crate alloc;

#[doc(hidden)]
pub mod __private;
mod cache;
pub mod clock;
mod hooks;
mod info;
mod instances;
mod key;
mod lru;
mod miss;
mod outcome;
mod plain;
mod registry;
mod ring;
mod running;
mod slot;
mod storage;
mod threading;

pub use info::{CacheInfo, CacheParameters, Scope};
pub use lru_memo_macros::{cache, lru_cache};
pub use registry::{RegisteredCache, caches, clear_all};
