//! The semantics of a memoized function, each line of them a test whose name is the sentence.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::without_hanging;

fn info(hits: u64, misses: u64, maxsize: impl Into<Option<usize>>, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: maxsize.into(), currsize }
}

#[test]
fn a_hit_is_counted_and_returns_the_stored_value() {
    #[lru_cache(maxsize = 2)]
    fn double(x: u32) -> u32 {
        2 * x
    }
    assert_eq!((double(2), double(2)), (4, 4));
    assert_eq!(double_cache_info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=2, currsize=1)");
}

#[test]
fn a_miss_is_counted_before_the_function_runs() {
    #[lru_cache(maxsize = 2)]
    fn misses_so_far(_: u32) -> u64 {
        misses_so_far_cache_info().misses
    }
    assert_eq!((misses_so_far(1), misses_so_far(1), misses_so_far(2)), (1, 1, 2));
}

#[test]
fn a_panic_leaves_the_miss_counted_and_nothing_stored() {
    #[lru_cache(maxsize = 2)]
    fn refuses(x: u32) -> u32 {
        assert!(x != 1, "refused");
        x
    }
    let panic = catch_unwind(|| refuses(1)).expect_err("the panic of the function");
    assert_eq!(panic.downcast_ref(), Some(&"refused"));
    assert_eq!(refuses_cache_info(), info(0, 1, 2, 0));
    refuses(2);
    assert_eq!(refuses_cache_info(), info(0, 2, 2, 1));
}

#[test]
fn an_error_leaves_the_miss_counted_and_nothing_stored() {
    #[derive(Debug, PartialEq)]
    struct NotClone(u32);
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2)]
    fn second_try(x: u32) -> Result<u32, NotClone> {
        if RUNS.fetch_add(1, Ordering::Relaxed) == 0 { Err(NotClone(x)) } else { Ok(x) }
    }
    assert_eq!(second_try(7), Err(NotClone(7)));
    assert_eq!(second_try_cache_info(), info(0, 1, 2, 0));
    assert_eq!((second_try(7), second_try(7)), (Ok(7), Ok(7)));
    assert_eq!(second_try_cache_info(), info(1, 2, 2, 1));
}

#[test]
fn a_full_cache_evicts_the_least_recently_used_entry_and_no_other() {
    #[lru_cache(maxsize = 3)]
    fn f(x: u32) -> u32 {
        x
    }
    let present = || (0..10).filter(|&x| f_cache_peek(x).is_some()).collect::<Vec<_>>();
    for (x, left) in [
        (1, vec![1]),
        (2, vec![1, 2]),
        (3, vec![1, 2, 3]),
        (1, vec![1, 2, 3]),
        (4, vec![1, 3, 4]),
        (3, vec![1, 3, 4]),
        (5, vec![3, 4, 5]),
        (4, vec![3, 4, 5]),
        (6, vec![4, 5, 6]),
        (7, vec![4, 6, 7]),
    ] {
        f(x);
        assert_eq!(present(), left, "after {x}");
    }
}

#[test]
fn no_thread_ever_sees_more_entries_than_maxsize() {
    #[lru_cache(maxsize = 3)]
    fn f(x: u32) -> u32 {
        x
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut largest = 0;
            while !done.load(Ordering::Relaxed) {
                largest = largest.max(f_cache_info().currsize);
            }
            largest
        });
        let callers = [1, 7].map(|step| {
            scope.spawn(move || {
                for x in 0..5_000 {
                    assert_eq!(f(step * x), step * x);
                    f_cache_put(x, x);
                    assert!(f_cache_info().currsize <= 3);
                }
            })
        });
        for caller in callers {
            caller.join().expect("a caller");
        }
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().expect("the watcher") <= 3);
    });
    assert_eq!(f_cache_info().currsize, 3);
}

#[test]
fn hits_and_misses_of_all_threads_add_up() {
    #[lru_cache(maxsize = 8)]
    fn f(x: u32) -> u32 {
        x
    }
    thread::scope(|scope| {
        for start in 0..4 {
            scope.spawn(move || (0..2_000).for_each(|i| assert_eq!(f((start + i) % 12), (start + i) % 12)));
        }
    });
    let info = f_cache_info();
    assert_eq!((info.hits + info.misses, info.currsize), (8_000, 8));
}

#[test]
fn another_thread_uses_the_cache_while_the_function_runs() {
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        if x == 0 {
            thread::spawn(|| {
                assert_eq!((f(1), f(1)), (1, 1));
                f_cache_put(2, 2);
                assert!(f_cache_invalidate(2));
                assert_eq!(f_cache_info(), info(1, 2, 2, 1));
            })
            .join()
            .expect("the other thread");
        }
        x
    }
    without_hanging(|| "the function runs under a lock".to_owned(), || assert_eq!(f(0), 0));
    assert_eq!(f_cache_info(), info(1, 2, 2, 2));
}

