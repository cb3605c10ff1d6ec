//! `async fn`: on several executors, cancelled, suspended, and shared between tasks.

use std::cell::Cell;
use std::hash::Hash;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::without_hanging;
use tokio::sync::{Barrier, Notify};

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// Suspends the task once, and has it woken at once.
async fn yield_now() {
    let mut is_first = true;
    std::future::poll_fn(move |context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// The least that an executor can be.
fn bare_block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread, AtomicBool);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.1.store(true, SeqCst);
            self.0.unpark();
        }
    }
    let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&unpark));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !unpark.1.swap(false, SeqCst) {
            thread::park();
        }
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime")
}

/// Runs what is spawned on an executor of four threads.
fn on_async_executor<R: Send + 'static>(main: impl Future<Output = R> + Send + 'static) -> R {
    let executor = Arc::new(async_executor::Executor::new());
    let stop = Arc::new(Notify::new());
    let threads = [(); 4].map(|()| {
        let (executor, stop) = (Arc::clone(&executor), Arc::clone(&stop));
        thread::spawn(move || pollster::block_on(executor.run(stop.notified())))
    });
    let result = pollster::block_on(executor.spawn(main));
    // Those that do not wait yet take what `notify_one` leaves for them, one each.
    for thread in threads {
        while !thread.is_finished() {
            stop.notify_one();
            thread::yield_now();
        }
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
    }
    result
}

/// Each test with and without single flight.
macro_rules! with_and_without_single_flight {
    ($($kind:ident: $single_flight:literal, $on_one_key:literal;)*) => {$(mod $kind {
        use super::*;
        of_any_function!($single_flight);
        at_once!($single_flight, $on_one_key);
    })*};
}

