//! What the functions beside a memoized function do, and what `maxsize` can be.

use lru_memo::{CacheInfo, Scope, cache, lru_cache};

fn info(hits: u64, misses: u64, maxsize: impl Into<Option<usize>>, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: maxsize.into(), currsize }
}

fn call<const N: usize>(arguments: [u32; N], f: fn(u32) -> u32) {
    arguments.into_iter().for_each(|argument| assert_eq!(f(argument), 2 * argument));
}

/// Each test in scope `process` and in scope `thread`, on `f(x) = 2 * x` with two entries and a run counter.
macro_rules! in_both_scopes {
    ($($name:ident: $scope:ident;)*) => {$(mod $name {
        use super::*;
        use std::cell::Cell;

        thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });

        /// A memoized `f` for one test.
        macro_rules! memoized {
            () => {
                #[lru_cache(maxsize = 2, scope = $scope)]
                fn f(x: u32) -> u32 {
                    RUNS.set(RUNS.get() + 1);
                    2 * x
                }
            };
        }

        #[test]
        fn uncached_runs_the_function_and_touches_nothing() {
            memoized!();
            f(1);
            assert_eq!((f_uncached(1), f_uncached(2)), (2, 4));
            assert_eq!((RUNS.get(), f_cache_info()), (3, info(0, 1, 2, 1)));
        }

        #[test]
        fn clear_drops_every_entry_and_zeroes_the_counters() {
            memoized!();
            call([1, 1, 2], f);
            f_cache_clear();
            assert_eq!(f_cache_info(), info(0, 0, 2, 0));
            assert_eq!((f_cache_peek(1), f(1), RUNS.get()), (None, 2, 3));
        }

        #[test]
        fn peek_touches_neither_counters_nor_recency() {
            memoized!();
            call([1, 2], f);
            assert_eq!((f_cache_peek(1), f_cache_peek(3)), (Some(2), None));
            assert_eq!(f_cache_info(), info(0, 2, 2, 2));
            f(3);
            assert_eq!((f_cache_peek(1), f_cache_peek(2)), (None, Some(4)));
        }

        #[test]
        fn put_stores_as_the_most_recent_and_counts_nothing() {
            memoized!();
            call([1, 2], f);
            f_cache_put(3, 30);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None, Some(4), Some(30)]);
            assert_eq!((f(3), f_cache_info()), (30, info(1, 2, 2, 2)));
        }

        #[test]
        fn put_replaces_and_makes_most_recent() {
            memoized!();
            call([1, 2], f);
            f_cache_put(1, 10);
            assert_eq!(f_cache_info(), info(0, 2, 2, 2));
            f(3);
            assert_eq!([1, 2, 3].map(f_cache_peek), [Some(10), None, Some(6)]);
        }

        #[test]
        fn invalidate_removes_one_entry_and_says_whether_it_was_there() {
            memoized!();
            call([1, 2], f);
            assert_eq!((f_cache_invalidate(1), f_cache_invalidate(1)), (true, false));
            assert_eq!(f_cache_info(), info(0, 2, 2, 1));
            assert_eq!([1, 2].map(f_cache_peek), [None, Some(4)]);
        }

        #[test]
        fn the_place_of_an_invalidated_entry_is_free_for_the_next() {
            memoized!();
            call([1, 2], f);
            f_cache_invalidate(1);
            f(3);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None, Some(4), Some(6)]);
        }

        #[test]
        fn refresh_runs_the_function_stores_as_most_recent_and_counts_nothing() {
            memoized!();
            f_cache_put(1, 10);
            f(2);
            assert_eq!((f_cache_refresh(1), RUNS.get()), (2, 2));
            assert_eq!(f_cache_info(), info(0, 1, 2, 2));
            f(3);
            assert_eq!([1, 2, 3].map(f_cache_peek), [Some(2), None, Some(6)]);
        }

        #[test]
        fn refresh_stores_what_was_not_there() {
            memoized!();
            assert_eq!((f_cache_refresh(1), f(1)), (2, 2));
            assert_eq!((RUNS.get(), f_cache_info()), (1, info(1, 0, 2, 1)));
        }

        #[test]
        fn callers_hit_the_old_value_while_a_refresh_runs() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> u32 {
                f(x) + 1
            }
            f_cache_put(1, 10);
            assert_eq!((f_cache_refresh(1), f(1)), (11, 11));
            assert_eq!(f_cache_info(), info(2, 0, 2, 1));
        }

        #[test]
        fn a_refresh_that_fails_leaves_the_old_value() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn f(x: u32) -> Result<u32, String> {
                Err(format!("no {x}"))
            }
            f_cache_put(1, 10);
            assert_eq!(f_cache_refresh(1), Err("no 1".to_owned()));
            assert_eq!((f_cache_peek(1), f(1)), (Some(10), Ok(10)));
            assert_eq!(f_cache_info(), info(1, 0, 2, 1));
        }
    })*};
}

