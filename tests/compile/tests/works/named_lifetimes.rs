//! Lifetimes that the function declares are declared by its companions, too.

#![expect(clippy::multiple_bound_locations, reason = "it is what is tested")]

use lru_memo::lru_cache;

#[lru_cache]
fn f<'a>(x: &'a str, y: &'a [&'a str]) -> usize {
    x.len() + y.len()
}

#[lru_cache(scope = thread)]
fn g<'a, 'b: 'a>(x: Option<&'a str>, y: &'b str) -> usize
where
    'b: 'b,
{
    x.map_or(0, str::len) + y.len()
}

#[test]
fn companions_declare_the_lifetimes_of_the_function() {
    assert_eq!((f("a", &["b"]), f("a", &["b"])), (2, 2));
    assert_eq!(f_cache_info().hits, 1);
    assert_eq!(f_cache_peek("a", &["b"]), Some(2));
    assert_eq!(g(Some("a"), "b"), 2);
    assert!(g_cache_invalidate(Some("a"), "b"));
}
