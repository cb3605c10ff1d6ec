// mistakes: 2
//! A name is a string, a version a number.

use lru_memo::lru_cache;

#[lru_cache(name = orders, version = "2")]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
