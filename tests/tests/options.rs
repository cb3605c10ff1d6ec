//! What each option does, alone and with others.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru_memo::{CacheInfo, Scope, cache, clock, lru_cache};

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// Calls for what the calls leave behind.
fn for_each<A, R, const N: usize>(arguments: [A; N], f: impl Fn(A) -> R) {
    arguments.into_iter().for_each(|argument| drop(f(argument)));
}

/// Each test in both scopes of one process.
macro_rules! in_both_scopes {
    ($($tests:ident)*) => {
        mod in_the_process {
            use super::*;
            $($tests!(process);)*
        }
        mod in_a_thread {
            use super::*;
            $($tests!(thread);)*
        }
    };
}
macro_rules! maxsize {
    ($scope:ident) => {
        #[test]
        fn maxsize_is_a_constant_expression_also_of_the_functions_own_constants() {
            const LIMIT: usize = 2;
            #[lru_cache(maxsize = LIMIT + 1, scope = $scope)]
            fn three(x: u32) -> u32 {
                x
            }
            #[lru_cache(maxsize = N, scope = $scope)]
            fn of_constant<const N: usize>(x: u32) -> u32 {
                x
            }
            #[lru_cache(maxsize = 2 * N + LIMIT, scope = $scope)]
            fn of_both<const N: usize>(x: u32) -> u32 {
                x
            }
            #[derive(Clone, PartialEq, Eq, Hash)]
            struct Sized_<const N: usize>;
            impl<const N: usize> Sized_<N> {
                const HALF: usize = N / 2;
                #[lru_cache(maxsize = Self::HALF, scope = $scope)]
                fn method(&self, x: u32) -> u32 {
                    x
                }
            }
            for x in 0..20 {
                let found = [three(x), of_constant::<1>(x), of_constant::<5>(x), of_both::<3>(x)];
                assert_eq!((found, Sized_::<8>.method(x)), ([x; 4], x));
            }
            let infos = [
                three_cache_info(),
                of_constant_cache_info::<1>(),
                of_constant_cache_info::<5>(),
                of_both_cache_info::<3>(),
                Sized_::<8>::method_cache_info(),
            ];
            assert_eq!(
                infos.map(|info| (info.maxsize, info.currsize)),
                [3, 1, 5, 8, 4].map(|n| (Some(n), n))
            );
            assert_eq!(of_constant_cache_parameters::<7>().maxsize, Some(7), "unused");
        }

        #[test]
        fn maxsize_none_is_no_bound_and_maxsize_zero_stores_nothing() {
            #[lru_cache(maxsize = None, scope = $scope)]
            fn all(x: u32) -> u32 {
                x
            }
            #[cache(scope = $scope)]
            fn all_too<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> T {
                x
            }
            #[lru_cache(maxsize = 0, scope = $scope)]
            fn none<const N: usize>(x: u32) -> u32 {
                x
            }
            for x in (0..1000).chain(0..1000) {
                assert_eq!((all(x), all_too(x), none::<1>(x)), (x, x, x));
            }
            assert_eq!((all_cache_info().maxsize, counts(all_cache_info())), (None, (1000, 1000, 1000)));
            assert_eq!((all_too_cache_info::<u32>().maxsize, all_too_cache_info::<u32>().hits), (None, 1000));
            none_cache_put::<1>(1, 2);
            none_cache_refresh::<1>(1);
            assert_eq!((none_cache_peek::<1>(1), counts(none_cache_info::<1>())), (None, (0, 2000, 0)));
        }

        #[test]
        fn typed_is_reported_and_types_are_told_apart_in_any_case() {
            #[lru_cache(typed = true, scope = $scope)]
            fn typed<T: Clone + Eq + Hash + Send + Sync + 'static>(_: T) -> usize {
                size_of::<T>()
            }
            #[lru_cache(typed = false, scope = $scope)]
            fn untyped<T: Clone + Eq + Hash + Send + Sync + 'static>(_: T) -> usize {
                size_of::<T>()
            }
            assert_eq!((typed(1_u8), typed(1_u16), untyped(1_u8), untyped(1_u16)), (1, 2, 1, 2));
            assert!(typed_cache_parameters::<u8>().typed && !untyped_cache_parameters::<u8>().typed);
        }
    };
}

