//! Times every call by itself, to find the slowest ones.
//!
//! Each time includes reading the clock. The contender `nothing` shows this part, and for how long the machine itself
//! delays a call.

use std::time::Instant;

use crate::contenders::{self, Contender, LARGE, SMALL};
use crate::keys::Key;
use crate::results::SingleCalls;
use crate::stats::quantile;

pub(crate) const CHURN: &str = "single calls, miss and evict";
pub(crate) const AFTER_HITS: &str = "single calls, first miss after 10^6 hits";

/// The number of calls in a contender's turn.
const TURN: usize = 1 << 15;
const TURNS: usize = 32;
const HITS: usize = 1_000_000;
const FIRST_MISSES: usize = 32;
/// The distance between the entries of two successive hits, a prime.
const STRIDE: usize = 7919;

/// Times successive misses on full caches.
pub(crate) fn churn() -> Vec<SingleCalls> {
    let of_capacity = |capacity| {
        eprintln!("measuring: {CHURN}, {capacity} entries");
        let caches = full(capacity);
        let mut times = vec![Vec::with_capacity(TURN * TURNS); caches.len()];
        for turn in 0..TURNS {
            for (contender, times) in caches.iter().zip(&mut times) {
                for call in 0..TURN {
                    times.push(nanoseconds(contender, capacity + turn * TURN + call));
                }
            }
        }
        summarize(CHURN, capacity, &caches, times)
    };
    [SMALL, LARGE].into_iter().flat_map(of_capacity).collect()
}

/// Times misses after many hits, which are spread over all entries.
pub(crate) fn first_misses() -> Vec<SingleCalls> {
    let of_capacity = |capacity| {
        eprintln!("measuring: {AFTER_HITS}, {capacity} entries");
        let caches = full(capacity);
        let mut times = vec![Vec::with_capacity(FIRST_MISSES); caches.len()];
        // Some entries are never hit, so that misses evict them.
        let entry = |hit: usize| u64::from_rank(hit * STRIDE % (capacity - FIRST_MISSES));
        let hits: Vec<u64> = (0..HITS).map(entry).collect();
        for turn in 0..FIRST_MISSES {
            for (contender, times) in caches.iter().zip(&mut times) {
                (contender.pass)(&hits);
                times.push(nanoseconds(contender, capacity + turn));
            }
        }
        summarize(AFTER_HITS, capacity, &caches, times)
    };
    [SMALL, LARGE].into_iter().flat_map(of_capacity).collect()
}

/// Makes the contenders, and fills them with the first `capacity` keys.
fn full(capacity: usize) -> Vec<Contender<u64>> {
    let caches: Vec<Contender<u64>> = contenders::TIMED_SINGLY.iter().map(|make| make(capacity)).collect();
    let keys: Vec<u64> = (0..capacity).map(u64::from_rank).collect();
    for contender in &caches {
        (contender.pass)(&keys);
    }
    caches
}

fn nanoseconds(contender: &Contender<u64>, rank: usize) -> u32 {
    let key = [u64::from_rank(rank)];
    let start = Instant::now();
    (contender.pass)(&key);
    start.elapsed().as_nanos().try_into().unwrap_or(u32::MAX)
}

fn summarize(
    work: &str,
    capacity: usize,
    caches: &[Contender<u64>],
    times: Vec<Vec<u32>>,
) -> Vec<SingleCalls> {
    let summary = |(contender, mut times): (&Contender<u64>, Vec<u32>)| {
        times.sort_unstable();
        SingleCalls {
            work: work.to_owned(),
            capacity,
            contender: contender.name.to_owned(),
            calls: times.len(),
            p50: quantile(&times, 0.5),
            p99: quantile(&times, 0.99),
            p9999: quantile(&times, 0.9999),
            max: quantile(&times, 1.0),
        }
    };
    caches.iter().zip(times).map(summary).collect()
}
