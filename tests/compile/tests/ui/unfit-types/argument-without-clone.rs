// mistakes: 2
//! A key part that cannot be copied to be kept.

use lru_memo::lru_cache;

#[derive(PartialEq, Eq, Hash)]
struct Point {
    x: u32,
}

#[lru_cache]
fn f(point: Point) -> u32 {
    point.x
}

#[lru_cache]
fn g(point: &Point) -> u32 {
    point.x
}

fn main() {}