macro_rules! of_any_function {
    ($single_flight:literal) => {
        /// Free, method and generic functions, with a `Result`, all suspended once within.
        async fn use_all() {
            #[lru_cache(single_flight = $single_flight)]
            async fn free(x: u32, name: &str) -> String {
                yield_now().await;
                format!("{name}{x}")
            }
            #[derive(Clone, PartialEq, Eq, Hash)]
            struct Owner<T>(T);
            impl<T: Clone + Eq + Hash + Send + Sync + 'static> Owner<T> {
                #[lru_cache(single_flight = $single_flight)]
                async fn method<U: Clone + Eq + Hash + Send + Sync + 'static>(&self, x: U) -> (T, U) {
                    yield_now().await;
                    (self.0.clone(), x)
                }
            }
            #[lru_cache(single_flight = $single_flight)]
            async fn fallible(x: u32) -> Result<u32, std::io::Error> {
                yield_now().await;
                if x == 0 { Err(std::io::Error::other("zero")) } else { Ok(x) }
            }
            #[lru_cache(maxsize = None, single_flight = $single_flight)]
            async fn fib(n: u64) -> u64 {
                yield_now().await;
                if n < 2 { n } else { Box::pin(fib(n - 1)).await + Box::pin(fib(n - 2)).await }
            }
            free_cache_clear();
            Owner::<u8>::method_cache_clear::<char>();
            fallible_cache_clear();
            fib_cache_clear();
            for _ in 0..2 {
                assert_eq!((free(1, "a").await, free(1, "b").await), ("a1".to_owned(), "b1".to_owned()));
                assert_eq!((Owner(1_u8).method('a').await, Owner(2_u8).method('a').await), ((1, 'a'), (2, 'a')));
                assert!(fallible(0).await.is_err() && matches!(fallible(1).await, Ok(1)));
            }
            assert_eq!((counts(free_cache_info()), counts(Owner::<u8>::method_cache_info::<char>())), ((2, 2, 2), (2, 2, 2)));
            assert_eq!(counts(fallible_cache_info()), (1, 3, 1));
            assert_eq!((fib(20).await, counts(fib_cache_info())), (6765, (18, 21, 21)));
            assert_eq!((free_uncached(1, "a").await, free_cache_refresh(1, "c").await), ("a1".to_owned(), "c1".to_owned()));
            assert_eq!((free_cache_peek(1, "c"), free_cache_invalidate(1, "a")), (Some("c1".to_owned()), true));
            free_cache_put(1, "a", "put".to_owned());
            assert_eq!(free(1, "a").await, "put");
        }

        /// One after the other: all count in the same caches.
        #[test]
        fn every_executor_will_do() {
            without_hanging(|| "an executor".to_owned(), || {
                bare_block_on(use_all());
                pollster::block_on(use_all());
                tokio().block_on(use_all());
                let tokio = tokio();
                tokio.block_on(async { tokio.spawn(use_all()).await.expect("no panic") });
                on_async_executor(use_all());
            });
        }

        #[test]
        fn futures_are_send_when_those_of_the_body_are() {
            fn assert_send<T: Send>(future: T) -> T {
                future
            }
            #[lru_cache(single_flight = $single_flight)]
            async fn free(x: u32, name: &str, bytes: Vec<u8>) -> Result<String, Rc<str>> {
                yield_now().await;
                Ok(format!("{name}{x}{}", bytes.len()))
            }
            #[lru_cache(single_flight = $single_flight, key = x.0, ttl = "1h", cache_if = |_| true, max_weight = 9, weigh = |_, _| 1)]
            async fn with_options(x: &(u32, Cell<u32>)) -> u32 {
                x.0
            }
            #[derive(Clone, PartialEq, Eq, Hash)]
            struct Owner<T>(T);
            impl<T: Clone + Eq + Hash + Send + Sync + 'static> Owner<T> {
                #[lru_cache(single_flight = $single_flight)]
                async fn method(&self, x: impl Clone + Eq + Hash + Send + Sync + 'static) -> T {
                    yield_now().await;
                    let _ = x;
                    self.0.clone()
                }
            }
            async fn generic_caller<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> T {
                assert_send(Owner(x).method(1)).await
            }
            bare_block_on(async {
                assert_eq!(assert_send(free(1, "a", vec![1])).await, Ok("a11".to_owned()));
                assert_eq!(assert_send(free_cache_refresh(1, "a", vec![1])).await, Ok("a11".to_owned()));
                assert_eq!(assert_send(generic_caller('a')).await, 'a');
                let shared = (1, Cell::new(1));
                assert_eq!(with_options(&shared).await, 1, "not `Send`, as its argument");
            });
        }

        #[test]
        fn futures_may_be_of_a_thread_alone() {
            #[lru_cache(single_flight = $single_flight, scope = thread)]
            async fn f(x: Rc<u32>) -> Rc<u32> {
                yield_now().await;
                x
            }
            let (one, two) = bare_block_on(async { (f(Rc::new(1)).await, f(Rc::new(1)).await) });
            assert!(Rc::ptr_eq(&one, &two));
        }

        #[test]
        fn a_call_does_nothing_before_it_is_polled() {
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                x
            }
            drop(f(1));
            let unpolled = f(1);
            assert_eq!(counts(f_cache_info()), (0, 0, 0));
            assert_eq!((bare_block_on(unpolled), counts(f_cache_info())), (1, (0, 1, 1)));
        }

        #[test]
        fn a_future_that_is_dropped_in_the_middle_leaves_nothing_behind() {
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                yield_now().await;
                x
            }
            without_hanging(|| "a call after a cancelled one".to_owned(), || {
                let mut cancelled = Box::pin(f(1));
                assert!(poll_once(cancelled.as_mut()).is_pending());
                assert_eq!(counts(f_cache_info()), (0, 1, 0));
                drop(cancelled);
                assert_eq!((f_cache_peek(1), f_cache_invalidate(1)), (None, false));
                assert_eq!((bare_block_on(f(1)), counts(f_cache_info())), (1, (0, 2, 1)));
                // The same for a refresh: what was there stays.
                f_cache_put(1, 10);
                let mut cancelled = Box::pin(f_cache_refresh(1));
                assert!(poll_once(cancelled.as_mut()).is_pending());
                drop(cancelled);
                assert_eq!(f_cache_peek(1), Some(10));
            });
        }

        #[test]
        fn a_panic_in_a_task_leaves_nothing_behind() {
            static PANICS: AtomicBool = AtomicBool::new(true);
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                yield_now().await;
                assert!(!PANICS.load(SeqCst), "asked for");
                x
            }
            without_hanging(|| "a call after a panic".to_owned(), || {
                let tokio = tokio();
                tokio.block_on(async {
                    assert!(tokio.spawn(f(1)).await.is_err_and(|error| error.is_panic()));
                    PANICS.store(false, SeqCst);
                    assert_eq!((f(1).await, counts(f_cache_info())), (1, (0, 2, 1)));
                });
            });
        }

        /// Suspends a call, does something, lets the call go on.
        #[test]
        fn what_was_cleared_or_invalidated_while_it_was_suspended_is_returned_and_not_stored() {
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                yield_now().await;
                10 * x
            }
            without_hanging(|| "a suspended call".to_owned(), || {
                let forget: [(fn(), Option<u32>); 3] = [
                    (f_cache_clear, None),
                    (|| assert!(!f_cache_invalidate(1), "not there"), None),
                    (|| assert!(!f_cache_invalidate(2), "not there"), Some(10)),
                ];
                for (forget, stored) in forget {
                    f_cache_clear();
                    let mut call = pin!(f(1));
                    assert!(poll_once(call.as_mut()).is_pending());
                    forget();
                    assert_eq!((bare_block_on(call), f_cache_peek(1)), (10, stored));

                    f_cache_clear();
                    f_cache_put(1, 5);
                    let mut refresh = pin!(f_cache_refresh(1));
                    assert!(poll_once(refresh.as_mut()).is_pending());
                    assert_eq!(bare_block_on(f(1)), 5, "a hit of the old value");
                    let invalidates = stored.is_none();
                    if invalidates { f_cache_clear() } else { assert!(!f_cache_invalidate(2)) }
                    assert_eq!((bare_block_on(refresh), f_cache_peek(1)), (10, stored));
                }
            });
        }

        #[test]
        fn a_value_put_while_a_call_is_suspended_stays() {
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                yield_now().await;
                10 * x
            }
            let mut call = pin!(f(1));
            assert!(poll_once(call.as_mut()).is_pending());
            f_cache_put(1, 5);
            assert_eq!((bare_block_on(call), f_cache_peek(1)), (10, Some(5)));
        }
    };
}