macro_rules! key {
    ($scope:ident) => {
        #[test]
        fn key_is_any_expression_over_the_arguments() {
            struct User {
                id: u32,
                name: String,
            }
            #[lru_cache(key = (a.min(b), a.max(b)), scope = $scope)]
            fn symmetric(a: u32, b: u32) -> u32 {
                a + b
            }
            #[lru_cache(key = user.id, scope = $scope)]
            fn field_of_reference(user: &User) -> String {
                user.name.clone()
            }
            #[lru_cache(key = user.id, scope = $scope)]
            fn field_of_value(user: User) -> String {
                user.name
            }
            #[lru_cache(key = text.to_lowercase(), scope = $scope)]
            fn method_call(text: &str) -> usize {
                text.len()
            }
            #[lru_cache(key = { let half = x / 2; half }, scope = $scope)]
            fn block(x: u32) -> u32 {
                x
            }
            #[lru_cache(key = a + b, scope = $scope)]
            fn patterns((a, _): (u32, u32), [b, ..]: [u32; 2]) -> u32 {
                a + b
            }
            #[lru_cache(key = if *x > 0.0 { 1 } else { 0 }, scope = $scope)]
            fn of_what_has_no_hash(x: &f64, _: &dyn Fn()) -> bool {
                *x > 0.0
            }
            let user = |id, name: &str| User { id, name: name.to_owned() };
            assert_eq!((symmetric(1, 2), symmetric(2, 1), symmetric(2, 2)), (3, 3, 4));
            assert_eq!((field_of_reference(&user(1, "a")), field_of_reference(&user(1, "b"))), ("a".into(), "a".into()));
            assert_eq!((field_of_value(user(1, "a")), field_of_value(user(1, "b"))), ("a".into(), "a".into()));
            assert_eq!((method_call("ABC"), method_call("abc"), method_call("b")), (3, 3, 1));
            assert_eq!((block(2), block(3), block(4)), (2, 2, 4));
            assert_eq!((patterns((1, 2), [3, 4]), patterns((3, 0), [1, 0]), patterns((9, 0), [1, 0])), (4, 4, 10));
            assert!(of_what_has_no_hash(&1.0, &|| ()) && of_what_has_no_hash(&2.0, &|| ()));
            let infos = [
                symmetric_cache_info(),
                field_of_reference_cache_info(),
                field_of_value_cache_info(),
                method_call_cache_info(),
                block_cache_info(),
                patterns_cache_info(),
                of_what_has_no_hash_cache_info(),
            ];
            assert_eq!(infos.map(|info| info.hits), [1; 7]);
            assert_eq!(infos.map(|info| info.misses), [2, 1, 1, 2, 2, 2, 1]);
        }

        #[test]
        fn companions_go_by_the_key_expression_too() {
            #[lru_cache(key = x / 10, scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(11);
            assert_eq!((f_cache_peek(12), f_cache_refresh(13), f_cache_peek(14)), (Some(11), 13, Some(13)));
            f_cache_put(15, 100);
            assert_eq!((f(16), f_uncached(16)), (100, 16));
            assert_eq!((f_cache_invalidate(17), f_cache_invalidate(11)), (true, false));
        }

        #[test]
        fn key_may_use_self_generics_and_floats() {
            struct Shop<T> {
                id: T,
                name: &'static str,
            }
            impl<T: Clone + Eq + Hash + Send + Sync + 'static> Shop<T> {
                #[lru_cache(key = (self.id.clone(), price), scope = $scope)]
                fn label(&self, price: f64) -> String {
                    format!("{} {price}", self.name)
                }
            }
            let shops = [Shop { id: 1_u8, name: "a" }, Shop { id: 1, name: "b" }, Shop { id: 2, name: "c" }];
            let found: Vec<String> = shops.iter().map(|shop| shop.label(0.0)).collect();
            assert_eq!(found, ["a 0", "a 0", "c 0"]);
            assert_eq!(shops[0].label(-0.0), "a 0");
            assert_eq!(Shop { id: "1", name: "d" }.label(0.0), "d 0");
            assert_eq!(counts(Shop::<u8>::label_cache_info()), (2, 2, 2));
            assert_eq!(counts(Shop::<&str>::label_cache_info()), (0, 1, 1));
        }

        #[test]
        fn key_is_computed_once_for_each_call() {
            thread_local!(static RUNS: Cell<u32> = const { Cell::new(0) });
            fn of(x: u32) -> u32 {
                RUNS.set(RUNS.get() + 1);
                x
            }
            #[lru_cache(key = of(x), scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(1);
            assert_eq!(RUNS.get(), 1, "a miss");
            f(1);
            assert_eq!(RUNS.get(), 2, "a hit");
            f_cache_peek(1);
            f_cache_put(1, 1);
            f_cache_invalidate(1);
            f_cache_refresh(1);
            assert_eq!(RUNS.get(), 6, "companions");
        }

        #[test]
        fn a_constant_key_is_one_entry() {
            #[lru_cache(key = (), scope = $scope)]
            fn unit(x: u32) -> u32 {
                x
            }
            #[lru_cache(key = 0, scope = $scope)]
            fn zero(x: u32) -> u32 {
                x
            }
            assert_eq!((unit(1), unit(2), zero(1), zero(2)), (1, 1, 1, 1));
        }

        #[test]
        fn a_lock_in_the_key_expression_is_free_while_the_function_runs() {
            #[lru_cache(key = state.lock().map_or(0, |state| *state), scope = $scope)]
            fn by_statement(state: &Mutex<u32>) -> bool {
                state.try_lock().is_ok()
            }
            #[lru_cache(key = *state.lock().unwrap(), scope = $scope)]
            fn by_temporary(state: &Mutex<u32>) -> bool {
                state.try_lock().is_ok()
            }
            assert!(by_statement(&Mutex::new(1)));
            assert!(by_temporary(&Mutex::new(1)), "still locked");
        }
    };
}

