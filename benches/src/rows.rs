//! The rows of the table, as data: to measure something else, add a row.

use crate::contenders::{self, Kind, LARGE, Make, PROCESS, SMALL, THREAD, UNBOUNDED};
use crate::goals::{Bound, Goal};
use crate::keys::{Key, Line, Pattern, Text};
use crate::python::Calls;

/// A row: calls of all these contenders with these keys, by one thread and by several at once.
#[derive(Clone)]
pub(crate) struct Row<K: Key> {
    pub(crate) name: String,
    pub(crate) keys: Pattern,
    /// The bound of each cache.
    pub(crate) capacity: usize,
    pub(crate) threads: &'static [usize],
    pub(crate) contenders: &'static [&'static [Make<K>]],
    /// The baseline: the contender that the others are compared with.
    pub(crate) baseline: &'static str,
    /// Whether every timed call is a hit, which then must not allocate.
    pub(crate) all_hits: bool,
    /// The workload for CPython.
    pub(crate) python: Option<Calls>,
    pub(crate) goals: &'static [Goal],
}

/// The numbers of threads, on most machines also more than processors.
const THREADS: &[usize] = &[1, 2, 4, 8];
/// The number of different keys in a row of hits.
const FEW: usize = 128;
/// A number of keys far above the bound.
const MANY: usize = 1 << 17;
/// The number of keys by Zipf of which an LRU of [`SMALL`] entries misses 41 %.
const ZIPF: usize = 29_000;
/// A number of keys that all fit into the cache.
const MILLION: usize = 1_000_000;
/// The powers of ten between which caches grow.
const POWERS: std::ops::RangeInclusive<u32> = 2..=7;

/// The names of the rows in the pictures.
pub(crate) const HIT: &str = "hit, 128 keys";
pub(crate) const MISS: &str = "miss and evict";
pub(crate) const GROWING_HIT: &str = "hit, full cache of 10^";
pub(crate) const GROWING_MISS: &str = "miss and evict, full cache of 10^";

const CRATES: &[Kind] = &[Kind::Exact, Kind::PerThread, Kind::Inexact, Kind::Unbounded];
/// Leaves out thread-local caches, which several threads do not share.
const EXACT: &[Kind] = &[Kind::Exact];

const fn goal(threads: usize, contender: &'static str, bound: Bound) -> Goal {
    Goal { threads, contender, bound }
}

const OF_HITS: &[Goal] = &[
    goal(1, PROCESS, Bound::OfBaseline(1.8)),
    goal(2, PROCESS, Bound::OfBaseline(2.0)),
    goal(1, PROCESS, Bound::AheadOf(CRATES)),
    goal(2, PROCESS, Bound::AheadOf(CRATES)),
    goal(1, THREAD, Bound::OfBaseline(1.5)),
    goal(2, THREAD, Bound::OfBaseline(1.5)),
    goal(1, UNBOUNDED, Bound::OfBaseline(1.8)),
    goal(2, UNBOUNDED, Bound::OfBaseline(2.0)),
];
const OF_TEXT: &[Goal] = &[
    goal(1, PROCESS, Bound::OfBaseline(1.3)),
    goal(2, PROCESS, Bound::OfBaseline(1.3)),
    goal(1, PROCESS, Bound::Allocations(0.0)),
    goal(2, PROCESS, Bound::Allocations(0.0)),
];
const OF_A_MILLION: &[Goal] = &[
    goal(1, PROCESS, Bound::OfBaseline(2.5)),
    goal(2, PROCESS, Bound::OfBaseline(2.5)),
    goal(1, PROCESS, Bound::AheadOf(EXACT)),
    goal(2, PROCESS, Bound::AheadOf(EXACT)),
];
const OF_MISSES: &[Goal] =
    &[goal(1, PROCESS, Bound::OfBaseline(1.3)), goal(2, PROCESS, Bound::OfBaseline(1.0))];
const OF_NO_ARGUMENTS: &[Goal] = &[goal(2, PROCESS, Bound::OfBaseline(3.0))];
const OF_ZIPF: &[Goal] = &[goal(2, PROCESS, Bound::AheadOf(EXACT))];
/// The goal at a million entries. The lower limit pays for the processor's cache misses as well.
const OF_GROWTH: &[Goal] = &[goal(1, PROCESS, Bound::OfBaseline(2.5))];

