//! Measures calls, beside the simplest request to the store by its own client.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use lru_memo::lru_cache;

use crate::raw::raw;
use crate::servers::run_on;
use crate::sqlite::Sqlite;
use crate::statistics::median;

const ROUNDS: usize = 21;
/// The lengths of the values.
const LENGTHS: [usize; 3] = [64, 1024, 65_536];
/// The number of concurrent callers.
const CALLERS: [usize; 3] = [1, 16, 256];
/// The number of calls in one round, by all callers together.
const CALLS: usize = 2048;
const KEYS: u64 = 64;

/// A key: a number, and the length of the value.
fn value_of((number, length): (u64, usize)) -> Vec<u8> {
    vec![number as u8; length]
}

#[lru_cache(maxsize = 128, scope = shared)]
pub(crate) fn on_store(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

#[lru_cache(maxsize = 128, scope = shared)]
async fn on_store_as_task(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

/// A function of its own, because it evicts.
#[lru_cache(maxsize = 128, scope = shared)]
fn missed_on_store(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

#[lru_cache(maxsize = 128)]
fn in_process(key: (u64, usize)) -> Vec<u8> {
    value_of(key)
}

/// Returns a key that was never used.
fn new_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
    NEXT.fetch_add(1, Relaxed)
}

/// A contender: its name, and a function that returns the microseconds per call of one round.
type Contender<'a> = (&'a str, Box<dyn FnMut() -> f64 + 'a>);

/// Prints the rows of one caller, which shares a processor with the server.
pub(crate) fn by_one(url: &str, directory: &Path) {
    run_on(1, std::process::id());
    let is_embedded = url.starts_with("file");
    for length in LENGTHS {
        let name = |number: u64| format!("{number}-{length}");
        let own = |name: &str| directory.join(format!("{name}-{length}"));
        let mut least = raw(url, &own("raw"));
        (0..KEYS).for_each(|number| least.set(&name(number), &value_of((7, length))));
        let mut contenders: Vec<Contender<'_>> = vec![
            ("GET", Box::new(move || calls(|number| _ = black_box(least.get(&name(number)))))),
            ("hit", Box::new(|| calls(|number| _ = black_box(on_store((number, length)))))),
            (
                "hit, scope = process",
                Box::new(|| calls(|number| _ = black_box(in_process((number, length))))),
            ),
            (
                "miss and store",
                Box::new(|| calls(|_| _ = black_box(missed_on_store((new_number(), length))))),
            ),
        ];
        if is_embedded {
            let mut least = raw(url, &own("written"));
            contenders.push((
                "write transaction of 8 bytes",
                Box::new(move || calls(|_| assert!(least.write_little()))),
            ));
            let mut hit = Sqlite::open(&own("hit"));
            (0..KEYS).for_each(|number| hit.store(&number.to_le_bytes(), &value_of((number, length))));
            contenders.push((
                "SQLite, hit",
                Box::new(move || {
                    calls(|number| _ = black_box(hit.hit(&number.to_le_bytes()).expect("there")))
                }),
            ));
            let mut missed = Sqlite::open(&own("missed"));
            let mut miss = move || {
                let number = new_number();
                assert!(missed.hit(&number.to_le_bytes()).is_none());
                missed.store(&number.to_le_bytes(), &value_of((number, length)));
            };
            contenders.push(("SQLite, miss and store", Box::new(move || calls(|_| miss()))));
        }
        row(&format!("{length} B"), contenders);
    }
}

/// Prints the rows of many concurrent callers.
pub(crate) fn by_many(url: &str) {
    let mut least = raw(url, Path::new(""));
    (0..KEYS).for_each(|number| least.set(&format!("{number}-64"), &value_of((7, 64))));
    for callers in CALLERS {
        row(
            &callers.to_string(),
            vec![
                (
                    "GET",
                    Box::new(|| {
                        by_threads(callers, || {
                            let mut least = raw(url, Path::new(""));
                            move |number| _ = black_box(least.get(&format!("{number}-64")))
                        })
                    }),
                ),
                (
                    "hit, threads",
                    Box::new(|| by_threads(callers, || |number| _ = black_box(on_store((number, 64))))),
                ),
                ("hit, tasks", Box::new(|| by_tasks(callers))),
            ],
        );
    }
}

/// Returns the microseconds per call.
fn calls(mut call: impl FnMut(u64)) -> f64 {
    let calls = CALLS / 4;
    let begun = Instant::now();
    (0..calls as u64).for_each(|number| call(number * 7 % KEYS));
    begun.elapsed().as_secs_f64() * 1e6 / calls as f64
}

/// Returns the microseconds per call, of all callers together.
fn by_threads<C: FnMut(u64) + Send>(callers: usize, caller: impl Fn() -> C) -> f64 {
    let mut all: Vec<C> = (0..callers).map(|_| caller()).collect();
    let each = (CALLS / callers) as u64;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for call in &mut all {
            scope.spawn(move || (0..each).for_each(|number| call(number * 7 % KEYS)));
        }
    });
    begun.elapsed().as_secs_f64() * 1e6 / (each as f64 * callers as f64)
}

fn by_tasks(callers: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let each = (CALLS / callers) as u64;
    runtime.block_on(async {
        for number in 0..KEYS {
            on_store_as_task((number, 64)).await;
        }
        let begun = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                tokio::spawn(async move {
                    for number in 0..each {
                        black_box(on_store_as_task((number * 7 % KEYS, 64)).await);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("it does not panic");
        }
        begun.elapsed().as_secs_f64() * 1e6 / (each as f64 * callers as f64)
    })
}

/// Measures contenders in turns, and prints the medians. The first contender is the baseline.
fn row(about: &str, mut contenders: Vec<Contender<'_>>) {
    let mut times = vec![Vec::new(); contenders.len()];
    for round in 0..=ROUNDS {
        for (times, (_, measure)) in times.iter_mut().zip(&mut contenders) {
            let time = measure();
            // The first round only warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    for (times_of_it, (what, _)) in times.iter().zip(&contenders) {
        let ratios: Vec<f64> = times_of_it.iter().zip(&times[0]).map(|(time, least)| time / least).collect();
        let (time, ratio) = (median(times_of_it), median(&ratios));
        println!("| {about} | {what} | {time:.2} | {ratio:.2} |");
    }
}
