// mistakes: 6
//! Arguments and values need a size, as without the attribute.

use lru_memo::lru_cache;

#[lru_cache]
fn f(text: str) -> usize {
    text.len()
}

#[lru_cache]
fn g(numbers: [u8]) -> usize {
    numbers.len()
}

#[lru_cache]
fn h(function: dyn Fn() -> usize) -> usize {
    function()
}

#[lru_cache]
fn i(x: u32) -> str {
    *x.to_string()
}

#[lru_cache]
fn j(x: u32) -> [u32] {
    *vec![x]
}

#[lru_cache]
fn k<'a>(function: dyn Fn() -> usize + 'a) -> usize {
    function()
}

fn main() {}
