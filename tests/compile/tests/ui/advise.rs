// mistakes: 3
//! `advise` is a boolean, given once.

use lru_memo::lru_cache;

#[lru_cache(advise = "yes")]
fn text(x: u32) -> u32 {
    x
}

#[lru_cache(advise)]
fn without_value(x: u32) -> u32 {
    x
}

#[lru_cache(advise = true, advise = true)]
fn twice(x: u32) -> u32 {
    x
}

fn main() {}
