// mistakes: 2
//! A type that borrows without saying so where it is used.

use lru_memo::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Name<'a>(&'a str);

#[lru_cache]
fn f(name: Name) -> usize {
    name.0.len()
}

#[lru_cache(scope = thread)]
fn g(name: &Name) -> usize {
    name.0.len()
}

fn main() {}
