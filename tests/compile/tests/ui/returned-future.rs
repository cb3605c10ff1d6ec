// mistakes: 4
//! A function that returns a future, also one that another macro above the attribute has made of an `async fn`.

use std::future::{Future, ready};
use std::pin::Pin;

use lru_memo::lru_cache;

#[lru_cache]
fn fib(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { if n < 2 { n } else { fib(n - 1).await + fib(n - 2).await } })
}

#[lru_cache]
fn borrowed<'a>(n: &'a u64) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = u64> + 'a>> {
    Box::pin(async move { *n })
}

#[lru_cache]
fn boxed(n: u64) -> Box<dyn Future<Output = u64> + Unpin> {
    Box::new(ready(n))
}

#[lru_cache]
fn opaque(n: u64) -> impl Future<Output = u64> {
    ready(n)
}

fn main() {}
