//! Calls of one thread, one after the other or one inside the other, in every scope.

use std::time::Duration;

use lru_memo::{Outcome, lru_cache};

use super::Backend::{Fails, Panics, Works};
use super::{BACKEND, RUNS, ask, begin, counts, minutes_later, totals};

macro_rules! in_scope {
    ($scope:ident) => {
        use super::*;

        #[test]
        fn a_fresh_entry_is_a_hit_and_an_old_one_is_recomputed_by_its_caller() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Miss));
            minutes_later(99);
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Hit));
            minutes_later(1);
            assert_eq!(f_with_outcome(1), (Ok(2), Outcome::Miss));
            assert_eq!(f(1), Ok(2));
            assert_eq!(counts(f_cache_info()), (2, 2, 1));
            assert_eq!(totals(f_cache_totals()), (2, 2, 0, 0));
        }

        #[test]
        fn the_parameters_tell_it() {
            #[lru_cache(ttl = "100m", stale = Duration::from_secs(5), scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = "100m", scope = $scope)]
            fn without(x: u32) -> u32 {
                x
            }
            assert_eq!(f(1), without(1));
            assert_eq!(f_cache_parameters().stale, Some(Duration::from_secs(5)));
            assert_eq!(without_cache_parameters().stale, None);
        }

        #[test]
        fn when_recomputing_fails_the_old_value_is_returned_and_the_failure_counted() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            for (run, backend) in [Fails, Panics].into_iter().enumerate() {
                f_cache_clear();
                BACKEND.set(Works);
                let first = f(1);
                minutes_later(100);
                let before = totals(f_cache_totals());
                BACKEND.set(backend);
                let runs = RUNS.get();
                assert_eq!(f_with_outcome(1), (first.clone(), Outcome::Stale), "run {run}: {backend:?}");
                assert_eq!(RUNS.get(), runs + 1);
                assert_eq!(f_with_outcome(1), (first, Outcome::Stale));
                assert_eq!(RUNS.get(), runs + 1, "not tried again at once");
                let (hits, misses, stale_hits, errors) = before;
                assert_eq!(totals(f_cache_totals()), (hits + 1, misses + 1, stale_hits + 1, errors + 1));
                assert_eq!(counts(f_cache_info()), (1, 2, 1));
            }
        }

        #[test]
        fn after_a_failure_it_is_tried_again_when_a_tenth_of_the_ttl_has_passed() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            f(1).expect("a value");
            minutes_later(150);
            BACKEND.set(Fails);
            for round in 0..3 {
                assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
                assert_eq!(RUNS.get(), 2 + round);
                minutes_later(9);
                BACKEND.set(Works);
                assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale), "in the pause");
                BACKEND.set(Fails);
                minutes_later(1);
            }
            BACKEND.set(Works);
            assert_eq!(f_with_outcome(1), (Ok(5), Outcome::Miss));
            assert_eq!(f_with_outcome(1), (Ok(5), Outcome::Hit));
        }

        #[test]
        fn the_pause_after_a_failure_is_a_second_at_least() {
            let _clock = begin();
            // On a busy machine, some milliseconds may pass before a value is stored.
            #[lru_cache(ttl = "200ms", stale = "1000m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            f(1).expect("a value");
            minutes_later(1);
            BACKEND.set(Fails);
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
            lru_memo::clock::advance(Duration::from_millis(250));
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
            assert_eq!(RUNS.get(), 2);
            lru_memo::clock::advance(Duration::from_secs(1));
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
            assert_eq!(RUNS.get(), 3);
        }

        #[test]
        fn when_the_stale_time_is_over_the_entry_is_gone() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "50m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            f(1).expect("a value");
            minutes_later(149);
            BACKEND.set(Fails);
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
            assert_eq!(f_cache_peek(1), Some(1));
            minutes_later(1);
            assert_eq!(f_cache_peek(1), None);
            assert_eq!(f_with_outcome(1).1, Outcome::Miss);
            assert!(f(1).is_err(), "each call runs again");
            assert_eq!(RUNS.get(), 4);
            assert_eq!(counts(f_cache_info()).2, 0);
        }

        #[test]
        fn a_panic_without_an_old_value_reaches_the_caller() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "50m", scope = $scope)]
            fn f(_x: u32) -> u32 {
                ask().expect("it works or panics")
            }
            BACKEND.set(Panics);
            let panic = std::panic::catch_unwind(|| f(1)).expect_err("a panic");
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the backend is down"));
            BACKEND.set(Works);
            assert_eq!(f(1), 2);
            minutes_later(100);
            BACKEND.set(Panics);
            assert_eq!(f_with_outcome(1), (2, Outcome::Stale), "also of what returns no `Result`");
        }

        #[test]
        fn a_recursive_call_during_the_recomputation_gets_the_old_value() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn plain(_x: u32) -> (u32, Option<u32>) {
                let run = ask().expect("it works");
                (run, (run % 2 == 0).then(|| plain_with_outcome(1)).map(|(value, outcome)| {
                    assert_eq!(outcome, Outcome::Stale);
                    value.0
                }))
            }
            #[lru_cache(ttl = "100m", stale = "1000m", single_flight = true, scope = $scope)]
            fn joined(_x: u32) -> (u32, Option<u32>) {
                let run = ask().expect("it works");
                (run, (run % 2 == 0).then(|| joined_with_outcome(1)).map(|(value, outcome)| {
                    assert_eq!(outcome, Outcome::Stale);
                    value.0
                }))
            }
            assert_eq!(plain(1), (1, None));
            minutes_later(100);
            assert_eq!(plain(1), (2, Some(1)));
            RUNS.set(0);
            assert_eq!(joined(1), (1, None));
            minutes_later(100);
            assert_eq!(joined(1), (2, Some(1)));
            assert_eq!(totals(joined_cache_totals()), (1, 2, 1, 0));
        }

        #[test]
        fn after_an_invalidation_or_a_clear_during_the_recomputation_nobody_gets_the_old_value() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(x: u32) -> Result<u32, String> {
                let run = ask();
                if RUNS.get() % 3 == 2 {
                    match x {
                        1 => assert!(f_cache_invalidate(1)),
                        _ => f_cache_clear(),
                    }
                    assert_eq!(f_cache_peek(x), None);
                }
                run
            }
            for x in 1..=2 {
                RUNS.set(0);
                BACKEND.set(Works);
                assert_eq!(f(x), Ok(1));
                minutes_later(100);
                assert_eq!(f_with_outcome(x), (Ok(2), Outcome::Miss));
                assert_eq!(f_cache_peek(x), None, "the run is not stored");
                assert_eq!(f_with_outcome(x), (Ok(3), Outcome::Miss));
            }
        }

        #[test]
        fn peek_put_refresh_and_invalidate_see_an_old_entry() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            (1..=4).for_each(|x| drop(f(x)));
            minutes_later(100);
            assert_eq!((1..=4).map(f_cache_peek).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
            assert_eq!(f_cache_info().currsize, 4);
            f_cache_put(1, 100);
            assert_eq!(f_with_outcome(1), (Ok(100), Outcome::Hit));
            assert_eq!(f_cache_refresh(2), Ok(5));
            assert_eq!(f_with_outcome(2), (Ok(5), Outcome::Hit));
            BACKEND.set(Fails);
            assert!(f_cache_refresh(3).is_err(), "who asks for a new value is told that there is none");
            assert_eq!(f_with_outcome(3), (Ok(3), Outcome::Stale));
            assert!(f_cache_invalidate(4));
            assert!(f(4).is_err());
        }

        #[test]
        fn a_new_value_takes_the_place_of_the_old_one_though_it_is_not_stored() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", cache_if = |v: &u32| *v == 1, scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            f(1).expect("a value");
            minutes_later(100);
            assert_eq!(f_with_outcome(1), (Ok(2), Outcome::Miss));
            assert_eq!(f_cache_peek(1), None);
            assert_eq!(f_with_outcome(1), (Ok(3), Outcome::Miss));
        }

        #[test]
        fn an_error_that_is_cached_is_a_value_like_others() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", cache_err = true, scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            assert_eq!(f(1), Ok(1));
            minutes_later(100);
            BACKEND.set(Fails);
            assert_eq!(f_with_outcome(1), (Err("the backend is down".to_owned()), Outcome::Miss));
            assert_eq!(f_with_outcome(1), (Err("the backend is down".to_owned()), Outcome::Hit));
        }

        #[test]
        fn the_stale_time_comes_on_top_of_what_jitter_and_ttl_of_leave() {
            let _clock = begin();
            #[lru_cache(
                ttl = "100m", stale = "50m", ttl_of = |_: &u32| Duration::from_secs(600), scope = $scope
            )]
            fn own(_x: u32) -> Result<u32, String> {
                ask()
            }
            #[lru_cache(ttl = "100m", stale = "50m", jitter = "100m", scope = $scope)]
            fn jittered(_x: u32) -> Result<u32, String> {
                ask()
            }
            #[lru_cache(ttl = "100m", stale = "50m", ttl_of = |_: &u32| Duration::ZERO, scope = $scope)]
            fn never(_x: u32) -> Result<u32, String> {
                ask()
            }
            own(1).expect("a value");
            for x in 0..120 {
                jittered(x).expect("a value");
            }
            BACKEND.set(Fails);
            minutes_later(9);
            assert_eq!(own_with_outcome(1), (Ok(1), Outcome::Hit));
            minutes_later(1);
            assert_eq!(own_with_outcome(1), (Ok(1), Outcome::Stale));
            let old = (0..120).filter(|&x| jittered_with_outcome(x).1 == Outcome::Stale).count();
            assert!((1..60).contains(&old), "about a tenth, not {old}");
            minutes_later(49);
            assert_eq!(own_with_outcome(1), (Ok(1), Outcome::Stale));
            minutes_later(1);
            assert!(own(1).is_err());
            minutes_later(39);
            let left = (0..120).filter(|&x| jittered_cache_peek(x).is_some()).count();
            assert!((25..100).contains(&left), "about a half, not {left}");
            BACKEND.set(Works);
            never(1).expect("a value");
            assert_eq!(never_cache_peek(1), None, "what is old at once is not stored");
        }

        #[test]
        fn an_old_entry_is_evicted_like_any_other_also_while_it_is_recomputed() {
            let _clock = begin();
            #[lru_cache(maxsize = 2, ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(x: u32) -> Result<u32, String> {
                let run = ask();
                if x == 1 && RUNS.get() == 3 {
                    f(7).expect("a value");
                    f(8).expect("a value");
                    assert_eq!(f_cache_peek(1), None);
                }
                run
            }
            f(1).expect("a value");
            f(2).expect("a value");
            minutes_later(100);
            assert_eq!(f_with_outcome(1), (Ok(3), Outcome::Miss));
            assert_eq!(f_cache_peek(1), Some(3), "the new value is stored");
            assert_eq!(f_cache_info().currsize, 2);
        }

        #[test]
        fn a_stale_hit_is_a_use() {
            let _clock = begin();
            #[lru_cache(maxsize = 2, ttl = "100m", stale = "1000m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            f(1).expect("a value");
            f(2).expect("a value");
            minutes_later(100);
            BACKEND.set(Fails);
            f(1).expect("the old value");
            f(1).expect("the old value");
            BACKEND.set(Works);
            f(3).expect("a value");
            assert_eq!([1, 2].map(f_cache_peek), [Some(1), None]);
        }

        #[test]
        fn what_nobody_has_used_is_not_served_though_it_is_old() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", idle = "150m", scope = $scope)]
            fn f(_x: u32) -> Result<u32, String> {
                ask()
            }
            f(1).expect("a value");
            f(2).expect("a value");
            minutes_later(90);
            f(1).expect("a hit");
            minutes_later(60);
            BACKEND.set(Fails);
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale));
            assert!(f(2).is_err());
            minutes_later(100);
            assert_eq!(f_with_outcome(1), (Ok(1), Outcome::Stale), "a stale hit is a use");
            minutes_later(150);
            assert!(f(1).is_err());
        }

        #[test]
        fn text_and_generic_functions_work_alike() {
            let _clock = begin();
            #[lru_cache(ttl = "100m", stale = "1000m", scope = $scope)]
            fn text(name: &str) -> Result<String, String> {
                ask().map(|run| format!("{name} {run}"))
            }
            #[lru_cache(key = x % 10, ttl = "100m", stale = "1000m", skip(changed), scope = $scope)]
            fn by_key(x: u32, changed: &mut u32) -> Result<u32, String> {
                *changed += 1;
                ask().map(|run| run + x)
            }
            let mut changed = 0;
            assert_eq!((text("a"), by_key(10, &mut changed)), (Ok("a 1".to_owned()), Ok(12)));
            minutes_later(100);
            BACKEND.set(Panics);
            assert_eq!((text("a"), by_key(20, &mut changed)), (Ok("a 1".to_owned()), Ok(12)));
            assert_eq!(changed, 2);
        }
    };
}

mod in_the_process {
    in_scope!(process);
}

mod in_a_thread {
    in_scope!(thread);
}

#[cfg(feature = "shared")]
mod on_a_store {
    in_scope!(shared);
}
