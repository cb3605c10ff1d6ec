//! The steps of `cargo xtask test` that run tests.

use crate::Failure;
use crate::command::{cargo, run, succeeds};
use crate::servers;

/// The packages of these steps, as cargo is told: all but the benchmarks, which need many crates that nothing else does.
pub(crate) const SELECTED: [&str; 3] = ["--workspace", "--exclude", "lru-memo-benches"];

/// Runs the unit and integration tests, by nextest where it is installed: it runs the tests of all programs side by
/// side, each in a process of its own.
pub(crate) fn unit() -> Result<(), Failure> {
    servers::all_installed()?;
    let runner =
        if succeeds(&mut cargo("nextest --version")) { "nextest run" } else { "test --no-fail-fast" };
    let mut command = cargo(runner);
    command.args(SELECTED).args(["--lib", "--bins", "--tests"]);
    // A test that compares with CPython may not pass for want of it.
    run(command.env("LRU_MEMO_REQUIRE_PYTHON", "1"))
}

pub(crate) fn doctest() -> Result<(), Failure> {
    run(cargo("test --doc").args(SELECTED))
}

pub(crate) fn examples() -> Result<(), Failure> {
    let path = "examples/Cargo.toml";
    let manifest = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let declared = declared_examples(&manifest);
    if declared.is_empty() {
        return Err(format!("{path} declares no example"));
    }
    for name in declared {
        run(cargo("run --quiet -p lru-memo-examples --example").arg(name))?;
    }
    Ok(())
}

/// The names of the `[[example]]` tables of a manifest.
fn declared_examples(manifest: &str) -> Vec<&str> {
    let tables = manifest.split("[[example]]").skip(1);
    tables
        .filter_map(|table| {
            let line = table.lines().find_map(|line| line.trim().strip_prefix("name = \""))?;
            line.strip_suffix('"')
        })
        .collect()
}

#[cfg(test)]
mod of_this_module {
    use super::*;

    #[test]
    fn examples_are_found_in_the_manifest() {
        let manifest = "[package]\nname = \"no\"\n\n[[example]]\nname = \"one\"\npath = \"one.rs\"\n\n\
                        [[example]]\npath = \"two.rs\"\nname = \"two\"\n";
        assert_eq!(declared_examples(manifest), ["one", "two"]);
    }
}
