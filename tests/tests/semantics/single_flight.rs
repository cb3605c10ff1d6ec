//! `single_flight`: one run for all callers of a missing key.

mod limit;

use std::panic::catch_unwind;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::without_hanging;

fn watched(test: impl FnOnce() + Send + 'static) {
    without_hanging(|| "single flight".to_owned(), test);
}

/// Waits until so many calls have come in; without sleeping for a fixed time.
fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_thousand_threads_on_one_key_make_one_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static CALLERS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    fn slow(x: u32) -> String {
        RUNS.fetch_add(1, SeqCst);
        until(|| CALLERS.load(SeqCst) == 1_000);
        format!("value {x}")
    }
    watched(|| {
        thread::scope(|scope| {
            for _ in 0..1_000 {
                scope.spawn(|| {
                    CALLERS.fetch_add(1, SeqCst);
                    assert_eq!(slow(1), "value 1");
                });
            }
        });
        assert_eq!(RUNS.load(SeqCst), 1);
        let all = CacheInfo { hits: 999, misses: 1, maxsize: Some(128), currsize: 1 };
        assert_eq!(slow_cache_info(), all);
    });
}

#[test]
fn ten_thousand_tasks_on_one_key_make_one_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static CALLERS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    async fn slow(x: &str) -> Result<String, String> {
        RUNS.fetch_add(1, SeqCst);
        while CALLERS.load(SeqCst) < 10_000 {
            tokio::task::yield_now().await;
        }
        Ok(x.to_owned())
    }
    watched(|| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        runtime.block_on(async {
            let call = || async {
                CALLERS.fetch_add(1, SeqCst);
                slow("key").await
            };
            let tasks: Vec<_> = (0..10_000).map(|_| tokio::spawn(call())).collect();
            for task in tasks {
                assert_eq!(task.await.expect("no panic").as_deref(), Ok("key"));
            }
        });
        assert_eq!((RUNS.load(SeqCst), slow_cache_info().hits, slow_cache_info().misses), (1, 9_999, 1));
    });
}

#[test]
fn a_panic_passes_the_turn_to_exactly_one_waiter() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static CALLERS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    fn fails_twice(x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        until(|| CALLERS.load(SeqCst) == 50);
        assert!(run >= 2, "run {run}");
        x
    }
    watched(|| {
        let calls = (0..50).map(|_| {
            thread::spawn(|| {
                CALLERS.fetch_add(1, SeqCst);
                catch_unwind(|| fails_twice(1))
            })
        });
        let calls: Vec<_> = calls.collect();
        let results = calls.into_iter().map(|call| call.join().expect("caught"));
        assert_eq!(results.filter(Result::is_err).count(), 2);
        assert_eq!((RUNS.load(SeqCst), fails_twice_cache_info().misses), (3, 3));
        assert_eq!(fails_twice_cache_info().hits, 47);
    });
}

#[test]
fn different_keys_never_wait_for_each_other() {
    static ALL_INSIDE: Barrier = Barrier::new(32);
    #[lru_cache(single_flight = true)]
    fn meet(x: u32) -> u32 {
        ALL_INSIDE.wait();
        x
    }
    watched(|| {
        thread::scope(|scope| (0..32).for_each(|x| drop(scope.spawn(move || assert_eq!(meet(x), x)))));
        assert_eq!(meet_cache_info().misses, 32);
    });
}

#[test]
fn a_caller_after_a_clear_does_not_join_the_flight_from_before() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    fn numbered(_key: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            until(|| GO_ON.load(SeqCst) == 1);
        }
        run
    }
    watched(|| {
        let first = thread::spawn(|| numbered(1));
        until(|| RUNS.load(SeqCst) == 1);
        numbered_cache_clear();
        assert_eq!(numbered(1), 1);
        GO_ON.store(1, SeqCst);
        assert_eq!(first.join().expect("no panic"), 0);
        assert_eq!(numbered_cache_peek(1), Some(1));
    });
}

#[test]
fn a_caller_after_an_invalidation_does_not_join_the_flight_from_before() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    fn numbered(_key: &str) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            until(|| GO_ON.load(SeqCst) == 1);
        }
        run
    }
    watched(|| {
        let first = thread::spawn(|| numbered("key"));
        until(|| RUNS.load(SeqCst) == 1);
        assert!(!numbered_cache_invalidate("key"));
        GO_ON.store(1, SeqCst);
        assert_eq!((numbered("key"), first.join().expect("no panic")), (1, 0));
        assert_eq!(numbered_cache_peek("key"), Some(1));
    });
}

#[test]
fn a_recursive_call_in_an_outdated_run_does_not_wait_for_the_run_of_another_thread() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    fn again(x: u32) -> u32 {
        match RUNS.fetch_add(1, SeqCst) {
            0 => {
                again_cache_invalidate(x);
                let other = thread::spawn(move || again(x));
                until(|| RUNS.load(SeqCst) == 2);
                let inner = again(x);
                GO_ON.store(1, SeqCst);
                inner + other.join().expect("no panic")
            }
            1 => {
                until(|| GO_ON.load(SeqCst) == 1);
                20
            }
            _ => 300,
        }
    }
    watched(|| assert_eq!(again(1), 320));
}
