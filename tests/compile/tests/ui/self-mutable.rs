// mistakes: 1
//! A hit could not change `self`.

use lru_memo::lru_cache;

struct Counter(u32);

impl Counter {
    #[lru_cache]
    fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

fn main() {
    Counter(1).next();
}
