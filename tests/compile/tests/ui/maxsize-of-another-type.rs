// mistakes: 4
//! Bounds that are not of type `usize`.

use lru_memo::lru_cache;

const LIMIT: u32 = 2;

#[lru_cache(maxsize = LIMIT)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = "2")]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = Some(2))]
fn h(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = 2.5)]
fn i(x: u32) -> u32 {
    x
}

fn main() {}
