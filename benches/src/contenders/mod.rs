//! The caches that are compared. To each belongs a closure that makes one call after the other.

mod floor;
mod macros;
mod ours;
mod stores;

use std::hint::black_box;

use crate::keys::{Key, Text};

/// How many entries each cache may hold.
pub(crate) const CAPACITY: usize = 1024;

/// The least that a memoised call can cost.
pub(crate) const L0: &str = "L0: local map";
/// The fastest of the peers that evicts.
pub(crate) const SCHNELLRU: &str = "schnellru in a Mutex";

/// Makes one call for each key and returns the sum of the results.
type Pass<K> = Box<dyn Fn(&[K]) -> u64 + Send + Sync>;

/// A cache, empty when made.
pub(crate) struct Contender<K> {
    pub(crate) name: &'static str,
    pub(crate) pass: Pass<K>,
}

impl<K: Key> Contender<K> {
    /// A contender of which a call is `call`.
    fn new(name: &'static str, call: impl Fn(K) -> u64 + Send + Sync + 'static) -> Self {
        Self { name, pass: Box::new(move |keys| sum_of_calls(keys, &call)) }
    }
}

/// The loop around the calls, the same for all.
///
/// The keys come from behind a black box and the sum goes into one; a box around each call would only add to every
/// time what is more than half of the least of them.
#[inline(always)]
fn sum_of_calls<K: Key>(keys: &[K], mut call: impl FnMut(K) -> u64) -> u64 {
    let sum = black_box(keys).iter().fold(0, |sum: u64, &key| sum.wrapping_add(call(key)));
    black_box(sum)
}

/// Who can be asked for what is cached, with or without evicting.
pub(crate) fn hits_of_numbers() -> Vec<Contender<u64>> {
    let mut all = vec![floor::local_map(), floor::thread_local_map(), stores::dashmap()];
    all.extend(evictions());
    all
}

/// Who evicts.
pub(crate) fn evictions() -> Vec<Contender<u64>> {
    vec![
        ours::process(),
        ours::thread(),
        stores::lru(),
        stores::schnellru(),
        stores::quick_cache(),
        stores::moka(),
        macros::cached(),
        macros::memoize(),
        macros::memoize_shared(),
    ]
}

/// Who can be asked with a text and a number.
pub(crate) fn hits_of_text() -> Vec<Contender<Text>> {
    vec![
        floor::local_map(),
        ours::process_of_text(),
        ours::thread_of_text(),
        stores::lru(),
        stores::schnellru(),
        stores::quick_cache(),
        stores::moka(),
        macros::cached_of_text(),
        macros::memoize_of_text(),
    ]
}
