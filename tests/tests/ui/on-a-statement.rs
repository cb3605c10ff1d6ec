// mistakes: 1
//! An attribute for functions on something else.

use lru_memo::lru_cache;

fn main() {
    #[lru_cache]
    let x = 1;
    let _ = x;
}
