// mistakes: 1
//! A negative bound, which Python takes for 0.

use lru_memo::lru_cache;

#[lru_cache(maxsize = -1)]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
