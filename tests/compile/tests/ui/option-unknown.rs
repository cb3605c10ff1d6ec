// mistakes: 2
//! An option that is like no other.

use lru_memo::lru_cache;

#[lru_cache(capacity = 2)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(colour)]
fn g(x: u32) -> u32 {
    x
}

fn main() {}
