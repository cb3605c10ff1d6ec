// mistakes: 1
//! What the parser says about a function is not about the attribute.

use lru_memo::lru_cache;

#[lru_cache]
fn f(x: u32) -> u32 {
    x +
}

fn main() {}
