//! Every signature that can be memoized, in every scope: that it compiles, that its results are right, and that each
//! companion does what it says.
//!
//! A row of the table is a function `f` under the attribute, how it is named from outside, arguments with what it
//! returns for them, and other arguments, which must not be taken for the first.

#![expect(clippy::needless_lifetimes, clippy::boxed_local, reason = "they are among the signatures")]

mod conditions;
mod dyn_traits;
mod editions;
mod namesakes;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod on_servers;
#[cfg(any(feature = "memcached", feature = "redis"))]
#[path = "../shared/mod.rs"]
mod shared;
mod track_caller;

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use lru_memo::{CacheInfo, cache, lru_cache};
use pollster::block_on;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a type parameter needs in order to be part of a key in every scope.
trait Part: Clone + Eq + Hash + Send + Sync + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Eq + Hash + Send + Sync + Serialize + DeserializeOwned + 'static> Part for T {}

/// An argument, and a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Id(u32);

/// How a row's function returns a value.
fn as_it_is<V>(value: V) -> V {
    value
}

/// How a row's function returns a value, if it returns a `Result`.
fn in_ok<V>(value: V) -> Result<V, ()> {
    Ok(value)
}

/// Compared as text: a row may return what has no `PartialEq`.
#[track_caller]
fn assert_same(left: impl Debug, right: impl Debug, what: &str) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"), "{what}");
}

/// The store, in case it is used; whichever test comes first.
fn prepare() {
    #[cfg(feature = "shared")]
    lru_memo_tests::in_memory_or_chosen();
}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

macro_rules! run {
    (plain $call:expr) => {
        $call
    };
    (awaited $call:expr) => {
        block_on($call)
    };
    (trusted $call:expr) => {
        // SAFETY: the `unsafe` functions in this file ask for nothing.
        unsafe { $call }
    };
}

/// Runs a companion, which is async where the function is and all processes share the cache.
macro_rules! aside {
    (shared awaited $call:expr) => {
        block_on($call)
    };
    ($scope:ident $run:ident $call:expr) => {
        $call
    };
}

/// The rows in one scope, a test each.
macro_rules! works {
    ($scope:ident; $($name:ident {
        $run:ident [$($path:tt)*] f [$($generics:tt)*]
        ($($arguments:tt)*) => $how:ident $value:expr;
        ($($others:tt)*) => $other:expr;
        $($items:tt)*
    })*) => {$(mod $name {
        use super::*;

        $($items)*

        #[test]
        fn works_with_all_of_its_companions() {
            prepare();
            let call = || run!($run $($path)* f $($generics)* ($($arguments)*));
            let info = || counts(aside!($scope $run $($path)* f_cache_info $($generics)* ()));
            assert_eq!(info(), (0, 0, 0), "unused");

            assert_same(call(), $how($value), "a miss");
            assert_same(call(), $how($value), "a hit");
            assert_eq!(info(), (1, 1, 1), "one miss, one hit");
            assert_same(run!($run $($path)* f $($generics)* ($($others)*)), $how($other), "another key");
            assert_eq!(info(), (1, 2, 2), "another key is another entry");
            assert_same(call(), $how($value), "another key leaves the first alone");
            assert_eq!(info(), (2, 2, 2));

            assert_same(run!($run $($path)* f_uncached $($generics)* ($($arguments)*)), $how($value), "uncached");
            let peek = || aside!($scope $run $($path)* f_cache_peek $($generics)* ($($arguments)*));
            assert_same(peek(), Some($value), "peek");
            aside!($scope $run $($path)* f_cache_put $($generics)* ($($arguments)*, $other));
            assert_same(peek(), Some($other), "put, then peek");
            assert_same(call(), $how($other), "put, then a call");
            assert_eq!(info(), (3, 2, 2), "only the call counts");
            assert_same(run!($run $($path)* f_cache_refresh $($generics)* ($($arguments)*)), $how($value), "refresh");
            assert_same(peek(), Some($value), "refresh, then peek");
            let invalidate = || aside!($scope $run $($path)* f_cache_invalidate $($generics)* ($($arguments)*));
            assert_eq!((invalidate(), invalidate()), (true, false));
            assert_same(peek().is_none(), true, "invalidate, then peek");
            assert_eq!(info(), (3, 2, 1), "invalidated");

            let parameters = aside!($scope $run $($path)* f_cache_parameters $($generics)* ());
            let scope = stringify!($scope);
            assert_eq!(format!("{:?}", parameters.scope).to_lowercase(), scope);
            assert_eq!(parameters.maxsize, Some(128));
            let elsewhere = thread::spawn(|| counts(aside!($scope $run $($path)* f_cache_info $($generics)* ()))).join();
            let seen = if scope == "thread" { (0, 0, 0) } else { (3, 2, 1) };
            assert_eq!(elsewhere.expect("no panic"), seen, "as another thread sees it");
            aside!($scope $run $($path)* f_cache_clear $($generics)* ());
            assert_eq!(info(), (0, 0, 0), "cleared");
            assert_same(call(), $how($value), "a miss again");
            assert_eq!(info(), (0, 1, 1));
        }
    })*};
}

