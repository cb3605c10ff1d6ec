// mistakes: 4
//! `advise` is a boolean, given once, and for what one process can watch.

use lru_memo::lru_cache;

#[lru_cache(advise = "yes")]
fn text(x: u32) -> u32 {
    x
}

#[lru_cache(advise)]
fn without_value(x: u32) -> u32 {
    x
}

#[lru_cache(advise = true, advise = true)]
fn twice(x: u32) -> u32 {
    x
}

#[lru_cache(advise = true, scope = shared)]
fn of_all_processes(x: u32) -> u32 {
    x
}

fn main() {}
