//! `scope = shared`, on the store of this process, through the macro.
#![cfg(feature = "shared")]

use lru_memo::{CacheInfo, lru_cache};

fn info(hits: u64, misses: u64, maxsize: usize, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: Some(maxsize), currsize }
}

fn in_memory() {
    // Whichever test comes first.
    let _ = lru_memo::shared::configure("memory://");
}

#[test]
fn a_call_is_a_miss_and_the_next_one_a_hit() {
    #[lru_cache(maxsize = 2, scope = shared)]
    fn greeting(name: &str, times: u32) -> String {
        format!("{name} ").repeat(times as usize)
    }
    in_memory();
    assert_eq!(greeting("Bo", 2), "Bo Bo ");
    assert_eq!(greeting("Bo", 2), "Bo Bo ");
    assert_eq!(greeting_cache_info(), info(1, 1, 2, 1));
    assert_eq!(greeting_cache_peek("Bo", 2), Some("Bo Bo ".to_owned()));
    assert!(greeting_cache_invalidate("Bo", 2));
    greeting_cache_put("Bo", 2, "put".to_owned());
    assert_eq!(greeting("Bo", 2), "put");
    assert_eq!(greeting_cache_refresh("Bo", 2), "Bo Bo ");
    assert_eq!(greeting("Bo", 2), "Bo Bo ");
    assert_eq!(greeting_cache_info(), info(3, 1, 2, 1));
    greeting_cache_clear();
    assert_eq!(greeting_cache_info(), info(0, 0, 2, 0));
}
