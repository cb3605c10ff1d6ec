// mistakes: 3
//! Options that do not go together, or not without each other.

use lru_memo::lru_cache;

#[lru_cache(key = (x, y.len()), skip(y))]
fn f(x: u32, y: &str) -> usize {
    x as usize + y.len()
}

#[lru_cache(max_weight = 1024)]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(weigh = |_, value| *value as usize)]
fn h(x: u32) -> u32 {
    x
}

fn main() {}