macro_rules! skip {
    ($scope:ident) => {
        #[test]
        fn skipped_parameters_are_not_in_the_key_and_need_nothing() {
            /// Neither `Hash` nor `Eq` nor `Clone`.
            struct Context(u32);
            #[lru_cache(skip(context, log), scope = $scope)]
            fn by_name(context: &Context, x: u32, log: impl Fn(u32)) -> u32 {
                log(x);
                context.0 + x
            }
            #[lru_cache(scope = $scope)]
            fn on_the_parameter(
                #[lru_cache(skip)] context: Context,
                x: u32,
                #[lru_cache(skip)] _: f64,
            ) -> u32 {
                context.0 + x
            }
            #[lru_cache(skip(context), scope = $scope)]
            fn in_both_ways(context: &Context, #[lru_cache(skip)] _log: &dyn Fn(u32), x: u32) -> u32 {
                context.0 + x
            }
            #[lru_cache(skip(x), scope = $scope)]
            fn all_of_them(x: u32) -> u32 {
                x
            }
            let log = |x: u32| assert!(x < 2);
            assert_eq!((by_name(&Context(10), 1, log), by_name(&Context(20), 1, log)), (11, 11));
            assert_eq!(
                (by_name(&Context(10), 0, log), by_name_cache_peek(&Context(0), 0, log)),
                (10, Some(10))
            );
            assert_eq!(
                (on_the_parameter(Context(10), 1, 0.5), on_the_parameter(Context(20), 1, 1.5)),
                (11, 11)
            );
            assert!(on_the_parameter_cache_invalidate(Context(0), 1, 0.0));
            assert_eq!((in_both_ways(&Context(10), &log, 1), in_both_ways(&Context(20), &log, 1)), (11, 11));
            assert_eq!(in_both_ways_cache_refresh(&Context(30), &log, 1), 31);
            assert_eq!(in_both_ways(&Context(20), &log, 1), 31);
            assert_eq!((all_of_them(1), all_of_them(2)), (1, 1));
        }

        #[test]
        fn self_can_be_skipped() {
            struct Service<T>(T);
            impl<T: Copy + Into<u32> + 'static> Service<T> {
                #[lru_cache(skip(self), scope = $scope)]
                fn by_reference(&self, x: u32) -> u32 {
                    self.0.into() + x
                }
                #[lru_cache(skip(self, _log), scope = $scope)]
                fn by_value(self, x: u32, _log: &dyn Fn()) -> u32 {
                    self.0.into() + x
                }
            }
            assert_eq!((Service(1_u8).by_reference(1), Service(100_u8).by_reference(1)), (2, 2));
            assert_eq!(Service(100_u16).by_reference(1), 101, "another type");
            assert_eq!((Service(1_u8).by_value(1, &|| ()), Service(100_u8).by_value(1, &|| ())), (2, 2));
            assert_eq!(counts(Service::<u8>::by_reference_cache_info()), (1, 1, 1));
        }

        #[test]
        fn a_skipped_pattern_is_left_out_whole() {
            #[lru_cache(scope = $scope)]
            fn f(#[lru_cache(skip)] (a, _): (f64, [f32; 0]), x: u32) -> f64 {
                a + f64::from(x)
            }
            assert_eq!((f((0.5, []), 1), f((1.5, []), 1)), (1.5, 1.5));
        }
    };
}

