//! What a user reads who has made a mistake: each case under `ui/` beside the messages it must produce.
//!
//! A case says in its first line how many mistakes it makes. There is one error for each, and none that follows
//! from another.

use std::fs;
use std::path::{Path, PathBuf};

/// A case and the messages it must produce.
struct Case {
    path: PathBuf,
    mistakes: usize,
    snapshot: String,
}

/// The cases in a directory.
fn cases(directory: &str) -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory);
    let mut cases: Vec<_> = fs::read_dir(directory)
        .expect("the directory of the cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(case)
        .collect();
    cases.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(!cases.is_empty());
    cases
}

fn case(path: PathBuf) -> Case {
    let first = read(&path).lines().next().map(str::to_owned).unwrap_or_default();
    let mistakes = first.strip_prefix("// mistakes: ").and_then(|count| count.parse().ok());
    let mistakes =
        mistakes.unwrap_or_else(|| panic!("{} begins with `// mistakes: <number>`", path.display()));
    let snapshot = read(&path.with_extension("stderr"));
    Case { path, mistakes, snapshot }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is wrong with a snapshot, if anything.
fn fault(Case { path, mistakes, snapshot }: &Case) -> Option<String> {
    let path = path.display();
    let errors = snapshot.lines().filter(|line| line.starts_with("error: ") || line.starts_with("error["));
    let errors = errors.count();
    if errors != *mistakes {
        return Some(format!("{path}: {errors} errors for {mistakes} mistakes"));
    }
    if snapshot.lines().any(|line| line.starts_with("warning")) {
        return Some(format!("{path}: a warning"));
    }
    // Excerpts of the standard library are there only where its source is installed.
    let of_one_machine = ["$RUST", "$CARGO", "/rustc/", "--> /", "::: /"];
    let found = of_one_machine.into_iter().find(|text| snapshot.contains(text));
    found.map(|text| format!("{path}: `{text}` differs between machines"))
}

/// The faults of all snapshots in a directory.
fn faults(directory: &str) -> Vec<String> {
    cases(directory).iter().filter_map(fault).collect()
}

/// All in one project, so that what they depend on is checked once, and they are checked side by side. With programs
/// that run, trybuild would build them one after the other.
#[test]
fn mistakes_are_reported_as_the_snapshots_say() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/ui/*.rs");
    tests.compile_fail("tests/ui/unfit-types/*.rs");
    tests.compile_fail("tests/ui/many-errors/*.rs");
}

#[test]
fn each_mistake_is_one_error_and_nothing_else() {
    assert_eq!(faults("ui"), [""; 0]);
}

#[test]
fn each_unfit_type_is_one_error_and_nothing_else() {
    assert_eq!(faults("ui/unfit-types"), [""; 0]);
}

#[test]
fn the_first_of_many_errors_names_the_attribute_that_is_missing() {
    for case in cases("ui/many-errors") {
        let first = case.snapshot.lines().next().unwrap_or_default();
        assert!(first.contains("_needs_lru_cache_on_its_impl_block"), "{first}");
    }
}
