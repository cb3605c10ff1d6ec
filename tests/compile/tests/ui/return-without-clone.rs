// mistakes: 3
//! A hit returns a copy of what was returned before.

use lru_memo::lru_cache;

struct Report;

#[lru_cache]
fn f(x: u32) -> Report {
    let _ = x;
    Report
}

#[lru_cache(scope = thread)]
fn g(x: u32) -> Result<Report, ()> {
    let _ = x;
    Ok(Report)
}

#[lru_cache]
fn h(x: u32) -> Option<Report> {
    let _ = x;
    Some(Report)
}

fn main() {
    f(1);
    f_uncached(1);
    f_cache_peek(1);
    f_cache_put(1, Report);
    f_cache_refresh(1);
}