in_both_scopes! {
    of_the_process: process;
    of_a_thread: thread;
}

#[test]
fn maxsize_zero_stores_nothing_by_any_way_and_counts_misses() {
    #[lru_cache(maxsize = 0)]
    fn f(x: u32) -> u32 {
        x
    }
    assert_eq!((f(1), f(1), f_cache_refresh(1)), (1, 1, 1));
    f_cache_put(1, 10);
    assert_eq!((f_cache_peek(1), f_cache_invalidate(1)), (None, false));
    assert_eq!(f_cache_info(), info(0, 2, 0, 0));
}

#[test]
fn maxsize_is_any_constant_expression() {
    mod limits {
        pub(super) const LIMIT: usize = 3;
        pub(super) const fn twice(n: usize) -> usize {
            2 * n
        }
    }
    use limits::LIMIT;
    #[lru_cache(maxsize = LIMIT)]
    fn by_name() {}
    #[lru_cache(maxsize = limits::twice(LIMIT) + 1)]
    fn by_call() {}
    #[lru_cache(maxsize = 4 * 1024)]
    fn by_product() {}
    #[lru_cache(maxsize = if cfg!(any()) { 1 } else { 2 })]
    fn by_choice() {}
    #[lru_cache(maxsize = usize::MAX)]
    fn by_the_largest(x: u32) -> u32 {
        x
    }
    let found = [by_name_cache_info(), by_call_cache_info(), by_product_cache_info(), by_choice_cache_info()];
    assert_eq!(found.map(|info| info.maxsize), [3, 7, 4096, 2].map(Some));
    by_the_largest(1);
    assert_eq!(by_the_largest_cache_info(), info(0, 1, usize::MAX, 1));
    by_name();
    by_call();
    by_product();
    by_choice();
}

#[test]
fn without_options_maxsize_is_128() {
    #[lru_cache]
    fn bare(x: u32) -> u32 {
        x
    }
    #[lru_cache()]
    fn empty(x: u32) -> u32 {
        x
    }
    (0..200).for_each(|x| assert_eq!(bare(x) + empty(x), 2 * x));
    assert_eq!(bare_cache_info(), info(0, 200, 128, 128));
    assert_eq!(empty_cache_info(), info(0, 200, 128, 128));
}

#[test]
fn an_unbounded_cache_keeps_everything() {
    #[cache]
    fn f(x: u32) -> u32 {
        x
    }
    (0..10_000).chain(0..10_000).for_each(|x| assert_eq!(f(x), x));
    assert_eq!(f_cache_info(), info(10_000, 10_000, None, 10_000));
    assert_eq!(
        f_cache_info().to_string(),
        "CacheInfo(hits=10000, misses=10000, maxsize=None, currsize=10000)"
    );
}

#[test]
fn parameters_are_those_that_were_written() {
    #[lru_cache]
    fn default() {}
    #[lru_cache(maxsize = None, typed = true, scope = thread)]
    fn other() {}
    let parameters = default_cache_parameters();
    assert_eq!((parameters.maxsize, parameters.typed), (Some(128), false));
    assert_eq!((parameters.scope, parameters.ttl), (Scope::Process, None));
    let parameters = other_cache_parameters();
    assert_eq!((parameters.maxsize, parameters.typed), (None, true));
    assert_eq!((parameters.scope, parameters.ttl), (Scope::Thread, None));
    default();
    other();
}

#[test]
fn a_used_cache_is_registered_by_name_and_place_and_can_be_cleared_there() {
    mod inner {
        #[lru_memo::lru_cache(maxsize = 5)]
        pub(super) fn registered(x: u32) -> u32 {
            x
        }
    }
    let find = || lru_memo::caches().find(|cache| cache.name() == "calls::companions::inner::registered");
    let line = line!() - 6;
    assert!(find().is_none(), "not used yet");
    inner::registered(1);
    let found = find().expect("used now");
    assert!(found.file().ends_with("companions.rs"), "{}", found.file());
    assert!((line..line + 2).contains(&found.line()), "{} is not near {line}", found.line());
    assert_eq!((found.info(), found.parameters().maxsize), (info(0, 1, 5, 1), Some(5)));
    found.clear();
    assert_eq!(inner::registered_cache_info(), info(0, 0, 5, 0));
    let times = lru_memo::caches().filter(|cache| cache.name() == found.name()).count();
    assert_eq!(times, 1);
}
