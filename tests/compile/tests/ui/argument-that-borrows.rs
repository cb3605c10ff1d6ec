// mistakes: 4
//! A type that borrows cannot be kept.

use lru_memo::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Name<'a>(&'a str);

#[lru_cache]
fn f(name: Name<'_>) -> usize {
    name.0.len()
}

#[lru_cache]
fn g<'a>(name: &Name<'a>) -> usize {
    name.0.len()
}

#[lru_cache]
fn h(names: Box<&str>) -> usize {
    names.len()
}

#[lru_cache]
fn i<'a>(name: &'a str, measure: for<'b> fn(&'b str, &'a str) -> usize) -> usize {
    measure("", name)
}

fn main() {}
