// mistakes: 2
//! Too many conditions inside one function; and a mistake in the case that holds, while one in another is none.

use lru_memo::lru_cache;

#[lru_cache]
fn f(
    #[cfg(unix)] _a: u32,
    #[cfg(windows)] _b: u32,
    #[cfg(test)] _c: u32,
    #[cfg(doc)] _d: u32,
    #[cfg(not(target_os = "none"))] e: u32,
) -> u32 {
    e
}

#[lru_cache]
fn g(#[cfg(unix)] x: &mut u32, #[cfg(not(unix))] x: &mut u64) -> u32 {
    *x as u32
}

fn main() {}
