// mistakes: 1
//! A key part that is `Hash` only.

use lru_memo::lru_cache;

#[derive(Clone, Hash)]
struct Point {
    x: u32,
}

#[lru_cache]
fn f(point: Point) -> u32 {
    point.x
}

fn main() {}
