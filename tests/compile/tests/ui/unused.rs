// mistakes: 1
//! A memoized function that nobody calls is one dead function; its companions are not.

#![deny(dead_code)]

use lru_memo::lru_cache;

#[lru_cache]
fn unused(x: u32) -> u32 {
    x
}

fn main() {}
