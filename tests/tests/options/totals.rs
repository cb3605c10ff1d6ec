//! `_cache_totals`: what a cache has done since it was made.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lru_memo::{Memo, cache, caches, lru_cache};
use lru_memo_tests::totals::{counts, expirations_are_no_evictions};
use lru_memo_tests::without_hanging;
use pollster::block_on;

#[test]
fn a_clear_lowers_no_total() {
    #[lru_cache(maxsize = 2)]
    fn double(x: u32) -> u32 {
        2 * x
    }
    assert_eq!(counts(double_cache_totals()), [0; 6]);
    [1, 2, 1, 3, 4].into_iter().for_each(|x| _ = double(x));
    double_cache_clear();
    assert_eq!(counts(double_cache_totals()), [1, 4, 2, 0, 0, 0]);
    double(1);
    double(1);
    double_cache_invalidate(1);
    assert_eq!(counts(double_cache_totals()), [2, 5, 2, 0, 0, 0], "an invalidation is no eviction");
}

#[test]
fn entries_that_are_too_old_are_expirations_and_not_evictions() {
    #[lru_cache(maxsize = 2, ttl = "10s")]
    fn identity(x: u32) -> u32 {
        x
    }
    expirations_are_no_evictions(identity, identity_cache_totals, Duration::from_secs(10));
}

#[test]
fn weights_evict_as_many_as_have_to_go() {
    #[lru_cache(maxsize = None, max_weight = 4, weigh = |_, value: &usize| *value)]
    fn of_weight(weight: usize, _number: u32) -> usize {
        weight
    }
    (0..4).for_each(|number| _ = of_weight(1, number));
    of_weight(3, 0);
    assert_eq!(of_weight_cache_totals().evictions, 3);
    of_weight(5, 0);
    assert_eq!(of_weight_cache_totals().evictions, 3, "what is never stored evicts nothing");
}

#[test]
fn errors_panics_and_cancelled_runs_are_errors() {
    #[lru_cache]
    fn fallible(x: u32) -> Result<u32, String> {
        assert!(x != 2, "user code");
        if x == 1 { Err("one".to_owned()) } else { Ok(x) }
    }
    #[lru_cache(cache_err = true)]
    fn with_cached_errors(x: u32) -> Result<u32, String> {
        Err(x.to_string())
    }
    #[lru_cache]
    async fn never(_x: u32) -> u32 {
        std::future::pending().await
    }
    assert!(fallible(0).is_ok() && fallible(1).is_err() && catch_unwind(|| fallible(2)).is_err());
    assert_eq!(counts(fallible_cache_totals()), [0, 3, 0, 0, 2, 0]);
    assert!(with_cached_errors(1).is_err());
    assert_eq!(with_cached_errors_cache_totals().errors, 0);
    {
        let mut call = std::pin::pin!(never(1));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(counts(never_cache_totals()), [0, 1, 0, 0, 1, 0]);
}

#[test]
fn who_waits_for_another_run_is_counted() {
    static GO_ON: AtomicBool = AtomicBool::new(false);
    static CALLERS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(single_flight = true)]
    fn slow(x: u32) -> u32 {
        while !GO_ON.load(SeqCst) {
            thread::yield_now();
        }
        x
    }
    without_hanging(
        || "waits".to_owned(),
        || {
            let call = || {
                thread::spawn(|| {
                    CALLERS.fetch_add(1, SeqCst);
                    slow(1)
                })
            };
            let calls: Vec<_> = (0..4).map(|_| call()).collect();
            while slow_cache_totals().waits < 3 {
                thread::yield_now();
            }
            GO_ON.store(true, SeqCst);
            calls.into_iter().for_each(|call| assert_eq!(call.join().expect("no panic"), 1));
            assert_eq!(counts(slow_cache_totals()), [3, 1, 0, 0, 0, 3]);
        },
    );
}

