// mistakes: 2
//! A type without a name cannot be stored.

use lru_memo::lru_cache;

#[lru_cache]
fn f(x: u32) -> impl Iterator<Item = u32> + Clone {
    0..x
}

#[lru_cache]
fn g(x: u32) -> Option<impl Clone> {
    Some(x)
}

fn main() {}
