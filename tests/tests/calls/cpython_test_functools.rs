//! CPython's own tests of `lru_cache` and `cache` (classes `TestLRU` and `TestCache` of `test_functools.py`, 3.11
//! to 3.13), under their own names, as far as they have a meaning in Rust. Those that have none:
//!
//! | test | why |
//! |---|---|
//! | `test_lru_bug_36650` | an empty `**kwargs`; Rust has no keyword arguments |
//! | `test_lru_with_keyword_args`, `test_lru_with_keyword_args_maxsize_none` | the same; without keywords they are `test_lru_with_maxsize_none` |
//! | `test_kwargs_order` | the same |
//! | `test_lru_type_error` | an argument that cannot be hashed is refused by the compiler |
//! | `test_lru_with_maxsize_negative` | a negative `maxsize` is refused by the compiler, which names 0 and `None` |
//! | `test_lru_cache_typed_is_not_recursive` | `1`, `1.0` and `True` inside a tuple are of different types |
//! | `test_pickle`, `test_copy`, `test_deepcopy` | a function is an item: nothing to pickle, and every copy is itself |
//! | `test_lru_cache_weakrefable` | a function lives as long as the program |
//!
//! `test_lru_method` is a free function with the object as its first argument; `test_lru` is cut at its sizes.

use std::hash::{Hash, Hasher};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use lru_memo::{CacheInfo, cache, lru_cache};
use lru_memo_tests::without_hanging;

const FIBONACCI: [u64; 16] = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610];

fn info(hits: u64, misses: u64, maxsize: impl Into<Option<usize>>, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: maxsize.into(), currsize }
}

#[test]
fn test_cache() {
    #[cache]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    assert_eq!((0..16).map(fib).collect::<Vec<_>>(), FIBONACCI);
    assert_eq!(fib_cache_info(), info(28, 16, None, 16));
    fib_cache_clear();
    assert_eq!(fib_cache_info(), info(0, 0, None, 0));
}

#[test]
fn test_lru() {
    #[lru_cache(maxsize = 20)]
    fn f(x: u32, y: u32) -> u32 {
        3 * x + y
    }
    assert_eq!(f_cache_info(), info(0, 0, 20, 0));
    // Pairs of numbers below 5 in a scrambled order, by a linear congruential generator.
    let mut state = 1_u32;
    let mut number = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % 5
    };
    for _ in 0..1000 {
        let (x, y) = (number(), number());
        assert_eq!(f(x, y), 3 * x + y);
    }
    let CacheInfo { hits, misses, currsize, .. } = f_cache_info();
    assert!(hits > misses);
    assert_eq!((hits + misses, currsize), (1000, 20));

    f_cache_clear();
    assert_eq!(f_cache_info(), info(0, 0, 20, 0));
    f(1, 2);
    assert_eq!(f_cache_info(), info(0, 1, 20, 1));
    assert_eq!(f_uncached(1, 2), 5);
    assert_eq!(f_cache_info(), info(0, 1, 20, 1));
}

#[test]
fn test_lru_of_size_zero() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 0)]
    fn f() -> u32 {
        RUNS.fetch_add(1, Ordering::Relaxed);
        20
    }
    assert_eq!(f_cache_info().maxsize, Some(0));
    assert!((0..5).all(|_| f() == 20));
    assert_eq!(RUNS.load(Ordering::Relaxed), 5);
    assert_eq!(f_cache_info(), info(0, 5, 0, 0));
}

#[test]
fn test_lru_of_size_one() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 1)]
    fn f() -> u32 {
        RUNS.fetch_add(1, Ordering::Relaxed);
        20
    }
    assert_eq!(f_cache_info().maxsize, Some(1));
    assert!((0..5).all(|_| f() == 20));
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    assert_eq!(f_cache_info(), info(4, 1, 1, 1));
}

