// mistakes: 8
//! Ways that lead to no object.

use lru_memo::{Memo, lru_cache};

struct Store {
    rows: usize,
    memo: Memo,
}

impl Store {
    fn of(&self, _: u32) -> &Memo {
        &self.memo
    }

    #[lru_cache(scope = &self.memo)]
    fn by_reference(&self, x: u32) -> u32 {
        x
    }

    #[lru_cache(scope = self.of(x))]
    fn by_another_parameter(&self, x: u32) -> u32 {
        x
    }

    #[lru_cache(scope = self.memo, maxsize = x, ttl = y.ttl)]
    fn with_the_size_of_a_call(&self, x: usize, y: Options) -> usize {
        x + y.ttl.subsec_millis() as usize
    }

    #[lru_cache(scope = self.memo)]
    fn changing(&mut self, x: usize) -> usize {
        self.rows += x;
        self.rows
    }

    #[lru_cache(scope = self.memo, near = "1s")]
    fn with_an_option_of_stores(&self, x: u32) -> u32 {
        x + y.ttl.subsec_millis() as usize
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Options {
    ttl: std::time::Duration,
}

#[lru_cache(scope = self.memo)]
fn without_a_receiver(store: &Store, x: usize) -> usize {
    store.rows + x
}

#[lru_cache(scope = store.memo)]
fn changing(store: &mut Store, x: usize) -> usize {
    store.rows += x;
    store.rows
}

fn main() {}
