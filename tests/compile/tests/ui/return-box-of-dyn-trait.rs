// mistakes: 1
//! A box of a trait object cannot be copied, an `Arc` can.

use lru_memo::lru_cache;

use std::fmt::Display;

#[lru_cache]
fn f(x: u32) -> Box<dyn Display + Send + Sync> {
    Box::new(x)
}

fn main() {}
