//! A key expression may lock an argument that the function takes by value.

use std::sync::{Arc, Mutex};

use lru_memo::lru_cache;

#[lru_cache(key = *state.lock().unwrap())]
fn double(state: Arc<Mutex<u32>>) -> u32 {
    2 * *state.lock().unwrap()
}

#[test]
fn a_key_may_lock_an_argument_taken_by_value() {
    let state = |x| Arc::new(Mutex::new(x));
    assert_eq!((double(state(1)), double(state(1)), double(state(2))), (2, 2, 4));
    assert_eq!((double_cache_info().hits, double_cache_info().misses), (1, 2));
}
