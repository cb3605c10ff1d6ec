//! A trait that is memoized for every type with certain properties.

use std::hash::Hash;

use lru_memo::lru_cache;

trait Pair: Sized {
    fn pair(&self) -> (Self, Self);
}

#[lru_cache]
impl<T: Clone + Eq + Hash + Send + Sync + 'static> Pair for T {
    #[lru_cache]
    fn pair(&self) -> (Self, Self) {
        (self.clone(), self.clone())
    }
}

fn main() {
    assert_eq!((1.pair(), 1.pair(), 'a'.pair()), ((1, 1), (1, 1), ('a', 'a')));
}
