//! Times all contenders of a row against each other: in many short rounds, each of them in every round, in an order
//! that changes from round to round, so that whatever else the machine does meets all of them alike.
//!
//! Benchmark crates measure one contender after the other; a ratio of two such times drifts with the machine.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::contenders::Contender;
use crate::counters::counted;
use crate::keys::{Key, Random};
use crate::python;
use crate::rows::Row;

const ROUNDS: usize = 48;
/// How long a contender runs in a round.
const ROUND: Duration = Duration::from_millis(2);
/// Calls between two looks at the clock; divides the length of every sequence of keys.
const CHUNK: usize = 4096;

/// A row, measured.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) threads: usize,
    pub(crate) baseline: &'static str,
    pub(crate) all_hits: bool,
    pub(crate) contenders: Vec<Figures>,
}

/// What was found out about one contender.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    /// Nanoseconds per call, for each round; the mean of the threads.
    pub(crate) ns: Vec<f64>,
    pub(crate) median_ns: f64,
    /// The median of what each round found in relation to the baseline in the same round.
    pub(crate) ratio: f64,
    pub(crate) allocations: f64,
    pub(crate) misses: f64,
}

pub(crate) fn measure<K: Key>(row: &Row<K>) -> Measured {
    let contenders = (row.contenders)();
    let keys: Vec<K> = row.keys.sequence();
    let barrier = Barrier::new(row.threads);
    let threads: Vec<ThreadFigures> = std::thread::scope(|scope| {
        let spawn = |thread| {
            let offset = thread * keys.len() / row.threads;
            let (contenders, keys, barrier) = (&contenders, &keys, &barrier);
            scope.spawn(move || run_thread(contenders, keys, offset, barrier))
        };
        let handles: Vec<_> = (0..row.threads).map(spawn).collect();
        handles.into_iter().map(|handle| handle.join().expect("no contender panics")).collect()
    });

    let of_round = |contender: usize, round: usize| {
        threads.iter().map(|thread| thread.ns[contender][round]).sum::<f64>() / row.threads as f64
    };
    let baseline =
        contenders.iter().position(|it| it.name == row.baseline).expect("the baseline is a contender");
    let mut figures: Vec<Figures> = (0..contenders.len())
        .map(|contender| {
            let ns: Vec<f64> = (0..ROUNDS).map(|round| of_round(contender, round)).collect();
            let ratios = (0..ROUNDS).map(|round| ns[round] / of_round(baseline, round));
            let (allocations, misses) = threads[0].counted[contender];
            Figures {
                name: contenders[contender].name,
                median_ns: median(ns.iter().copied()),
                ratio: median(ratios),
                ns,
                allocations,
                misses,
            }
        })
        .collect();
    let baseline_ns = figures[baseline].median_ns;
    figures.extend(row.python.and_then(|calls| python::measure(calls, baseline_ns)));
    figures.sort_by(|a, b| a.median_ns.total_cmp(&b.median_ns));
    Measured {
        name: row.name,
        threads: row.threads,
        baseline: row.baseline,
        all_hits: row.all_hits,
        contenders: figures,
    }
}

/// What one thread has found, by contender.
struct ThreadFigures {
    ns: Vec<Vec<f64>>,
    /// Allocations and misses per call.
    counted: Vec<(f64, f64)>,
}

/// All threads go through the same schedule, and through each part of it at the same time.
fn run_thread<K: Key>(
    contenders: &[Contender<K>],
    keys: &[K],
    offset: usize,
    barrier: &Barrier,
) -> ThreadFigures {
    let mut walks: Vec<Walk<'_, K>> = contenders.iter().map(|_| Walk { keys, at: offset }).collect();
    // Once around for everyone: what can be cached is.
    for (contender, walk) in contenders.iter().zip(&mut walks) {
        for _ in 0..keys.len() / CHUNK {
            black_box((contender.pass)(walk.next()));
        }
    }
    let mut ns = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    let mut random = Random(0);
    for _ in 0..ROUNDS {
        for index in shuffled(contenders.len(), &mut random) {
            barrier.wait();
            ns[index].push(time(&contenders[index], &mut walks[index]));
        }
    }
    let mut per_call = Vec::new();
    for (contender, walk) in contenders.iter().zip(&mut walks) {
        barrier.wait();
        let laps = keys.len() / CHUNK;
        let (allocations, misses) = counted(|| {
            for _ in 0..laps {
                black_box((contender.pass)(walk.next()));
            }
        });
        let calls = (laps * CHUNK) as f64;
        per_call.push((allocations as f64 / calls, misses as f64 / calls));
    }
    ThreadFigures { ns, counted: per_call }
}

/// Nanoseconds per call.
fn time<K: Key>(contender: &Contender<K>, walk: &mut Walk<'_, K>) -> f64 {
    let start = Instant::now();
    let mut calls = 0;
    loop {
        black_box((contender.pass)(walk.next()));
        calls += CHUNK;
        let elapsed = start.elapsed();
        if elapsed >= ROUND {
            return elapsed.as_nanos() as f64 / calls as f64;
        }
    }
}

/// A place in the sequence of keys, going around.
struct Walk<'k, K> {
    keys: &'k [K],
    at: usize,
}

impl<'k, K> Walk<'k, K> {
    fn next(&mut self) -> &'k [K] {
        if self.at + CHUNK > self.keys.len() {
            self.at = 0;
        }
        let chunk = &self.keys[self.at..self.at + CHUNK];
        self.at += CHUNK;
        chunk
    }
}

fn shuffled(count: usize, random: &mut Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for end in (1..count).rev() {
        order.swap(end, random.below(end + 1));
    }
    order
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }

    #[test]
    fn a_shuffled_order_has_everyone_once() {
        let mut random = Random(7);
        let mut order = shuffled(20, &mut random);
        assert_ne!(order, shuffled(20, &mut random));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..20));
    }

    #[test]
    fn a_walk_goes_around() {
        let keys: Vec<usize> = (0..3 * CHUNK).collect();
        let mut walk = Walk { keys: &keys, at: CHUNK };
        let starts: Vec<usize> = (0..4).map(|_| walk.next()[0]).collect();
        assert_eq!(starts, [CHUNK, 2 * CHUNK, 0, CHUNK]);
    }
}