/// All rows, in the scope that is asked for.
macro_rules! signatures {
    ($scope:ident) => {
        works! { $scope;
            a_free_function {
                plain [] f [] (1) => as_it_is 2; (5) => 6;
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> u32 { x + 1 }
            }
            a_function_of_the_crate {
                plain [self::] f [] (1, "a".to_owned()) => as_it_is "a1".to_owned(); (1, "b".to_owned()) => "b1".to_owned();
                #[lru_cache(scope = $scope)]
                pub(crate) fn f(x: u32, name: String) -> String { format!("{name}{x}") }
            }
            a_method_by_reference {
                plain [Id::] f [] (&Id(1), 1) => as_it_is 2; (&Id(100), 1) => 101;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(&self, x: u32) -> u32 { self.0 + x }
                }
            }
            a_method_by_value {
                plain [Id::] f [] (Id(1), "a") => as_it_is Id(2); (Id(2), "a") => Id(3);
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(mut self, text: &str) -> Self { self.0 += text.len() as u32; self }
                }
            }
            a_method_by_arc {
                plain [Id::] f [] (Arc::new(Id(1)), 1) => as_it_is 2; (Arc::new(Id(2)), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(self: Arc<Self>, x: u32) -> u32 { self.0 + x }
                }
            }
            a_method_by_reference_to_arc {
                plain [Id::] f [] (&Arc::new(Id(1)), 1) => as_it_is 2; (&Arc::new(Id(2)), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(self: &Arc<Self>, x: u32) -> u32 { self.0 + x }
                }
            }
            a_method_by_box {
                plain [Id::] f [] (Box::new(Id(1))) => as_it_is 1; (Box::new(Id(2))) => 2;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(self: Box<Self>) -> u32 { self.0 }
                }
            }
            a_method_that_leaves_itself_out_of_the_key {
                plain [Borrowing::] f [] (&Borrowing("a"), 1) => as_it_is 2; (&Borrowing("a"), 5) => 6;
                // Neither `Hash` nor `'static`.
                struct Borrowing<'a>(&'a str);
                impl Borrowing<'_> {
                    #[lru_cache(scope = $scope, skip(self))]
                    fn f(&self, x: u32) -> u32 { self.0.len() as u32 + x }
                }
            }
            an_associated_function {
                plain [Id::] f [] (2, 3) => as_it_is Id(6); (3, 4) => Id(12);
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                #[lru_cache]
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(width: u32, height: u32) -> Id { Id(width * height) }
                }
            }
            an_associated_function_that_names_self {
                plain [Id::] f [] (2) => as_it_is Id(2); (3) => Id(3);
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(id: u32) -> Self { Self(id) }
                }
            }
            a_method_of_an_implemented_trait {
                plain [Id::] f [] (&Id(1), 1) => as_it_is 2; (&Id(2), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                trait Add { fn f(&self, x: u32) -> u32; }
                #[lru_cache]
                impl Add for Id {
                    #[lru_cache(scope = $scope)]
                    fn f(&self, x: u32) -> u32 { self.0 + x }
                }
            }
            an_associated_function_of_an_implemented_trait {
                plain [Id::] f [] (1) => as_it_is 2; (2) => 3;
                struct Id;
                trait Next { fn f(x: u32) -> u32; }
                #[lru_cache]
                impl Next for Id {
                    #[lru_cache(scope = $scope)]
                    fn f(x: u32) -> u32 { x + 1 }
                }
            }
            a_method_of_a_trait_implemented_for_a_generic_type {
                plain [Generic::<u8>::] f [] (&Generic(1), 1) => as_it_is 2; (&Generic(2), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Generic<T>(T);
                trait Add { fn f(&self, x: u32) -> u32; }
                #[lru_cache]
                impl<T: Part + Into<u32>> Add for Generic<T> {
                    #[lru_cache(scope = $scope)]
                    fn f(&self, x: u32) -> u32 { self.0.clone().into() + x }
                }
            }
            a_default_method_of_a_trait {
                plain [<Id as Double>::] f [] (&Id(1)) => as_it_is 2; (&Id(2)) => 4;
                trait Double: Part {
                    fn id(&self) -> u32;
                    #[lru_cache(scope = $scope)]
                    fn f(&self) -> u32 { 2 * self.id() }
                }
                impl Double for Id { fn id(&self) -> u32 { self.0 } }
            }
            a_function_generic_over_a_type {
                plain [] f [::<u8>] (1) => as_it_is 1_u64; (2) => 2_u64;
                #[lru_cache(scope = $scope)]
                fn f<T: Part + Into<u64>>(x: T) -> u64 { x.into() }
            }
            a_function_generic_over_a_type_that_it_returns {
                plain [] f [::<String>] ("a".to_owned()) => as_it_is ("a".to_owned(), 1); ("b".to_owned()) => ("b".to_owned(), 1);
                #[lru_cache(scope = $scope)]
                fn f<T>(x: T) -> (T, u32) where T: Part { (x, 1) }
            }
            a_function_generic_over_a_slice {
                plain [] f [::<char>] (&['a', 'b'], &'a') => as_it_is Some(0); (&['a', 'b'], &'b') => Some(1);
                #[lru_cache(scope = $scope)]
                fn f<T: Part>(parts: &[T], part: &T) -> Option<usize> { parts.iter().position(|other| other == part) }
            }
            a_method_generic_by_its_type {
                plain [Generic::<u8>::] f [] (&Generic(1), 1) => as_it_is 2; (&Generic(2), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Generic<T>(T);
                impl<T: Part + Into<u32>> Generic<T> {
                    #[lru_cache(scope = $scope)]
                    fn f(&self, x: u32) -> u32 { self.0.clone().into() + x }
                }
            }
            a_method_generic_by_a_constant_of_its_type {
                plain [Many::<7>::] f [] (&Many, 1) => as_it_is 8; (&Many, 2) => 9;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Many<const N: usize>;
                impl<const N: usize> Many<N> {
                    #[lru_cache(scope = $scope)]
                    fn f(&self, x: usize) -> usize { N + x }
                }
            }
            a_method_generic_by_its_type_and_itself {
                plain [Generic::<u8>::] f [::<u16, 2>] (&Generic(1), 1) => as_it_is 4; (&Generic(2), 1) => 5;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Generic<T>(T);
                impl<T: Part + Into<u32>> Generic<T> {
                    #[lru_cache(scope = $scope)]
                    fn f<U: Part + Into<u32>, const N: u32>(&self, x: U) -> u32 { self.0.clone().into() + x.into() + N }
                }
            }
            an_associated_function_of_a_generic_type {
                plain [Generic::<u8>::] f [] (1) => as_it_is Generic(1); (2) => Generic(2);
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Generic<T>(T);
                impl<T: Part> Generic<T> {
                    #[lru_cache(scope = $scope)]
                    fn f(value: T) -> Self { Self(value) }
                }
            }
            an_async_function {
                awaited [] f [] (1, "a") => as_it_is "a1".to_owned(); (2, "a") => "a2".to_owned();
                #[lru_cache(scope = $scope)]
                async fn f(x: u32, name: &str) -> String { format!("{name}{x}") }
            }
            an_async_method {
                awaited [Id::] f [] (&Id(1), 1) => as_it_is 2; (&Id(2), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    async fn f(&self, x: u32) -> u32 { self.0 + x }
                }
            }
            an_async_generic_function {
                awaited [] f [::<u8, 2>] (1) => as_it_is (1, 2); (2) => (2, 2);
                #[lru_cache(scope = $scope)]
                async fn f<T: Part, const N: usize>(x: T) -> (T, usize) { (x, N) }
            }
            an_async_method_of_a_generic_type {
                awaited [Generic::<u8>::] f [::<char>] (&Generic(1), 'a') => as_it_is (1, 'a'); (&Generic(1), 'b') => (1, 'b');
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Generic<T>(T);
                impl<T: Part> Generic<T> {
                    #[lru_cache(scope = $scope)]
                    async fn f<U: Part>(&self, x: U) -> (T, U) { (self.0.clone(), x) }
                }
            }
            an_async_function_that_can_fail {
                awaited [] f [] (1) => in_ok 1; (2) => 2;
                #[lru_cache(scope = $scope)]
                async fn f(x: u32) -> Result<u32, String> { x.checked_add(0).ok_or_else(String::new) }
            }
            an_async_function_in_an_implemented_trait {
                awaited [Id::] f [] (&Id(1), 1) => as_it_is 2; (&Id(2), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                trait Add { async fn f(&self, x: u32) -> u32; }
                #[lru_cache]
                impl Add for Id {
                    #[lru_cache(scope = $scope)]
                    async fn f(&self, x: u32) -> u32 { self.0 + x }
                }
            }
            an_unsafe_function {
                trusted [] f [] (1) => as_it_is 2; (2) => 3;
                #[lru_cache(scope = $scope)]
                unsafe fn f(x: u32) -> u32 { x + 1 }
            }
            an_unsafe_method {
                trusted [Id::] f [] (&Id(1), 1) => as_it_is 2; (&Id(2), 1) => 3;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    unsafe fn f(&self, x: u32) -> u32 { self.0 + x }
                }
            }
            a_function_with_the_abi_of_c {
                plain [] f [] (1) => as_it_is 2; (2) => 3;
                #[lru_cache(scope = $scope)]
                extern "C" fn f(x: u32) -> u32 { x + 1 }
            }
            an_unsafe_function_with_the_abi_of_c {
                trusted [] f [] (1) => as_it_is 2; (2) => 3;
                #[lru_cache(scope = $scope)]
                unsafe extern "C" fn f(x: u32) -> u32 { x + 1 }
            }
            elided_lifetimes {
                plain [] f [] ("a", &2) => as_it_is 3; ("a", &3) => 4;
                #[lru_cache(scope = $scope)]
                fn f(text: &str, number: &usize) -> usize { text.len() + number }
            }
            named_lifetimes {
                plain [] f [] ("a", "bc") => as_it_is 3; ("abc", "") => 3;
                #[lru_cache(scope = $scope)]
                fn f<'a, 'b>(left: &'a str, right: &'b str) -> usize { left.len() + right.len() }
            }
            bounded_lifetimes {
                plain [] f [] ("a", "bc") => as_it_is "abc".to_owned(); ("abc", "") => "abc".to_owned();
                #[lru_cache(scope = $scope)]
                fn f<'a, 'b: 'a>(left: &'a str, right: &'b str) -> String { format!("{left}{right}") }
            }
            the_lifetime_of_a_type {
                plain [Borrowing::] f [] (&Borrowing("a"), "b") => as_it_is 2; (&Borrowing("a"), "bc") => 3;
                struct Borrowing<'a>(&'a str);
                impl<'a> Borrowing<'a> {
                    #[lru_cache(scope = $scope, skip(self))]
                    fn f(&self, text: &'a str) -> usize { self.0.len() + text.len() }
                }
            }
            patterns_of_tuples_and_structs {
                plain [] f [] ((1, 2), Point { x: 3, y: (4, 5) }, 6, 7, [8, 9]) => as_it_is 38;
                ((1, 2), Point { x: 3, y: (4, 5) }, 6, 0, [8, 9]) => 38;
                #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Point { x: u32, y: (u32, u32) }
                #[lru_cache(scope = $scope)]
                fn f((a, b): (u32, u32), Point { x, y: (c, _) }: Point, mut d: u32, _: u32, [e, g]: [u32; 2]) -> u32 {
                    d += 5;
                    a + b + x + c + d + e + g
                }
            }
            a_pattern_nested_in_references {
                plain [] f [] (&(1, Some(2)), &Wrapped(3)) => as_it_is 6; (&(1, None), &Wrapped(3)) => 4;
                #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Wrapped(u32);
                #[lru_cache(scope = $scope)]
                fn f((a, b): &(u32, Option<u32>), &Wrapped(c): &Wrapped) -> u32 { a + b.unwrap_or(0) + c }
            }
            an_argument_without_a_name_beside_a_type_parameter {
                plain [] f [::<u8>] (1, 2, 3) => as_it_is 3; (1, 3, 3) => 3;
                #[lru_cache(scope = $scope)]
                fn f<T: Part>(_: u32, _: T, x: u32) -> u32 { x }
            }
            references_to_text_slices_and_paths {
                plain [] f [] ("a", &[1, 2], Path::new("/x"), &Id(1)) => as_it_is 6; ("a", &[1, 2], Path::new("/y"), &Id(2)) => 7;
                #[lru_cache(scope = $scope)]
                fn f(text: &str, bytes: &[u8], path: &Path, id: &Id) -> usize {
                    text.len() + bytes.len() + path.as_os_str().len() + id.0 as usize
                }
            }
            references_inside_of_options_tuples_and_slices {
                plain [] f [] (Some("a"), ("b", 1), &["c", "d"]) => as_it_is "a b1 c-d".to_owned();
                (None, ("b", 1), &["c", "d"]) => " b1 c-d".to_owned();
                #[lru_cache(scope = $scope)]
                fn f(first: Option<&str>, (second, number): (&str, u32), others: &[&str]) -> String {
                    format!("{} {second}{number} {}", first.unwrap_or_default(), others.join("-"))
                }
            }
            text_that_may_be_borrowed {
                plain [] f [] (Cow::Borrowed("ab"), None) => as_it_is 2; (Cow::Owned("abc".to_owned()), None) => 3;
                #[lru_cache(scope = $scope)]
                fn f(text: Cow<'_, str>, other: Option<Cow<'_, [u8]>>) -> usize { text.len() + other.map_or(0, |other| other.len()) }
            }
            a_unit_is_returned {
                plain [] f [] (1) => as_it_is (); (2) => ();
                #[lru_cache(scope = $scope)]
                fn f(_x: u32) {}
            }
            an_option_is_returned {
                plain [] f [] (1) => as_it_is None::<u32>; (2) => Some(2);
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> Option<u32> { (x > 1).then_some(x) }
            }
            a_counted_pointer_is_returned {
                plain [] f [] (1) => as_it_is Arc::<[u32]>::from([1, 1]); (2) => Arc::<[u32]>::from([2, 2]);
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> Arc<[u32]> { [x, x].into() }
            }
            a_result_is_returned {
                plain [] f [] (1) => in_ok 1; (2) => 2;
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> Result<u32, String> { Ok(x) }
            }
            a_result_of_io_is_returned {
                plain [] f [] (1) => in_ok vec![1]; (2) => vec![2];
                #[lru_cache(scope = $scope)]
                fn f(x: u8) -> io::Result<Vec<u8>> { Ok(vec![x]) }
            }
            an_alias_of_result_is_returned {
                plain [] f [] (1) => in_ok 1; (2) => 2;
                type R<T> = Result<T, io::Error>;
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> R<u32> { Ok(x) }
            }
            a_method_returns_a_result_of_io {
                plain [Id::] f [] (&Id(1)) => in_ok 1; (&Id(2)) => 2;
                #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
                struct Id(u32);
                impl Id {
                    #[lru_cache(scope = $scope)]
                    fn f(&self) -> io::Result<u32> { Ok(self.0) }
                }
            }
        }
    };
}

