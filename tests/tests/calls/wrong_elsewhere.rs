//! What other memoization crates get wrong without a word, and what hangs there: a test each.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use lru_memo::{CacheInfo, cache, lru_cache};
use lru_memo_tests::without_hanging;

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// Each test in one kind of cache: the options are those of every function in it.
macro_rules! in_each_kind {
    ($($kind:ident: [$($options:tt)*])*) => {$(mod $kind {
        use super::*;
        wrong_results!($($options)*);
        hangs!($($options)*);
    })*};
}

macro_rules! wrong_results {
    ($($options:tt)*) => {
        #[test]
        fn self_is_part_of_the_key_of_a_method() {
            #[derive(Clone, PartialEq, Eq, Hash)]
            struct S(u32);
            impl S {
                #[lru_cache($($options)*)]
                fn m(&self, x: u32) -> u32 {
                    self.0 + x
                }
            }
            assert_eq!((S(1).m(1), S(100).m(1), S(1).m(1), S(100).m(1)), (2, 101, 2, 101));
            assert_eq!(counts(S::m_cache_info()), (2, 2, 2));
        }

        #[test]
        fn implementors_of_a_default_method_do_not_share_a_cache() {
            trait Name: Clone + Eq + Hash + Send + Sync + 'static {
                const NAME: &'static str;
                #[lru_cache($($options)*)]
                fn name(&self, x: u32) -> String {
                    format!("{}{x}", Self::NAME)
                }
            }
            impl Name for () {
                const NAME: &'static str = "unit";
            }
            impl Name for [(); 0] {
                const NAME: &'static str = "array";
            }
            for _ in 0..2 {
                assert_eq!((().name(1), [].name(1)), ("unit1".to_owned(), "array1".to_owned()));
            }
            assert_eq!(counts(<() as Name>::name_cache_info()), (1, 1, 1));
            <() as Name>::name_cache_clear();
            assert_eq!(counts(<[(); 0] as Name>::name_cache_info()), (1, 1, 1), "the other's is cleared");
        }

        #[test]
        fn instantiations_of_a_generic_impl_do_not_share_a_cache() {
            #[derive(Clone, PartialEq, Eq, Hash)]
            struct Of<T>(PhantomData<T>);
            impl<T: Clone + Eq + Hash + Send + Sync + 'static> Of<T> {
                #[lru_cache($($options)*)]
                fn size(&self) -> usize {
                    size_of::<T>()
                }
                #[lru_cache($($options)*)]
                fn default() -> (usize, Self) {
                    (size_of::<T>(), Self(PhantomData))
                }
            }
            for _ in 0..2 {
                assert_eq!((Of::<u8>(PhantomData).size(), Of::<u16>(PhantomData).size()), (1, 2));
                assert_eq!((Of::<u8>::default().0, Of::<u16>::default().0), (1, 2));
            }
            assert_eq!((counts(Of::<u8>::size_cache_info()), counts(Of::<u32>::size_cache_info())), ((1, 1, 1), (0, 0, 0)));
        }

        #[test]
        fn constants_that_are_no_arguments_tell_caches_apart() {
            #[lru_cache($($options)*)]
            fn g<const N: u32>(x: u32) -> u32 {
                x + N
            }
            #[lru_cache($($options)*)]
            fn flag<const LOUD: bool, const END: char>(x: &str) -> String {
                format!("{}{END}", if LOUD { x.to_uppercase() } else { x.to_owned() })
            }
            assert_eq!((g::<1>(1), g::<2>(1), g::<1>(1), g::<2>(1)), (2, 3, 2, 3));
            assert_eq!((counts(g_cache_info::<1>()), counts(g_cache_info::<2>())), ((1, 1, 1), (1, 1, 1)));
            for _ in 0..2 {
                let found = [flag::<true, '!'>("a"), flag::<true, '?'>("a"), flag::<false, '!'>("a")];
                assert_eq!(found, ["A!", "A?", "a!"]);
            }
        }

        #[test]
        fn types_that_are_no_arguments_tell_caches_apart() {
            #[lru_cache($($options)*)]
            fn parse<T: std::str::FromStr + ToString + 'static>(text: &str) -> Option<String> {
                text.parse::<T>().ok().map(|value| value.to_string())
            }
            for _ in 0..2 {
                assert_eq!(parse::<i32>("-01"), Some("-1".to_owned()));
                assert_eq!(parse::<u32>("-01"), None);
                assert_eq!(parse::<String>("-01"), Some("-01".to_owned()));
            }
            assert_eq!(counts(parse_cache_info::<i32>()), (1, 1, 1));
        }

        #[test]
        fn a_function_in_a_generic_function_is_one_function() {
            // It cannot use the outer one's types: one cache is right.
            fn outer<T>(x: u32) -> (usize, u32) {
                #[lru_cache($($options)*)]
                fn inner(x: u32) -> u32 {
                    x + 1
                }
                (size_of::<T>(), inner(x))
            }
            assert_eq!((outer::<u8>(1), outer::<u16>(1), outer::<u16>(2)), ((1, 2), (2, 2), (2, 3)));
        }

        #[test]
        fn errors_behind_an_alias_are_not_cached() {
            type R<T> = Result<T, String>;
            #[lru_cache($($options)*)]
            fn f(x: u32) -> R<u32> {
                if x == 0 { Err("zero".to_owned()) } else { Ok(x) }
            }
            assert!((f(0), f(0)) == (Err("zero".to_owned()), Err("zero".to_owned())));
            assert_eq!((f(1), f(1)), (Ok(1), Ok(1)));
            assert_eq!(counts(f_cache_info()), (1, 3, 1));
        }

        #[test]
        fn arguments_that_look_alike_as_text_are_different_keys() {
            #[lru_cache($($options)*)]
            fn texts(a: &str, b: &str) -> (String, String) {
                (a.to_owned(), b.to_owned())
            }
            #[lru_cache($($options)*)]
            fn numbers(a: u32, b: u32) -> (u32, u32) {
                (a, b)
            }
            #[lru_cache($($options)*)]
            fn lists(a: Vec<String>) -> Vec<String> {
                a
            }
            #[lru_cache($($options)*)]
            fn options(a: Option<&str>) -> Option<String> {
                a.map(str::to_owned)
            }
            let words = ["", "a", ",", "a,", ",a", "a,b", "|", ":", "-", "_", " ", "\0", "\u{ff}", "\"", "\", \""];
            let pairs: Vec<(&str, &str)> = words.iter().flat_map(|&a| words.iter().map(move |&b| (a, b))).collect();
            for &(a, b) in pairs.iter().chain(&pairs) {
                assert_eq!(texts(a, b), (a.to_owned(), b.to_owned()));
            }
            for (a, b) in [(1, 11), (11, 1), (111, 0), (0, 111)] {
                assert_eq!(numbers(a, b), (a, b));
            }
            for list in [&["a", "b"] as &[&str], &["a\", \"b"], &["a, b"], &["ab"], &["ab", ""], &[], &[""]] {
                let list: Vec<String> = list.iter().map(ToString::to_string).collect();
                assert_eq!(lists(list.clone()), list);
            }
            for option in [None, Some("None"), Some(""), Some("Some(\"\")")] {
                assert_eq!(options(option), option.map(str::to_owned));
            }
        }

        #[test]
        fn functions_with_one_bare_name_do_not_meet() {
            mod one {
                #[super::lru_cache($($options)*)]
                pub(super) fn name(x: u32) -> u32 {
                    x + 1
                }
            }
            mod two {
                #[super::lru_cache($($options)*)]
                pub(super) fn name(x: u32) -> u32 {
                    x + 2
                }
            }
            assert_eq!((one::name(1), two::name(1), one::name(1), two::name(1)), (2, 3, 2, 3));
            let mine = module_path!();
            let names: Vec<_> = lru_memo::caches().map(|cache| cache.name()).collect();
            for name in ["one::name", "two::name"] {
                let name = format!("{mine}::{name}");
                assert_eq!(names.iter().filter(|&&other| other == name).count(), 1, "{name} in {names:?}");
            }
            one::name_cache_clear();
            assert_eq!(counts(two::name_cache_info()), (1, 1, 1), "the other's is cleared");
        }

        #[test]
        fn keys_of_one_hash_are_told_apart() {
            #[derive(Debug, Clone, PartialEq, Eq)]
            struct Same(u32);
            impl Hash for Same {
                fn hash<H: Hasher>(&self, _: &mut H) {}
            }
            #[lru_cache($($options)*)]
            fn f(x: Same) -> u32 {
                x.0
            }
            for x in (0..50).chain(0..50) {
                assert_eq!(f(Same(x)), x);
            }
            assert_eq!(counts(f_cache_info()), (50, 50, 50));
        }
    };
}

