use std::any::{type_name, type_name_of_val};

use super::*;

const CODE: fn() = || ();

/// A function of the module `shop`, or of a body in it.
fn free(within: &'static str) -> Identity {
    Identity {
        tokens: 1,
        is_named: false,
        is_free: true,
        module: "shop",
        hidden: "hidden",
        within,
        package: [Some("shop"), Some("1.2.3")],
        types: names(&[&"u8"]),
        arguments: Vec::new(),
        own: None,
        code: CODE,
    }
}

/// A method of the module `shop::cart`, or of a body in it.
fn method(within: &'static str) -> Identity {
    Identity { is_free: false, module: "shop::cart", ..free(within) }
}

fn id(identity: &Identity) -> u128 {
    identity.id("f", 0, TypeId::of::<u8>()).unwrap()
}

/// Whether entries outlive a build.
fn outlives(identity: &Identity) -> bool {
    id(identity) == identity.id("f", 0, TypeId::of::<u16>()).unwrap()
}

fn check(identity: Identity, is_of_module: bool) {
    assert_eq!(outlives(&identity), is_of_module, "{}", identity.within);
    assert!(outlives(&Identity { is_named: true, ..identity }));
}

#[test]
fn functions_of_modules_outlive_a_build_and_those_of_bodies_do_not() {
    check(free("shop::hidden::{{closure}}"), true);
    check(free("shop::hidden<u8>::{{closure}}"), true);
    for within in [
        "shop::f::hidden::{{closure}}",
        "shop::_::hidden::{{closure}}",
        "shop::f::{{closure}}::hidden::{{closure}}",
        "<shop::Cart as shop::Price>::price::hidden::{{closure}}",
        "f::shop::hidden::{{closure}}",
        "shop::hidden_too::{{closure}}",
        "something else",
    ] {
        check(free(within), false);
    }
}

#[test]
fn methods_of_modules_outlive_a_build_and_those_of_bodies_do_not() {
    for within in [
        "shop::cart::Cart::hidden::{{closure}}",
        "shop::cart::Cart<shop::items::Item>::hidden::{{closure}}",
        "shop::cart::<impl shop::items::Item>::hidden::{{closure}}",
        "shop::cart::<impl shop::prices::Price for shop::items::Item>::hidden::{{closure}}",
        "<shop::cart::Cart as shop::cart::Price>::hidden::{{closure}}",
        "<u32 as shop::cart::Price>::hidden<u8>::{{closure}}",
        "<shop::cart::Cart as core::fmt::Display>::hidden::{{closure}}",
    ] {
        check(method(within), true);
    }
    for within in [
        "shop::cart::f::Cart::hidden::{{closure}}",
        "shop::cart::f::Cart<u8>::hidden::{{closure}}",
        "shop::cart::f::<impl shop::cart::Price for u64>::hidden::{{closure}}",
        "shop::cart::<impl shop::items::Item>::f::<impl u8>::hidden::{{closure}}",
        "shop::cart::Cart<u8>::f::Inner<u8>::hidden::{{closure}}",
        "<shop::cart::Cart as shop::cart::f::Price>::hidden::{{closure}}",
        "<shop::cart::f::Cart as shop::cart::Price>::hidden::{{closure}}",
        "<shop::f::cart::Cart as shop::cart::Price>::hidden::{{closure}}",
        "<u8 as shop::f::cart::Price>::hidden::{{closure}}",
        "<u8 as core::fmt::Display>::hidden::{{closure}}",
        "something else",
    ] {
        check(method(within), false);
    }
}

#[test]
fn only_well_known_arguments_outlive_a_build() {
    struct Own;
    let in_module = || free("shop::hidden::{{closure}}");
    for known in [
        type_name::<(u8, &str, [Option<bool>; 3])>(),
        type_name::<Vec<Box<Result<String, std::time::Duration>>>>(),
        type_name::<std::collections::HashMap<std::path::PathBuf, std::borrow::Cow<'_, [f64]>>>(),
        type_name::<std::collections::BTreeMap<std::num::NonZeroU8, std::sync::Arc<std::path::Path>>>(),
        type_name::<(std::collections::HashSet<()>, std::net::IpAddr, std::time::SystemTime)>(),
    ] {
        assert!(outlives(&Identity { arguments: names(&[&"u8", &known]), ..in_module() }), "{known}");
    }
    fn own() {}
    for other in [
        type_name_of_val(&|| ()),
        type_name_of_val(&own),
        type_name_of_val(&Some::<u8>),
        type_name::<Own>(),
        type_name::<Vec<Own>>(),
        type_name::<fn(&u8)>(),
        type_name::<&dyn Send>(),
        type_name::<std::cmp::Reverse<u8>>(),
    ] {
        let mut identity = Identity { arguments: names(&[&"u8", &other]), ..in_module() };
        assert!(!outlives(&identity), "{other}");
        identity.is_named = true;
        assert!(!outlives(&identity), "with a name: {other}");
    }
}

#[test]
fn own_types_of_blocks_that_cannot_be_seen_outlive_a_build_where_they_have_no_arguments() {
    for (within, own, is_known) in [
        ("shop::cart::Cart::hidden::{{closure}}", "shop::cart::Cart", true),
        ("shop::cart::<impl shop::items::Item>::hidden::{{closure}}", "shop::items::Item", true),
        ("shop::cart::Cart<u8>::hidden::{{closure}}", "shop::cart::Cart<u8>", false),
        // A trait's own function.
        ("shop::cart::Price::hidden::{{closure}}", "u32", true),
        ("shop::cart::Price::hidden::{{closure}}", "shop::cart::Cart", false),
    ] {
        assert_eq!(outlives(&Identity { own: Some(own), ..method(within) }), is_known, "{within}");
    }
}

#[test]
fn versions_of_a_crate_that_a_program_may_have_both_of_are_told_apart() {
    let of_version = |version| {
        id(&Identity { package: [Some("shop"), Some(version)], ..free("shop::hidden::{{closure}}") })
    };
    assert_eq!(of_version("1.2.3"), of_version("1.9.0"));
    assert_ne!(of_version("1.2.3"), of_version("2.2.3"));
    assert_eq!(of_version("0.1.2"), of_version("0.1.3"));
    assert_ne!(of_version("0.1.2"), of_version("0.2.2"));
    assert_ne!(of_version("0.0.1"), of_version("0.0.2"));
}

#[test]
fn everything_that_tells_functions_apart_is_in_it() {
    let plain = || free("shop::hidden::{{closure}}");
    let others = [
        Identity { tokens: 2, ..plain() },
        Identity { types: names(&[&"u16"]), ..plain() },
        Identity { types: names(&[&"u8", &"u8"]), ..plain() },
        Identity { within: "shop::hidden<u8>::{{closure}}", ..plain() },
        Identity { package: [Some("other"), Some("1.2.3")], ..plain() },
        Identity { is_named: true, ..plain() },
    ];
    let mut ids: Vec<u128> = others.iter().chain([&plain()]).map(id).collect();
    ids.extend(
        [("g", 0), ("f", 1)].map(|(name, version)| plain().id(name, version, TypeId::of::<u8>()).unwrap()),
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
}