/// Each test in scope `process` and in scope `thread`.
macro_rules! in_both_scopes {
    ($($name:ident: $scope:ident;)*) => {$(mod $name {
        use super::*;

        #[test]
        fn a_call_with_the_same_key_from_within_is_a_second_miss() {
            thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                DEPTH.set(DEPTH.get() + 1);
                if DEPTH.get() == 1 { f(x) + 100 } else { x }
            }
            without_hanging(|| "a call with the same key".to_owned(), || {
                assert_eq!(f(1), 101);
                assert_eq!(f_cache_info(), info(0, 2, 2, 1));
            });
        }

        #[test]
        fn bounded_the_entry_that_appeared_meanwhile_is_kept_where_it_is() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                if x == 1 {
                    f_cache_put(1, 10);
                    f(2);
                }
                x
            }
            assert_eq!(f(1), 1, "the fresh result is returned");
            assert_eq!(f_cache_peek(1), Some(10), "the stored one is kept");
            f(3);
            assert_eq!(f_cache_peek(1), None, "it stayed less recent than 2");
            assert_eq!(f_cache_peek(2), Some(2));
        }

        #[test]
        fn unbounded_the_last_writer_wins() {
            #[lru_cache(maxsize = None, scope = $scope)]
            fn f(x: u32) -> u32 {
                f_cache_put(x, 10);
                x
            }
            assert_eq!(f(1), 1);
            assert_eq!(f_cache_peek(1), Some(1));
            assert_eq!(f_cache_info(), info(0, 1, None, 1));
        }

        #[test]
        fn a_result_computed_before_a_clear_is_returned_and_not_stored() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                if x == 1 {
                    f_cache_clear();
                }
                x
            }
            assert_eq!((f(2), f(1)), (2, 1));
            assert_eq!(f_cache_info(), info(0, 0, 2, 0));
            assert_eq!(f(2), 2);
            assert_eq!(f_cache_info(), info(0, 1, 2, 1));
        }

        #[test]
        fn a_result_computed_before_an_invalidation_of_its_key_is_returned_and_not_stored() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                assert!(!f_cache_invalidate(x));
                x
            }
            assert_eq!(f(1), 1);
            assert_eq!(f_cache_info(), info(0, 1, 2, 0));
        }

        #[test]
        fn a_result_is_stored_when_another_key_is_invalidated_meanwhile() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                if x == 1 {
                    assert!(f_cache_invalidate(2));
                }
                x
            }
            assert_eq!((f(2), f(1), f(1)), (2, 1, 1));
            assert_eq!(f_cache_info(), info(1, 2, 2, 1));
        }

        #[test]
        fn what_is_put_after_an_invalidation_stays_when_the_older_result_comes() {
            #[lru_cache(maxsize = None, scope = $scope)]
            fn f(x: u32) -> u32 {
                f_cache_invalidate(x);
                f_cache_put(x, 10);
                x
            }
            assert_eq!((f(1), f(1)), (1, 10));
        }

        #[test]
        fn a_refresh_begun_before_a_clear_is_not_stored() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                f_cache_clear();
                x
            }
            assert_eq!(f(1), 1);
            assert_eq!(f_cache_refresh(1), 1);
            assert_eq!(f_cache_info(), info(0, 0, 2, 0));
        }

        #[test]
        fn an_error_from_a_call_within_passes_through_both_uncached() {
            #[lru_cache(maxsize = 8, scope = $scope)]
            fn countdown(n: u32) -> Result<u32, String> {
                if n == 0 { Err("lift-off".to_owned()) } else { countdown(n - 1) }
            }
            assert_eq!(countdown(2), Err("lift-off".to_owned()));
            assert_eq!(countdown_cache_info(), info(0, 3, 8, 0));
        }

        #[test]
        fn the_cache_is_as_before_when_a_call_within_panicked() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                if x == 1 { catch_unwind(|| f(2)).map_or(1, |_| 0) } else { panic!("never {x}") }
            }
            assert_eq!((f(1), f(1)), (1, 1));
            assert_eq!(f_cache_info(), info(1, 2, 2, 1));
        }

        #[test]
        fn fibonacci_of_20_hits_and_misses_as_in_python() {
            macro_rules! fibonacci {
                ($maxsize:tt, $hits:literal, $misses:literal) => {{
                    #[lru_cache(maxsize = $maxsize, scope = $scope)]
                    fn fib(n: u32) -> u32 {
                        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
                    }
                    assert_eq!(fib(20), 6_765);
                    let CacheInfo { hits, misses, .. } = fib_cache_info();
                    assert_eq!((hits, misses), ($hits, $misses), "maxsize {}", stringify!($maxsize));
                }};
            }
            fibonacci!(None, 18, 21);
            fibonacci!(3, 18, 21);
            fibonacci!(2, 344, 1_657);
            fibonacci!(1, 0, 21_891);
        }
    })*};
}
in_both_scopes! {
    of_the_process: process;
    of_a_thread: thread;
}