macro_rules! stored_if {
    ($scope:ident) => {
        #[test]
        fn cache_if_decides_what_is_stored() {
            fn is_even(x: &u32) -> bool {
                x % 2 == 0
            }
            #[lru_cache(cache_if = |v| *v > 1, scope = $scope)]
            fn by_closure(x: u32) -> u32 {
                x
            }
            #[lru_cache(cache_if = is_even, scope = $scope)]
            fn by_path(x: u32) -> u32 {
                x
            }
            #[lru_cache(cache_if = Option::is_some, scope = $scope)]
            fn by_method(x: u32) -> Option<u32> {
                x.checked_sub(1)
            }
            #[lru_cache(cache_if = |v: &(T, bool)| v.1, scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T, store: bool) -> (T, bool) {
                (x, store)
            }
            for _ in 0..2 {
                assert_eq!((by_closure(1), by_closure(2)), (1, 2));
                assert_eq!((by_path(1), by_path(2)), (1, 2));
                assert_eq!((by_method(0), by_method(1)), (None, Some(0)));
                assert_eq!((generic('a', false), generic('a', true)), (('a', false), ('a', true)));
            }
            let infos = [by_closure_cache_info(), by_path_cache_info(), by_method_cache_info(), generic_cache_info::<char>()];
            assert_eq!(infos.map(counts), [(1, 3, 1); 4]);
        }

        #[test]
        fn cache_if_sees_the_value_inside_the_result_and_no_error() {
            #[lru_cache(cache_if = |v: &u32| { assert!(*v != 0); *v > 1 }, scope = $scope)]
            fn f(x: u32) -> Result<u32, String> {
                if x == 0 { Err("zero".to_owned()) } else { Ok(x) }
            }
            for _ in 0..2 {
                assert_eq!((f(0), f(1), f(2)), (Err("zero".to_owned()), Ok(1), Ok(2)));
            }
            assert_eq!(counts(f_cache_info()), (1, 5, 1));
        }

        #[test]
        fn a_refresh_that_cache_if_rejects_leaves_the_old_value() {
            thread_local!(static NOW: Cell<u32> = const { Cell::new(5) });
            #[lru_cache(cache_if = |v| *v > 1, scope = $scope)]
            fn f(_x: u32) -> u32 {
                NOW.get()
            }
            f(1);
            NOW.set(0);
            assert_eq!((f_cache_refresh(1), f_cache_peek(1)), (0, Some(5)));
        }

        #[test]
        fn cache_if_sees_results_whole_when_errors_are_cached() {
            #[lru_cache(cache_err = true, cache_if = |v: &Result<u32, String>| v != &Ok(1), scope = $scope)]
            fn f(x: u32) -> Result<u32, String> {
                if x == 0 { Err("zero".to_owned()) } else { Ok(x) }
            }
            for _ in 0..2 {
                assert_eq!((f(0), f(1), f(2)), (Err("zero".to_owned()), Ok(1), Ok(2)));
            }
            assert_eq!(counts(f_cache_info()), (2, 4, 2));
        }

        #[test]
        fn cache_err_stores_errors_as_any_value() {
            type R = Result<u32, String>;
            #[lru_cache(cache_err = true, scope = $scope)]
            fn yes(x: u32) -> R {
                x.checked_sub(1).ok_or("zero".to_owned())
            }
            #[lru_cache(cache_err = false, scope = $scope)]
            fn no(x: u32) -> R {
                x.checked_sub(1).ok_or("zero".to_owned())
            }
            for _ in 0..2 {
                assert_eq!((yes(0), no(0)), (Err("zero".to_owned()), Err("zero".to_owned())));
            }
            assert_eq!((counts(yes_cache_info()), counts(no_cache_info())), ((1, 1, 1), (0, 2, 0)));
            let whole: Option<R> = yes_cache_peek(0);
            assert_eq!(whole, Some(Err("zero".to_owned())));
            yes_cache_put(0, Err("put".to_owned()));
            no_cache_put(0, 5);
            assert_eq!((yes(0), no(0)), (Err("put".to_owned()), Ok(5)));
        }
    };
}