macro_rules! hangs {
    ($($options:tt)*) => {
        #[test]
        fn recursion_does_not_hang() {
            #[lru_cache($($options)*)]
            fn fib(n: u64) -> u64 {
                if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
            }
            without_hanging(|| "recursion".to_owned(), || {
                assert_eq!(fib(80), 23_416_728_348_467_685);
                assert_eq!(counts(fib_cache_info()), (78, 81, 81));
            });
        }

        #[test]
        fn recursion_on_the_same_key_does_not_hang() {
            thread_local!(static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
            #[lru_cache($($options)*)]
            fn f(x: u32) -> u32 {
                DEPTH.set(DEPTH.get() + 1);
                if DEPTH.get() < 3 { f(x) + 1 } else { x }
            }
            without_hanging(|| "the same key again".to_owned(), || {
                assert_eq!(f(1), 3);
                // Three misses; what the innermost has stored stays.
                assert_eq!(counts(f_cache_info()), (0, 3, 1));
                assert_eq!(f(1), 1);
            });
        }

        #[test]
        fn mutual_recursion_does_not_hang() {
            #[lru_cache($($options)*)]
            fn even(n: u32) -> bool {
                n == 0 || odd(n - 1)
            }
            #[lru_cache($($options)*)]
            fn odd(n: u32) -> bool {
                n != 0 && even(n - 1)
            }
            without_hanging(|| "mutual recursion".to_owned(), || assert!(even(60) && odd(61) && !odd(60)));
        }

        #[test]
        fn a_value_that_leaves_may_call_the_function_while_it_is_dropped() {
            /// Calls the function from its destructor, if it is the one to do so.
            #[derive(Clone)]
            struct Value(u32, Arc<AtomicU32>);
            impl Drop for Value {
                fn drop(&mut self) {
                    // Values made from here on call nothing.
                    let calls = self.1.load(SeqCst);
                    if calls > 0 && self.1.compare_exchange(calls, calls - 1, SeqCst, SeqCst).is_ok() {
                        let _ = (f(1000 + self.0), f(self.0), f_cache_info());
                        f_cache_invalidate(1000 + self.0);
                    }
                }
            }
            #[lru_cache(maxsize = 2, $($options)*)]
            fn f(x: u32) -> Value {
                Value(x, Arc::default())
            }
            without_hanging(|| "a destructor that calls the function".to_owned(), || {
                let armed = |x| Value(x, Arc::new(AtomicU32::new(3)));
                for way in 0..5 {
                    f_cache_clear();
                    f_cache_put(1, armed(1));
                    f_cache_put(2, armed(2));
                    match way {
                        0 => assert_eq!((f(3).0, f(4).0), (3, 4)),
                        1 => assert!(f_cache_invalidate(1)),
                        2 => f_cache_put(1, armed(1)),
                        3 => assert_eq!(f_cache_refresh(1).0, 1),
                        _ => f_cache_clear(),
                    }
                    assert!(f_cache_info().currsize <= 2);
                    assert_eq!((f(5).0, f(5).0), (5, 5), "way {way}");
                }
            });
        }

        #[test]
        fn an_evicted_value_may_ask_for_the_value_that_evicts_it() {
            struct Value(u32, bool);
            impl Clone for Value {
                fn clone(&self) -> Self {
                    Self(self.0, false)
                }
            }
            impl Drop for Value {
                fn drop(&mut self) {
                    if std::mem::take(&mut self.1) {
                        assert_eq!(f(2).0, 2);
                    }
                }
            }
            #[lru_cache(maxsize = 1, $($options)*)]
            fn f(x: u32) -> Value {
                Value(x, false)
            }
            without_hanging(|| "an evicted value that asks for the new one".to_owned(), || {
                f_cache_put(1, Value(1, true));
                assert_eq!((f(2).0, f(2).0), (2, 2));
            });
        }

        #[test]
        fn a_value_may_ask_for_itself_while_it_is_cloned() {
            thread_local!(static ASKS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
            struct Value(u32);
            impl Clone for Value {
                fn clone(&self) -> Self {
                    if ASKS.take() {
                        assert_eq!(f(self.0).0, self.0);
                    }
                    Self(self.0)
                }
            }
            #[lru_cache($($options)*)]
            fn f(x: u32) -> Value {
                Value(x)
            }
            without_hanging(|| "a value that is stored".to_owned(), || {
                ASKS.set(true);
                assert_eq!(f(1).0, 1);
                assert!(!ASKS.replace(true), "cloned to be stored");
                assert_eq!(f(1).0, 1);
                assert!(!ASKS.get(), "cloned by a hit");
            });
        }

        #[test]
        fn a_panicking_hash_poisons_nothing() {
            static ARMED: AtomicBool = AtomicBool::new(false);
            #[derive(Debug, Clone)]
            struct Key(u32);
            impl Hash for Key {
                fn hash<H: Hasher>(&self, state: &mut H) {
                    assert!(!(self.0 == 13 && ARMED.load(SeqCst)), "hash of 13");
                    self.0.hash(state);
                }
            }
            impl PartialEq for Key {
                fn eq(&self, other: &Self) -> bool {
                    assert!(!(self.0 == 7 && ARMED.load(SeqCst)), "eq of 7");
                    self.0 == other.0
                }
            }
            impl Eq for Key {}
            #[lru_cache($($options)*)]
            fn f(x: Key) -> u32 {
                assert!(!(x.0 == 5 && ARMED.load(SeqCst)), "body of 5");
                x.0
            }
            without_hanging(|| "after a panic".to_owned(), || {
                f(Key(7));
                ARMED.store(true, SeqCst);
                let panics = |x| catch_unwind(AssertUnwindSafe(|| f(Key(x)))).is_err();
                assert!([13, 7, 5, 13].into_iter().all(panics), "no panic came out");
                assert_eq!((f(Key(1)), f(Key(1))), (1, 1));
                ARMED.store(false, SeqCst);
                assert_eq!([13, 7, 5, 13, 7, 5].map(|x| f(Key(x))), [13, 7, 5, 13, 7, 5]);
            });
        }
    };
}

in_each_kind! {
    in_the_process: [scope = process]
    in_a_thread: [scope = thread]
    in_single_flight: [single_flight = true]
    in_single_flight_of_a_thread: [single_flight = true, scope = thread]
}

#[test]
fn different_keys_never_wait_for_each_other() {
    const THREADS: u32 = 32;
    static ALL_INSIDE: Barrier = Barrier::new(THREADS as usize);
    #[lru_cache(single_flight = true)]
    fn f(x: u32) -> u32 {
        // Passed only when every thread is in the function at once.
        ALL_INSIDE.wait();
        x
    }
    without_hanging(
        || format!("{} misses, and not all at once", f_cache_info().misses),
        || {
            let threads: Vec<_> = (0..THREADS).map(|x| thread::spawn(move || f(x))).collect();
            let found: HashSet<u32> = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect();
            assert_eq!(found.len(), THREADS as usize);
        },
    );
}

#[test]
fn a_panic_in_one_thread_poisons_no_other() {
    static PANICS: AtomicBool = AtomicBool::new(true);
    #[cache]
    fn f(x: u32) -> u32 {
        assert!(!PANICS.load(SeqCst), "body");
        x
    }
    without_hanging(
        || "a thread after another's panic".to_owned(),
        || {
            let threads: Vec<_> = (0..8).map(|x| thread::spawn(move || f(x % 2))).collect();
            assert!(threads.into_iter().all(|thread| thread.join().is_err()));
            PANICS.store(false, SeqCst);
            let threads: Vec<_> = (0..8).map(|x| thread::spawn(move || f(x % 2))).collect();
            assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
        },
    );
    assert_eq!((f_cache_info().hits + f_cache_info().misses, f_cache_info().currsize), (16, 2));
}

#[test]
fn recursion_between_threads_that_share_keys_does_not_hang() {
    #[lru_cache(maxsize = None, single_flight = true)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    without_hanging(
        || format!("recursion in several threads: {}", fib_cache_info()),
        || {
            for _ in 0..200 {
                fib_cache_clear();
                let threads: Vec<_> = (0..4).map(|n| thread::spawn(move || fib(30 + n))).collect();
                let found: Vec<u64> =
                    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
                assert_eq!(found, [832_040, 1_346_269, 2_178_309, 3_524_578]);
            }
        },
    );
}
