//! The caches that are compared. Each has a closure that makes a sequence of calls.

mod floor;
mod macros;
mod ours;
mod stores;

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use crate::keys::{Key, Line, Text};

/// The default bound of a cache.
pub(crate) const SMALL: usize = 1 << 10;
/// The bound of a cache that does not fit into the processor's caches.
pub(crate) const LARGE: usize = 1 << 20;

/// The lower limit of a memoized call.
pub(crate) const L0: &str = "L0: local map";
/// The fastest other crate that evicts.
pub(crate) const SCHNELLRU: &str = "schnellru in a Mutex";
pub(crate) const PROCESS: &str = "lru-memo";
pub(crate) const THREAD: &str = "lru-memo, scope = thread";
pub(crate) const UNBOUNDED: &str = "lru-memo, #[cache]";

/// The eviction policy of a contender.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// None: a lower limit of any cache.
    Floor,
    Ours,
    /// Evicts the least recently used entry.
    Exact,
    /// The same, in a cache for each thread.
    PerThread,
    /// Evicts some entry.
    Inexact,
    /// Evicts nothing.
    Unbounded,
    /// That of CPython's `lru_cache`.
    Python,
}

/// Makes one call for each key and returns the sum of the results.
type Pass<K> = Box<dyn Fn(&[K]) -> u64 + Send + Sync>;

/// A contender, with an empty cache.
pub(crate) struct Contender<K> {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) pass: Pass<K>,
}

impl<K: Key> Contender<K> {
    /// Makes a contender whose calls are `call`.
    fn new(name: &'static str, kind: Kind, call: impl Fn(K) -> u64 + Send + Sync + 'static) -> Self {
        Self { name, kind, pass: Box::new(move |keys| sum_of_calls(keys, &call)) }
    }
}

/// The loop around the calls, the same for all contenders.
///
/// The keys come out of a black box, and the sum goes into one. A black box around each call would add more than half
/// of the shortest time to every time.
#[inline(always)]
fn sum_of_calls<K: Key>(keys: &[K], mut call: impl FnMut(K) -> u64) -> u64 {
    let sum = black_box(keys).iter().fold(0, |sum: u64, &key| sum.wrapping_add(call(key)));
    black_box(sum)
}

/// A function that makes a contender with room for so many entries.
pub(crate) type Make<K> = fn(usize) -> Contender<K>;

/// The contenders that evict.
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

/// The contenders that do not evict, for rows of hits.
pub(crate) const KEEPING: &[Make<u64>] =
    &[floor::local_map, floor::thread_local_map, ours::unbounded, stores::dashmap];

/// The contenders for growing caches: the lower limit, this crate, and the fastest other one that evicts.
pub(crate) const GROWING: &[Make<u64>] = &[floor::local_map, ours::process, stores::schnellru];

/// The same without the lower limit, which does not evict.
pub(crate) const GROWING_AND_EVICTING: &[Make<u64>] = &[ours::process, stores::schnellru];

/// The contenders whose single calls are timed.
pub(crate) const TIMED_SINGLY: &[Make<u64>] =
    &[floor::nothing, ours::process, stores::schnellru, stores::lru, stores::quick_cache];

/// The contenders for keys of a text and a number.
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

/// The contenders without an argument, and the lower limit with one.
pub(crate) const WITHOUT_ARGUMENTS: &[Make<u64>] = &[floor::local_map, ours::without_arguments];

/// The contenders for a text, whose value is shared.
pub(crate) const OF_LINES: &[Make<Line>] = &[
    floor::local_map,
    ours::process_of_lines,
    stores::lru,
    stores::schnellru,
    stores::quick_cache,
    stores::moka,
];
