//! `&(impl A + B)` needs its parentheses; what is generated from it must not be warned of.

#![deny(warnings)]

use std::hash::Hash;

use lru_memo::lru_cache;

#[lru_cache]
fn double(x: &(impl Into<u64> + Clone + Eq + Hash + Send + Sync + 'static)) -> u64 {
    2 * x.clone().into()
}

#[test]
fn generated_code_is_not_warned_of_for_parentheses() {
    assert_eq!((double(&1_u8), double(&1_u8), double(&2_u32)), (2, 2, 4));
}
