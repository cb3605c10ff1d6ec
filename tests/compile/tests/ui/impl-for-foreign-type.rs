// mistakes: 1
//! Whether a type of this name is another crate's, only the compiler knows; written as `std::sync::Arc` it would work.

use std::sync::Arc;

use lru_memo::lru_cache;

trait Shape {
    fn area(&self) -> u32;
    fn edge(&self) -> u32;
}

#[lru_cache]
impl Shape for Arc<u32> {
    #[lru_cache]
    fn area(&self) -> u32 {
        **self * **self
    }
    #[lru_cache]
    fn edge(&self) -> u32 {
        **self
    }
}

fn main() {
    Arc::new(1).area();
}
