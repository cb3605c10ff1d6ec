//! `single_flight = "5s"`: a wait that ends.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lru_memo::{CacheInfo, lru_cache};
#[cfg(all(target_os = "linux", feature = "libc"))]
use lru_memo_tests::forks::in_child;
use pollster::block_on;

use super::{until, watched};

fn info(hits: u64, misses: u64, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: Some(128), currsize }
}

#[test]
fn two_computations_that_wait_for_each_other_end() {
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = "20ms", key = x)]
    fn needs_the_other(x: u32, is_outer: bool) -> u32 {
        if !is_outer {
            return 100;
        }
        INSIDE.fetch_add(1, SeqCst);
        until(|| INSIDE.load(SeqCst) == 2);
        needs_the_other(1 - x, false)
    }
    watched(|| {
        let both: Vec<_> = (0..2).map(|x| thread::spawn(move || needs_the_other(x, true))).collect();
        for one in both {
            assert_eq!(one.join().expect("no panic"), 100);
        }
    });
}

#[test]
fn a_value_that_comes_in_time_is_a_hit() {
    static WAITS: AtomicBool = AtomicBool::new(true);
    #[lru_cache(single_flight = "1h")]
    fn slow(x: u32) -> u32 {
        until(|| !WAITS.load(SeqCst));
        x
    }
    watched(|| {
        let calls: Vec<_> = (0..4).map(|_| thread::spawn(|| slow(1))).collect();
        WAITS.store(false, SeqCst);
        calls.into_iter().for_each(|call| assert_eq!(call.join().expect("no panic"), 1));
        assert_eq!(slow_cache_info(), info(3, 1, 1));
    });
}

#[test]
fn who_has_waited_for_the_limit_computes_beside_the_first() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(single_flight = Duration::from_millis(5))]
    fn numbered(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            until(|| GO_ON.load(SeqCst));
        }
        run
    }
    watched(|| {
        let first = thread::spawn(|| numbered(1));
        until(|| RUNS.load(SeqCst) == 1);
        assert_eq!(numbered(1), 1, "the second caller ran");
        assert_eq!(numbered(1), 1, "and what it computed is stored");
        GO_ON.store(true, SeqCst);
        assert_eq!(first.join().expect("no panic"), 0);
        assert_eq!(numbered_cache_peek(1), Some(1), "as without `single_flight`, what is there stays");
        assert_eq!(numbered_cache_info(), info(1, 2, 1));
    });
}

#[test]
fn a_late_caller_that_panics_leaves_the_first_and_its_waiters_alone() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(single_flight = "5ms")]
    fn numbered(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            until(|| GO_ON.load(SeqCst));
        }
        assert_ne!(run, 1);
        run
    }
    watched(|| {
        let first = thread::spawn(|| numbered(1));
        until(|| RUNS.load(SeqCst) == 1);
        assert!(thread::spawn(|| numbered(1)).join().is_err());
        GO_ON.store(true, SeqCst);
        assert_eq!((first.join().expect("no panic"), numbered(1)), (0, 0));
        assert_eq!(numbered_cache_info(), info(1, 2, 1));
    });
}

/// A body that is not ready before it is told so.
async fn told(go_on: &AtomicBool) {
    std::future::poll_fn(|context| {
        if go_on.load(SeqCst) {
            return std::task::Poll::Ready(());
        }
        let waker = context.waker().clone();
        thread::spawn(move || waker.wake());
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn a_task_waits_no_longer_either_without_a_timer_of_its_runtime() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(single_flight = "5ms")]
    async fn numbered(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            told(&GO_ON).await;
        }
        run
    }
    watched(|| {
        let first = thread::spawn(|| block_on(numbered(1)));
        until(|| RUNS.load(SeqCst) == 1);
        assert_eq!((block_on(numbered(1)), block_on(numbered(1))), (1, 1));
        GO_ON.store(true, SeqCst);
        assert_eq!(first.join().expect("no panic"), 0);
        assert_eq!(numbered_cache_info(), info(1, 2, 1));
    });
}

#[test]
fn many_tasks_with_many_limits_on_one_thread_end() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = Duration::from_micros(50 * u64::from(x)), maxsize = None, key = x % 8)]
    async fn waits_for_nothing_to_come(x: u32) -> u32 {
        if RUNS.fetch_add(1, SeqCst) < 8 {
            std::future::pending::<()>().await;
        }
        x
    }
    watched(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let firsts: Vec<_> = (0..8).map(|x| tokio::spawn(waits_for_nothing_to_come(x))).collect();
            let tasks: Vec<_> = (8..1_000).map(|x| tokio::spawn(waits_for_nothing_to_come(x))).collect();
            for task in tasks {
                task.await.expect("no panic");
            }
            firsts.into_iter().for_each(|first| first.abort());
        });
        assert_eq!(waits_for_nothing_to_come_cache_info().currsize, 8);
    });
}

#[test]
fn a_thread_scope_has_tasks_that_wait_for_each_other_no_longer() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = thread, single_flight = "2ms")]
    async fn numbered(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 0 {
            std::future::pending::<()>().await;
        }
        run
    }
    watched(|| {
        let local = tokio::task::LocalSet::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        local.block_on(&runtime, async {
            let first = tokio::task::spawn_local(numbered(1));
            until_yielding(|| RUNS.load(SeqCst) == 1).await;
            assert_eq!(numbered(1).await, 1);
            first.abort();
        });
    });
}

async fn until_yielding(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[cfg(all(target_os = "linux", feature = "libc"))]
#[test]
fn the_child_of_a_fork_has_a_timer_of_its_own() {
    static GO_ON: AtomicBool = AtomicBool::new(false);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = "2ms", key = _x)]
    async fn numbered(_x: u32, waits: bool) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        if waits {
            told(&GO_ON).await;
        }
        1
    }
    fn both(x: u32) {
        let begun = RUNS.load(SeqCst);
        GO_ON.store(false, SeqCst);
        let first = thread::spawn(move || block_on(numbered(x, true)));
        until(|| RUNS.load(SeqCst) == begun + 1);
        assert_eq!(block_on(numbered(x, false)), 1);
        GO_ON.store(true, SeqCst);
        first.join().expect("no panic");
    }
    watched(|| {
        both(1);
        in_child(|| both(2)).expect("the child ends well");
    });
}
