//! What a user reads who has made a mistake: each case under `ui/` beside the messages it must produce.
//!
//! A case says in its first line how many mistakes it makes. There is one error for each, and none that follows
//! from another.

use std::fs;
use std::path::PathBuf;

/// The cases and their snapshots, in pairs.
fn cases() -> Vec<(PathBuf, PathBuf)> {
    let mut cases: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ui"))
        .expect("the directory of the cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (path.clone(), path.with_extension("stderr")))
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn read(path: &PathBuf) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn each_mistake_is_reported_as_its_snapshot_says() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn companions_declare_the_lifetimes_of_the_function() {
    trybuild::TestCases::new().pass("tests/ui/works/named-lifetimes.rs");
}

#[test]
fn each_mistake_is_one_error() {
    for (case, snapshot) in cases() {
        let source = read(&case);
        let mistakes: usize = source
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("// mistakes: "))
            .and_then(|count| count.parse().ok())
            .unwrap_or_else(|| panic!("{} begins with `// mistakes: <number>`", case.display()));
        let errors = read(&snapshot)
            .lines()
            .filter(|line| line.starts_with("error: ") || line.starts_with("error["))
            .count();
        assert_eq!(errors, mistakes, "{}", snapshot.display());
    }
}

#[test]
fn nothing_but_the_errors_is_printed() {
    for (_, snapshot) in cases() {
        let warned = read(&snapshot).lines().any(|line| line.starts_with("warning"));
        assert!(!warned, "{}", snapshot.display());
    }
}

#[test]
fn snapshots_are_the_same_on_every_machine() {
    for (_, snapshot) in cases() {
        // Excerpts of the standard library are there only where its source is installed.
        for of_one_machine in ["$RUST", "$CARGO", "/rustc/", "--> /", "::: /"] {
            let found = read(&snapshot).contains(of_one_machine);
            assert!(!found, "`{of_one_machine}` in {}", snapshot.display());
        }
    }
}
