//! `scope = self.memo`: a cache that belongs to an object.

mod lifetime;
mod memo;
mod options;
mod owners;
mod signatures;

use lru_memo::CacheInfo;

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}
