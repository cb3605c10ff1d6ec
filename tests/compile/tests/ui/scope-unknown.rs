// mistakes: 3
//! Scopes that do not exist.

use lru_memo::lru_cache;

#[lru_cache(scope = global)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(scope = "thread")]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(scope = Thread)]
fn h(x: u32) -> u32 {
    x
}

fn main() {}
