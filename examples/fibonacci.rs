//! Python's own example of `lru_cache`, with different bounds: `cargo run --example fibonacci`.

use lru_memo::lru_cache;

#[lru_cache(maxsize = None)]
fn fib(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib(n - 1) + fib(n - 2) }
}

#[lru_cache(maxsize = 2)]
fn fib_in_two(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib_in_two(n - 1) + fib_in_two(n - 2) }
}

#[lru_cache(maxsize = 1)]
fn fib_in_one(n: u32) -> u64 {
    if n < 2 { u64::from(n) } else { fib_in_one(n - 1) + fib_in_one(n - 2) }
}

fn main() {
    println!("{:?}", (0..16).map(fib).collect::<Vec<_>>());
    println!("{}", fib_cache_info());

    println!("\nfib(20) from an empty cache:");
    fib_cache_clear();
    println!("{} {}", fib(20), fib_cache_info());
    println!("{} {}", fib_in_two(20), fib_in_two_cache_info());
    println!("{} {}", fib_in_one(20), fib_in_one_cache_info());
}
