//! `advise = true`: what other bounds would have been worth.

mod exact;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasherDefault, Hash};
use std::thread;
use std::time::Duration;

use lru_memo::{CacheAdvice, CacheTotals, Memo, cache, clock, lru_cache};
use pollster::block_on;

use crate::advice::exact::{Exact, Numbers, generated, recorded};

/// One without a seed, so that the same keys are sampled each time.
type Seedless = BuildHasherDefault<DefaultHasher>;

fn assert_exact(advice: &CacheAdvice, exact: &Exact) {
    for maxsize in 0..40 {
        assert_eq!(advice.hit_ratio(maxsize), exact.hit_ratio(maxsize), "maxsize = {maxsize}");
    }
    for within in [0.0, 0.01, 0.1, 0.5] {
        assert_eq!(advice.smallest(within), exact.smallest(within), "within {within}");
    }
}

#[test]
fn few_keys_give_the_exact_ratio_of_every_size() {
    let mut numbers = Numbers(1);
    for keys in 1..20 {
        #[lru_cache(maxsize = 5, scope = thread, advise = true)]
        fn same(key: u64) -> u64 {
            key
        }
        let calls: Vec<u64> = (0..300).map(|_| numbers.below(keys)).collect();
        thread::spawn(move || {
            let mut exact = Exact::default();
            for (number, &key) in calls.iter().enumerate() {
                same(key);
                exact.call(key);
                assert_exact(&same_cache_advice(), &exact);
                assert_eq!(same_cache_advice().observed(), number as u64 + 1);
            }
            let info = same_cache_info();
            let ratio = info.hits as f64 / (info.hits + info.misses) as f64;
            assert_eq!(same_cache_advice().hit_ratio(5), ratio);
        })
        .join()
        .expect("no assertion fails");
    }
}

/// What calls a function of some bound with these keys, and returns the advice.
type Run = fn(&[u64]) -> CacheAdvice;

macro_rules! runs {
    ($($maxsize:tt),*) => {[$({
        #[lru_cache(maxsize = $maxsize, scope = thread, hasher = Seedless, advise = true)]
        fn same(key: u64) -> u64 {
            key
        }
        let run: Run = |keys| {
            keys.iter().for_each(|&key| _ = same(key));
            same_cache_advice()
        };
        (stringify!($maxsize), run)
    }),*]};
}

/// In a thread of its own, so that the cache is empty at first.
fn advice_of(run: Run, keys: &[u64]) -> CacheAdvice {
    thread::scope(|scope| scope.spawn(|| run(keys)).join().expect("no assertion fails"))
}

fn assert_near(advice: &CacheAdvice, exact: &Exact, of: &str) {
    for size in [64, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        let (right, told) = (exact.hit_ratio(size), advice.hit_ratio(size));
        let most = if size < 250 { 0.02 } else { 0.01 };
        assert!((told - right).abs() < most, "{of}: {told:.4} instead of {right:.4} for {size}");
    }
}

#[test]
fn both_ways_to_count_agree() {
    let mut numbers = Numbers(2);
    let keys: Vec<u64> = (0..3_000).map(|_| numbers.skewed(400)).collect();
    let (of_all, mut one_by_one) = (Exact::of(&keys), Exact::default());
    keys.iter().for_each(|&key| one_by_one.call(key));
    for size in 0..500 {
        assert_eq!(of_all.hit_ratio(size), one_by_one.hit_ratio(size), "{size}");
    }
}

#[test]
fn ratios_of_sequences_are_within_a_point() {
    let sequences = generated().into_iter().map(|(name, keys)| (name.to_owned(), keys)).chain(recorded());
    for (name, keys) in sequences {
        let exact = Exact::of(&keys);
        for (maxsize, run) in runs![0, 500, None] {
            assert_near(&advice_of(run, &keys), &exact, &format!("{name}, maxsize = {maxsize}"));
        }
    }
}

