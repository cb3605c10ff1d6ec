//! Measures what `advise = true` costs: hits and misses with and without it, by turns in one run. In process scope, and in
//! shared scope on the store that `LRU_MEMO_STORE` names: `cargo run --release --bin advice`.
//!
//! The function does nothing, so a miss is the least that there is.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lru_memo::lru_cache;

const ROUNDS: usize = 41;
/// How long a function is called before it is measured: at first, all keys are sampled.
const WARM_UP: Duration = Duration::from_secs(2);
const CALLS: u64 = 20_000;
/// How many keys there are hits of.
const KEYS: u64 = 128;

macro_rules! functions {
    ($($name:ident: $($option:ident = $value:tt),*;)*) => {$(
        #[lru_cache(maxsize = 128, $($option = $value),*)]
        fn $name(x: u64) -> u64 {
            x
        }
    )*};
}

functions! {
    hit:;
    hit_advised: advise = true;
    missed:;
    missed_advised: advise = true;
    shared_hit: scope = shared;
    shared_hit_advised: scope = shared, advise = true;
    shared_missed: scope = shared;
    shared_missed_advised: scope = shared, advise = true;
}

type Function = fn(u64) -> u64;

/// Returns the nanoseconds per call.
fn round(function: Function, keys: impl Iterator<Item = u64>) -> f64 {
    let start = Instant::now();
    keys.for_each(|key| _ = black_box(function(black_box(key))));
    start.elapsed().as_nanos() as f64 / CALLS as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rows: [(&str, bool, [Function; 2]); 4] = [
        ("hit", true, [hit, hit_advised]),
        ("miss and evict", false, [missed, missed_advised]),
        ("hit, scope = shared", true, [shared_hit, shared_hit_advised]),
        ("miss and evict, scope = shared", false, [shared_missed, shared_missed_advised]),
    ];
    println!("{:<32}{:>12}{:>12}{:>8}", "", "without, ns", "with, ns", "ratio");
    for (name, hits, functions) in rows {
        let mut times = [Vec::new(), Vec::new()];
        let keys =
            |number: u64| (0..CALLS).map(move |call| if hits { call % KEYS } else { number * CALLS + call });
        for function in functions {
            let start = Instant::now();
            let rounds = (ROUNDS as u64..).take_while(|_| start.elapsed() < WARM_UP);
            rounds.for_each(|number| _ = round(function, keys(number)));
        }
        for number in 0..ROUNDS as u64 {
            for (function, times) in functions.into_iter().zip(&mut times) {
                let keys = keys(number);
                times.push(round(function, keys));
            }
        }
        let ratios = times[1].iter().zip(&times[0]).map(|(with, without)| with / without).collect();
        let ratio = median(ratios);
        let [without, with] = times.map(median);
        println!("{name:<32}{without:>12.0}{with:>12.0}{ratio:>8.2}");
    }
}
