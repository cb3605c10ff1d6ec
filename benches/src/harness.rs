//! Times all contenders of a row in many short rounds. Each round measures every contender, in an order that changes
//! from round to round, so that disturbances of the machine affect all contenders alike.
//!
//! Benchmark crates measure one contender after the other. A ratio of two such times drifts with the machine.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::contenders::{Contender, SMALL};
use crate::counters::counted;
use crate::keys::{Key, Random, Sequence};
use crate::python;
use crate::results::{Figures, Measured, cpus};
use crate::rows::Row;
use crate::stats::median;

/// The number of calls between two reads of the clock. It divides the length of every random sequence of keys.
const CHUNK: usize = 4096;
/// The maximum number of calls in which allocations and misses are counted.
const COUNTED: usize = 1 << 18;

/// The number of rounds, and the time of a contender in each.
#[derive(Clone, Copy)]
struct Schedule {
    rounds: usize,
    round: Duration,
}

/// Long enough for each thread to get its share of the CPUs, and for a large cache to return into the processor's
/// caches.
fn schedule<K: Key>(row: &Row<K>, threads: usize) -> Schedule {
    let (rounds, milliseconds) = match (threads > cpus(), row.capacity > SMALL) {
        (false, false) => (48, 2),
        (true, _) => (20, 20),
        (false, true) => (20, 15),
    };
    Schedule { rounds, round: Duration::from_millis(milliseconds) }
}

pub(crate) fn measure<K: Key>(row: &Row<K>, threads: usize) -> Measured {
    let makes = row.contenders.iter().flat_map(|group| group.iter());
    let contenders: Vec<Contender<K>> = makes.map(|make| make(row.capacity)).collect();
    let sequence: Sequence<K> = row.keys.sequence();
    let schedule = schedule(row, threads);
    let turns: Vec<Turn> = (0..contenders.len() * schedule.rounds).map(|_| Turn::new()).collect();
    let clock = Instant::now();
    let found: Vec<ThreadFound> = std::thread::scope(|scope| {
        let spawn = |thread| {
            let walks =
                contenders.iter().map(|_| Walk::of_thread(&sequence.calls, thread, threads)).collect();
            let mut runner =
                Runner { contenders: &contenders, walks, schedule, turns: &turns, threads, clock };
            let warm = &sequence.warm;
            scope.spawn(move || runner.run(warm))
        };
        let handles: Vec<_> = (0..threads).map(spawn).collect();
        handles.into_iter().map(|handle| handle.join().expect("no contender panics")).collect()
    });

    let mut figures = figures_of(&contenders, row.baseline, schedule.rounds, &found);
    if threads == 1 {
        let baseline = figures.iter().find(|it| it.contender == row.baseline).expect("it was just found");
        figures
            .extend(row.python.and_then(|calls| python::measure(calls, row.capacity, baseline.ns_per_call)));
    }
    figures.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    let (row, capacity, baseline) = (row.name.to_string(), row.capacity, row.baseline.to_owned());
    Measured { row, capacity, threads, baseline, figures }
}

fn figures_of<K>(
    contenders: &[Contender<K>],
    baseline: &str,
    rounds: usize,
    found: &[ThreadFound],
) -> Vec<Figures> {
    let ns_of = |contender: usize| -> Vec<f64> {
        (0..rounds)
            .map(|round| ns_per_call(found.iter().map(|thread| &thread.spans[contender][round])))
            .collect()
    };
    let baseline = contenders.iter().position(|it| it.name == baseline).expect("the baseline is a contender");
    let baseline = ns_of(baseline);
    let figures = |(index, contender): (usize, &Contender<K>)| {
        let ns = ns_of(index);
        let ratio = median(ns.iter().zip(&baseline).map(|(ns, baseline)| ns / baseline));
        let (allocations, misses) = found[0].counted[index];
        Figures {
            contender: contender.name.to_owned(),
            kind: contender.kind,
            ns_per_call: ratio * median(baseline.iter().copied()),
            ratio,
            ns,
            allocations: Some(allocations),
            misses,
        }
    };
    contenders.iter().enumerate().map(figures).collect()
}

/// The calls and the time of a thread in one turn.
struct Span {
    start: u64,
    end: u64,
    calls: usize,
}

