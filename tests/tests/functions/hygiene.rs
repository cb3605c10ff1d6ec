//! Expansions depend on nothing that happens to be in scope, and disturb nothing that is.

/// Nothing is imported, and every common name means something else.
mod surroundings {
    #![no_implicit_prelude]
    #![allow(
        non_camel_case_types,
        non_snake_case,
        dead_code,
        clippy::upper_case_acronyms,
        reason = "names that stand in the way"
    )]

    mod core {}
    mod alloc {}
    mod std {}
    mod lru_memo {}
    mod __private {}

    struct Option;
    struct Result;
    struct Box;
    struct Vec;
    struct String;
    struct Rc;
    struct Cache;
    struct Slot;
    struct Entry;
    struct Scope;
    struct Is;
    struct Leaf;
    struct Registration;
    struct CACHE;
    struct REGISTRATION;
    struct bool;
    struct usize;
    struct u64;
    struct f64;
    struct str;

    trait Clone {}
    trait Hash {}
    trait Eq {}
    trait Fn {}
    trait ToOwned {}

    fn Some() {}
    fn None() {}
    fn Ok() {}
    fn Err() {}
    fn part() {}
    fn clone_value() {}
    fn shareable() {}

    macro_rules! line {
        () => {
            "not a line"
        };
    }
    macro_rules! file {
        () => {
            0
        };
    }
    macro_rules! concat {
        ($($any:tt)*) => {
            0
        };
    }
    macro_rules! module_path {
        () => {
            0
        };
    }
    macro_rules! thread_local {
        ($($any:tt)*) => {};
    }
    const _: &::core::primitive::str = line!();
    const _: [u32; 4] = [file!(), concat!(1 2), module_path!(), {
        thread_local!(1 2);
        0
    }];

    #[::lru_memo::lru_cache(maxsize = 2)]
    pub(super) fn process(x: u32, name: &::core::primitive::str) -> ::core::primitive::usize {
        name.len() + x as ::core::primitive::usize
    }

    #[::lru_memo::lru_cache(scope = thread, typed = true)]
    pub(super) fn thread(
        x: ::core::option::Option<&::core::primitive::str>,
        y: ::core::primitive::f64,
    ) -> ::core::option::Option<::std::rc::Rc<::core::primitive::str>> {
        let _ = y;
        x.map(::core::convert::Into::into)
    }

    pub(super) struct Owner {
        pub(super) memo: ::lru_memo::Memo,
    }

    impl Owner {
        #[::lru_memo::lru_cache(maxsize = 2, scope = self.memo)]
        pub(super) fn object(&self, x: u32, name: &::core::primitive::str) -> ::core::primitive::usize {
            name.len() + x as ::core::primitive::usize
        }
    }

    #[::lru_memo::cache]
    pub(super) fn fallible(x: u32) -> ::core::result::Result<::std::vec::Vec<u32>, ()> {
        if x == 0 { ::core::result::Result::Err(()) } else { ::core::result::Result::Ok(::std::vec![x]) }
    }
}

#[test]
fn the_prelude_and_shadowed_names_are_not_used() {
    use surroundings::{fallible, process, thread};

    assert_eq!((process(1, "a"), process(1, "a")), (2, 2));
    assert_eq!(surroundings::process_cache_info().hits, 1);
    assert_eq!(surroundings::process_cache_peek(1, "a"), Some(2));
    assert!(surroundings::process_cache_invalidate(1, "a"));
    surroundings::process_cache_put(2, "b", 7);
    assert_eq!(process(2, "b"), 7);
    assert_eq!(surroundings::process_cache_refresh(2, "b"), 3);
    assert_eq!(surroundings::process_uncached(2, "b"), 3);
    surroundings::process_cache_clear();
    assert_eq!(surroundings::process_cache_parameters().maxsize, Some(2));

    assert_eq!(thread(Some("a"), 0.0), thread(Some("a"), -0.0));
    assert_eq!(surroundings::thread_cache_info().hits, 1);

    let owner = surroundings::Owner { memo: lru_memo::Memo::new() };
    assert_eq!((owner.object(1, "a"), owner.object(1, "a"), owner.object_cache_info().hits), (2, 2, 1));
    assert_eq!(
        (owner.object_cache_peek(1, "a"), owner.object_cache_parameters().maxsize),
        (Some(2), Some(2))
    );

    assert_eq!((fallible(0), fallible(0)), (Err(()), Err(())));
    assert_eq!(surroundings::fallible_cache_info().currsize, 0);
    assert_eq!((fallible(1), fallible(1)), (Ok(vec![1]), Ok(vec![1])));
    assert_eq!(surroundings::fallible_cache_info().hits, 1);
    assert_eq!(surroundings::fallible_cache_peek(1), Some(vec![1]));
}

