// mistakes: 8
//! All mistakes of an attribute and of its function are reported in one compile.

use lru_memo::lru_cache;

#[lru_cache(maxsize = -1, size = 3, typed = 1, scope = here, scope = thread, scope = process)]
const fn f<'a>(x: &'a mut u32, y: &'a str) -> &'a str {
    *x += 1;
    y
}

fn main() {
    // The function is still there, and causes no further errors.
    let _ = f(&mut 1, "y");
}
