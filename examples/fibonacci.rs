//! Python's own example of `lru_cache`: `cargo run --example fibonacci`.

use lru_memo::lru_cache;

#[lru_cache(maxsize = None)]
fn fib(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
}

fn main() {
    println!("{:?}", (0..16).map(fib).collect::<Vec<_>>());
    println!("{}", fib_cache_info());
}
