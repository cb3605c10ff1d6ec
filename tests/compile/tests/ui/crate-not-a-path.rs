// mistakes: 1
//! `crate` is a path.

use lru_memo::lru_cache;

#[lru_cache(crate = "lru_memo")]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
