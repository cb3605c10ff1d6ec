//! An `Err` behind an alias that does not say `Result` is not cached, wherever the alias can be seen.

use std::hash::Hash;

use lru_memo::{CacheInfo, lru_cache};

type Fallible<T> = Result<T, String>;
type Done = Result<u32, String>;
type Maybe<T> = Option<T>;

/// What a type parameter needs in order to be part of a key of the process.
trait Part: Clone + Eq + Hash + Send + Sync + 'static {}
impl<T: Clone + Eq + Hash + Send + Sync + 'static> Part for T {}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Number(u32);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pair<T>(T, T);

trait Half: Sized {
    type Output;
    fn halve(&self) -> Self::Output;
    fn smaller(&self) -> Fallible<Self>;
}

/// An error for an odd number.
fn half_of(x: u32) -> Done {
    if x % 2 == 0 { Ok(x / 2) } else { Err(format!("{x} is odd")) }
}

/// Hits, misses and size after two calls with each of an odd and an even number.
const AFTER_ALL: (u64, u64, usize) = (1, 3, 1);

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn free_generic_functions_see_an_alias_that_names_no_parameter() {
    #[lru_cache]
    fn typed<T: Part + Into<u32>>(x: T) -> Fallible<u32> {
        half_of(x.into())
    }
    #[lru_cache]
    fn counted<const N: u32>(x: u32) -> Done {
        half_of(x * N)
    }
    #[lru_cache]
    fn anonymous(x: impl Part + Into<u32>) -> Done {
        half_of(x.into())
    }
    for _ in 0..2 {
        assert_eq!((typed(3_u8).is_err(), typed(4_u8)), (true, Ok(2)));
        assert_eq!((counted::<3>(3).is_err(), counted::<3>(4)), (true, Ok(6)));
        assert_eq!((anonymous(3_u8).is_err(), anonymous(4_u8)), (true, Ok(2)));
    }
    assert_eq!(counts(typed_cache_info::<u8>()), AFTER_ALL);
    assert_eq!(counts(counted_cache_info::<3>()), AFTER_ALL);
    assert_eq!(counts(anonymous_cache_info::<u8>()), AFTER_ALL);
    assert_eq!((typed_cache_peek(3_u8), typed_cache_peek(4_u8)), (None, Some(2)));
    counted_cache_put::<3>(3, 1);
    assert_eq!(counted::<3>(3), Ok(1));
}

#[lru_cache]
impl Number {
    #[lru_cache]
    fn half(&self) -> Fallible<u32> {
        half_of(self.0)
    }
    #[lru_cache]
    fn halved(&self) -> Fallible<Self> {
        half_of(self.0).map(Self)
    }
    #[lru_cache]
    async fn half_later<T: Part>(self, x: T) -> Fallible<(u32, Self)> {
        let _ = x;
        half_of(self.0).map(|half| (half, self))
    }
}

#[test]
fn methods_see_an_alias_when_the_attribute_is_on_the_block() {
    for _ in 0..2 {
        assert_eq!((Number(3).half().is_err(), Number(4).half()), (true, Ok(2)));
        assert_eq!((Number(3).halved().is_err(), Number(4).halved()), (true, Ok(Number(2))));
        let later = |x| pollster::block_on(Number(x).half_later('x'));
        assert_eq!((later(3).is_err(), later(4)), (true, Ok((2, Number(4)))));
    }
    assert_eq!(counts(Number::half_cache_info()), AFTER_ALL);
    assert_eq!(counts(Number::halved_cache_info()), AFTER_ALL);
    assert_eq!(counts(Number::half_later_cache_info::<char>()), AFTER_ALL);
    assert_eq!(Number(4).halved_cache_peek(), Some(Number(2)));
}

#[lru_cache]
impl<T: Part + Into<u32>> Pair<T> {
    #[lru_cache]
    fn half(&self) -> Fallible<u32> {
        half_of(self.0.clone().into())
    }
}

