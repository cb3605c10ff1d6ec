// mistakes: 1
//! A `const fn` cannot look into a cache.

use lru_memo::lru_cache;

#[lru_cache]
const fn f(x: u32) -> u32 {
    x
}

const _: u32 = f(1);

fn main() {}
