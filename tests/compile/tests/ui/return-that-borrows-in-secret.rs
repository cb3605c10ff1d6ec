// mistakes: 1
//! A type that borrows without saying so where it is used.

use lru_memo::lru_cache;

#[derive(Clone)]
struct Name<'a>(&'a str);

#[lru_cache]
fn f(name: &str) -> Name {
    Name(name)
}

fn main() {}