macro_rules! weights {
    ($scope:ident) => {
        #[test]
        fn the_sum_of_weights_never_exceeds_the_bound() {
            #[lru_cache(maxsize = None, max_weight = 20, weigh = |_, v: &String| v.len(), scope = $scope)]
            fn f(x: usize) -> String {
                "x".repeat(x)
            }
            // A small generator of sizes; deterministic.
            let mut state = 1_usize;
            let mut present: Vec<usize> = Vec::new();
            for _ in 0..2000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let x = (state >> 33) % 24;
                assert_eq!(f(x).len(), x);
                // The naive model: least recent first.
                present.retain(|&other| other != x);
                if x <= 20 {
                    present.push(x);
                }
                while present.iter().sum::<usize>() > 20 {
                    present.remove(0);
                }
                let found: Vec<usize> = (0..24).filter(|&x| f_cache_peek(x).is_some()).collect();
                let mut expected = present.clone();
                expected.sort_unstable();
                assert_eq!((found, f_cache_info().currsize), (expected, present.len()));
            }
        }

        #[test]
        fn what_is_too_heavy_is_returned_and_not_stored() {
            #[lru_cache(max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            assert_eq!((f(4), f(6), f(11), f(11), f(usize::MAX)), (4, 6, 11, 11, usize::MAX));
            assert_eq!((f_cache_peek(4), f_cache_peek(6), f_cache_peek(11)), (Some(4), Some(6), None));
            assert_eq!(counts(f_cache_info()), (0, 5, 2));
            f_cache_put(5, 11);
            assert_eq!((f_cache_peek(5), f_cache_peek(4)), (None, Some(4)));
        }

        #[test]
        fn a_heavier_value_in_the_same_place_evicts_the_least_recent() {
            #[lru_cache(max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            let present = || [1, 2, 3, 4].map(|x| f_cache_peek(x).is_some());
            for_each([1, 2, 3, 4], f);
            assert_eq!(present(), [true; 4]);
            f_cache_put(1, 3);
            assert_eq!(present(), [true, false, true, true], "2 was the least recent");
            f_cache_put(3, 1);
            f_cache_put(5, 2);
            assert_eq!((present(), f_cache_info().currsize), ([true, false, true, true], 4), "room was freed");
            f_cache_put(1, 10);
            assert_eq!((present(), f_cache_peek(1)), ([true, false, false, false], Some(10)));
            f_cache_put(1, 11);
            assert_eq!((present(), f_cache_info().currsize), ([false; 4], 0), "neither the old nor the new");
        }

        #[test]
        fn weights_and_count_are_bounds_together() {
            #[lru_cache(maxsize = 2, max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            for_each([1, 2, 3], f);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None, Some(2), Some(3)]);
            f(8);
            assert_eq!([2, 3, 8].map(f_cache_peek), [None, None, Some(8)]);
        }

        #[test]
        fn weigh_sees_the_parts_of_the_key_as_they_are_stored() {
            #[lru_cache(max_weight = 10, weigh = |(text, n): (&String, &u32), v: &()| { let () = v; text.len() + *n as usize }, scope = $scope)]
            fn f(text: &str, n: u32) {
                let _ = (text, n);
            }
            #[lru_cache(max_weight = 10, weigh = |key: &u64, _| *key as usize, key = u64::from(x) * 2, scope = $scope)]
            fn by_key(x: u32) -> u32 {
                x
            }
            #[lru_cache(max_weight = 10, weigh = |(): (), v: &u32| *v as usize, scope = $scope)]
            fn without_arguments() -> u32 {
                1
            }
            #[lru_cache(max_weight = limit(), weigh = |_, v: &Vec<T>| v.len() * size_of::<T>(), scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T, n: usize) -> Vec<T> {
                vec![x; n]
            }
            fn limit() -> usize {
                10
            }
            f("abc", 3);
            f("abcd", 0);
            assert_eq!(f_cache_info().currsize, 2);
            f("a", 0);
            assert_eq!((f_cache_peek("abc", 3), f_cache_peek("abcd", 0)), (None, Some(())));
            for_each([3, 2, 1], by_key);
            assert_eq!([3, 2, 1].map(by_key_cache_peek), [None, Some(2), Some(1)]);
            assert_eq!((without_arguments(), without_arguments_cache_info().currsize), (1, 1));
            generic(1_u32, 2);
            generic(1_u32, 3);
            generic(1_u8, 10);
            assert_eq!((generic_cache_info::<u32>().currsize, generic_cache_info::<u8>().currsize), (1, 1));
            assert_eq!(generic_cache_parameters::<u8>().max_weight, Some(10));
        }

        #[test]
        fn entries_of_no_weight_are_bounded_by_count_alone() {
            #[lru_cache(maxsize = 3, max_weight = 0, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x / 10
            }
            (0..20).for_each(|x| assert_eq!(f(x), x / 10));
            assert_eq!(counts(f_cache_info()), (0, 20, 3));
        }

        #[test]
        fn weights_whose_sum_is_no_number_do_not_overflow() {
            #[lru_cache(max_weight = usize::MAX, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            f(usize::MAX);
            f(usize::MAX - 1);
            assert_eq!((f_cache_peek(usize::MAX), f_cache_peek(usize::MAX - 1)), (None, Some(usize::MAX - 1)));
            f(1);
            f_cache_put(1, usize::MAX);
            assert_eq!((f_cache_peek(1), f_cache_info().currsize), (Some(usize::MAX), 1));
        }
    };
}

