// mistakes: 2
//! `typed` is a literal.

use lru_memo::lru_cache;

#[lru_cache(typed = 1)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(typed = True)]
fn g(x: u32) -> u32 {
    x
}

fn main() {}
