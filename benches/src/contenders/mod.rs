//! The caches that are compared. To each belongs a closure that makes one call after the other.

mod floor;
mod macros;
mod ours;
mod stores;

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use crate::keys::{Key, Text};

/// How many entries a cache may hold, where nothing else is said.
pub(crate) const SMALL: usize = 1 << 10;
/// How many entries a cache may hold that does not fit into the caches of the processor.
pub(crate) const LARGE: usize = 1 << 20;

/// The least that a memoised call can cost.
pub(crate) const L0: &str = "L0: local map";
/// The fastest of the peers that evicts.
pub(crate) const SCHNELLRU: &str = "schnellru in a Mutex";
pub(crate) const PROCESS: &str = "lru-memo";
pub(crate) const THREAD: &str = "lru-memo, scope = thread";
pub(crate) const UNBOUNDED: &str = "lru-memo, #[cache]";

/// What a contender promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Nothing: it is what no cache can beat.
    Floor,
    Ours,
    /// To evict the least recently used entry.
    Exact,
    /// The same, in a cache of each thread's own.
    PerThread,
    /// To evict some entry.
    Inexact,
    /// To keep everything.
    Unbounded,
    /// CPython's own.
    Python,
}

/// Makes one call for each key and returns the sum of the results.
type Pass<K> = Box<dyn Fn(&[K]) -> u64 + Send + Sync>;

/// A cache, empty when made.
pub(crate) struct Contender<K> {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) pass: Pass<K>,
}

impl<K: Key> Contender<K> {
    /// A contender of which a call is `call`.
    fn new(name: &'static str, kind: Kind, call: impl Fn(K) -> u64 + Send + Sync + 'static) -> Self {
        Self { name, kind, pass: Box::new(move |keys| sum_of_calls(keys, &call)) }
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

/// Makes a contender with room for so many entries.
pub(crate) type Make<K> = fn(usize) -> Contender<K>;

/// Who evicts.
pub(crate) const EVICTING: &[Make<u64>] = &[
    ours::process,
    ours::thread,
    stores::lru,
    stores::schnellru,
    stores::quick_cache,
    stores::moka,
    macros::cached,
    macros::memoize,
    macros::memoize_shared,
];

/// Who can be asked for what is cached, but does not evict.
pub(crate) const KEEPING: &[Make<u64>] =
    &[floor::local_map, floor::thread_local_map, ours::unbounded, stores::dashmap];

/// Who is watched while caches grow: the floor, us, and the fastest that evicts.
pub(crate) const GROWING: &[Make<u64>] = &[floor::local_map, ours::process, stores::schnellru];

/// The same without the floor, which does not evict.
pub(crate) const GROWING_AND_EVICTING: &[Make<u64>] = &[ours::process, stores::schnellru];

/// Whose single calls are timed.
pub(crate) const TIMED_SINGLY: &[Make<u64>] =
    &[floor::nothing, ours::process, stores::schnellru, stores::lru, stores::quick_cache];

/// Who can be asked with a text and a number.
pub(crate) const OF_TEXT: &[Make<Text>] = &[
    floor::local_map,
    ours::process_of_text,
    ours::thread_of_text,
    stores::lru,
    stores::schnellru,
    stores::quick_cache,
    stores::moka,
    macros::cached_of_text,
    macros::memoize_of_text,
];
