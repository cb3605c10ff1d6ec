//! Types of one's own with the names of the standard library's: each is what it is.

use lru_memo::{CacheInfo, lru_cache};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cow<T>(T);
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Vec<T>(T);
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Option<T> {
    Some(T),
}
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Result<T>(T);

/// A type that a key can be made of, though it has a float inside.
#[derive(Debug, Clone, PartialEq)]
struct Meters(f64);

type StdVec<T> = std::vec::Vec<T>;
mod renamed {
    pub(super) type Vec<T> = std::vec::Vec<T>;
    pub(super) type Option<T> = std::option::Option<T>;
    pub(super) type Cow<'a, T> = std::borrow::Cow<'a, T>;
}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn a_namesake_of_a_wrapper_takes_part_as_it_is() {
    #[lru_cache]
    fn f(a: Cow<String>, b: &Cow<&'static str>, c: &[Cow<u8>], d: std::option::Option<Cow<u8>>) -> usize {
        a.0.len() + b.0.len() + c.len() + d.map_or(0, |d| usize::from(d.0))
    }
    let call = |x| f(Cow("a".to_owned()), &Cow("b"), &[Cow(1), Cow(x)], Some(Cow(3)));
    assert_eq!((call(1), call(1), call(2)), (7, 7, 7));
    assert_eq!(counts(f_cache_info()), (1, 2, 2));

    #[lru_cache]
    fn g(a: Vec<(u8, &'static str)>, b: (Option<&'static str>, Vec<u8>)) -> (usize, usize) {
        let Option::Some(text) = b.0;
        (a.0.1.len(), text.len() + usize::from(b.1.0))
    }
    let call = || g(Vec((1, "a")), (Option::Some("b"), Vec(2)));
    assert_eq!((call(), call(), counts(g_cache_info())), ((1, 3), (1, 3), (1, 1, 1)));
}

#[test]
fn an_alias_with_the_name_of_a_wrapper_is_seen_through() {
    #[lru_cache]
    fn f(
        a: renamed::Vec<&str>,
        b: renamed::Option<f64>,
        c: renamed::Cow<'_, str>,
        d: &renamed::Option<&[f32]>,
    ) -> usize {
        a.len() + usize::from(b.is_some()) + c.len() + d.map_or(0, <[f32]>::len)
    }
    let call = |x: f64| f(vec!["a", "b"], Some(x), "c".into(), &Some(&[1.0, 2.0]));
    assert_eq!((call(0.0), call(-0.0), call(f64::NAN), call(f64::NAN)), (6, 6, 6, 6));
    assert_eq!(counts(f_cache_info()), (2, 2, 2));
}

#[test]
fn wrappers_of_types_that_are_floats_by_another_name_are_taken_apart() {
    type Float = f64;
    #[lru_cache]
    fn f(a: std::option::Option<(&str, Float)>, b: StdVec<u8>) -> usize {
        a.map_or(0, |a| a.0.len()) + b.len()
    }
    assert_eq!((f(Some(("a", 0.0)), vec![1]), f(Some(("a", -0.0)), vec![1])), (2, 2));
    assert_eq!(counts(f_cache_info()), (1, 1, 1));
}

#[test]
fn a_namesake_of_result_is_cached_as_it_is() {
    #[lru_cache]
    fn f(x: u32) -> Result<u32> {
        Result(x)
    }
    assert_eq!((f(1), f(1), counts(f_cache_info())), (Result(1), Result(1), (1, 1, 1)));

    struct Type;
    #[lru_cache]
    impl Type {
        #[lru_cache]
        fn of_block(x: u32) -> Result<u32> {
            Result(x)
        }
        #[lru_cache]
        fn with_a_parameter<T: Clone + Eq + std::hash::Hash + Send + Sync + 'static>(
            x: T,
            y: Cow<u8>,
        ) -> Result<u8> {
            let _ = x;
            Result(y.0)
        }
    }
    assert_eq!((Type::of_block(1), Type::of_block(1)), (Result(1), Result(1)));
    assert_eq!(counts(Type::of_block_cache_info()), (1, 1, 1));
    assert_eq!(
        (Type::with_a_parameter('a', Cow(1)), Type::with_a_parameter('a', Cow(1))),
        (Result(1), Result(1))
    );
    assert_eq!(Type::of_block_cache_peek(1), Some(Result(1)));
}

#[test]
fn a_namesake_may_be_left_out_of_the_key() {
    #[lru_cache(skip(meters))]
    fn f(meters: Cow<Meters>, x: u32) -> u32 {
        meters.0.0 as u32 + x
    }
    assert_eq!((f(Cow(Meters(1.0)), 1), f(Cow(Meters(2.0)), 1)), (2, 2));
}

#[test]
fn a_namesake_may_have_a_constant_parameter() {
    mod fixed {
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub(super) struct Vec<T, const N: usize>(pub(super) [T; N]);
    }
    #[lru_cache]
    fn f<T: Clone + Eq + std::hash::Hash + Send + Sync + 'static>(
        x: fixed::Vec<&'static str, 2>,
        y: T,
    ) -> usize {
        let _ = y;
        x.0.len()
    }
    assert_eq!((f(fixed::Vec(["a", "b"]), 1), f(fixed::Vec(["a", "b"]), 1)), (2, 2));
    assert_eq!(counts(f_cache_info::<i32>()), (1, 1, 1));
}
