// mistakes: 1
//! The attribute on an `impl` block serves those on its functions.

use lru_memo::lru_cache;

struct Rectangle;

#[lru_cache]
impl Rectangle {
    fn area(width: u32, height: u32) -> u32 {
        width * height
    }
}

fn main() {
    Rectangle::area(1, 2);
}
