//! `#[lru_cache]` on the implementation of a trait: for which types, and from where its companions can be called.

#![deny(warnings)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use lru_memo::{CacheInfo, caches, lru_cache};

/// What a type parameter needs in order to be part of a key of the process.
trait Part: Clone + Eq + Hash + Send + Sync + 'static {}
impl<T: Clone + Eq + Hash + Send + Sync + 'static> Part for T {}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// Implements a trait for each type, and calls everything.
macro_rules! implemented_for {
    ($($name:ident [$($generics:tt)*] $Type:ty = $Concrete:ty: $value:expr;)*) => {$(mod $name {
        use super::*;

        trait Describe {
            fn describe(&self, x: u32) -> String;
        }

        #[lru_cache(/* no options */)]
        impl<$($generics)*> Describe for $Type {
            #[lru_cache(maxsize = 2)]
            fn describe(&self, x: u32) -> String {
                format!("{:?}{x}", self)
            }
        }

        #[test]
        fn has_companions_in_the_same_module() {
            type Concrete = $Concrete;
            let value: &Concrete = $value;
            let expected = format!("{value:?}1");
            assert_eq!(Describe::describe(value, 1), expected);
            assert_eq!(Describe::describe(value, 1), expected);
            assert_eq!(counts(<Concrete>::describe_cache_info()), (1, 1, 1));
            assert_eq!(<Concrete>::describe_cache_peek(value, 1), Some(expected.clone()));
            assert_eq!(<Concrete>::describe_uncached(value, 1), expected);
            assert_eq!(<Concrete>::describe_cache_refresh(value, 1), expected);
            <Concrete>::describe_cache_put(value, 2, "put".to_owned());
            assert_eq!(Describe::describe(value, 2), "put");
            assert!(<Concrete>::describe_cache_invalidate(value, 2));
            assert_eq!(<Concrete>::describe_cache_parameters().maxsize, Some(2));
            <Concrete>::describe_cache_clear();
            assert_eq!(counts(<Concrete>::describe_cache_info()), (0, 0, 0));
        }
    })*};
}

implemented_for! {
    a_number [] u8 = u8: &1;
    a_text [] str = str: "a";
    a_string [] String = String: &"a".to_owned();
    a_reference [] &str = &'static str: &"a";
    a_named_reference ['a] &'a [u8] = &'static [u8]: &([1_u8, 2].as_slice());
    a_slice [T: Part + Debug] [T] = [u8]: &[1, 2];
    an_array [T: Part + Debug, const N: usize] [T; N] = [u8; 2]: &[1, 2];
    a_tuple [T: Part + Debug] (T, &str) = (u8, &'static str): &(1, "a");
    a_function_pointer [] fn(u8) -> u8 = fn(u8) -> u8: &((|x| x) as fn(u8) -> u8);
    a_vec [T: Part + Debug] Vec<T> = Vec<u8>: &vec![1];
    an_option [T: Part + Debug] Option<T> = Option<u8>: &Some(1);
    a_type_of_std [K: Part + Ord + Debug] std::collections::BTreeMap<K, u8> = BTreeMap<u8, u8>: &BTreeMap::from([(1, 2)]);
    every_type [T: Part + Debug] T = char: &'a';
    every_reference [T: Part + Debug] &T = &'static u8: &&1;
}

mod shapes {
    //! Traits and types whose names are not imported below.

    pub(crate) trait Area {
        type Output;
        fn area(&self, scale: Option<Self::Output>) -> Self::Output;
        fn twice(&self) -> Self::Output {
            self.area(None)
        }
    }

    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub(crate) struct Square(pub(crate) u32);

    mod inside {
        use super::{Area, Square};
        use lru_memo::lru_cache;

        #[lru_cache]
        impl Area for Square {
            type Output = Option<u32>;
            #[lru_cache]
            fn area(&self, scale: Option<Self::Output>) -> Self::Output {
                Some(self.0 * self.0 * scale.flatten().unwrap_or(1))
            }
        }
    }
}

#[test]
fn companions_of_the_crates_own_type_are_functions_of_the_type() {
    use shapes::{Area, Square};
    assert_eq!((Square(2).area(None), Square(2).twice()), (Some(4), Some(4)));
    assert_eq!(counts(Square::area_cache_info()), (1, 1, 1));
    assert_eq!(Square(2).area_cache_peek(None), Some(Some(4)));
    let found: Vec<_> = caches().filter(|cache| cache.name().ends_with("Square::area")).collect();
    assert_eq!(found.iter().map(|cache| counts(cache.info())).collect::<Vec<_>>(), [(1, 1, 1)]);
}

#[test]
fn a_body_means_what_it_does_without_the_attribute() {
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Number(u32);
    #[lru_cache]
    impl shapes::Area for Number {
        type Output = u32;
        #[lru_cache(key = (self.0, scale, Self::LIMIT))]
        fn area(&self, scale: Option<Self::Output>) -> Self::Output {
            // The methods of the trait can be called, though it has not been imported.
            let inner: Self::Output = if self.0 > Self::LIMIT { Self(self.0 - 1).twice() } else { 0 };
            inner + scale.unwrap_or(1)
        }
    }
    impl Number {
        const LIMIT: u32 = 3;
    }
    assert_eq!(shapes::Area::area(&Number(5), Some(10)), 12);
    assert_eq!(counts(Number::area_cache_info()), (0, 3, 3));
}

#[test]
fn a_trait_may_be_implemented_with_several_arguments_for_a_type_of_another_crate() {
    trait Scale<By> {
        fn scale(&self, by: By) -> u64;
    }
    #[lru_cache]
    impl Scale<u32> for u64 {
        #[lru_cache]
        fn scale(&self, by: u32) -> u64 {
            self * u64::from(by)
        }
    }
    #[lru_cache]
    impl Scale<&str> for u64 {
        #[lru_cache]
        fn scale(&self, by: &str) -> u64 {
            self * by.len() as u64
        }
    }
    for _ in 0..2 {
        assert_eq!((2_u64.scale(5_u32), 2_u64.scale("abc")), (10, 6));
    }
    let found: Vec<_> = caches().filter(|cache| cache.name() == "u64::scale").collect();
    assert_eq!(found.iter().map(|cache| counts(cache.info())).collect::<Vec<_>>(), [(1, 1, 1); 2]);
}

#[test]
fn lifetimes_without_a_name_are_given_one() {
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Name(String);
    struct Text<'a>(&'a str);
    #[lru_cache]
    impl From<&str> for Name {
        #[lru_cache]
        fn from(text: &str) -> Self {
            Self(text.to_uppercase())
        }
    }
    #[lru_cache]
    impl<'b> std::ops::Add<&'b str> for Text<'_> {
        type Output = usize;
        #[lru_cache(key = (self.0, other))]
        fn add(self, other: &'b str) -> Self::Output {
            self.0.len() + other.len()
        }
    }
    assert_eq!((Name::from("a"), Name::from("a")), (Name("A".to_owned()), Name("A".to_owned())));
    assert_eq!(Name::from_cache_peek("a"), Some(Name("A".to_owned())));
    assert_eq!((Text("a") + "bc", Text("a") + "bc"), (3, 3));
    assert_eq!(counts(Text::add_cache_info()), (1, 1, 1));
}

