// mistakes: 4
//! Durations that cannot be read, all of them literals.

use lru_memo::lru_cache;

#[lru_cache(ttl = "90")]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = "ten minutes")]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = 90)]
fn h(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = "")]
fn i(x: u32) -> u32 {
    x
}

fn main() {}
