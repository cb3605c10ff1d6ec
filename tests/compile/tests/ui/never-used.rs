// mistakes: 3
//! A function is not used if neither it nor one of its companions is.
#![deny(dead_code)]

use lru_memo::lru_cache;

#[lru_cache]
fn double(n: u64) -> u64 {
    n * 2
}

#[lru_cache(scope = thread)]
fn length<T: AsRef<str> + Clone + Eq + std::hash::Hash + 'static>(text: T) -> usize {
    text.as_ref().len()
}

struct Shelf;

impl Shelf {
    #[lru_cache(skip(self))]
    fn weigh(&self, id: u32) -> u32 {
        id
    }

    fn burn(&self) {}
}

fn main() {
    let _ = Shelf;
}