/// Returns the CPU time of a call, over all CPUs that the threads can use.
fn ns_per_call<'s>(spans: impl Iterator<Item = &'s Span> + Clone) -> f64 {
    let start = spans.clone().map(|span| span.start).min().unwrap_or_default();
    let end = spans.clone().map(|span| span.end).max().unwrap_or_default();
    let (threads, calls) = spans.fold((0, 0), |(threads, calls), span| (threads + 1, calls + span.calls));
    (end - start) as f64 * cpus().min(threads) as f64 / calls as f64
}

/// The results of one thread, by contender.
struct ThreadFound {
    /// By round.
    spans: Vec<Vec<Span>>,
    /// Allocations and misses per call.
    counted: Vec<(f64, f64)>,
}

/// A contender's turn in a round. All threads begin together, and end when the first one's time is over.
struct Turn {
    arrived: AtomicUsize,
    started: AtomicU64,
}

impl Turn {
    fn new() -> Self {
        Self { arrived: AtomicUsize::new(0), started: AtomicU64::new(u64::MAX) }
    }

    fn begin(&self, threads: usize, now: impl FnOnce() -> u64) -> u64 {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        while self.arrived.load(Ordering::Acquire) < threads {
            std::thread::yield_now();
        }
        let now = now();
        self.started.fetch_min(now, Ordering::AcqRel);
        now
    }
}

/// Runs one of the threads. All threads follow the same schedule.
struct Runner<'r, K> {
    contenders: &'r [Contender<K>],
    walks: Vec<Walk<'r, K>>,
    schedule: Schedule,
    turns: &'r [Turn],
    threads: usize,
    clock: Instant,
}

impl<K: Key> Runner<'_, K> {
    fn run(&mut self, warm: &[K]) -> ThreadFound {
        for contender in self.contenders {
            for keys in warm.chunks(CHUNK) {
                black_box((contender.pass)(keys));
            }
        }
        let count = self.contenders.len();
        let mut spans: Vec<Vec<Span>> = (0..count).map(|_| Vec::new()).collect();
        let mut random = Random(0);
        for round in 0..self.schedule.rounds {
            for contender in shuffled(count, &mut random) {
                let turn = &self.turns[round * count + contender];
                spans[contender].push(self.take(turn, contender));
            }
        }
        ThreadFound { spans, counted: (0..count).map(|contender| self.count(contender)).collect() }
    }

    fn take(&mut self, turn: &Turn, contender: usize) -> Span {
        let clock = self.clock;
        let now = || clock.elapsed().as_nanos() as u64;
        let start = turn.begin(self.threads, now);
        let mut calls = 0;
        loop {
            black_box((self.contenders[contender].pass)(self.walks[contender].next()));
            calls += CHUNK;
            let end = now();
            if end >= turn.started.load(Ordering::Acquire) + self.schedule.round.as_nanos() as u64 {
                return Span { start, end, calls };
            }
        }
    }

    /// Allocations and misses per call.
    fn count(&mut self, contender: usize) -> (f64, f64) {
        let walk = &mut self.walks[contender];
        let laps = (walk.keys.len().min(COUNTED) / CHUNK).max(1);
        let (allocations, misses) = counted(|| {
            for _ in 0..laps {
                black_box((self.contenders[contender].pass)(walk.next()));
            }
        });
        let calls = (laps * CHUNK) as f64;
        (allocations as f64 / calls, misses as f64 / calls)
    }
}

/// A position in the cyclic sequence of keys.
struct Walk<'k, K> {
    keys: &'k [K],
    at: usize,
}

impl<'k, K> Walk<'k, K> {
    /// Makes the first position of a thread, different for each thread.
    fn of_thread(keys: &'k [K], thread: usize, threads: usize) -> Self {
        Self { keys, at: thread * keys.len() / threads }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut walk = Walk::of_thread(&keys, 1, 3);
        let starts: Vec<usize> = (0..4).map(|_| walk.next()[0]).collect();
        assert_eq!(starts, [CHUNK, 2 * CHUNK, 0, CHUNK]);
    }

    #[test]
    fn time_per_call_is_that_of_all_threads_from_the_first_start_to_the_last_end() {
        let alone = [Span { start: 100, end: 300, calls: 50 }];
        assert_eq!(ns_per_call(alone.iter()), 4.0);
        let many: Vec<Span> =
            (0..cpus() as u64 + 1).map(|late| Span { start: late, end: 1000, calls: 10 }).collect();
        assert_eq!(ns_per_call(many.iter()), 1000.0 * cpus() as f64 / (10.0 * many.len() as f64));
    }
}
