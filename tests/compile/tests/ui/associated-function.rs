// mistakes: 1
//! An associated function without `self` looks like a free one; the attribute on the `impl` block tells.

use lru_memo::lru_cache;

struct Rectangle;

impl Rectangle {
    #[lru_cache]
    fn area(width: u32, height: u32) -> u32 {
        width * height
    }
}

fn main() {
    Rectangle::area(1, 2);
}
