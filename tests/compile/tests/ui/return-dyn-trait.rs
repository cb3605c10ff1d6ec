// mistakes: 1
//! A type without a size cannot be returned.

use lru_memo::lru_cache;

use std::fmt::Display;

#[lru_cache]
fn f(x: u32) -> dyn Display {
    x
}

fn main() {
    let _ = f(1).to_string();
}
