//! Tests that need the feature `shared` to be off: in tests from outside, it is always on.

use proc_macro2::TokenStream;

use super::Options;
use crate::diagnostics::Diagnostics;
use crate::own::Attribute;

fn mistakes(options: &str) -> String {
    let mut diagnostics = Diagnostics::default();
    let options: TokenStream = options.parse().expect("tokens");
    Options::parse(Attribute::LruCache, options, None, &mut diagnostics);
    diagnostics.into_tokens(&[]).map(|tokens| tokens.to_string()).unwrap_or_default()
}

#[test]
fn scope_shared_without_its_feature_is_one_mistake_that_says_so() {
    let mistakes = mistakes("maxsize = 2, scope = shared, single_flight = true");
    if cfg!(feature = "shared") {
        assert_eq!(mistakes, "");
    } else {
        assert_eq!(mistakes.matches("compile_error").count(), 1, "{mistakes}");
        assert!(mistakes.contains("`scope = shared` needs the feature `shared`"), "{mistakes}");
    }
}

#[test]
fn hasher_and_weigh_are_a_mistake_each_where_the_scope_is_shared() {
    let mistakes = mistakes("scope = shared, hasher = Hasher, max_weight = 1, weigh = |_, _| 1");
    let expected = if cfg!(feature = "shared") { 2 } else { 1 };
    assert_eq!(mistakes.matches("compile_error").count(), expected, "{mistakes}");
}

#[test]
fn single_flight_is_a_boolean_or_a_duration() {
    for fine in ["true", "false", "\"5s\"", "LIMIT", "Duration::from_secs(5)"] {
        assert_eq!(mistakes(&format!("single_flight = {fine}")), "", "{fine}");
    }
    let number = mistakes("single_flight = 5");
    assert!(number.contains("write `single_flight = true` or"), "{number}");
    let text = mistakes("single_flight = \"by_key\"");
    assert!(text.contains("is not a duration"), "{text}");
}

#[test]
fn an_option_of_another_library_is_one_mistake_that_says_what_to_write() {
    for (option, advice) in [
        ("size = 100", "maxsize = 128"),
        ("time = 60", "ttl ="),
        ("time_to_idle = 60", "write `idle = "),
        ("ty = \"SizedCache<u32, u32>\", create = \"{ f(1, 2) }\"", "key = .."),
        ("convert = r#\"{ format!(\"{}\", a) }\"#", "key = .."),
        ("result = true", "cache_err = true"),
        ("option = true", "value.is_some()"),
        ("sync_writes = \"by_key\"", "single_flight = true"),
        ("with_cached_flag = true", "f_with_outcome"),
        ("disk = true", "scope = shared"),
        ("on_evict = |key, value| drop((key, value))", "f_cache_totals"),
        ("Capacity: 2", "maxsize = 128"),
        ("unbound", "maxsize = None"),
    ] {
        let found = mistakes(option);
        let wanted = option.matches(" = ").count().clamp(1, 2);
        assert!(found.matches("compile_error").count() <= wanted, "{option}: {found}");
        assert!(found.contains(advice), "{option}: {found}");
    }
}

#[test]
fn no_duration_at_all_is_one_mistake_that_names_its_option() {
    for (option, advice) in [
        ("ttl = \"0s\"", "an entry would expire at once; write `maxsize = 0`"),
        ("jitter = \"0m\", ttl = \"1h\"", "`jitter` would shorten nothing"),
        ("idle = \"0s\"", "an entry would expire at once; write `maxsize = 0`"),
        ("near = \"0ms\", scope = thread", "leave `near` out"),
        ("single_flight = \"0s\"", "write `single_flight = false`"),
    ] {
        let mistakes = mistakes(option);
        assert!(mistakes.contains(advice), "{option}: {mistakes}");
    }
}

#[test]
fn a_duration_that_cannot_be_read_is_no_reason_for_another_mistake() {
    for (option, advice) in [
        ("ttl = \"90\", jitter = \"1m\", ttl_of = |value| *value", "`90` has no unit"),
        ("ttl = 90, jitter = \"1m\"", "such as `ttl = \\\"90s\\\"`"),
        ("jitter = 90, ttl = \"1h\"", "such as `jitter = \\\"90s\\\"`"),
        ("ttl = \"1h\", jitter = \"600000d\"", "longer than 584 years; leave `jitter` out"),
    ] {
        let mistakes = mistakes(option);
        assert_eq!(mistakes.matches("compile_error").count(), 1, "{option}: {mistakes}");
        assert!(mistakes.contains(advice), "{option}: {mistakes}");
    }
}