#[test]
fn methods_of_a_generic_type_see_an_alias_that_names_no_parameter() {
    for _ in 0..2 {
        assert_eq!((Pair(3_u8, 0).half().is_err(), Pair(4_u8, 0).half()), (true, Ok(2)));
    }
    assert_eq!(counts(Pair::<u8>::half_cache_info()), AFTER_ALL);
}

#[lru_cache]
impl Half for Number {
    type Output = Done;
    #[lru_cache]
    fn halve(&self) -> Self::Output {
        half_of(self.0)
    }
    #[lru_cache]
    fn smaller(&self) -> Fallible<Self> {
        half_of(self.0).map(Self)
    }
}

#[lru_cache]
impl<T: Part + Into<u32>> Half for Pair<T> {
    type Output = Result<T, String>;
    #[lru_cache]
    fn halve(&self) -> Self::Output {
        half_of(self.0.clone().into()).map(|_| self.0.clone())
    }
    fn smaller(&self) -> Fallible<Self> {
        Ok(self.clone())
    }
}

#[test]
fn the_type_that_a_block_gives_to_its_trait_is_seen() {
    for _ in 0..2 {
        assert_eq!((Half::halve(&Number(3)).is_err(), Half::halve(&Number(4))), (true, Ok(2)));
        assert_eq!((Number(3).smaller().is_err(), Number(4).smaller()), (true, Ok(Number(2))));
        assert_eq!((Half::halve(&Pair(3_u8, 0)).is_err(), Half::halve(&Pair(4_u8, 0))), (true, Ok(4)));
    }
    assert_eq!(counts(Number::halve_cache_info()), AFTER_ALL);
    assert_eq!(counts(Pair::<u8>::halve_cache_info()), AFTER_ALL);
    assert_eq!(counts(Number::smaller_cache_info()), AFTER_ALL);
    assert_eq!(Number(4).smaller_cache_peek(), Some(Number(2)));
    assert!(Pair(1_u8, 1).smaller().is_ok());
}

#[lru_cache]
impl Number {
    #[lru_cache]
    fn even(&self) -> Maybe<u32> {
        half_of(self.0).ok()
    }
}

#[test]
fn an_alias_of_another_type_is_cached_as_it_is() {
    #[lru_cache]
    fn even<T: Part + Into<u32>>(x: T) -> Maybe<T> {
        half_of(x.clone().into()).ok().map(|_| x)
    }
    for _ in 0..2 {
        assert_eq!((Number(3).even(), Number(4).even()), (None, Some(2)));
        assert_eq!((even(3_u8), even(4_u8)), (None, Some(4)));
    }
    assert_eq!(counts(Number::even_cache_info()), (2, 2, 2));
    assert_eq!(counts(even_cache_info::<u8>()), (2, 2, 2));
}

#[lru_cache]
impl<T: Part + Into<u32>> Pair<T> {
    #[lru_cache(cache_err = true)]
    fn half_or_error(&self) -> Fallible<T> {
        half_of(self.0.clone().into()).map(|_| self.0.clone())
    }
}

#[test]
fn errors_behind_an_alias_are_cached_when_that_is_asked_for() {
    for _ in 0..2 {
        assert_eq!((Pair(3_u8, 0).half_or_error().is_err(), Pair(4_u8, 0).half_or_error()), (true, Ok(4)));
    }
    assert_eq!(counts(Pair::<u8>::half_or_error_cache_info()), (2, 2, 2));
}

#[test]
fn a_type_parameter_that_happens_to_be_a_result_is_a_value_like_any_other() {
    #[lru_cache]
    fn same<T: Part>(x: T) -> T {
        x
    }
    let error: Done = Err("as it is".to_owned());
    assert_eq!((same(error.clone()), same(error.clone())), (error.clone(), error.clone()));
    assert_eq!(counts(same_cache_info::<Done>()), (1, 1, 1));
    assert_eq!(same_cache_peek(error.clone()), Some(error));
}