#[test]
fn ratios_stay_right_when_only_some_calls_are_looked_at() {
    let mut numbers = Numbers(3);
    let mut keys: Vec<u64> = (0..100_000).map(|_| numbers.skewed(6_000)).collect();
    let exact = Exact::of(&keys);
    keys.extend((0..1_200_000).map(|_| numbers.skewed(6_000)));
    for (maxsize, run) in runs![64, 1_000] {
        let advice = advice_of(run, &keys);
        for size in [64, 125, 250, 500, 1_000, 2_000] {
            let (right, told) = (exact.hit_ratio(size), advice.hit_ratio(size));
            let most = if size < 250 { 0.02 } else { 0.01 };
            assert!((told - right).abs() < most, "{maxsize}: {told:.4} instead of {right:.4} for {size}");
        }
        assert_eq!(advice.observed(), keys.len() as u64);
    }
}

struct Owner {
    size: usize,
    memo: Memo,
}

impl Owner {
    fn of(size: usize) -> Self {
        Self { size, memo: Memo::new() }
    }

    #[lru_cache(maxsize = self.size, scope = self.memo, advise = true)]
    fn fallible(&self, key: u64) -> Result<u64, String> {
        if key % 5 == 4 { Err("a value that is not stored".to_owned()) } else { Ok(key) }
    }

    #[lru_cache(maxsize = self.size, scope = self.memo, cache_if = |&value| value % 3 != 0, advise = true)]
    fn filtered(&self, key: u64) -> u64 {
        key
    }

    #[lru_cache(maxsize = self.size, scope = self.memo, ttl = "10s", advise = true)]
    fn aging(&self, key: u64) -> u64 {
        key
    }
}

/// One cache tells what those of other sizes have done, or of smaller ones alone.
fn assert_like_others(
    owners: &[Owner],
    smaller: bool,
    advice: fn(&Owner) -> CacheAdvice,
    totals: fn(&Owner) -> CacheTotals,
) {
    for owner in owners {
        let advice = advice(owner);
        for other in owners.iter().filter(|other| !smaller || other.size <= owner.size) {
            let CacheTotals { hits, misses, .. } = totals(other);
            let right = hits as f64 / (hits + misses).max(1) as f64;
            assert_eq!(advice.hit_ratio(other.size), right, "of {} for {}", owner.size, other.size);
        }
    }
}

#[test]
fn what_leaves_or_is_never_stored_leaves_at_all_sizes() {
    let mut numbers = Numbers(5);
    for _ in 0..40 {
        // A cache that is off does not ask `cache_if`.
        let owners: Vec<Owner> = (1..10).map(Owner::of).collect();
        for _ in 0..150 {
            let (operation, key) = (numbers.below(24), numbers.below(14));
            for owner in &owners {
                match operation {
                    0 | 1 => _ = owner.fallible_cache_invalidate(key),
                    2 if key % 5 != 4 => owner.fallible_cache_put(key, 7),
                    3 => _ = owner.fallible_cache_refresh(key),
                    4 if key == 0 => owner.fallible_cache_clear(),
                    _ => _ = owner.fallible(key),
                }
                match operation {
                    // The predicate is asked of what is there, which is less in smaller caches.
                    0 => _ = owner.filtered_cache_invalidate_if(|&other, _| other % 4 == key % 4),
                    _ => _ = owner.filtered(key),
                }
            }
            assert_like_others(&owners, false, Owner::fallible_cache_advice, Owner::fallible_cache_totals);
            assert_like_others(&owners, true, Owner::filtered_cache_advice, Owner::filtered_cache_totals);
        }
    }
}

#[test]
fn entries_that_are_too_old_are_no_hits_of_any_size() {
    let _clock = lru_memo_tests::clock_for_me_alone();
    let owner = Owner::of(3);
    for _ in 0..5 {
        [1, 2, 1].into_iter().for_each(|key| _ = owner.aging(key));
        clock::advance(Duration::from_secs(11));
    }
    let advice = owner.aging_cache_advice();
    assert_eq!(advice.hit_ratio(1), 0.0);
    assert_eq!([2, 3, 4, 1_000].map(|size| advice.hit_ratio(size)), [1.0 / 3.0; 4]);
}

