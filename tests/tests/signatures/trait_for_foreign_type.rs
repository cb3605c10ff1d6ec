//! A trait of this crate, memoized for a type that is not.

use lru_memo::lru_cache;

trait Double {
    fn double(&self, x: u32) -> u32;
}

#[lru_cache]
impl Double for u32 {
    #[lru_cache]
    fn double(&self, x: u32) -> u32 {
        2 * self + x
    }
}

fn main() {
    assert_eq!((1.double(1), 1.double(1), 2.double(1)), (3, 3, 5));
}
