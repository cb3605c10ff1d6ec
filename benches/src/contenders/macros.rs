//! The other crates that memoise with an attribute. Their keys are owned: a text is copied by each call.

use ::cached::Cached as _;
use ::cached::macros::cached;
use ::memoize::memoize;

use super::{CAPACITY, Contender};
use crate::counters::body;
use crate::keys::Text;

// Attributes of these crates take numbers, not names.
const _: () = assert!(CAPACITY == 1024);

#[cached(max_size = 1024)]
fn cached_number(number: u64) -> u64 {
    body(number)
}

#[cached(max_size = 1024)]
fn cached_text(_text: String, number: u32) -> u64 {
    body(u64::from(number))
}

#[memoize(Capacity: 1024)]
fn memoized_number(number: u64) -> u64 {
    body(number)
}

#[memoize(SharedCache, Capacity: 1024)]
fn memoized_shared_number(number: u64) -> u64 {
    body(number)
}

#[memoize(Capacity: 1024)]
fn memoized_text(_text: String, number: u32) -> u64 {
    body(u64::from(number))
}

const CACHED: &str = "cached, max_size";
const MEMOIZE: &str = "memoize, Capacity (per thread)";

pub(super) fn cached() -> Contender<u64> {
    CACHED_NUMBER.write().cache_clear();
    Contender::new(CACHED, cached_number)
}

pub(super) fn cached_of_text() -> Contender<Text> {
    CACHED_TEXT.write().cache_clear();
    Contender::new(CACHED, |Text(text, number)| cached_text(text.to_owned(), number))
}

pub(super) fn memoize() -> Contender<u64> {
    Contender::new(MEMOIZE, memoized_number)
}

pub(super) fn memoize_shared() -> Contender<u64> {
    memoized_flush_memoized_shared_number();
    Contender::new("memoize, SharedCache and Capacity", memoized_shared_number)
}

pub(super) fn memoize_of_text() -> Contender<Text> {
    Contender::new(MEMOIZE, |Text(text, number)| memoized_text(text.to_owned(), number))
}
