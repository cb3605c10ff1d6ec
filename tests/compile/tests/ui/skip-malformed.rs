// mistakes: 5
//! What `skip` names are whole parameters, each once.

use lru_memo::lru_cache;

#[lru_cache(skip())]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache(skip("x"))]
fn g(x: u32) -> u32 {
    x
}

#[lru_cache(skip(x.0))]
fn h(x: (u32, u32)) -> u32 {
    x.1
}

#[lru_cache(skip(x, x))]
fn i(x: u32) -> u32 {
    x
}

#[lru_cache(skip(y))]
fn j((x, y): (u32, u32)) -> u32 {
    x + y
}

fn main() {}