macro_rules! at_once {
    ($single_flight:literal, $runs_on_one_key:literal) => {
        #[test]
        fn calls_with_different_keys_are_in_the_function_at_once() {
            static ALL_INSIDE: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(16));
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                // Passed only when all calls are suspended here.
                ALL_INSIDE.wait().await;
                x
            }
            without_hanging(
                || format!("only {} calls are inside", f_cache_info().misses),
                || {
                    let tokio = tokio();
                    let tasks: Vec<_> = (0..16).map(|x| tokio.spawn(f(x))).collect();
                    for (x, task) in (0..).zip(tasks) {
                        assert_eq!(tokio.block_on(task).expect("no panic"), x);
                    }
                    assert_eq!(counts(f_cache_info()), (0, 16, 16));
                },
            );
        }

        #[test]
        fn calls_with_one_key_make_progress_while_one_of_them_is_suspended() {
            static OPEN: Notify = Notify::const_new();
            static RUNS: AtomicU32 = AtomicU32::new(0);
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                if RUNS.fetch_add(1, SeqCst) == 0 {
                    OPEN.notified().await;
                }
                x
            }
            without_hanging(
                || "two calls of one key".to_owned(),
                || {
                    let (mut first, mut second) = (pin!(f(1)), pin!(f(1)));
                    assert!(poll_once(first.as_mut()).is_pending());
                    assert_eq!(poll_once(second.as_mut()).is_ready(), !$single_flight);
                    // Nothing is locked: all of these return while the first is suspended.
                    let _ = (f_cache_info(), f_cache_peek(1), f_cache_parameters());
                    assert_eq!(bare_block_on(f(2)), 2);
                    OPEN.notify_one();
                    assert_eq!(bare_block_on(first), 1);
                    if $single_flight {
                        assert_eq!(bare_block_on(second), 1);
                    }
                    assert_eq!(RUNS.load(SeqCst), $runs_on_one_key + 1);
                },
            );
        }

        #[test]
        fn many_tasks_share_few_keys() {
            static RUNS: [AtomicU32; 5] = [const { AtomicU32::new(0) }; 5];
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: usize) -> String {
                RUNS[x].fetch_add(1, SeqCst);
                for _ in 0..10 {
                    yield_now().await;
                }
                x.to_string()
            }
            async fn all() -> Result<(), String> {
                for call in 0..50 {
                    let x = call % 5;
                    let found = f(x).await;
                    if found != x.to_string() {
                        return Err(format!("{found} for {x}"));
                    }
                }
                Ok(())
            }
            without_hanging(
                || format!("many tasks: {}", f_cache_info()),
                || {
                    let tokio = tokio();
                    let tasks: Vec<_> = (0..100).map(|_| tokio.spawn(all())).collect();
                    for task in tasks {
                        tokio.block_on(task).expect("no panic").expect("a wrong value");
                    }
                    let info = f_cache_info();
                    assert_eq!((info.hits + info.misses, info.currsize), (5000, 5));
                    let runs = RUNS.each_ref().map(|runs| u64::from(runs.load(SeqCst)));
                    assert_eq!(runs.iter().sum::<u64>(), info.misses);
                    if $single_flight {
                        assert_eq!(runs, [1; 5]);
                    }
                },
            );
        }

        #[test]
        fn cancelled_calls_hold_up_no_other() {
            static OPEN: AtomicBool = AtomicBool::new(false);
            #[lru_cache(single_flight = $single_flight)]
            async fn f(x: u32) -> u32 {
                while !OPEN.load(SeqCst) {
                    yield_now().await;
                }
                x
            }
            without_hanging(
                || "calls beside cancelled ones".to_owned(),
                || {
                    let tokio = tokio();
                    for round in 0..20 {
                        OPEN.store(false, SeqCst);
                        f_cache_clear();
                        let tasks: Vec<_> = (0..8).map(|_| tokio.spawn(f(round))).collect();
                        tasks.iter().step_by(2).for_each(|task| task.abort());
                        OPEN.store(true, SeqCst);
                        for (at, task) in tasks.into_iter().enumerate() {
                            match tokio.block_on(task) {
                                Ok(found) => assert_eq!(found, round),
                                Err(error) => assert!(at % 2 == 0 && error.is_cancelled(), "{error}"),
                            }
                        }
                        assert_eq!(f_cache_peek(round), Some(round));
                    }
                },
            );
        }
    };
}

