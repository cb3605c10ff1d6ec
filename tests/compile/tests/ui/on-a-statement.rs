// mistakes: 2
//! The compiler itself refuses attributes on statements, but does not say what this one is for.

use lru_memo::lru_cache;

fn main() {
    #[lru_cache]
    let x = 1;
    let _ = x;
}
