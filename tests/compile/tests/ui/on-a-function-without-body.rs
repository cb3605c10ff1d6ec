// mistakes: 1
//! A signature has nothing to run on a miss.

use lru_memo::lru_cache;

trait Area {
    #[lru_cache]
    fn area(x: u32) -> u32;
}

fn main() {}