with_and_without_single_flight! {
    alone: false, 2;
    in_single_flight: true, 1;
}

#[test]
fn a_lock_of_the_callers_may_be_held_across_a_call() {
    static LOG: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    #[lru_cache]
    async fn f(x: u32) -> u32 {
        LOG.lock().expect("not poisoned").push(x);
        x
    }
    bare_block_on(async {
        for x in [1, 1, 2] {
            f(x).await;
        }
    });
    assert_eq!(*LOG.lock().expect("not poisoned"), [1, 2], "the body runs once for each key");
}

#[test]
fn a_blocking_function_may_drive_a_memoized_future_of_its_own() {
    #[lru_cache(single_flight = true)]
    async fn inner(x: u32) -> u32 {
        yield_now().await;
        x + 1
    }
    #[lru_cache(single_flight = true)]
    fn outer(x: u32) -> u32 {
        bare_block_on(inner(x)) + 1
    }
    without_hanging(
        || "a future in a function".to_owned(),
        || {
            assert_eq!((outer(1), outer(1), bare_block_on(inner(1))), (3, 3, 2));
        },
    );
}

#[test]
fn a_call_within_its_own_flight_runs_through() {
    thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
    #[lru_cache(single_flight = true)]
    async fn f(x: u32) -> u32 {
        yield_now().await;
        DEPTH.set(DEPTH.get() + 1);
        if DEPTH.get() < 3 { Box::pin(f(x)).await + 1 } else { x }
    }
    without_hanging(
        || "the same key again".to_owned(),
        || {
            assert_eq!((bare_block_on(f(1)), counts(f_cache_info())), (3, (0, 3, 1)));
        },
    );
}