#[test]
fn test_lru_of_size_two() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        RUNS.fetch_add(1, Ordering::Relaxed);
        x * 10
    }
    assert_eq!(f_cache_info().maxsize, Some(2));
    for x in [7, 9, 7, 9, 7, 9, 8, 8, 8, 9, 9, 9, 8, 8, 8, 7] {
        assert_eq!(f(x), x * 10);
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 4);
    assert_eq!(f_cache_info(), info(12, 4, 2, 2));
}

#[test]
fn test_lru_no_args() {
    #[lru_cache]
    fn square(x: u32) -> u32 {
        x * x
    }
    assert_eq!([10, 20, 10].map(square), [100, 400, 100]);
    assert_eq!(square_cache_info(), info(1, 2, 128, 2));
}

#[test]
fn test_lru_bug_35780() {
    static CALLED_ITSELF: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 10)]
    fn f(x: u32) -> String {
        if x == 20 && CALLED_ITSELF.fetch_add(1, Ordering::Relaxed) == 0 {
            return f(x);
        }
        format!(".{x}.")
    }
    for x in 0..15 {
        assert_eq!(f(x), format!(".{x}."));
    }
    assert_eq!(f_cache_info().currsize, 10);
    assert_eq!(f(20), ".20.");
    assert_eq!(f_cache_info().currsize, 10);
}

#[test]
fn test_lru_hash_only_once() {
    static HASHED: AtomicU32 = AtomicU32::new(0);
    #[derive(Clone, PartialEq, Eq)]
    struct Number(u32);
    impl Hash for Number {
        fn hash<H: Hasher>(&self, state: &mut H) {
            if self.0 == 5 {
                HASHED.fetch_add(1, Ordering::Relaxed);
            }
            state.write_u32(999);
        }
    }
    #[lru_cache(maxsize = 1)]
    fn f(x: Number, y: u32) -> u32 {
        x.0 * 3 + y
    }
    let steps = [
        ("added", Number(5), 1, 16, 1, info(0, 1, 1, 1)),
        ("hit", Number(5), 1, 16, 2, info(1, 1, 1, 1)),
        ("evicted", Number(6), 2, 20, 2, info(1, 2, 1, 1)),
        ("missed", Number(5), 1, 16, 3, info(1, 3, 1, 1)),
    ];
    for (step, x, y, result, hashed, info) in steps {
        assert_eq!(f(x, y), result, "{step}");
        assert_eq!(HASHED.load(Ordering::Relaxed), hashed, "{step}");
        assert_eq!(f_cache_info(), info, "{step}");
    }
}

#[test]
fn test_lru_reentrancy_with_len() {
    // There the builtin is replaced by its cached self; here the cached one takes the name of the other.
    #[lru_cache(maxsize = 4)]
    fn len(text: &str) -> usize {
        str::len(text)
    }
    for i in [0, 0, 1, 2, 3, 3, 4, 5, 6, 1, 7, 2, 1] {
        assert_eq!(len(&"abcdefghijklmn"[..i]), i);
    }
}

#[test]
fn test_lru_star_arg_handling() {
    // A slice takes any number of arguments; one that is a pair is not two.
    #[lru_cache]
    fn f(arguments: &[&[u32]]) -> Vec<Vec<u32>> {
        arguments.iter().map(|argument| argument.to_vec()).collect()
    }
    assert_eq!(f(&[&[1], &[2]]), [[1], [2]]);
    assert_eq!(f(&[&[1, 2]]), [[1, 2]]);
    assert_eq!(f_cache_info(), info(0, 2, 128, 2));
}

#[test]
fn test_lru_with_maxsize_none() {
    #[lru_cache(maxsize = None)]
    fn fib(n: u64) -> u64 {
        if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
    }
    assert_eq!((0..16).map(fib).collect::<Vec<_>>(), FIBONACCI);
    assert_eq!(fib_cache_info(), info(28, 16, None, 16));
    fib_cache_clear();
    assert_eq!(fib_cache_info(), info(0, 0, None, 0));
}

