//! `scope = self.memo`: a cache that belongs to an object.

use lru_memo::{Memo, lru_cache};

#[derive(Default)]
struct Store {
    blocks: usize,
    memo: Memo,
}

impl Store {
    #[lru_cache(maxsize = self.blocks, scope = self.memo)]
    fn block(&self, id: u64) -> String {
        format!("block {id} of {}", self.blocks)
    }
}

#[test]
fn each_object_has_values_a_size_and_counters_of_its_own() {
    let [small, large] = [2, 64].map(|blocks| Store { blocks, ..Store::default() });
    for id in 0..4 {
        assert_eq!(small.block(id), format!("block {id} of 2"));
        assert_eq!(large.block(id), format!("block {id} of 64"));
    }
    large.block(3);
    assert_eq!(small.block_cache_info().to_string(), "CacheInfo(hits=0, misses=4, maxsize=2, currsize=2)");
    assert_eq!(large.block_cache_info().to_string(), "CacheInfo(hits=1, misses=4, maxsize=64, currsize=4)");
}
