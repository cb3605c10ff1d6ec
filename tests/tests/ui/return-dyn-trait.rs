// mistakes: 2
//! A type without a size cannot be returned at all, a box of one not be cloned.

use lru_memo::lru_cache;

use std::fmt::Display;

#[lru_cache]
fn f(x: u32) -> dyn Display {
    x
}

#[lru_cache]
fn g(x: u32) -> Box<dyn Display> {
    Box::new(x)
}

fn main() {}