/// The clock belongs to the whole process: whoever moves it holds this.
fn clock_for_me_alone() -> MutexGuard<'static, ()> {
    static CLOCK: Mutex<()> = Mutex::new(());
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hours, so that no test is slow enough to see one pass.
fn hours_later(hours: u64) {
    clock::advance(Duration::from_secs(3600 * hours));
}

macro_rules! ttl {
    ($scope:ident) => {
        #[test]
        fn an_expired_entry_is_a_miss_and_a_hit_does_not_extend() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn literal(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = Duration::from_secs(3600) * 10, scope = $scope)]
            fn expression(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T) -> T {
                x
            }
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn not_plain(x: &str) -> String {
                x.to_owned()
            }
            let call = || (literal(1), expression(1), generic(1), not_plain("1"));
            let infos = || {
                [
                    literal_cache_info(),
                    expression_cache_info(),
                    generic_cache_info::<i32>(),
                    not_plain_cache_info(),
                ]
                .map(counts)
            };
            call();
            hours_later(6);
            call();
            assert_eq!(infos(), [(1, 1, 1); 4], "after six hours");
            hours_later(6);
            assert_eq!(call(), (1, 1, 1, "1".to_owned()));
            assert_eq!(infos(), [(1, 2, 1); 4], "after twelve, though used after six");
            hours_later(9);
            call();
            assert_eq!(infos(), [(2, 2, 1); 4], "the new entry counts from when it was stored");
            let ttl = Some(Duration::from_secs(36_000));
            assert_eq!([literal_cache_parameters().ttl, expression_cache_parameters().ttl], [ttl; 2]);
        }

        #[test]
        fn an_observed_expired_entry_is_no_longer_counted() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> Option<u32> {
                (x > 0).then_some(x)
            }
            for_each([1, 2, 3, 4], f);
            hours_later(10);
            assert_eq!((f_cache_peek(1), f_cache_invalidate(2)), (None, false), "as if not there");
            assert_eq!(f_cache_info().currsize, 2, "seen by peek and by invalidate");
            f_cache_put(3, Some(3));
            assert_eq!(f_cache_info().currsize, 2, "replaced by put");
            f(4);
            assert_eq!(counts(f_cache_info()), (0, 5, 2), "replaced by a miss");
        }

        #[test]
        fn put_and_refresh_renew() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            for_each([1, 2, 3], f);
            hours_later(6);
            f_cache_put(1, 10);
            f_cache_refresh(2);
            hours_later(6);
            assert_eq!([1, 2, 3].map(f_cache_peek), [Some(10), Some(2), None]);
            hours_later(6);
            assert_eq!([1, 2, 3].map(f_cache_peek), [None; 3]);
        }

        #[test]
        fn an_expired_entry_makes_room_before_a_fresh_one_does() {
            let _clock = clock_for_me_alone();
            #[lru_cache(maxsize = 3, ttl = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            f(1);
            hours_later(6);
            for_each([2, 3], f);
            f(1);
            hours_later(6);
            // 2 is the least recent, but 1 is expired.
            f(4);
            assert_eq!([1, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(3), Some(4)]);
            f(5);
            assert_eq!(
                [2, 3, 4, 5].map(f_cache_peek),
                [None, Some(3), Some(4), Some(5)],
                "then the least recent"
            );
        }

        #[test]
        fn an_expired_entry_frees_its_weight_first() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", max_weight = 10, weigh = |_, v| *v, scope = $scope)]
            fn f(x: usize) -> usize {
                x
            }
            f(5);
            hours_later(6);
            for_each([2, 3], f);
            f(5);
            hours_later(6);
            f(4);
            assert_eq!([5, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(3), Some(4)]);
        }

        #[test]
        fn a_value_is_as_old_as_its_storing_not_as_its_call() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> u32 {
                hours_later(20);
                x
            }
            assert_eq!((f(1), f(1)), (1, 1));
            assert_eq!(counts(f_cache_info()), (1, 1, 1));
        }

        #[test]
        fn an_error_after_expiry_leaves_nothing() {
            let _clock = clock_for_me_alone();
            static FAILS: AtomicU32 = AtomicU32::new(0);
            #[lru_cache(ttl = "10h", scope = $scope)]
            fn f(x: u32) -> Result<u32, ()> {
                if FAILS.load(SeqCst) > 0 { Err(()) } else { Ok(x) }
            }
            assert_eq!(f(1), Ok(1));
            FAILS.store(1, SeqCst);
            assert_eq!(f(1), Ok(1), "a hit");
            hours_later(10);
            assert_eq!((f(1), f_cache_peek(1)), (Err(()), None));
            assert_eq!(counts(f_cache_info()), (1, 2, 0));
        }

        #[test]
        fn the_longest_ttl_never_expires_and_the_shortest_expires_at_once() {
            let _clock = clock_for_me_alone();
            #[lru_cache(ttl = Duration::MAX, scope = $scope)]
            fn never(x: u32) -> u32 {
                x
            }
            #[lru_cache(ttl = Duration::ZERO, scope = $scope)]
            fn at_once(x: u32) -> u32 {
                x
            }
            let call = || (never(1), at_once(1));
            call();
            hours_later(1_000);
            assert_eq!(call(), (1, 1));
            assert_eq!((counts(never_cache_info()), counts(at_once_cache_info())), ((1, 1, 1), (0, 2, 1)));
        }
    };
}

