// mistakes: 3
//! Options with nothing behind them.

use lru_memo::lru_cache;

#[lru_cache(maxsize)]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(scope =)]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(typed(true))]
fn h(x: u32) -> u32 {
    x
}

fn main() {}
