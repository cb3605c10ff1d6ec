//! The rows of the table, as data: to measure something else, add a row.

use crate::contenders::{self, Contender};
use crate::keys::{Pattern, Text};
use crate::python::Calls;

/// What is measured: calls with these keys, from so many threads at once, of all these contenders.
pub(crate) struct Row<K> {
    pub(crate) name: &'static str,
    pub(crate) keys: Pattern,
    pub(crate) threads: usize,
    pub(crate) contenders: fn() -> Vec<Contender<K>>,
    /// The contender that the others are compared with.
    pub(crate) baseline: &'static str,
    /// Whether every timed call is a hit, which then must not allocate.
    pub(crate) all_hits: bool,
    /// What CPython is asked to do beside it.
    pub(crate) python: Option<Calls>,
}

/// How many keys the hits are spread over.
const FEW: usize = 128;
/// Far more keys than are cached.
const MANY: usize = 1 << 17;
/// Of so many keys by Zipf, an LRU of [`contenders::CAPACITY`] entries misses 41 %.
const ZIPF: usize = 29_000;

/// The rows whose function is `u64 -> u64`.
pub(crate) fn of_numbers() -> Vec<Row<u64>> {
    let hit = Row {
        name: "hit, 128 keys, 1 thread",
        keys: Pattern::Uniform(FEW),
        threads: 1,
        contenders: contenders::hits_of_numbers,
        baseline: contenders::L0,
        all_hits: true,
        python: Some(Calls::Hits(FEW)),
    };
    let miss = Row {
        name: "miss and evict, 1 thread",
        keys: Pattern::Circle(MANY),
        contenders: contenders::evictions,
        baseline: contenders::SCHNELLRU,
        all_hits: false,
        python: Some(Calls::Misses),
        ..hit
    };
    vec![
        Row { ..hit },
        Row { name: "hit, 128 keys, 2 threads", threads: 2, python: None, ..hit },
        Row { name: "hit, one key, 1 thread", keys: Pattern::OneKey, python: Some(Calls::Hits(1)), ..hit },
        Row { name: "hit, one key, 2 threads", keys: Pattern::OneKey, threads: 2, python: None, ..hit },
        Row { ..miss },
        Row { name: "miss and evict, 2 threads", threads: 2, python: None, ..miss },
        Row {
            name: "zipf, 41 % misses, 2 threads",
            keys: Pattern::Zipf(ZIPF),
            threads: 2,
            python: None,
            ..miss
        },
    ]
}

/// The rows whose function is `(&str, u32) -> u64`.
pub(crate) fn of_text() -> Vec<Row<Text>> {
    vec![Row {
        name: "hit, (&str of 16, u32), 1 thread",
        keys: Pattern::Uniform(FEW),
        threads: 1,
        contenders: contenders::hits_of_text,
        baseline: contenders::L0,
        all_hits: true,
        python: Some(Calls::HitsOfText(FEW)),
    }]
}