#[test]
fn every_kind_of_function_can_be_implemented() {
    trait Kinds: Sized {
        async fn later(&self, x: u32) -> Result<u32, ()>;
        /// # Safety
        /// None is needed.
        unsafe fn trusted(&self, x: u32) -> u32;
        extern "C" fn foreign(x: u32) -> u32;
        fn generic<T: Part, const N: usize>(&self, x: T) -> (T, usize);
        fn anonymous(&self, x: impl Part + Into<u64>) -> u64;
        fn owned(self, others: Vec<Self>) -> Option<Self>;
        fn pattern(&self, x: u32, pair: (u32, u32)) -> u32;
    }
    #[lru_cache]
    impl<V: Part> Kinds for Vec<V> {
        #[lru_cache]
        async fn later(&self, x: u32) -> Result<u32, ()> {
            x.checked_sub(1).ok_or(())
        }
        #[lru_cache]
        unsafe fn trusted(&self, x: u32) -> u32 {
            x
        }
        #[lru_cache]
        extern "C" fn foreign(x: u32) -> u32 {
            x
        }
        #[lru_cache]
        fn generic<T: Part, const N: usize>(&self, x: T) -> (T, usize) {
            (x, N)
        }
        #[lru_cache]
        fn anonymous(&self, x: impl Part + Into<u64>) -> u64 {
            x.into()
        }
        #[lru_cache]
        fn owned(mut self, others: Vec<Self>) -> Option<Self> {
            self.extend(others.into_iter().flatten());
            Some(self)
        }
        #[lru_cache]
        fn pattern(&self, _: u32, (a, mut b): (u32, u32)) -> u32 {
            b += a;
            b
        }
    }
    let v = || vec![1_u8];
    for _ in 0..2 {
        assert_eq!(pollster::block_on(v().later(1)), Ok(0));
        assert_eq!(pollster::block_on(v().later(0)), Err(()));
        // SAFETY: it asks for nothing.
        assert_eq!(unsafe { v().trusted(1) }, 1);
        assert_eq!(Vec::<u8>::foreign(1), 1);
        assert_eq!(v().generic::<_, 3>('a'), ('a', 3));
        assert_eq!(v().anonymous(1_u8), 1);
        assert_eq!(v().owned(vec![v()]), Some(vec![1, 1]));
        assert_eq!(v().pattern(0, (1, 2)), 3);
    }
    assert_eq!(counts(Vec::<u8>::later_cache_info()), (1, 3, 1));
    assert_eq!(counts(Vec::<u8>::trusted_cache_info()), (1, 1, 1));
    assert_eq!(counts(Vec::<u8>::foreign_cache_info()), (1, 1, 1));
    assert_eq!(counts(Vec::<u8>::generic_cache_info::<char, 3>()), (1, 1, 1));
    assert_eq!(counts(Vec::<u8>::anonymous_cache_info::<u8>()), (1, 1, 1));
    assert_eq!(counts(Vec::<u8>::owned_cache_info()), (1, 1, 1));
    assert_eq!(counts(Vec::<u8>::pattern_cache_info()), (1, 1, 1));
    assert_eq!(counts(Vec::<u16>::owned_cache_info()), (0, 0, 0), "another instantiation, another cache");
    assert_eq!(pollster::block_on(v().later_uncached(1)), Ok(0));
    assert_eq!(v().anonymous_uncached(1_u8), 1);
}

