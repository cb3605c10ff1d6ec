// mistakes: 2
//! An option that is nearly the name of one.

use lru_memo::lru_cache;

#[lru_cache(max_size = 2)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(scop = thread)]
fn g(x: u32) -> u32 {
    x
}

fn main() {}
