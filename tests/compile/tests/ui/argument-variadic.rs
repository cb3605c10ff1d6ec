// mistakes: 1
//! Arguments that cannot be read twice.

use lru_memo::lru_cache;

#[lru_cache]
unsafe extern "C" fn f(x: u32, _: ...) -> u32 {
    x
}

fn main() {}
