// mistakes: 5
//! Values without the name of an option, as Python has them.

use lru_memo::lru_cache;

const LIMIT: usize = 128;

#[lru_cache(128)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(None)]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(LIMIT, typed = true)]
fn h(x: u32) -> u32 {
    x
}

#[lru_cache("128")]
fn i(x: u32) -> u32 {
    x
}

#[lru_cache(-1)]
fn j(x: u32) -> u32 {
    x
}

fn main() {}
