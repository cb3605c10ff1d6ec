// mistakes: 3
//! Options that nothing keeps apart.

use lru_memo::lru_cache;

#[lru_cache(maxsize = 2 typed = true)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(maxsize = 2; typed = true)]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(, maxsize = 2)]
fn h(x: u32) -> u32 {
    x
}

fn main() {}
