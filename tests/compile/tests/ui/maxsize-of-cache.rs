// mistakes: 1
//! `#[cache]` is the unbounded one.

use lru_memo::cache;

#[cache(maxsize = 2)]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