/// The names of the rows that compare this crate with others.
pub(crate) fn names() -> Vec<String> {
    let numbers = of_numbers().into_iter().map(|row| row.name);
    let texts = of_text().into_iter().map(|row| row.name);
    numbers.chain(texts).chain(of_lines().into_iter().map(|row| row.name)).collect()
}

/// Returns the rows with a function `u64 -> u64`.
pub(crate) fn of_numbers() -> Vec<Row<u64>> {
    let hit = Row {
        name: HIT.to_owned(),
        keys: Pattern::Uniform(FEW),
        capacity: SMALL,
        threads: THREADS,
        contenders: &[contenders::KEEPING, contenders::EVICTING],
        baseline: contenders::L0,
        all_hits: true,
        python: Some(Calls::Hits(FEW)),
        goals: OF_HITS,
    };
    let miss = Row {
        name: MISS.to_owned(),
        keys: Pattern::Circle(MANY),
        contenders: &[contenders::EVICTING],
        baseline: contenders::SCHNELLRU,
        all_hits: false,
        python: Some(Calls::Misses),
        goals: OF_MISSES,
        ..hit.clone()
    };
    let one_key = Row {
        name: "hit, one key".to_owned(),
        keys: Pattern::OneKey,
        python: Some(Calls::Hits(1)),
        ..hit.clone()
    };
    let million = Row {
        name: "hit, 10^6 keys by zipf".to_owned(),
        keys: Pattern::Zipf(MILLION),
        capacity: LARGE,
        python: Some(Calls::Zipf(MILLION)),
        goals: OF_A_MILLION,
        ..hit.clone()
    };
    let zipf = Row {
        name: "zipf, 41 % misses".to_owned(),
        keys: Pattern::Zipf(ZIPF),
        python: Some(Calls::Zipf(ZIPF)),
        goals: OF_ZIPF,
        ..miss.clone()
    };
    let nothing = Row {
        name: "hit, no arguments".to_owned(),
        contenders: &[contenders::WITHOUT_ARGUMENTS],
        python: None,
        goals: OF_NO_ARGUMENTS,
        ..one_key.clone()
    };
    vec![hit, one_key, nothing, million, miss, zipf]
}

/// Returns the rows with a function `(&str, u32) -> u64`.
pub(crate) fn of_text() -> Vec<Row<Text>> {
    vec![Row {
        name: "hit, (&str of 16, u32)".to_owned(),
        keys: Pattern::Uniform(FEW),
        capacity: SMALL,
        threads: THREADS,
        contenders: &[contenders::OF_TEXT],
        baseline: contenders::L0,
        all_hits: true,
        python: Some(Calls::HitsOfText(FEW)),
        goals: OF_TEXT,
    }]
}

/// Returns the rows with a function `&str -> Arc<str>`.
pub(crate) fn of_lines() -> Vec<Row<Line>> {
    vec![Row {
        name: "hit, &str of 16 to Arc<str>".to_owned(),
        keys: Pattern::Uniform(FEW),
        capacity: SMALL,
        threads: THREADS,
        contenders: &[contenders::OF_LINES],
        baseline: contenders::L0,
        all_hits: true,
        python: None,
        goals: &[],
    }]
}

/// Returns the rows that differ only in the number of entries.
pub(crate) fn of_growth() -> Vec<Row<u64>> {
    let hit = |power| Row {
        name: format!("{GROWING_HIT}{power}"),
        keys: Pattern::Uniform(10_usize.pow(power)),
        capacity: 10_usize.pow(power),
        threads: &[1, 2],
        contenders: &[contenders::GROWING],
        baseline: contenders::L0,
        all_hits: true,
        python: None,
        goals: OF_GROWTH,
    };
    let miss = |power| Row {
        name: format!("{GROWING_MISS}{power}"),
        keys: Pattern::Circle(10_usize.pow(power) + MANY),
        contenders: &[contenders::GROWING_AND_EVICTING],
        baseline: contenders::SCHNELLRU,
        all_hits: false,
        goals: &[],
        ..hit(power)
    };
    POWERS.map(hit).chain(POWERS.map(miss)).collect()
}
