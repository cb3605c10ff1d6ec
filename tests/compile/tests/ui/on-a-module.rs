// mistakes: 1
//! An attribute for functions on something else.

use lru_memo::cache;

#[cache]
mod inner {
    pub fn f() {}
}

fn main() {
    inner::f();
}
