// mistakes: 2
//! A bound that is known only when the program runs.

use lru_memo::lru_cache;

fn limit() -> usize {
    2
}

#[lru_cache(maxsize = limit())]
fn double(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = entries)]
fn square(entries: usize) -> usize {
    entries * entries
}

fn main() {}
