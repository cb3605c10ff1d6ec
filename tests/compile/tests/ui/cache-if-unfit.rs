// mistakes: 2
//! What decides about storing looks at the value and says yes or no.

use lru_memo::lru_cache;

#[lru_cache(cache_if = |value: &u32| *value)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(cache_if = |value: &String| value.is_empty())]
fn g(x: u32) -> u32 {
    x
}

fn main() {}