#[test]
fn a_clear_makes_all_keys_new_and_forgets_no_ratio() {
    #[lru_cache(maxsize = 2, advise = true)]
    fn same(key: u64) -> u64 {
        key
    }
    let mut exact = Exact::default();
    for round in 0..4 {
        for key in [1, 2, 3, 1, 2, 3, 3, round] {
            same(key);
            exact.call(key);
        }
        same_cache_clear();
        exact.clear();
        assert_exact(&same_cache_advice(), &exact);
        assert_eq!(same_cache_advice().observed(), 8 * (round + 1));
    }
}

#[test]
fn ratios_stay_right_when_the_bound_changes() {
    #[lru_cache(maxsize = 8, advise = true)]
    fn same(key: u64) -> u64 {
        key
    }
    let mut numbers = Numbers(9);
    let mut exact = Exact::default();
    for _ in 0..200 {
        same_cache_resize(numbers.below(24) as usize);
        for _ in 0..numbers.below(30) {
            let key = numbers.skewed(40);
            same(key);
            exact.call(key);
        }
        assert_exact(&same_cache_advice(), &exact);
    }
}

#[test]
fn a_function_that_calls_itself_gets_the_ratio_that_it_has() {
    #[lru_cache(maxsize = 3, advise = true)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    assert_eq!(fib(20), 6765);
    assert_eq!(fib_cache_advice().hit_ratio(3), 18.0 / 39.0);
    assert_eq!(fib_cache_advice().smallest(0.01), 3);
}

#[test]
fn unbounded_caches_and_those_that_are_off_are_advised_as_well() {
    #[cache(advise = true)]
    fn unbounded(key: u64) -> u64 {
        key
    }
    #[lru_cache(maxsize = 0, advise = true)]
    fn off(key: u64) -> u64 {
        key
    }
    let mut exact = Exact::default();
    for key in [1, 2, 3, 1, 2, 3, 4, 4] {
        assert_eq!(unbounded(key), off(key));
        exact.call(key);
    }
    assert_exact(&unbounded_cache_advice(), &exact);
    assert_exact(&off_cache_advice(), &exact);
}

#[test]
fn a_cache_that_was_not_used_advises_nothing() {
    #[lru_cache(advise = true)]
    fn unused<T: Hash + Eq + Clone + Send + Sync + 'static>(key: T) -> T {
        key
    }
    let advice = unused_cache_advice::<u32>();
    assert_eq!((advice.observed(), advice.smallest(0.01), advice.hit_ratio(128)), (0, 0, 0.0));
    assert!(advice.to_string().contains("128"), "{advice}");
    assert_eq!(Owner::of(4).aging_cache_advice().observed(), 0);
}

#[test]
fn each_instantiation_thread_and_object_has_advice_of_its_own() {
    #[lru_cache(advise = true)]
    fn generic<T: Hash + Eq + Clone + Send + Sync + 'static>(key: T) -> T {
        key
    }
    #[lru_cache(scope = thread, key = key / 2, advise = true)]
    fn of_thread(key: u64) -> u64 {
        key
    }
    struct Method;
    impl Method {
        #[lru_cache(advise = true, skip(self))]
        fn method(&self, key: u64) -> u64 {
            key
        }
    }
    generic(1_u32);
    generic(1_u32);
    assert_eq!(generic_cache_advice::<u32>().hit_ratio(1), 0.5);
    assert_eq!(generic_cache_advice::<u64>().observed(), 0);
    assert_eq!(of_thread(2), 2);
    assert_eq!(of_thread(3), 2);
    thread::spawn(|| assert_eq!(of_thread_cache_advice().observed(), 0)).join().expect("no assertion fails");
    assert_eq!(of_thread_cache_advice().hit_ratio(1), 0.5);
    Method.method(1);
    assert_eq!(Method::method_cache_advice().observed(), 1);
    let owners = [Owner::of(4), Owner::of(4)];
    owners[0].aging(1);
    assert_eq!(owners.each_ref().map(|owner| owner.aging_cache_advice().observed()), [1, 0]);
}