#[test]
fn the_time_that_hits_save_is_their_number_times_the_mean_run() {
    const RUN: Duration = Duration::from_millis(5);
    #[cache]
    fn slow(x: u32) -> u32 {
        thread::sleep(RUN);
        x
    }
    assert_eq!(slow_cache_totals().saved_time(), Duration::ZERO);
    (0..3).for_each(|x| _ = slow(x));
    let totals = slow_cache_totals();
    assert!(totals.compute_time >= 3 * RUN, "{totals:?}");
    assert_eq!(totals.saved_time(), Duration::ZERO);
    (0..6).for_each(|x| _ = slow(x % 3));
    let again = slow_cache_totals();
    assert_eq!(again.compute_time, totals.compute_time, "a hit takes no time of the function");
    let (saved, expected) = (again.saved_time(), 2 * totals.compute_time);
    assert!(saved.abs_diff(expected) <= Duration::from_nanos(6), "{again:?}");
}

#[test]
fn short_runs_are_sampled_and_count_all_the_same() {
    const MISSES: u32 = 100_000;
    #[lru_cache(maxsize = 1)]
    fn identity(x: u32) -> u32 {
        x
    }
    let mut before = Duration::ZERO;
    for x in 0..MISSES {
        identity(x);
        if x % 1_000 == 0 {
            let now = identity_cache_totals().compute_time;
            assert!(now >= before, "it never becomes less");
            before = now;
        }
    }
    (0..MISSES).for_each(|_| _ = identity(MISSES - 1));
    let totals = identity_cache_totals();
    let (spent, saved) = (totals.compute_time, totals.saved_time());
    assert!(spent > Duration::ZERO);
    // As many hits as misses.
    assert!(saved.abs_diff(spent) < spent / 100, "{spent:?} {saved:?}");
}

#[test]
fn methods_generic_functions_threads_tasks_and_objects_have_totals() {
    #[derive(Default, Clone, PartialEq, Eq, Hash)]
    struct Shop {
        memo: Memo,
    }
    #[lru_cache]
    impl Shop {
        #[lru_cache]
        fn price(&self, x: u32) -> u32 {
            x
        }
    }
    impl Shop {
        #[lru_cache(scope = self.memo)]
        fn of_object(&self, x: u32) -> u32 {
            x
        }
    }
    #[lru_cache]
    fn generic<T: Clone + Eq + std::hash::Hash + Send + Sync + 'static>(x: T) -> T {
        x
    }
    #[lru_cache(scope = thread)]
    fn of_thread(x: u32) -> u32 {
        x
    }
    #[lru_cache]
    async fn task(x: u32) -> u32 {
        x
    }
    let shop = Shop::default();
    for x in [1, 1, 2] {
        shop.price(x);
        shop.of_object(x);
        generic(x);
        of_thread(x);
        block_on(task(x));
    }
    let all = [
        Shop::price_cache_totals(),
        shop.of_object_cache_totals(),
        generic_cache_totals::<u32>(),
        of_thread_cache_totals(),
        task_cache_totals(),
    ];
    all.into_iter().for_each(|totals| assert_eq!(counts(totals), [1, 2, 0, 0, 0, 0]));
    assert_eq!(counts(generic_cache_totals::<u8>()), [0; 6]);
    thread::spawn(|| assert_eq!(counts(of_thread_cache_totals()), [0; 6])).join().expect("no panic");
    let cache = shop.memo.caches().next().expect("it was used");
    assert_eq!(counts(cache.totals()), [1, 2, 0, 0, 0, 0]);
    let registered = caches().find(|cache| cache.name().ends_with("Shop::price")).expect("it was used");
    assert_eq!(registered.totals(), Shop::price_cache_totals());
}

#[cfg(feature = "shared")]
#[test]
fn a_shared_function_has_the_totals_of_this_process() {
    #[lru_cache(scope = shared, single_flight = true)]
    fn fallible(x: u32) -> Result<u32, String> {
        if x == 1 { Err("one".to_owned()) } else { Ok(x) }
    }
    #[lru_cache(scope = shared)]
    async fn task(x: u32) -> u32 {
        x
    }
    lru_memo_tests::in_memory_or_chosen();
    assert!(fallible(0).is_ok() && fallible(0).is_ok() && fallible(1).is_err());
    assert_eq!(counts(fallible_cache_totals()), [1, 2, 0, 0, 1, 0]);
    assert!(fallible_cache_totals().compute_time > Duration::ZERO);
    block_on(async {
        task(1).await;
        task(1).await;
        task_cache_clear().await;
        assert_eq!(counts(task_cache_totals().await), [1, 1, 0, 0, 0, 0]);
    });
}
