//! `_cache_resize`: a bound that changes while the program runs.

mod cpython;
mod destructors;
#[cfg(all(target_os = "linux", feature = "libc"))]
mod forks;
mod model;
mod signatures;
mod threads;
mod variable;

use std::time::Duration;

use lru_memo::{CacheInfo, Memo, caches, clock, invalidate_tag, lru_cache};

fn info(hits: u64, misses: u64, maxsize: usize, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: Some(maxsize), currsize }
}

#[test]
fn a_smaller_bound_evicts_exactly_the_least_recent() {
    #[lru_cache(maxsize = 1000)]
    fn number(x: u32) -> u32 {
        x
    }
    (0..1000).for_each(|x| _ = number(x));
    // The even ones are used once more, the last ones first.
    (0..1000).rev().filter(|x| x % 2 == 0).for_each(|x| _ = number(x));
    number_cache_resize(600);
    assert_eq!(number_cache_info(), info(500, 1000, 600, 600));
    let there: Vec<u32> = (0..1000).filter(|&x| number_cache_peek(x).is_some()).collect();
    let expected: Vec<u32> = (0..1000).filter(|x| x % 2 == 0 || *x >= 800).collect();
    assert_eq!(there, expected);
    number_cache_resize(3);
    assert_eq!((0..1000).filter(|&x| number_cache_peek(x).is_some()).collect::<Vec<_>>(), [0, 2, 4]);
}

#[test]
fn the_counters_stay_and_evictions_are_counted() {
    #[lru_cache(maxsize = 4)]
    fn number(x: u32) -> u32 {
        x
    }
    (0..4).chain(0..4).for_each(|x| _ = number(x));
    number_cache_resize(1);
    assert_eq!(number_cache_info(), info(4, 4, 1, 1));
    assert_eq!(number_cache_totals().evictions, 3);
    number_cache_resize(8);
    assert_eq!(number_cache_info(), info(4, 4, 8, 1));
    assert_eq!(number_cache_totals().evictions, 3);
}

#[test]
fn all_that_tells_of_a_cache_tells_the_present_bound() {
    #[lru_cache(maxsize = 4)]
    fn told_number(x: u32) -> u32 {
        x
    }
    #[lru_cache(maxsize = None)]
    fn told_unbounded(x: u32) -> u32 {
        x
    }
    let registered = |name: &str| caches().find(|cache| cache.name().ends_with(name)).expect("it was used");
    assert_eq!(told_number_cache_parameters().maxsize, Some(4));
    told_number(1);
    told_number_cache_resize(7);
    assert_eq!(told_number_cache_info().maxsize, Some(7));
    assert_eq!(told_number_cache_parameters().maxsize, Some(7));
    assert_eq!(registered("::told_number").parameters().maxsize, Some(7));
    assert!(registered("::told_number").resize(2));
    assert_eq!(told_number_cache_parameters().maxsize, Some(2));
    assert_eq!(registered("::told_number").info().maxsize, Some(2));
    told_number_cache_clear();
    assert_eq!(told_number_cache_info(), info(0, 0, 2, 0));
    told_unbounded(1);
    assert!(!registered("::told_unbounded").resize(2));
    assert_eq!(told_unbounded_cache_info().maxsize, None);
    assert_eq!(registered("::told_unbounded").parameters().maxsize, None);
}

#[test]
fn a_cache_that_was_not_used_yet_begins_with_the_new_bound() {
    #[lru_cache(maxsize = 4)]
    fn plain(x: u32) -> u32 {
        x
    }
    #[lru_cache(maxsize = 4)]
    fn generic<T: Copy + Send + Sync + std::hash::Hash + Eq + 'static>(x: T) -> T {
        x
    }
    #[lru_cache(maxsize = 4, scope = thread, key = x + 1)]
    fn of_thread(x: u32) -> u32 {
        x
    }
    plain_cache_resize(1);
    generic_cache_resize::<u32>(1);
    of_thread_cache_resize(1);
    assert_eq!(generic_cache_parameters::<u32>().maxsize, Some(1));
    assert_eq!(generic_cache_info::<u32>().maxsize, Some(1));
    assert_eq!(of_thread_cache_info().maxsize, Some(1));
    for x in 0..3 {
        let _ = (plain(x), generic(x), of_thread(x));
    }
    assert_eq!(plain_cache_info(), info(0, 3, 1, 1));
    assert_eq!(generic_cache_info::<u32>(), info(0, 3, 1, 1));
    assert_eq!(of_thread_cache_info(), info(0, 3, 1, 1));
    (0..6_u8).for_each(|x| _ = generic(x));
    assert_eq!(generic_cache_info::<u8>(), info(0, 6, 4, 4), "another instantiation");
}

