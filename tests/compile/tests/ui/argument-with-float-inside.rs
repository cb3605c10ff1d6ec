// mistakes: 3
//! Floats are seen through tuples, slices, `Option` and the like, not through everything.

use lru_memo::lru_cache;

use std::collections::BTreeMap;

#[lru_cache]
fn f(x: Box<f64>) -> u64 {
    *x as u64
}

#[lru_cache]
fn g(x: &BTreeMap<u32, f64>) -> usize {
    x.len()
}

#[derive(Clone, PartialEq)]
struct Celsius(f64);

#[lru_cache]
fn h(x: Celsius) -> u64 {
    x.0 as u64
}

fn main() {}
