//! Two traits with a method of one name, both memoized for one type.

use lru_memo::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(u32);

trait Next {
    fn of(&self) -> u32;
}

trait Previous {
    fn of(&self) -> u32;
}

#[lru_cache]
impl Next for Id {
    #[lru_cache]
    fn of(&self) -> u32 {
        self.0 + 1
    }
}

#[lru_cache]
impl Previous for Id {
    #[lru_cache]
    fn of(&self) -> u32 {
        self.0 - 1
    }
}

fn main() {
    assert_eq!((Next::of(&Id(1)), Previous::of(&Id(1)), Next::of(&Id(1))), (2, 0, 2));
}
