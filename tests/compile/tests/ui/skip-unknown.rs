// mistakes: 2
//! `skip` names parameters.

use lru_memo::lru_cache;

#[lru_cache(skip(context))]
fn f(x: u32, ctx: &str) -> u32 {
    x + ctx.len() as u32
}

#[lru_cache(skip)]
fn g(x: u32) -> u32 {
    x
}

fn main() {}