#[test]
fn arguments_may_be_named_like_local_variables_of_the_expansion() {
    #[lru_memo::lru_cache]
    fn f(cache: u32, miss: &str, value: Option<u32>, key: bool, site: char, argument_0: u8) -> String {
        format!("{cache} {miss} {value:?} {key} {site} {argument_0}")
    }

    let expected = "1 2 Some(3) true 4 5";
    for _ in 0..2 {
        assert_eq!(f(1, "2", Some(3), true, '4', 5), expected);
    }
    assert_eq!(f_cache_info().hits, 1);
    assert_eq!(f_cache_peek(1, "2", Some(3), true, '4', 5).as_deref(), Some(expected));
    assert_eq!(f_cache_refresh(1, "2", Some(3), true, '4', 5), expected);
    f_cache_put(1, "2", None, true, '4', 5, "new".to_owned());
    assert_eq!(f(1, "2", None, true, '4', 5), "new");
    assert!(f_cache_invalidate(1, "2", None, true, '4', 5));
}

#[test]
fn patterns_do_not_meet_an_argument_that_is_named_like_their_stand_in() {
    #[lru_memo::lru_cache]
    fn f((a, b): (u32, u32), argument_0: u32, _: u32, argument_2: u32) -> u32 {
        a + b + argument_0 + argument_2
    }

    assert_eq!(f((1, 2), 3, 4, 5), 11);
    assert_eq!(f((1, 2), 4, 4, 5), 12);
    assert_eq!(f((1, 2), 4, 5, 5), 12);
    assert_eq!(f((1, 2), 3, 4, 5), 11);
    let info = f_cache_info();
    assert_eq!((info.hits, info.misses), (1, 3));
}

mod reexport {
    pub mod deeper {
        pub use lru_memo as memo;
    }
}

#[test]
fn the_crate_may_be_reached_by_another_path() {
    mod outside {
        mod lru_memo {}

        #[crate::hygiene::reexport::deeper::memo::lru_cache(maxsize = 2, crate = crate::hygiene::reexport::deeper::memo)]
        pub(super) fn f(x: u32) -> Vec<u32> {
            vec![x]
        }

        #[crate::hygiene::reexport::deeper::memo::cache(crate = super::reexport::deeper::memo, scope = thread)]
        pub(super) fn g(x: &str) -> Result<String, ()> {
            Ok(x.to_owned())
        }
    }

    assert_eq!((outside::f(1), outside::f(1)), (vec![1], vec![1]));
    assert_eq!(outside::f_cache_info().hits, 1);
    assert_eq!((outside::g("a"), outside::g("a")), (Ok("a".to_owned()), Ok("a".to_owned())));
    assert_eq!(outside::g_cache_info().hits, 1);
}

