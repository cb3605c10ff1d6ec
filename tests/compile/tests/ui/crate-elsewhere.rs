// mistakes: 1
//! A path at which `lru_memo` does not live.

use lru_memo::lru_cache;

#[lru_cache(crate = nowhere::lru_memo)]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