/// A hasher for which all keys are alike.
#[derive(Default)]
struct OneHash;

impl BuildHasher for OneHash {
    type Hasher = Zero;
    fn build_hasher(&self) -> Zero {
        Zero
    }
}

struct Zero;

impl Hasher for Zero {
    fn write(&mut self, _: &[u8]) {}
    fn finish(&self) -> u64 {
        0
    }
}

/// Counts how often a key is hashed.
#[derive(Default)]
struct Counting(RandomState);

thread_local!(static HASHED: Cell<u32> = const { Cell::new(0) });

impl BuildHasher for Counting {
    type Hasher = <RandomState as BuildHasher>::Hasher;
    fn build_hasher(&self) -> Self::Hasher {
        HASHED.set(HASHED.get() + 1);
        self.0.build_hasher()
    }
}

macro_rules! hasher {
    ($scope:ident) => {
        #[test]
        fn the_hasher_is_the_one_that_was_asked_for() {
            #[lru_cache(hasher = Counting, scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            #[lru_cache(hasher = Counting, scope = $scope)]
            fn generic<T: Clone + Eq + Hash + Send + Sync + 'static>(x: T, text: &str) -> (T, usize) {
                (x, text.len())
            }
            HASHED.set(0);
            f(1);
            assert_eq!(HASHED.get(), 1, "once for a miss");
            f(1);
            assert_eq!(HASHED.get(), 2, "once for a hit");
            generic('a', "b");
            generic('a', "b");
            assert_eq!(HASHED.get(), 4);
        }

        #[test]
        fn a_hasher_for_which_all_keys_are_alike_is_slow_but_right() {
            #[lru_cache(hasher = OneHash, maxsize = 20, scope = $scope)]
            fn plain(x: u32) -> u32 {
                x
            }
            #[lru_cache(hasher = OneHash, maxsize = 20, scope = $scope)]
            fn not_plain(x: &str) -> String {
                x.to_owned()
            }
            for x in (0..40).chain(20..40).chain(10..30) {
                assert_eq!((plain(x), not_plain(&x.to_string())), (x, x.to_string()));
            }
            assert_eq!(counts(plain_cache_info()), counts(not_plain_cache_info()));
            // The second round hits 20 times; the third misses 10..20, which evicts what it asks for next.
            assert_eq!(counts(plain_cache_info()), (20, 60, 20));
        }

        #[test]
        fn a_hasher_may_be_a_generic_path() {
            #[lru_cache(hasher = std::hash::BuildHasherDefault<std::hash::DefaultHasher>, scope = $scope)]
            fn f(x: u32) -> u32 {
                x
            }
            assert_eq!((f(1), f(1), f_cache_info().hits), (1, 1, 1));
        }
    };
}

