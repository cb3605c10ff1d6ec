//! `scope = self.memo`: a cache that belongs to an object.

#[path = "object_scope/lifetime.rs"]
mod lifetime;
#[path = "object_scope/memo.rs"]
mod memo;
mod operations;
#[path = "object_scope/options.rs"]
mod options;
#[path = "object_scope/owners.rs"]
mod owners;
#[path = "object_scope/signatures.rs"]
mod signatures;

use lru_memo::CacheInfo;

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}
