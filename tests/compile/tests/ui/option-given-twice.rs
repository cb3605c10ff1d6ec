// mistakes: 1
//! An option that is given twice.

use lru_memo::lru_cache;

#[lru_cache(maxsize = 2, typed = true, maxsize = 3)]
fn f(x: u32) -> u32 {
    x
}

fn main() {}
