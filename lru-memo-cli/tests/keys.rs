//! Keys and values as a person writes them: memoized functions fill a store, and the command shows, gets and forgets
//! what is in it.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use common::{Outcome, Scratch, call, command, outcome, space};
use lru_memo::{lru_cache, shared};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Point {
    x: i16,
    y: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Shape {
    Dot,
    Line(u8, char),
    #[serde(rename = "a box")]
    Box {
        side: u32,
    },
}

#[lru_cache(scope = shared, name = "keys::number")]
fn number(n: u32) -> u64 {
    u64::from(n) * 1000
}

#[lru_cache(scope = shared, name = "keys::two")]
fn two(name: &str, n: i64) -> String {
    format!("{name}\n{n}")
}

#[lru_cache(scope = shared, name = "keys::nothing")]
fn nothing() -> Option<()> {
    Some(())
}

#[lru_cache(scope = shared, name = "keys::shape")]
fn shape(shape: Shape, at: Point) -> (Shape, Point) {
    (shape, at)
}

#[lru_cache(scope = shared, name = "keys::lists")]
fn lists(all: Vec<u16>, bytes: Vec<u8>, pairs: BTreeMap<String, f32>) -> usize {
    all.len() + bytes.len() + pairs.len()
}

#[lru_cache(scope = shared, name = "keys::maps")]
fn maps(of_pairs: BTreeMap<(u8, bool), char>) -> BTreeMap<i128, ()> {
    of_pairs.keys().map(|&(number, _)| (number.into(), ())).collect()
}

#[lru_cache(scope = shared, name = "keys::tagged", tags = [format!("user:{n}"), "all"])]
fn tagged(n: u8) -> Option<u8> {
    Some(n)
}

#[lru_cache(scope = shared, name = "keys::large")]
fn large(n: u128) -> i128 {
    -(n as i128)
}

#[lru_cache(scope = shared, name = "keys::text")]
fn text(text: String) -> String {
    text
}

#[lru_cache(scope = shared, name = "keys::six")]
fn six(a: u8, b: u16, c: u32, d: u64, e: i32, f: i64) -> u8 {
    let _ = (b, c, d, e, f);
    a
}

/// The store of this process, with what a few calls left there.
static STORE: LazyLock<Scratch> = LazyLock::new(|| {
    let scratch = Scratch::new();
    shared::configure(&format!("{}?size=16MiB", scratch.url())).expect("the first to choose");
    number(92);
    number(300);
    two("Ada", 7);
    nothing();
    let point = |y| Point { x: -1, y };
    shape(Shape::Dot, point(None));
    shape(Shape::Line(1, 'a'), point(Some(2)));
    shape(Shape::Box { side: 3 }, point(Some(4)));
    lists(vec![1, 300], vec![1, 2], [("a".to_owned(), 0.5)].into());
    maps([((1, true), 'a')].into());
    tagged(5);
    large(u128::from(u64::MAX) + 1);
    text("\u{65e5}\u{202e}\"\x1b[2J".repeat(40));
    six(1, 2, 3, 4, 5, 6);
    scratch
});

fn run(arguments: &[&str]) -> Outcome {
    outcome(command(arguments).args(["--store", &STORE.url()]))
}

/// The keys that `show` prints, the latest first.
fn keys(name: &str) -> Vec<String> {
    let shown = run(&["show", name]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{shown:?}");
    let table = shown.stdout.split_once("used last:\n").expect("a table").1;
    table.lines().skip(1).map(|line| line.split("  ").next().unwrap_or_default().to_owned()).collect()
}

fn entries(name: &str) -> Vec<Value> {
    let shown = run(&["show", name, "--values", "--json"]).json();
    shown[0]["recent"].as_array().expect("an array").clone()
}

#[test]
fn show_prints_keys_as_a_person_writes_them() {
    assert_eq!(keys("keys::number"), ["300", "92"]);
    assert_eq!(keys("keys::two"), ["(\"Ada\", 7)"]);
    assert_eq!(keys("keys::nothing"), ["()"]);
    assert_eq!(
        keys("keys::shape"),
        [
            "(\"a box\" { side: 3 }, Point { x: -1, y: Some(4) })",
            "(Line(1, 'a'), Point { x: -1, y: Some(2) })",
            "(Dot, Point { x: -1, y: None })",
        ]
    );
    assert_eq!(keys("keys::lists"), ["([1, 300], [1, 2], {\"a\": 0.5})"]);
    assert_eq!(keys("keys::large"), ["18446744073709551616"]);
}

#[test]
fn values_are_shown_on_request() {
    let shown = run(&["show", "keys::two", "--values"]);
    assert!(shown.stdout.contains("  \"Ada\\n7\"  "), "{}", shown.stdout);
    assert!(!run(&["show", "keys::two"]).stdout.contains("\"Ada\\n7\""));
    assert!(run(&["show", "keys::two", "--json"]).json()[0]["recent"][0].get("value").is_none());
}

#[test]
fn json_has_keys_and_values_as_json() {
    let of = |name: &str| {
        let entry = entries(name).swap_remove(0);
        (entry["key"].clone(), entry["value"].clone())
    };
    assert_eq!(of("keys::number"), (json!(300), json!(300_000)));
    assert_eq!(of("keys::two"), (json!(["Ada", 7]), json!("Ada\n7")));
    assert_eq!(of("keys::nothing"), (json!([]), Value::Null));
    let shape = json!([{ "a box": { "side": 3 } }, { "x": -1, "y": 4 }]);
    assert_eq!(of("keys::shape"), (shape.clone(), shape));
    assert_eq!(of("keys::lists"), (json!([[1, 300], [1, 2], { "a": 0.5 }]), json!(5)));
    assert_eq!(of("keys::maps"), (json!([[[1, true], "a"]]), json!({ "1": null })));
    let large = run(&["show", "keys::large", "--values", "--json"]).stdout;
    assert!(large.contains("\"key\": 18446744073709551616,"), "{large}");
    assert!(large.contains("\"value\": -18446744073709551616,"), "{large}");
    let shown = entries("keys::shape");
    assert_eq!(shown[0]["key_text"], "(\"a box\" { side: 3 }, Point { x: -1, y: Some(4) })");
    assert_eq!(shown[0]["value_text"], shown[0]["key_text"]);
}

#[test]
fn long_keys_and_values_are_cut_and_steer_nothing() {
    let shown = run(&["show", "keys::text", "--values"]);
    assert!(!shown.stdout.contains(['\x1b', '\u{202e}']), "{shown:?}");
    let line = shown.stdout.lines().find(|line| line.contains('\u{65e5}')).expect("the entry");
    assert!(line.chars().count() < 250 && line.matches('\u{2026}').count() == 2, "{line}");
    let whole = "\u{65e5}\u{202e}\"\x1b[2J".repeat(40);
    let printed = run(&["show", "keys::text", "--values", "--json"]);
    assert!(!printed.stdout.contains(['\x1b', '\u{202e}']), "{printed:?}");
    let entry = &printed.json()[0]["recent"][0];
    assert_eq!((&entry["key"], &entry["value"]), (&json!(whole), &json!(whole)));
    let got = run(&["get", "keys::text", entry["key_text"].as_str().expect("a text")]);
    assert_eq!(got.stdout.trim_end(), entry["value_text"]);
    assert!(!got.stdout.contains(['\x1b', '\u{202e}']), "{got:?}");
}

#[test]
fn what_show_prints_is_what_get_takes() {
    for (name, key, value) in [
        ("keys::number", "92", "92000"),
        ("keys::number", "92u32", "92000"),
        ("keys::two", "(\"Ada\", 7)", "\"Ada\\n7\""),
        ("keys::two", "(Ada,7i64)", "\"Ada\\n7\""),
        ("keys::nothing", "()", "Some(())"),
        ("keys::shape", "(Dot, Point { x: -1, y: None })", "(Dot, Point { x: -1, y: None })"),
        (
            "keys::shape",
            "(\"a box\"{side:3},Point{x:-1,y:Some(4)})",
            "(\"a box\" { side: 3 }, Point { x: -1, y: Some(4) })",
        ),
        ("keys::lists", "([1, 300], [1, 2], {\"a\": 0.5})", "5"),
        ("keys::tagged", "5", "Some(5)"),
        ("keys::maps", "{(1, true): 'a'}", "{1: ()}"),
        ("keys::large", "18446744073709551616", "-18446744073709551616"),
        ("keys::six", "(1, 2, 3, 4, 5, 6)", "1"),
    ] {
        let before = run(&["ls", "--json"]).stdout;
        let got = run(&["get", name, key]);
        assert_eq!(
            (got.code, got.stdout.as_str(), got.stderr.as_str()),
            (Some(0), format!("{value}\n").as_str(), ""),
            "{key}"
        );
        let after = run(&["ls", "--json"]).stdout;
        assert_eq!(
            before.matches("\"hits\": 0,").count(),
            after.matches("\"hits\": 0,").count(),
            "it counts nothing"
        );
    }
    let got = run(&["get", "keys::two", "(\"Ada\", 7)", "--json"]).json();
    assert_eq!(
        (&got[0]["name"], &got[0]["key"], &got[0]["value"]),
        (&json!("keys::two"), &json!(["Ada", 7]), &json!("Ada\n7"))
    );
}

#[test]
fn a_key_that_is_not_there_is_not_found() {
    for (name, key) in
        [("keys::number", "93"), ("keys::number", "92u64"), ("keys::number", "\"x\""), ("keys::two", "7")]
    {
        for verb in ["get", "forget"] {
            let told = run(&[verb, name, key]);
            assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{told:?}");
            assert!(told.stderr.contains(&format!("`{key}` in {name}")), "{told:?}");
        }
    }
    assert_eq!(keys("keys::number"), ["300", "92"]);
}

#[test]
fn a_key_that_cannot_be_read_is_status_2_and_says_where() {
    for (key, word) in [
        ("(1, ", "quotes"),
        ("Ada Lovelace", "quotes"),
        ("1 2", "unexpected"),
        ("", "quotes"),
        ("[1; 2]", ","),
    ] {
        let told = run(&["get", "keys::two", key]);
        assert_eq!((told.code, told.stdout.as_str()), (Some(2), ""), "{told:?}");
        assert!(told.stderr.contains(word), "{told:?}");
    }
    let nested = "(".repeat(10_000) + &")".repeat(10_000);
    assert_eq!(run(&["get", "keys::two", &nested]).code, Some(2));
}

#[test]
fn forget_removes_one_entry_and_what_is_being_computed_for_it() {
    #[lru_cache(scope = shared, name = "keys::forgotten")]
    fn forgotten(n: i16) -> i16 {
        if n == 3 {
            let told = run(&["forget", "keys::forgotten", "3"]);
            assert_eq!(told.code, Some(1), "{told:?}");
        }
        n
    }
    LazyLock::force(&STORE);
    forgotten(-1);
    forgotten(2);
    let told = run(&["forget", "keys::forgotten", "-1"]);
    assert_eq!((told.code, told.stderr.as_str()), (Some(0), ""), "{told:?}");
    assert!(told.stdout.starts_with("forgot -1 in keys::forgotten ("), "{told:?}");
    assert_eq!(keys("keys::forgotten"), ["2"]);
    forgotten(3);
    assert_eq!(keys("keys::forgotten"), ["2"]);
    assert_eq!(forgotten_cache_info().misses, 3);
}

#[test]
fn what_cannot_be_decoded_stays_bytes_and_can_be_got() {
    let scratch = Scratch::new();
    call(&scratch.store(), &space("raw", 0, None), b"\x01\x00user \xff", 3);
    let shown = common::run(&scratch, &["show", "raw", "--values"]);
    assert_eq!(shown.line(r#"b"\x01\x00user"#)[1..3], [r#"\xff""#, r#"b"\x07\x07\x07""#]);
    let entry = &common::run(&scratch, &["show", "raw", "--values", "--json"]).json()[0]["recent"][0];
    assert_eq!((&entry["key"], &entry["value"]), (&Value::Null, &Value::Null));
    assert_eq!(entry["key_text"], r#"b"\x01\x00user \xff""#);
    let got = common::run(&scratch, &["get", "raw", r#"b"\x01\x00user \xff""#]);
    assert_eq!((got.code, got.stdout.as_str()), (Some(0), "b\"\\x07\\x07\\x07\"\n"));
}

#[test]
fn forget_asks_which_when_two_have_one_name() {
    let scratch = Scratch::new();
    for version in [1, 2] {
        call(&scratch.store(), &space("twice", version, None), b"\x09\x00", 1);
    }
    let refused = common::run(&scratch, &["forget", "twice", "Some(1)"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    let key = r#"b"\x09\x00""#;
    let got = common::run(&scratch, &["get", "twice", key]);
    assert_eq!(got.stdout.matches(": b\"\\x07\"\n").count(), 2, "{got:?}");
    let told = common::run(&scratch, &["forget", "twice", key, "--all"]);
    assert_eq!((told.code, told.stdout.lines().count()), (Some(0), 2), "{told:?}");
}
