// mistakes: 1
//! Options belong to the functions.

use lru_memo::lru_cache;

struct Rectangle;

#[lru_cache(maxsize = 2)]
impl Rectangle {
    #[lru_cache]
    fn area(width: u32, height: u32) -> u32 {
        width * height
    }
}

fn main() {
    Rectangle::area(1, 2);
}
