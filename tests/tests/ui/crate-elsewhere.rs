// mistakes: 2
//! A path at which `lru_memo` does not live.

use lru_memo::lru_cache;

#[lru_cache(crate = nowhere::lru_memo)]
fn f(x: u32) -> u32 {
    x
}

mod elsewhere {}

#[lru_cache(crate = crate::elsewhere)]
fn g(x: u32) -> Vec<u32> {
    vec![x]
}

fn main() {}
