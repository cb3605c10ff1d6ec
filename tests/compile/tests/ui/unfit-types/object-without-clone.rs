// mistakes: 4
//! Methods of a type that cannot be copied to be kept as a part of the key.

use lru_memo::lru_cache;

#[derive(PartialEq, Eq, Hash)]
struct Shop(u32);

impl Shop {
    #[lru_cache]
    fn plain(&self, id: u32) -> u32 {
        self.0 + id
    }

    #[lru_cache(cache_if = |value| *value > 0)]
    fn hooked(&self, id: u32) -> Result<u32, String> {
        Ok(self.0 + id)
    }

    #[lru_cache(max_weight = 5, weigh = |_, _| 1)]
    fn weighed(&self) -> u32 {
        self.0
    }

    #[lru_cache(scope = thread, tags = ["shop"])]
    fn tagged(&self, id: u32) -> u32 {
        self.0 + id
    }
}

fn main() {}
