// mistakes: 12
//! Companions of one name for one type, once for each of them.

use lru_memo::lru_cache;

trait Shape {
    fn area(&self) -> u32;
}

trait Site {
    fn area(&self) -> u32;
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Square(u32);

#[lru_cache]
impl Shape for Square {
    #[lru_cache]
    fn area(&self) -> u32 {
        self.0 * self.0
    }
}

#[lru_cache]
impl Site for Square {
    #[lru_cache]
    fn area(&self) -> u32 {
        self.0
    }
}

fn main() {}