in_both_scopes!(maxsize key skip stored_if weights ttl hasher);

#[test]
fn name_and_version_are_the_identity_that_is_reported() {
    #[lru_cache(name = "orders", version = 3)]
    fn named(x: u32) -> u32 {
        x
    }
    #[lru_cache]
    fn unnamed(x: u32) -> u32 {
        x
    }
    assert_eq!((named(1), unnamed(1)), (1, 1));
    assert_eq!((named_cache_parameters().version, unnamed_cache_parameters().version), (3, 0));
    let found = lru_memo::caches().find(|cache| cache.name() == "orders").expect("used");
    assert_eq!((found.parameters().version, found.info().misses), (3, 1));
    assert!(lru_memo::caches().any(|cache| cache.name() == "options::unnamed"));
}

#[test]
fn two_functions_of_one_given_name_have_caches_of_their_own_in_a_process() {
    #[lru_cache(name = "twin")]
    fn one(x: u32) -> u32 {
        x + 1
    }
    #[lru_cache(name = "twin")]
    fn two(x: u32) -> u32 {
        x + 2
    }
    assert_eq!((one(1), two(1), one(1), two(1)), (2, 3, 2, 3));
    assert_eq!(lru_memo::caches().filter(|cache| cache.name() == "twin").count(), 2);
}

#[test]
fn parameters_report_every_option_of_the_cache() {
    #[lru_cache(maxsize = 7, typed = true, scope = thread, ttl = "1m 30s", max_weight = 9, weigh = |_, _| 1, version = 2)]
    fn f(x: u32) -> u32 {
        x
    }
    assert_eq!(f(1), 1);
    let parameters = f_cache_parameters();
    assert_eq!((parameters.maxsize, parameters.typed, parameters.scope), (Some(7), true, Scope::Thread));
    assert_eq!((parameters.ttl, parameters.max_weight), (Some(Duration::from_secs(90)), Some(9)));
    assert_eq!(parameters.version, 2);
}

#[test]
fn the_crate_may_be_elsewhere() {
    mod re_exported {
        pub(super) mod deep {
            pub(crate) use ::lru_memo;
        }
    }
    use re_exported::deep::lru_memo as memo;
    #[memo::lru_cache(crate = re_exported::deep::lru_memo)]
    fn free(x: u32) -> u32 {
        x
    }
    #[memo::cache(crate = memo, scope = thread)]
    fn generic<T: Clone + Eq + Hash + 'static>(x: T) -> T {
        x
    }
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Id(u32);
    impl Id {
        #[memo::lru_cache(crate = memo, key = self.0, max_weight = 1, weigh = |_, _| 1, ttl = "1h", cache_if = |_| true)]
        async fn method(&self) -> Result<u32, ()> {
            Ok(self.0)
        }
    }
    assert_eq!((free(1), free(1), generic(1), generic(1)), (1, 1, 1, 1));
    assert_eq!((free_cache_info().hits, generic_cache_info::<i32>().hits), (1, 1));
    assert_eq!((pollster::block_on(Id(1).method()), pollster::block_on(Id(1).method())), (Ok(1), Ok(1)));
    assert_eq!(Id::method_cache_info().hits, 1);
}

#[test]
fn all_options_go_together() {
    let _clock = clock_for_me_alone();
    #[lru_cache(
        maxsize = 3,
        typed = true,
        scope = process,
        ttl = "10h",
        key = x % 100,
        cache_if = |v: &Result<u32, String>| v.is_ok(),
        cache_err = true,
        single_flight = true,
        max_weight = 1_000,
        weigh = |key: &u32, v: &Result<u32, String>| (*key + v.clone().unwrap_or(0)) as usize,
        hasher = RandomState,
        name = "all",
        version = 1,
        crate = lru_memo,
    )]
    fn f(x: u32) -> Result<u32, String> {
        if x == 0 { Err("zero".to_owned()) } else { Ok(x) }
    }
    assert_eq!([0, 1, 101, 2, 3].map(f), [Err("zero".to_owned()), Ok(1), Ok(1), Ok(2), Ok(3)]);
    assert_eq!(counts(f_cache_info()), (1, 4, 3));
    assert_eq!((f(999), counts(f_cache_info())), (Ok(999), (1, 5, 3)), "too heavy");
    hours_later(10);
    assert_eq!([1, 2, 3].map(f_cache_peek), [None, None, None]);
}
