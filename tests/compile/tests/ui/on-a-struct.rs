// mistakes: 1
//! An attribute for functions on something else.

use lru_memo::lru_cache;

#[lru_cache]
struct Point {
    x: u32,
}

fn main() {
    let _ = Point { x: 1 }.x;
}