#[test]
fn a_bound_of_zero_stores_nothing_and_can_grow() {
    #[lru_cache(maxsize = 4)]
    fn number(x: u32) -> u32 {
        x
    }
    #[lru_cache(maxsize = 0)]
    fn at_first_zero(x: u32) -> String {
        x.to_string()
    }
    (0..4).for_each(|x| _ = number(x));
    number_cache_resize(0);
    assert_eq!(number_cache_info(), info(0, 4, 0, 0));
    number_cache_put(1, 1);
    [1, 1].into_iter().for_each(|x| _ = number(x));
    assert_eq!(number_cache_info(), info(0, 6, 0, 0));
    number_cache_resize(1);
    [1, 1].into_iter().for_each(|x| _ = number(x));
    assert_eq!(number_cache_info(), info(1, 7, 1, 1));

    at_first_zero(1);
    at_first_zero_cache_resize(300);
    (0..300).chain(0..300).for_each(|x| assert_eq!(at_first_zero(x), x.to_string()));
    assert_eq!(at_first_zero_cache_info(), info(300, 301, 300, 300));
    at_first_zero_cache_resize(0);
    at_first_zero(1);
    assert_eq!(at_first_zero_cache_info(), info(300, 302, 0, 0));
}

#[test]
fn the_order_of_uses_is_kept_once_the_bound_has_grown() {
    #[lru_cache(maxsize = 1)]
    fn number(x: u32) -> u32 {
        x
    }
    number(1);
    number(1);
    number_cache_resize(3);
    (2..4).for_each(|x| _ = number(x));
    number(1);
    number(4);
    assert_eq!([1, 2, 3, 4].map(|x| number_cache_peek(x).is_some()), [true, false, true, true]);
    number(5);
    assert_eq!([1, 3, 4, 5].map(|x| number_cache_peek(x).is_some()), [true, false, true, true]);
    // And it stays so where it cannot matter meanwhile.
    number_cache_resize(1);
    number(6);
    number_cache_resize(2);
    number(7);
    number(6);
    number(8);
    assert_eq!([6, 7, 8].map(|x| number_cache_peek(x).is_some()), [true, false, true]);
}

#[test]
fn a_cache_of_one_entry_may_grow_to_many() {
    #[lru_cache(maxsize = 1)]
    fn number(x: u32) -> u32 {
        x
    }
    number(0);
    number_cache_resize(20_000);
    (0..20_000).for_each(|x| _ = number(x));
    (0..20_000).for_each(|x| assert_eq!(number(x), x));
    assert_eq!(number_cache_info(), info(20_001, 20_000, 20_000, 20_000));
    (20_000..20_100).for_each(|x| _ = number(x));
    assert_eq!((0..100).find(|&x| number_cache_peek(x).is_some()), None);
    assert_eq!((100..20_100).find(|&x| number_cache_peek(x).is_none()), None);
    number_cache_resize(usize::MAX);
    (0..100).for_each(|x| _ = number(x));
    assert_eq!(number_cache_info().currsize, 20_100);
}

#[test]
fn a_bound_of_weights_stays_as_it_is() {
    #[lru_cache(maxsize = 4, max_weight = 10, weigh = |_, value| *value as usize)]
    fn number(x: u32) -> u32 {
        x
    }
    (1..5).for_each(|x| _ = number(x));
    number_cache_resize(2);
    assert_eq!([1, 2, 3, 4].map(|x| number_cache_peek(x).is_some()), [false, false, true, true]);
    number_cache_resize(100);
    number(2);
    assert_eq!(number_cache_info(), info(0, 5, 100, 3), "2, 3 and 4 weigh 9");
    number(5);
    assert_eq!([2, 3, 4, 5].map(|x| number_cache_peek(x).is_some()), [true, false, false, true]);
    assert_eq!(number_cache_parameters().max_weight, Some(10));
}

