// mistakes: 2
//! Arguments that threads cannot share; `scope = thread` is the way.

use lru_memo::lru_cache;

use std::rc::Rc;

#[lru_cache]
fn f(name: Rc<str>) -> usize {
    name.len()
}

#[lru_cache]
fn g(names: &[Rc<str>], times: u32) -> usize {
    names.len() * times as usize
}

fn main() {
    f("f".into());
    f_cache_invalidate("f".into());
    f_cache_clear();
}
