// mistakes: 4
//! Tags that are no text, no list, or made of what the companions do not have.

use lru_memo::lru_cache;

#[lru_cache(tags = [x])]
fn number(x: u32) -> u32 {
    x
}

#[lru_cache(tags = "orders")]
fn text(x: u32) -> u32 {
    x
}

#[lru_cache(tags = [])]
fn nothing(x: u32) -> u32 {
    x
}

#[lru_cache(skip(tenant), tags = [format!("user:{id}"), format!("tenant:{tenant}")])]
fn skipped(tenant: u32, id: u32) -> u32 {
    tenant + id
}

fn main() {}
