// mistakes: 2
//! What a hit could not do.

use lru_memo::lru_cache;

#[lru_cache]
fn f(x: &mut u32) -> u32 {
    *x
}

#[lru_cache]
fn g(x: Option<&mut u32>) -> u32 {
    x.map_or(0, |x| *x)
}

fn main() {}
