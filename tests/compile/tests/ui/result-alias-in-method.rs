// mistakes: 1
//! In a method an alias of `Result` by another name cannot be seen from outside; with the attribute on the block it can.

use lru_memo::lru_cache;

type Fallible<T> = Result<T, String>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Number(u32);

impl Number {
    #[lru_cache]
    fn half(&self) -> Fallible<u32> {
        Ok(self.0 / 2)
    }
}

fn main() {
    let _ = Number(2).half();
}