#[test]
fn test_lru_with_exceptions() {
    macro_rules! with {
        ($maxsize:tt) => {{
            #[lru_cache(maxsize = $maxsize)]
            fn func(i: usize) -> Result<char, String> {
                "abc".chars().nth(i).ok_or_else(|| format!("no {i}"))
            }
            assert_eq!(func(0), Ok('a'));
            // As it was returned, and again: it was not cached.
            assert_eq!(func(15), Err("no 15".to_owned()));
            assert_eq!(func(15), Err("no 15".to_owned()));
            assert_eq!((func_cache_info().misses, func_cache_info().currsize), (3, 1));
        }};
    }
    with!(None);
    with!(128);
}

#[test]
fn test_lru_with_types() {
    // What an argument of either type is there.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Number {
        Int(i64),
        Float(f64),
    }
    macro_rules! with {
        ($maxsize:tt) => {{
            #[lru_cache(maxsize = $maxsize, typed = true)]
            fn square(int: Option<i64>, float: Option<f64>) -> Number {
                match (int, float) {
                    (Some(x), _) => Number::Int(x * x),
                    (None, x) => x.map_or(Number::Int(0), |x| Number::Float(x * x)),
                }
            }
            for _ in 0..4 {
                assert_eq!(square(Some(3), None), Number::Int(9));
                assert_eq!(square(None, Some(3.0)), Number::Float(9.0));
            }
            assert_eq!((square_cache_info().hits, square_cache_info().misses), (6, 2));
        }};
    }
    with!(None);
    with!(128);
}

#[test]
fn test_lru_cache_decoration() {
    mod decorated {
        #[lru_memo::lru_cache]
        pub fn f(_zomg: &str) -> u32 {
            42
        }
    }
    // The function keeps its signature, and its module and name are known.
    let f: fn(&str) -> u32 = decorated::f;
    assert_eq!(f("x"), 42);
    let registered = lru_memo::caches().find(|cache| cache.name().ends_with("decorated::f"));
    assert_eq!(registered.expect("a cache by the function's name").info(), info(0, 1, 128, 1));
}

#[test]
fn test_lru_cache_threaded() {
    const N: u32 = 5;
    const M: u32 = 11;
    #[lru_cache(maxsize = (N * M) as usize)]
    fn f(x: u32, y: u32) -> u32 {
        3 * x + y
    }
    let full = |k| (0..M).for_each(|_| assert_eq!(f(k, 0), 3 * k));
    let fill = |and: fn()| {
        let start = Barrier::new(N as usize + 1);
        thread::scope(|scope| {
            for k in 0..N {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    full(k);
                });
            }
            start.wait();
            and();
        });
    };
    assert_eq!(f_cache_info().currsize, 0);
    fill(|| ());
    let (n, m) = (u64::from(N), u64::from(M));
    assert_eq!(f_cache_info(), info(m * n - n, n, (N * M) as usize, N as usize));
    fill(|| (0..2 * M).for_each(|_| f_cache_clear()));
    let info = f_cache_info();
    assert!(info.hits + info.misses <= m * n && info.currsize <= N as usize, "{info}");
}

#[test]
fn test_lru_cache_threaded2() {
    const N: usize = 5;
    const M: usize = 7;
    static PAUSE: Barrier = Barrier::new(N + 1);
    #[lru_cache(maxsize = M * N)]
    fn f(x: usize) -> usize {
        PAUSE.wait();
        3 * x
    }
    without_hanging(
        || "calls with the same argument at the same time".to_owned(),
        || {
            assert_eq!(f_cache_info(), info(0, 0, M * N, 0));
            let (start, stop) = (Barrier::new(N + 1), Barrier::new(N + 1));
            thread::scope(|scope| {
                for _ in 0..N {
                    scope.spawn(|| {
                        for i in 0..M {
                            start.wait();
                            assert_eq!(f(i), 3 * i);
                            stop.wait();
                        }
                    });
                }
                for i in 0..M {
                    start.wait();
                    PAUSE.wait();
                    stop.wait();
                    assert_eq!(f_cache_info(), info(0, ((i + 1) * N) as u64, M * N, i + 1));
                }
            });
        },
    );
}

