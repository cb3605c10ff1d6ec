// mistakes: 1
//! The hasher is a type, not a value.

use lru_memo::lru_cache;

#[lru_cache(hasher = 5)]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
