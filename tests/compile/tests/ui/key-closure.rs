// mistakes: 1
//! A `key` is an expression, though other options are closures.

use lru_memo::lru_cache;

#[lru_cache(key = |x| x / 2)]
fn half(x: u32) -> u32 {
    x / 2
}

fn main() {}
