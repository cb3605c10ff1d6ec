//! `lru-memo advise`, and what the other commands show of the advice.
#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::{Scratch, run};
use lru_memo::{lru_cache, shared};
use serde_json::json;

#[lru_cache(maxsize = 4, scope = shared, name = "app::looping", advise = true)]
fn looping(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = None, scope = shared, name = "app::unbounded", advise = true)]
fn unbounded(x: u64) -> u64 {
    x
}

#[lru_cache(maxsize = 4, scope = shared, name = "app::silent")]
fn silent(x: u64) -> u64 {
    x
}

/// One test: a process has one store, which is removed in the end.
#[test]
fn the_command_shows_the_advice() {
    let scratch = Scratch::new();
    shared::configure(&scratch.url()).expect("a URL");
    for call in 0..80 {
        assert_eq!(looping(call % 8) + unbounded(call % 3) + silent(1), call % 8 + call % 3 + 1);
    }
    // Delivers the latest calls.
    while looping_cache_advice().observed() < 80 || unbounded_cache_advice().observed() < 80 {
        std::thread::yield_now();
    }
    advise_prints_a_table_with_bars_for_each_function_that_advises(&scratch);
    advise_prints_json(&scratch);
    advise_draws_a_picture_with_the_present_size_marked(&scratch);
    a_function_without_advice_is_told_apart_from_one_that_does_not_exist(&scratch);
    show_tells_the_advised_bound(&scratch);
}

fn advise_prints_a_table_with_bars_for_each_function_that_advises(scratch: &Scratch) {
    let advised = run(scratch, &["advise"]);
    assert_eq!((advised.code, advised.stderr.as_str()), (Some(0), ""));
    let store = scratch.0.display();
    let expected = format!(
        "app::looping ({store})
        2    0.0 %
        4    0.0 %                                          now
        8   90.0 % ####################################
       16   90.0 % ####################################
       32   90.0 % ####################################
     None   90.0 % ####################################
  80 calls; maxsize = 8 is within 1 % of an unbounded cache

"
    );
    assert_eq!(advised.stdout.split_inclusive("\n\n").next(), Some(expected.as_str()));
    assert!(advised.stdout.contains("\napp::unbounded ("), "{}", advised.stdout);
    assert!(!advised.stdout.contains("silent"), "{}", advised.stdout);
    let one = run(scratch, &["advise", "app::looping"]);
    assert_eq!(one.stdout, expected.trim_end().to_owned() + "\n");
}

fn advise_prints_json(scratch: &Scratch) {
    let advised = run(scratch, &["advise", "app::looping", "--json"]).json();
    let one = &advised[0];
    let fields = ["name", "maxsize", "smallest", "observed", "unbounded_hit_ratio"].map(|field| &one[field]);
    assert_eq!(fields, [&json!("app::looping"), &json!(4), &json!(8), &json!(80), &json!(0.9)]);
    let ratios: Vec<_> = one["hit_ratios"].as_array().expect("an array").iter().collect();
    assert_eq!(ratios[0], &json!({ "maxsize": 1, "hit_ratio": 0.0 }));
    assert_eq!(ratios[5], &json!({ "maxsize": 32, "hit_ratio": 0.9 }));
    assert_eq!(run(scratch, &["advise", "--json"]).json().as_array().map(Vec::len), Some(2));
}

fn advise_draws_a_picture_with_the_present_size_marked(scratch: &Scratch) {
    let path = scratch.0.join("advice.svg");
    let advised = run(scratch, &["advise", "--svg", path.to_str().expect("text")]);
    assert_eq!((advised.code, advised.stderr.as_str()), (Some(0), ""));
    let picture = fs::read_to_string(path).expect("a picture");
    for part in
        ["<svg ", "app::looping: hit ratio", "now 4: 0.0 %", "within 1 %: 8: 90.0 %", "app::unbounded"]
    {
        assert!(picture.contains(part), "{part} is not in {picture}");
    }
    let failed = run(scratch, &["advise", "--svg", "/dev/null/picture.svg"]);
    assert_eq!(failed.code, Some(3));
    assert!(failed.stderr.contains("/dev/null/picture.svg"), "{}", failed.stderr);
}

fn a_function_without_advice_is_told_apart_from_one_that_does_not_exist(scratch: &Scratch) {
    let silent = run(scratch, &["advise", "app::silent"]);
    assert_eq!((silent.code, silent.stdout.as_str()), (Some(1), ""));
    assert!(silent.stderr.contains("`advise = true`"), "{}", silent.stderr);
    let missing = run(scratch, &["advise", "app::missing"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("there is no namespace"), "{}", missing.stderr);
}

fn show_tells_the_advised_bound(scratch: &Scratch) {
    let shown = run(scratch, &["show", "app::looping"]);
    let line = "  advised     maxsize = 8, within 1 % of the best (90.0%), by 80 calls";
    assert!(shown.stdout.lines().any(|found| found == line), "{}", shown.stdout);
    assert!(!run(scratch, &["show", "app::silent"]).stdout.contains("advised"));
    let shown = run(scratch, &["show", "app::looping", "--json"]).json();
    assert_eq!((&shown[0]["advice"]["smallest"], &shown[0]["advice"]["observed"]), (&json!(8), &json!(80)));
}