#[test]
fn a_macro_may_pass_the_crate_of_its_own() {
    macro_rules! memoized {
        ($name:ident($argument:ident: $In:ty) -> $Out:ty $body:block) => {
            #[lru_memo::lru_cache(maxsize = 2, crate = $crate::hygiene::reexport::deeper::memo)]
            fn $name($argument: $In) -> $Out $body
        };
    }
    memoized!(twice(x: u32) -> u32 { 2 * x });
    memoized!(length(text: &str) -> usize { text.len() });

    assert_eq!((twice(2), twice(2)), (4, 4));
    assert_eq!(twice_cache_info().hits, 1);
    assert_eq!((length("two"), length("two")), (3, 3));
    assert_eq!(length_cache_info().hits, 1);
}

#[test]
fn memoized_functions_may_stand_inside_each_other() {
    #[lru_memo::lru_cache]
    fn outer(x: u32) -> u32 {
        #[lru_memo::lru_cache]
        fn inner(x: u32) -> u32 {
            #[lru_memo::lru_cache(scope = thread)]
            fn outer(x: u32) -> u32 {
                x + 1
            }
            outer(x) + outer(x) + outer_cache_info().hits as u32
        }
        inner(x) + inner(x) + inner_cache_info().hits as u32
    }

    assert_eq!(outer(1), 11);
    assert_eq!(outer(1), 11);
    assert_eq!(outer_cache_info().misses, 1);
}

#[test]
fn functions_of_one_name_in_different_modules_have_different_caches() {
    mod left {
        #[lru_memo::lru_cache]
        pub(super) fn f(x: u32) -> &'static str {
            let _ = x;
            "left"
        }
    }
    mod right {
        #[lru_memo::lru_cache]
        pub(super) fn f(x: u32) -> &'static str {
            let _ = x;
            "right"
        }
    }

    assert_eq!((left::f(1), right::f(1)), ("left", "right"));
    assert_eq!((left::f_cache_info().misses, right::f_cache_info().misses), (1, 1));
    left::f_cache_clear();
    assert_eq!((left::f_cache_info().currsize, right::f_cache_info().currsize), (0, 1));
}