#[test]
fn all_threads_that_miss_one_key_run_the_function_and_get_their_own_result() {
    const THREADS: usize = 4;
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static ALL_RUN: Barrier = Barrier::new(THREADS);
    #[lru_cache(maxsize = 2)]
    fn ticket(_: u32) -> u32 {
        let ticket = RUNS.fetch_add(1, Ordering::Relaxed);
        // Reached by all only if none waits for another's result.
        ALL_RUN.wait();
        ticket
    }
    let mut tickets = without_hanging(
        || "a thread waits for the result of another".to_owned(),
        || {
            let threads = [(); THREADS].map(|()| thread::spawn(|| ticket(1)));
            threads.map(|thread| thread.join().expect("a caller"))
        },
    );
    tickets.sort_unstable();
    assert_eq!(tickets, [0, 1, 2, 3]);
    assert_eq!(ticket_cache_info(), info(0, THREADS as u64, 2, 1));
    assert!(tickets.contains(&ticket(1)));
}

#[test]
fn a_clear_by_another_thread_keeps_what_is_being_computed_from_being_stored() {
    static RUNNING: Barrier = Barrier::new(2);
    static CLEARED: Barrier = Barrier::new(2);
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        RUNNING.wait();
        CLEARED.wait();
        x
    }
    let caller = thread::spawn(|| f(1));
    RUNNING.wait();
    f_cache_clear();
    CLEARED.wait();
    assert_eq!(caller.join().expect("the caller"), 1);
    assert_eq!(f_cache_info(), info(0, 0, 2, 0));
}

#[test]
fn what_happened_before_in_another_thread_is_seen_in_that_order() {
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        x
    }
    // Joined after each call: the threads are ordered, and so is the use of the entries.
    for x in [1, 2, 1, 3] {
        thread::spawn(move || f(x)).join().expect("a caller");
    }
    assert_eq!([1, 2, 3].map(|x| f_cache_peek(x).is_some()), [true, false, true]);
    assert_eq!(f_cache_info(), info(1, 3, 2, 2));
}

#[test]
fn hits_in_a_thread_that_has_ended_still_order_the_entries() {
    #[lru_cache(maxsize = 100)]
    fn f(x: u32) -> u32 {
        x
    }
    (0..100).for_each(|x| _ = f(x));
    // The first half becomes the more recent one, each thread using every fourth.
    for start in 0..4 {
        let hits = move || (start..50).step_by(4).for_each(|x| _ = f(x));
        thread::spawn(hits).join().expect("a caller");
    }
    (100..150).for_each(|x| _ = f(x));
    assert!((0..50).all(|x| f_cache_peek(x).is_some()));
    assert!((50..100).all(|x| f_cache_peek(x).is_none()));
    assert_eq!(f_cache_info(), info(50, 150, 100, 100));
}

#[test]
fn with_scope_thread_each_thread_has_a_cache_of_its_own() {
    #[lru_cache(maxsize = 2, scope = thread)]
    fn f(x: u32) -> u32 {
        x
    }
    assert_eq!((f(1), f(1)), (1, 1));
    thread::spawn(|| {
        assert_eq!(f_cache_info(), info(0, 0, 2, 0));
        f(1);
        assert_eq!(f_cache_info(), info(0, 1, 2, 1));
        f_cache_clear();
    })
    .join()
    .expect("the other thread");
    assert_eq!(f_cache_info(), info(1, 1, 2, 1));
}

#[test]
fn a_panic_in_one_thread_leaves_the_cache_to_the_others() {
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        assert!(x != 0, "never zero");
        x
    }
    assert!(thread::spawn(|| f(0)).join().is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| f(0))).is_err());
    assert_eq!((f(1), f(1)), (1, 1));
    assert_eq!(f_cache_info(), info(1, 3, 2, 1));
}

#[test]
fn a_call_while_its_thread_ends_runs_the_function() {
    #[lru_cache(maxsize = 2, scope = thread)]
    fn f(x: u32) -> u32 {
        x
    }
    struct CallsAtTheEnd;
    static CALLED: AtomicU32 = AtomicU32::new(0);
    impl Drop for CallsAtTheEnd {
        fn drop(&mut self) {
            CALLED.fetch_add(f(1), Ordering::SeqCst);
        }
    }
    // Two, made before and after the cache, so that one is dropped after it, whatever the order.
    thread_local! {
        static BEFORE: CallsAtTheEnd = const { CallsAtTheEnd };
        static AFTER: CallsAtTheEnd = const { CallsAtTheEnd };
    }
    let thread = thread::spawn(|| {
        BEFORE.with(|_| ());
        f(1);
        AFTER.with(|_| ());
    });
    thread.join().expect("the thread that ends");
    assert_eq!(CALLED.load(Ordering::SeqCst), 2);
}
