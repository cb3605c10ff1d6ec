// mistakes: 1
//! A type that is merely named `Result`.

use lru_memo::lru_cache;

#[derive(Clone)]
struct Result<T>(T);

#[lru_cache]
fn f(x: u32) -> Result<u32> {
    Result(x)
}

fn main() {}
