// mistakes: 1
//! What stands beside a method cannot stand in the `impl` of a trait; rustc says so of each of them.

use lru_memo::lru_cache;

trait Shape {
    fn area(&self) -> u32;
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Square(u32);

impl Shape for Square {
    #[lru_cache]
    fn area(&self) -> u32 {
        self.0 * self.0
    }
}

fn main() {
    Square(2).area();
}
