// mistakes: 2
//! Two unfit arguments are two mistakes.

use lru_memo::lru_cache;

struct Point {
    x: u32,
}

#[lru_cache]
fn f(from: Point, to: &Point) -> u32 {
    to.x - from.x
}

fn main() {}
