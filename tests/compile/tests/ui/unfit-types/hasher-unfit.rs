// mistakes: 1
//! A hasher is made by `Default`.

use lru_memo::lru_cache;

#[lru_cache(hasher = u32)]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
