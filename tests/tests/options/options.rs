//! What each option does, alone and with others.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use lru_memo::{CacheInfo, Scope, cache, clock, lru_cache};
use lru_memo_tests::clock_for_me_alone;

#[macro_use]
mod key;
#[macro_use]
mod idle;
#[macro_use]
mod lifetimes;
#[macro_use]
mod ttl;
#[macro_use]
mod weights;

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
            assert_eq!((by_name(&Context(10), 0, log), by_name_cache_peek(0, log)), (10, Some(10)));
            assert_eq!(
                (on_the_parameter(Context(10), 1, 0.5), on_the_parameter(Context(20), 1, 1.5)),
                (11, 11)
            );
            assert!(on_the_parameter_cache_invalidate(1));
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
        fn cache_if_may_see_the_key_as_weigh_does() {
            #[lru_cache(cache_if = |text, length| text.len() == *length, scope = $scope)]
            fn one(text: &str) -> usize {
                text.len().min(2)
            }
            #[lru_cache(cache_if = |(text, x), sum: &u32| !text.is_empty() && *x + 1 != *sum, scope = $scope)]
            fn two(text: String, x: u32) -> Result<u32, ()> {
                Ok(text.len() as u32 + x)
            }
            #[lru_cache(cache_if = |&id, _| id > 1, key = user.0, skip(_log), scope = $scope)]
            fn by_key(user: (u32, String), _log: &dyn Fn()) -> String {
                user.1
            }
            #[lru_cache(cache_if = |(), x| *x > 1, scope = $scope)]
            fn of_nothing() -> u32 {
                1
            }
            #[lru_cache(cache_if = |x, _| x.clone().into() > 1, scope = $scope)]
            fn generic<T: Clone + Into<u32> + Eq + Hash + Send + Sync + serde::Serialize + 'static>(x: T) -> u32 {
                x.into()
            }
            for _ in 0..2 {
                assert_eq!((one("ab"), one("abc")), (2, 2));
                assert_eq!((two("ab".into(), 1), two("a".into(), 1)), (Ok(3), Ok(2)));
                assert_eq!((by_key((1, "a".into()), &|| ()), by_key((2, "b".into()), &|| ())), ("a".into(), "b".into()));
                assert_eq!((generic(1_u8), generic(2_u8)), (1, 2));
                of_nothing();
            }
            let infos = [one_cache_info(), two_cache_info(), by_key_cache_info(), generic_cache_info::<u8>()];
            assert_eq!(infos.map(counts), [(1, 3, 1); 4]);
            assert_eq!(counts(of_nothing_cache_info()), (0, 2, 0));
            one_cache_refresh("abc");
            assert_eq!((one_cache_refresh("a"), one_cache_peek("a"), one_cache_peek("abc")), (1, Some(1), None));
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

/// Hours, so that no test is slow enough to see one pass.
fn hours_later(hours: u64) {
    clock::advance(Duration::from_secs(3600 * hours));
}

fn minutes_later(minutes: u64) {
    clock::advance(Duration::from_secs(60 * minutes));
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

in_both_scopes!(maxsize key skip stored_if weights ttl lifetimes idle hasher);

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
    assert!(lru_memo::caches().any(|cache| cache.name() == "options::options::unnamed"));
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
