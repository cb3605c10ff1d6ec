// mistakes: 4
//! The attribute where it means nothing: twice, and on a parameter other than as `skip`.

use lru_memo::lru_cache;

#[lru_cache(maxsize = 2)]
#[lru_memo::cache]
fn f(x: u32) -> u32 {
    x
}

#[lru_cache]
fn g(#[lru_cache] x: u32, #[lru_cache(ttl = "1s")] y: u32) -> u32 {
    x + y
}

struct Rectangle;

#[lru_cache]
impl Rectangle {
    #[lru_cache]
    #[lru_cache(maxsize = 2)]
    fn area(width: u32, height: u32) -> u32 {
        width * height
    }
}

fn main() {}
