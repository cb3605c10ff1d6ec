//! Many threads at once, and one after the other: counters add up, limits hold, nothing is lost.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Barrier, Mutex};
use std::thread;

use lru_memo::{CacheInfo, cache, lru_cache};
use lru_memo_tests::without_hanging;

use crate::Counted;

/// Runs so many threads, which begin together; each is told its number.
fn together(threads: u32, each: impl Fn(u32) + Sync) {
    let barrier = Barrier::new(threads as usize);
    thread::scope(|scope| {
        for number in 0..threads {
            let (barrier, each) = (&barrier, &each);
            scope.spawn(move || {
                barrier.wait();
                each(number);
            });
        }
    });
}

/// Numbers without an order that one would notice.
fn scattered(seed: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(seed.wrapping_mul(0x9E37_79B9) | 1), |last| {
        let mut next = last ^ (last << 13);
        next ^= next >> 17;
        Some(next ^ (next << 5))
    })
}

#[test]
fn two_thousand_threads_one_after_the_other_leave_counters_that_add_up_and_few_values() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(maxsize = 4)]
    fn value(x: u32) -> Counted {
        Counted::new(x, &ALIVE)
    }
    without_hanging(
        || "threads one after the other".to_owned(),
        || {
            for number in 0..2_000 {
                let calls = move || {
                    (0..3).for_each(|at| assert_eq!(value((number + at) % 6).number, (number + at) % 6))
                };
                thread::spawn(calls).join().unwrap();
                let info = value_cache_info();
                assert_eq!(info.hits + info.misses, u64::from(number + 1) * 3);
                assert_eq!(ALIVE.load(SeqCst), info.currsize);
            }
        },
    );
}

#[test]
fn two_hundred_threads_at_once_leave_counters_that_add_up_and_few_values() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    static MOST_ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(maxsize = 8)]
    fn value(x: u32) -> Counted {
        Counted::new(x, &ALIVE)
    }
    without_hanging(
        || "two hundred threads".to_owned(),
        || {
            for round in 1..=3 {
                together(200, |number| {
                    for x in scattered(number).take(50).map(|number| number % 20) {
                        assert_eq!(value(x).number, x);
                        MOST_ALIVE.fetch_max(ALIVE.load(SeqCst), SeqCst);
                    }
                });
                let info = value_cache_info();
                assert_eq!(info.hits + info.misses, round * 200 * 50);
                assert_eq!(info.currsize, 8);
            }
        },
    );
    // What a call has in its hands is its own copy, the one it stores, and the one that is evicted for it.
    let most = MOST_ALIVE.load(SeqCst);
    assert!(most <= 8 + 3 * 200 + 1024, "{most} were alive at a time");
    value_cache_clear();
    assert_eq!(ALIVE.load(SeqCst), 0);
}

#[test]
fn what_an_unbounded_cache_has_learned_from_four_threads_is_found_ever_after() {
    const KEYS: u32 = 100_000;
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[cache]
    fn double(x: u32) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        u64::from(x) * 2
    }
    #[cache]
    fn text(x: u32) -> String {
        x.to_string()
    }
    without_hanging(
        || "an unbounded cache that grows".to_owned(),
        || {
            let own_runs = Mutex::new(0);
            together(4, |number| {
                // Two upwards, two downwards, from different keys on.
                let key = |at: u32| {
                    let at = if number % 2 == 0 { at } else { KEYS - 1 - at };
                    (at + number * 10_000) % KEYS
                };
                let mut missed = 0;
                for at in 0..KEYS {
                    let x = key(at);
                    missed += u64::from(double_cache_peek(x).is_none());
                    assert_eq!(double(x), u64::from(x) * 2);
                    assert_eq!(double_cache_peek(x), Some(u64::from(x) * 2), "it stays");
                    if x % 8 == 0 {
                        assert_eq!(text(x), x.to_string());
                        assert_eq!(text_cache_peek(x), Some(x.to_string()), "it stays");
                    }
                }
                *own_runs.lock().unwrap() += missed;
            });
            // Each thread computed at most what it had not seen there.
            let runs = RUNS.load(SeqCst);
            assert!(runs <= *own_runs.lock().unwrap());
            let calls = u64::from(KEYS) * 4;
            let expected =
                |misses| CacheInfo { hits: calls - misses, misses, maxsize: None, currsize: KEYS as usize };
            assert_eq!(double_cache_info(), expected(runs));
            for x in 0..KEYS {
                assert_eq!(double(x), u64::from(x) * 2);
            }
            assert_eq!(RUNS.load(SeqCst), runs, "all of them are there");
            let texts = (0..KEYS).filter(|&x| text_cache_peek(x).is_some()).count();
            assert_eq!(texts, KEYS as usize / 8);
        },
    );
}

/// Eight threads that do all there is but clear, while another one looks at the counters all the time.
fn counters_hold(maxsize: usize, call: fn(u32), change: fn(u32, u32), info: fn() -> CacheInfo) {
    const CALLS: u32 = 2_000;
    static TESTS: Mutex<()> = Mutex::new(());
    let _one_at_a_time = TESTS.lock();
    let begun = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut before = info();
            while !is_over.load(SeqCst) {
                let now = info();
                assert!(now.currsize <= maxsize, "{now}");
                assert!(now.hits >= before.hits && now.misses >= before.misses, "{now} after {before}");
                assert!(now.hits + now.misses <= begun.load(SeqCst), "more than there were calls: {now}");
                before = now;
            }
        });
        together(8, |number| {
            for (at, random) in (0..CALLS).zip(scattered(number)) {
                begun.fetch_add(1, SeqCst);
                call(random % 9);
                if at % 8 == 0 {
                    change(random >> 8, random % 9);
                }
            }
        });
        is_over.store(true, SeqCst);
    });
    let info = info();
    assert_eq!(info.hits + info.misses, u64::from(CALLS) * 8);
    assert!(info.hits > 0 && info.misses > 0);
}

macro_rules! counters_hold {
    ($($name:ident: $maxsize:literal, |$x:ident| -> $value:ty { $body:expr };)*) => {$(
        #[test]
        fn $name() {
            #[lru_cache(maxsize = $maxsize)]
            fn function($x: u32) -> $value {
                $body
            }
            fn change(what: u32, x: u32) {
                match what % 4 {
                    0 => drop(function_cache_invalidate(x)),
                    1 => function_cache_put(x, function_uncached(x)),
                    2 => drop(function_cache_refresh(x)),
                    _ => assert!(function_cache_peek(x).is_none_or(|value| value == function_uncached(x))),
                }
            }
            without_hanging(
                || "eight threads and one that looks at the counters".to_owned(),
                || {
                    let call = |x| assert_eq!(function(x), function_uncached(x));
                    counters_hold($maxsize, call, change, function_cache_info);
                },
            );
        }
    )*};
}

counters_hold! {
    counters_hold_with_one_number: 1, |x| -> u32 { x * 3 };
    counters_hold_with_six_numbers: 6, |x| -> u32 { x * 3 };
    counters_hold_with_one_text: 1, |x| -> String { x.to_string() };
    counters_hold_with_six_texts: 6, |x| -> String { x.to_string() };
}
