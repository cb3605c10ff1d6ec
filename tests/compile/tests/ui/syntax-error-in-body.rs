// mistakes: 1
//! What is wrong in a body is told once.

use lru_memo::lru_cache;

#[lru_cache]
fn half(x: u32) -> u32 {
    let y = x +;
    y
}

fn main() {
    half(1);
}
