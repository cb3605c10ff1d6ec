// mistakes: 2
//! Other crates have keys in strings.

use lru_memo::lru_cache;

#[lru_cache(key = "String")]
fn of_a_type(a: u32) -> u32 {
    a
}

#[lru_cache(key = r#"{ format!("{a}") }"#)]
fn of_an_expression(a: u32) -> u32 {
    a
}

fn main() {}
