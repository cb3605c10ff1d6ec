// mistakes: 3
//! Limits hold for a whole cache, and are evaluated once.

use std::time::Duration;

use lru_memo::lru_cache;

#[lru_cache(maxsize = 2 * entries)]
fn square(entries: usize) -> usize {
    entries * entries
}

// A function that is called like a parameter is none.
#[lru_cache(maxsize = limit(), ttl = Duration::from_secs(limit))]
fn double(limit: u64) -> u64 {
    2 * limit
}

fn limit() -> usize {
    2
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Store {
    ttl: Duration,
}

impl Store {
    #[lru_cache(ttl = self.ttl)]
    fn get(&self, x: u32) -> u32 {
        x
    }
}

fn main() {}
