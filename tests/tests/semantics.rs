//! The semantics of a memoized function, each line of them a test whose name is the sentence.

use lru_memo::lru_cache;

#[test]
fn a_hit_is_counted_and_returns_the_stored_value() {
    #[lru_cache(maxsize = 2)]
    fn double(x: u32) -> u32 {
        2 * x
    }
    assert_eq!((double(2), double(2)), (4, 4));
    assert_eq!(double_cache_info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=2, currsize=1)");
}