#[test]
fn every_kind_of_function_can_be_implemented_for_the_crates_own_type() {
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Own<T>(T);
    trait Kinds: Sized {
        async fn later(&self, x: u32) -> Result<u32, ()>;
        /// # Safety
        /// None is needed.
        unsafe fn trusted(&self, x: u32) -> u32;
        fn anonymous<T: Part>(&self, x: impl Part + Into<u64>, y: T) -> (u64, T);
        fn pattern(self, x: u32, pair: (u32, u32)) -> (Self, u32);
    }
    #[lru_cache]
    impl<V: Part> Kinds for Own<V> {
        #[lru_cache]
        async fn later(&self, x: u32) -> Result<u32, ()> {
            x.checked_sub(1).ok_or(())
        }
        #[lru_cache]
        unsafe fn trusted(&self, x: u32) -> u32 {
            x
        }
        #[lru_cache]
        fn anonymous<T: Part>(&self, x: impl Part + Into<u64>, y: T) -> (u64, T) {
            (x.into(), y)
        }
        #[lru_cache]
        fn pattern(self, _: u32, (a, mut b): (u32, u32)) -> (Self, u32) {
            b += a;
            (self, b)
        }
    }
    let v = || Own(1_u8);
    for _ in 0..2 {
        assert_eq!(pollster::block_on(v().later(1)), Ok(0));
        // SAFETY: it asks for nothing.
        assert_eq!(unsafe { v().trusted(1) }, 1);
        assert_eq!(v().anonymous(1_u8, 'a'), (1, 'a'));
        assert_eq!(v().pattern(0, (1, 2)), (v(), 3));
    }
    // SAFETY: it asks for nothing.
    assert_eq!(unsafe { (v().trusted_uncached(1), v().trusted_cache_refresh(1)) }, (1, 1));
    assert_eq!(pollster::block_on(v().later_uncached(1)), Ok(0));
    assert_eq!(pollster::block_on(v().later_cache_refresh(1)), Ok(0));
    assert_eq!(v().anonymous_uncached(1_u8, 'a'), (1, 'a'));
    assert_eq!(v().anonymous_cache_peek(1_u8, 'a'), Some((1, 'a')));
    assert_eq!(v().pattern_uncached(0, (1, 2)), (v(), 3));
    v().pattern_cache_put(0, (1, 2), (v(), 4));
    assert_eq!(v().pattern(0, (1, 2)), (v(), 4));
    assert_eq!(counts(Own::<u8>::later_cache_info()), (1, 1, 1));
    assert_eq!(counts(Own::<u8>::anonymous_cache_info::<char, u8>()), (1, 1, 1));
}

#[test]
fn attributes_of_a_block_hold_for_what_it_becomes() {
    trait Odd {
        fn odd(&self) -> bool;
    }
    #[lru_cache]
    #[cfg(any())]
    impl Odd for NoSuchType {
        #[lru_cache]
        fn odd(&self) -> bool {
            no_such_function()
        }
    }
    #[lru_cache]
    #[expect(unused_variables, reason = "to be met in the body")]
    impl Odd for u32 {
        #[lru_cache]
        fn odd(&self) -> bool {
            let unused = 1;
            self % 2 == 1
        }
    }
    assert!(3_u32.odd());
    assert_eq!(counts(u32::odd_cache_info()), (0, 1, 1));
}

#[test]
fn self_can_be_skipped_by_an_attribute_as_other_parameters_can() {
    struct NoKey;
    trait Twice {
        fn twice(&self, x: u32) -> u32;
    }
    impl NoKey {
        #[lru_cache]
        fn once(#[lru_cache(skip)] &self, x: u32) -> u32 {
            x
        }
    }
    #[lru_cache]
    impl Twice for NoKey {
        #[lru_cache]
        fn twice(#[lru_cache(skip)] &self, x: u32) -> u32 {
            2 * x
        }
    }
    assert_eq!((NoKey.once(1), NoKey.once(1), NoKey.twice(1), NoKey.twice(1)), (1, 1, 2, 2));
    assert_eq!((counts(NoKey::once_cache_info()), counts(NoKey::twice_cache_info())), ((1, 1, 1), (1, 1, 1)));
}