#[test]
fn test_lru_cache_threaded3() {
    #[lru_cache(maxsize = 2)]
    fn f(x: u32) -> u32 {
        thread::sleep(Duration::from_millis(10));
        3 * x
    }
    thread::scope(|scope| {
        for x in [1, 2, 2, 3, 2] {
            scope.spawn(move || assert_eq!(f(x), 3 * x));
        }
    });
}

#[test]
fn test_need_for_rlock() {
    #[derive(Debug, Clone)]
    struct DoubleEq(u32);
    impl Hash for DoubleEq {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    impl PartialEq for DoubleEq {
        fn eq(&self, other: &Self) -> bool {
            if self.0 == 2 {
                test_func(Self(1));
            }
            self.0 == other.0
        }
    }
    impl Eq for DoubleEq {}
    #[lru_cache(maxsize = 10)]
    fn test_func(x: DoubleEq) -> DoubleEq {
        x
    }
    without_hanging(
        || "`Eq` calls the function".to_owned(),
        || {
            test_func(DoubleEq(1));
            test_func(DoubleEq(2));
            assert_eq!(test_func(DoubleEq(2)), DoubleEq(2));
        },
    );
}

#[test]
fn test_lru_method() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2)]
    fn f(this: u32, x: u32) -> u32 {
        RUNS.fetch_add(1, Ordering::Relaxed);
        x * 10 + this
    }
    assert_eq!(f_cache_info(), info(0, 0, 2, 0));
    let steps = [
        // There two objects are equal, and so are their entries.
        (5, [1, 2, 2, 3, 1, 1, 1, 2, 3, 3], 6, info(4, 6, 2, 2)),
        (5, [1, 2, 1, 1, 1, 1, 3, 2, 2, 2], 10, info(10, 10, 2, 2)),
        (7, [2, 1, 1, 1, 1, 2, 1, 3, 2, 1], 15, info(15, 15, 2, 2)),
    ];
    for (this, xs, runs, info) in steps {
        for x in xs {
            assert_eq!(f(this, x), x * 10 + this);
        }
        assert_eq!((RUNS.load(Ordering::Relaxed), f_cache_info()), (runs, info));
    }
}

#[test]
fn test_lru_cache_parameters() {
    #[lru_cache(maxsize = 2)]
    fn f() -> u32 {
        1
    }
    assert_eq!(f(), 1);
    assert_eq!((f_cache_parameters().maxsize, f_cache_parameters().typed), (Some(2), false));
    #[lru_cache(maxsize = 1000, typed = true)]
    fn g() -> u32 {
        1
    }
    assert_eq!(g(), 1);
    assert_eq!((g_cache_parameters().maxsize, g_cache_parameters().typed), (Some(1000), true));
}

#[test]
fn test_common_signatures() {
    #[lru_cache(maxsize = 1)]
    fn orig(a: u32, b: &str, c: bool) -> usize {
        a as usize + b.len() + usize::from(c)
    }
    let _: fn(u32, &str, bool) -> usize = orig;
    let _: fn() -> CacheInfo = orig_cache_info;
    let _: fn() = orig_cache_clear;
    assert_eq!(orig(1, "bc", true), 4);
}

#[test]
fn test_lru_recursion() {
    // There the depth that the cache itself allows is what matters; a Rust stack that overflows ends the process.
    #[lru_cache(maxsize = None)]
    fn sum(n: u64) -> u64 {
        if n == 0 { 0 } else { n + sum(n - 1) }
    }
    let deep = thread::Builder::new().stack_size(64 << 20).spawn(|| sum(10_000));
    assert_eq!(deep.expect("a thread").join().expect("no overflow"), 50_005_000);
    assert_eq!(sum_cache_info(), info(0, 10_001, None, 10_001));
}