#[test]
fn raw_identifiers_name_functions_and_arguments() {
    #[lru_memo::lru_cache]
    fn r#type(r#match: u32, r#fn: &str) -> String {
        format!("{}{}", r#match, r#fn)
    }

    assert_eq!((r#type(1, "a"), r#type(1, "a")), ("1a".to_owned(), "1a".to_owned()));
    assert_eq!(type_cache_info().hits, 1);
    assert_eq!(type_uncached(1, "a"), "1a");
    assert_eq!(type_cache_refresh(1, "a"), "1a");
    type_cache_put(1, "a", "new".to_owned());
    assert_eq!(type_cache_peek(1, "a").as_deref(), Some("new"));
    assert!(type_cache_invalidate(1, "a"));
    type_cache_clear();
    assert_eq!(type_cache_parameters().maxsize, Some(128));
    let name = lru_memo::caches().map(|cache| cache.name()).find(|name| name.ends_with("type"));
    assert_eq!(name, Some("functions::hygiene::type"));
}

#[test]
fn a_type_that_is_merely_named_result_is_cached_as_it_is() {
    #[derive(Debug, Clone, PartialEq)]
    struct Result<T>(T);

    #[lru_memo::lru_cache]
    fn f(x: u32) -> Result<u32> {
        Result(x)
    }

    assert_eq!((f(1), f(1)), (Result(1), Result(1)));
    assert_eq!(f_cache_peek(1), Some(Result(1)));
}

/// A pattern with the name of a constant, a static or a unit struct would mean that.
mod items_in_the_way {
    #![allow(non_upper_case_globals, non_camel_case_types, dead_code, reason = "names that stand in the way")]

    use lru_memo::lru_cache;

    const value: u32 = 1;
    const key: &str = "key";
    static cache: u32 = 1;
    static found: u32 = 1;
    struct miss;
    struct outcome;
    struct pending;
    const unseen: u32 = 1;
    const _inside: u32 = 1;
    const inside: u32 = 1;
    const parts: u32 = 1;
    const argument_0: u32 = 1;
    const argument_1: u32 = 1;
    const CACHE: usize = 3;
    const CACHES: usize = 3;
    const INSTANCES: usize = 3;

    #[lru_cache(maxsize = CACHE, ttl = "1h", ttl_of = |_| ::core::time::Duration::MAX, jitter = "1m", cache_if = |v: &u32| *v > 0)]
    fn plain(x: u32, (a, b): (u32, u32), _: u32) -> u32 {
        x + a + b + value
    }

    #[lru_cache(maxsize = INSTANCES, key = x / 2, max_weight = 100, weigh = |k, v| (*k + *v) as usize)]
    fn keyed(x: u32) -> u32 {
        x / 2
    }

    #[lru_cache(maxsize = CACHE, idle = "1h", scope = thread)]
    fn of_thread(x: u32) -> u32 {
        x
    }

    #[lru_cache(single_flight = true)]
    fn in_single_flight(x: u32) -> Result<u32, String> {
        Ok(x)
    }

    #[lru_cache(maxsize = CACHE, ttl = "1h", stale = "1h", scope = thread)]
    fn perhaps_old(x: u32, (a, b): (u32, u32)) -> Result<u32, String> {
        Ok(x + a + b + value)
    }

    #[lru_cache(ttl = "1h", stale = "1h", single_flight = true)]
    async fn perhaps_old_of_task(
        x: u32,
        shown: impl ToString + Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    ) -> String {
        format!("{x}{}", shown.to_string())
    }

    #[lru_cache(maxsize = INSTANCES, scope = thread)]
    fn generic<T: Copy + Eq + std::hash::Hash + 'static>(x: T) -> T {
        x
    }

    #[lru_cache(single_flight = true)]
    async fn of_task(
        x: u32,
        shown: impl ToString + Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    ) -> String {
        format!("{x}{}", shown.to_string())
    }

    #[cfg(feature = "shared")]
    #[lru_cache(maxsize = CACHES, scope = shared, ttl = "1h", stale = "1h", single_flight = true)]
    fn shared_and_perhaps_old(x: u32) -> u32 {
        x
    }

    #[cfg(feature = "shared")]
    #[lru_cache(maxsize = CACHES, scope = shared, single_flight = true)]
    fn shared(x: u32) -> u32 {
        x
    }

    #[test]
    fn items_with_the_names_of_variables_do_not_stand_in_the_way() {
        assert_eq!((plain(1, (2, 3), 4), plain(1, (2, 3), 4)), (7, 7));
        plain_cache_put(1, (2, 3), 4, 9);
        assert_eq!((plain_cache_peek(1, (2, 3), 4), plain_cache_refresh(1, (2, 3), 4)), (Some(9), 7));
        assert_eq!((plain_cache_parameters().maxsize, plain_cache_info().hits), (Some(3), 1));
        assert_eq!((keyed(3), keyed(2), keyed_cache_info().hits), (1, 1, 1));
        assert_eq!((of_thread(1), of_thread(1), of_thread_cache_info().maxsize), (1, 1, Some(3)));
        assert_eq!((in_single_flight(1), in_single_flight(1)), (Ok(1), Ok(1)));
        assert_eq!((perhaps_old(1, (2, 3)), perhaps_old(1, (2, 3))), (Ok(7), Ok(7)));
        assert_eq!(pollster::block_on(perhaps_old_of_task(1, "a")), "1a");
        assert_eq!((generic(1), generic('a'), generic_cache_info::<char>().misses), (1, 'a', 1));
        assert_eq!(pollster::block_on(of_task(1, "a")), "1a");
        assert!(pollster::block_on(of_task(1, "a")) == "1a");
        #[cfg(feature = "shared")]
        {
            lru_memo_tests::in_memory_or_chosen();
            assert_eq!((shared(1), shared(1), shared_cache_info().maxsize), (1, 1, Some(3)));
            assert_eq!((shared_and_perhaps_old(1), shared_and_perhaps_old(1)), (1, 1));
        }
    }
}
