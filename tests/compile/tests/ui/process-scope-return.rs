// mistakes: 3
//! Values that threads cannot share; `scope = thread` is the way.

use lru_memo::lru_cache;

use std::cell::RefCell;
use std::rc::Rc;

#[lru_cache]
fn rc(x: u32) -> Rc<str> {
    x.to_string().into()
}

#[lru_cache]
fn cell(x: u32) -> RefCell<u32> {
    RefCell::new(x)
}

#[lru_cache]
fn result(x: u32) -> Result<Rc<u32>, ()> {
    Ok(Rc::new(x))
}

fn main() {}
