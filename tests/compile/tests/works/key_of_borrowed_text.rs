//! A key expression may be a reference into the arguments.

use lru_memo::lru_cache;

struct User {
    id: u32,
    name: String,
}

#[lru_cache(key = name.trim())]
fn method(name: &str) -> usize {
    name.trim().len()
}

#[lru_cache(key = (user.id, user.name.as_str()))]
fn fields(user: &User) -> String {
    format!("{}{}", user.name, user.id)
}

#[lru_cache(key = name)]
fn itself(name: &str, _verbose: bool) -> usize {
    name.len()
}

#[test]
fn a_key_may_be_a_reference_into_the_arguments() {
    assert_eq!((method("a"), method(" a "), method("ab")), (1, 1, 2));
    assert_eq!((method_cache_info().hits, method_cache_info().misses), (1, 2));
    let user = |id, name: &str| User { id, name: name.to_owned() };
    assert_eq!(
        (fields(&user(1, "a")), fields(&user(1, "a")), fields(&user(1, "b"))),
        ("a1".into(), "a1".into(), "b1".into())
    );
    assert_eq!((fields_cache_info().hits, fields_cache_info().misses), (1, 2));
    assert_eq!((itself("a", true), itself("a", false), itself_cache_info().hits), (1, 1, 1));
}
