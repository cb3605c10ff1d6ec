// mistakes: 5
//! A cached value outlives what it was computed from.

use lru_memo::lru_cache;

#[lru_cache]
fn elided(name: &str) -> &str {
    name
}

#[lru_cache]
fn named<'a>(name: &'a str, _other: &str) -> &'a str {
    name
}

#[lru_cache]
fn inside(name: &str) -> Option<Vec<&str>> {
    Some(vec![name])
}

#[lru_cache]
fn in_a_type(name: &str) -> std::borrow::Cow<'_, str> {
    name.into()
}

#[lru_cache]
fn in_several_places<'a>(name: &'a str, other: &'a str) -> (&'a str, &'a str) {
    (name, other)
}

fn main() {}