#[test]
fn an_expired_entry_leaves_before_a_live_one() {
    let _clock = lru_memo_tests::clock_for_me_alone();
    #[lru_cache(maxsize = 3, ttl = "10s")]
    fn number(x: u32) -> u32 {
        x
    }
    number(1);
    clock::advance(Duration::from_secs(6));
    number(2);
    number(3);
    number(1);
    clock::advance(Duration::from_secs(6));
    number_cache_resize(2);
    assert_eq!([1, 2, 3].map(|x| number_cache_peek(x).is_some()), [false, true, true]);
    let totals = number_cache_totals();
    assert_eq!((totals.evictions, totals.expirations), (0, 1));
}

#[test]
fn a_tag_is_invalidated_before_and_after() {
    #[lru_cache(maxsize = 1, tags = [format!("of:{x}"), "all"])]
    fn number(x: u32) -> u32 {
        x
    }
    number(1);
    number_cache_resize(4);
    (2..5).for_each(|x| _ = number(x));
    invalidate_tag("of:1");
    assert_eq!([1, 2, 3, 4].map(|x| number_cache_peek(x).is_some()), [false, true, true, true]);
    number_cache_resize(2);
    invalidate_tag("all");
    assert_eq!(number_cache_info().currsize, 0);
}

#[test]
fn each_object_has_a_bound_of_its_own() {
    #[derive(Default)]
    struct Store {
        blocks: usize,
        memo: Memo,
    }
    impl Store {
        #[lru_cache(maxsize = self.blocks, scope = self.memo)]
        fn block(&self, x: u32) -> u32 {
            x
        }
        #[lru_cache(maxsize = 4, key = x / 2, scope = self.memo)]
        fn half(&self, x: u32) -> u32 {
            x / 2
        }
    }
    let store = || Store { blocks: 4, memo: Memo::new() };
    let (one, other) = (store(), store());
    for store in [&one, &other] {
        (0..4).for_each(|x| _ = store.block(x));
    }
    one.block_cache_resize(2);
    assert_eq!((one.block_cache_info(), other.block_cache_info()), (info(0, 4, 2, 2), info(0, 4, 4, 4)));
    assert_eq!(one.block_cache_parameters().maxsize, Some(2));
    assert_eq!(other.block_cache_parameters().maxsize, Some(4));
    assert_eq!([0, 1, 2, 3].map(|x| one.block_cache_peek(x).is_some()), [false, false, true, true]);
    one.block_cache_resize(100);
    (0..100).for_each(|x| _ = one.block(x));
    assert_eq!(one.block_cache_info(), info(2, 102, 100, 100));
    assert_eq!(one.memo.caches().count(), 1, "a bound is no cache");
    assert_eq!(one.memo.caches().next().map(|cache| cache.parameters().maxsize), Some(Some(100)));

    let unused = store();
    unused.half_cache_resize(1);
    assert_eq!(unused.memo.caches().count(), 0);
    assert_eq!(
        (unused.half_cache_info(), unused.half_cache_parameters().maxsize),
        (info(0, 0, 1, 0), Some(1))
    );
    (0..4).for_each(|x| _ = unused.half(x));
    assert_eq!(unused.half_cache_info(), info(2, 2, 1, 1));
    unused.memo.clear();
    assert_eq!(unused.half_cache_info(), info(0, 0, 1, 0), "a clear leaves the bound");
    let clone = unused.memo.clone();
    assert_eq!(clone.caches().count(), 0);
}

#[test]
fn a_cache_that_is_made_by_its_own_bound_is_used_in_an_async_fn() {
    #[lru_cache(maxsize = 4, single_flight = true)]
    async fn number(x: u32) -> u32 {
        x
    }
    number_cache_resize(2);
    for x in 0..3 {
        assert_eq!(pollster::block_on(number(x)), x);
    }
    assert_eq!(number_cache_info(), info(0, 3, 2, 2));
}