/// Those with types that serde cannot serialize, or not read.
macro_rules! signatures_without_serde {
    ($scope:ident) => {
        works! { $scope;
            a_function_generic_over_a_constant {
                plain [] f [::<3>] ([1, 2, 3]) => as_it_is 9; ([1, 2, 4]) => 10;
                #[lru_cache(scope = $scope)]
                fn f<const N: usize>(numbers: [usize; N]) -> usize { numbers.iter().sum::<usize>() + N }
            }
            a_function_generic_over_both_with_a_where_clause {
                plain [] f [::<u8, 2>] (&[1, 2]) => as_it_is 5_u64; (&[2, 2]) => 6_u64;
                #[lru_cache(scope = $scope)]
                fn f<T, const N: usize>(parts: &[T; N]) -> u64
                where
                    T: Part,
                    u64: From<T>,
                {
                    parts.iter().cloned().map(u64::from).sum::<u64>() + N as u64
                }
            }
            lifetimes_beside_a_type_and_a_constant {
                plain [] f [::<u8, 2>] ("a", &[1, 2]) => as_it_is 3; ("a", &[1, 3]) => 3;
                #[lru_cache(scope = $scope)]
                fn f<'a, T: Part, const N: usize>(text: &'a str, parts: &'a [T; N]) -> usize { text.len() + parts.len() }
            }
            a_static_reference_is_returned {
                plain [] f [] (true) => as_it_is "yes"; (false) => "no";
                #[lru_cache(scope = $scope)]
                fn f(x: bool) -> &'static str { if x { "yes" } else { "no" } }
            }
            a_pointer_to_a_trait_object_is_returned {
                plain [] f [] (1) => as_it_is Arc::new(1_u32) as Arc<dyn Debug + Send + Sync>; (2) => Arc::new(2_u32) as Arc<dyn Debug + Send + Sync>;
                #[lru_cache(scope = $scope)]
                fn f(x: u32) -> Arc<dyn Debug + Send + Sync> { Arc::new(x) }
            }
        }
    };
}

