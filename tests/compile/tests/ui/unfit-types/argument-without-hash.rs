// mistakes: 1
//! A key part that cannot be compared or hashed; its type is to be changed, not the function.

use lru_memo::lru_cache;

struct Point {
    x: u32,
}

#[lru_cache]
fn f(point: Point) -> u32 {
    point.x
}

fn main() {
    f(Point { x: 1 });
    f_uncached(Point { x: 1 });
    f_cache_invalidate(Point { x: 1 });
    f_cache_peek(Point { x: 1 });
    f_cache_put(Point { x: 1 }, 2);
    f_cache_refresh(Point { x: 1 });
}
