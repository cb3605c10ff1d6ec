// mistakes: 2
//! A bound that is known only when the program runs.

use lru_memo::lru_cache;

fn limit() -> usize {
    2
}

#[lru_cache(maxsize = limit())]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = x)]
fn g(x: usize) -> usize {
    x
}

fn main() {}