#[test]
fn tasks_and_those_that_wait_are_counted() {
    #[lru_cache(single_flight = true, advise = true)]
    async fn slow(key: u64) -> u64 {
        key
    }
    for key in [1, 2, 1, 1] {
        assert_eq!(block_on(slow(key)), key);
    }
    assert_eq!([1, 2].map(|size| slow_cache_advice().hit_ratio(size)), [0.25, 0.5]);
}

#[test]
fn threads_that_call_at_once_get_about_the_ratio_that_they_have() {
    #[lru_cache(maxsize = 300, advise = true)]
    fn same(key: u64) -> u64 {
        key
    }
    thread::scope(|scope| {
        for seed in 1..5 {
            scope.spawn(move || {
                let mut numbers = Numbers(seed);
                (0..50_000).for_each(|_| _ = same(numbers.skewed(2_000)));
            });
        }
    });
    let CacheTotals { hits, misses, .. } = same_cache_totals();
    let (right, told) = (hits as f64 / (hits + misses) as f64, same_cache_advice().hit_ratio(300));
    assert!((right - told).abs() < 0.02, "{told} instead of {right}");
}

#[test]
fn the_table_shows_five_bounds_and_the_smallest_that_is_good_enough() {
    #[lru_cache(maxsize = 2, advise = true)]
    fn same(key: u64) -> u64 {
        key
    }
    (0..40).for_each(|call| _ = same(call % 4));
    let expected = "
      1    0.0 %
      2    0.0 %                                          now
      4   90.0 % ####################################
      8   90.0 % ####################################
     16   90.0 % ####################################
   None   90.0 % ####################################
40 calls; maxsize = 4 is within 1 % of an unbounded cache";
    assert_eq!(same_cache_advice().to_string(), expected[1..]);
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Works,
    Fails,
    Panics,
}

#[test]
fn an_old_value_that_could_not_be_renewed_is_a_hit_of_all_sizes() {
    let _clock = lru_memo_tests::clock_for_me_alone();
    #[lru_cache(maxsize = 2, scope = thread, ttl = "10s", stale = "1h", skip(end), advise = true)]
    fn failing(key: u64, end: End) -> Result<u64, ()> {
        match end {
            End::Works => Ok(key),
            End::Fails => Err(()),
            // Without the panic hook, which would print.
            End::Panics => std::panic::resume_unwind(Box::new(())),
        }
    }
    // Each thread has a cache of its own.
    let check = |end| {
        for key in [1, 2] {
            assert_eq!(failing(key, End::Works), Ok(key));
        }
        clock::advance(Duration::from_secs(11));
        for call in 0..3 {
            // The first call tries to renew the value; the others have to wait for the next try.
            for key in [1, 2] {
                assert_eq!(failing(key, end), Ok(key), "call {call}");
            }
        }
        // A failed try uses the old value, so another key leaves for the next one.
        clock::advance(Duration::from_secs(2));
        for (key, end) in [(1, end), (3, End::Works), (1, end), (1, end)] {
            assert_eq!(failing(key, end), Ok(key));
        }
        let CacheTotals { hits, misses, .. } = failing_cache_totals();
        let ratio = hits as f64 / (hits + misses) as f64;
        let told = [1, 2, 3].map(|size| failing_cache_advice().hit_ratio(size));
        assert_eq!(told, [1.0 / 12.0, ratio, ratio], "{end:?}");
    };
    for end in [End::Fails, End::Panics] {
        thread::scope(|scope| scope.spawn(|| check(end)).join().expect("no assertion fails"));
    }
}
