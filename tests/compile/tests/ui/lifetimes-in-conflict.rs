// mistakes: 5
//! Options about how long entries stay that do not go together, or not without each other.

use lru_memo::lru_cache;

#[lru_cache(jitter = "1m")]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(ttl_of = |value: &u64| std::time::Duration::from_secs(*value))]
fn g(x: u64) -> u64 {
    x
}

#[lru_cache(ttl = "1m", jitter = "61s")]
fn h(x: u32) -> u32 {
    x
}

#[lru_cache(ttl = "1h", ttl_of = |value| *value)]
fn i(x: u64) -> u64 {
    x
}

#[lru_cache(ttl = "1h", jitter = "0s")]
fn j(x: u64) -> u64 {
    x
}

fn main() {}