mod in_the_process {
    use super::*;
    signatures!(process);
    signatures_without_serde!(process);
}

mod in_a_thread {
    use super::*;
    signatures!(thread);
    signatures_without_serde!(thread);
}

#[cfg(feature = "shared")]
mod in_all_processes {
    use super::*;
    signatures!(shared);
}

// After the macros, which it uses.
mod others;

#[test]
fn unbounded_functions_take_every_kind_of_signature() {
    #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
    struct Generic<T>(T);
    #[cache]
    impl<T: Part> Generic<T> {
        #[cache]
        fn method<'a>(&self, text: &'a str, x: impl Part) -> (T, usize) {
            let _ = x;
            (self.0.clone(), text.len())
        }
        #[cache(scope = thread)]
        async fn associated(x: T) -> Option<T> {
            Some(x)
        }
    }
    assert_eq!((Generic('a').method("b", 1), Generic('a').method("b", 1)), (('a', 1), ('a', 1)));
    assert_eq!((block_on(Generic::associated(1)), block_on(Generic::associated(1))), (Some(1), Some(1)));
    let infos = [Generic::<char>::method_cache_info::<i32>(), Generic::<i32>::associated_cache_info()];
    assert_eq!(infos, [CacheInfo { hits: 1, misses: 1, maxsize: None, currsize: 1 }; 2]);
}
