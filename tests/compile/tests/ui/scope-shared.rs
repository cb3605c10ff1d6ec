// mistakes: 6
//! `scope = shared` on what cannot be serialized, and with options that mean nothing there.

use lru_memo::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Plain(u32);

#[lru_cache(scope = shared)]
fn of_an_argument(x: u32, plain: &Plain) -> u32 {
    x + plain.0
}

#[lru_cache(scope = shared)]
fn of_a_value(x: u32) -> Plain {
    Plain(x)
}

#[lru_cache(scope = shared)]
fn of_a_borrowed_value(x: bool) -> &'static str {
    if x { "yes" } else { "no" }
}

#[lru_cache(scope = shared, key = Plain(x))]
fn of_a_key(x: u32) -> u32 {
    x
}

#[lru_cache(scope = shared, hasher = std::hash::RandomState)]
fn with_a_hasher(x: u32) -> u32 {
    x
}

#[lru_cache(scope = shared, max_weight = 10, weigh = |_, _| 1)]
fn with_weigh(x: u32) -> u32 {
    x
}

fn main() {}
