// mistakes: 3
//! A key part that cannot be hashed, behind references.

use lru_memo::lru_cache;

struct Point {
    x: u32,
}

#[lru_cache]
fn f(point: &Point) -> u32 {
    point.x
}

#[lru_cache]
fn g(points: &[Point]) -> u32 {
    points[0].x
}

#[lru_cache]
fn h(point: &&Point) -> u32 {
    point.x
}

fn main() {}
