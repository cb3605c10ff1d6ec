//! Steps of `cargo xtask test` that run tests.

use std::process::Command;

use crate::Failure;
use crate::command::{cargo, run, succeeds, target_directory};
use crate::linting::cargo_that_lints;
use crate::servers;

/// The packages of these steps: all except the benchmarks, which need many crates that nothing else needs.
pub(crate) const SELECTED: [&str; 3] = ["--workspace", "--exclude", "lru-memo-benches"];

/// Returns the command `cargo` for these packages, with the compiler that lints.
///
/// All steps that build tests use it: for another compiler, cargo builds the packages again.
fn linting(args: &str) -> Result<Command, Failure> {
    let mut command = cargo_that_lints(args)?;
    command.args(SELECTED);
    Ok(command)
}

/// The command that runs the unit and integration tests. If nextest is installed, it runs the tests of all programs in
/// parallel, each in a process of its own.
fn tests() -> Result<Command, Failure> {
    let has_nextest = succeeds(&mut cargo("nextest --version"));
    let mut command = linting(if has_nextest { "nextest run" } else { "test --no-fail-fast" })?;
    command.args(["--lib", "--bins", "--tests"]);
    // Tests that compare with CPython fail if there is none.
    command.env("LRU_MEMO_REQUIRE_PYTHON", "1");
    Ok(command)
}

/// Builds the unit and integration tests, and the examples before their tests do, so that no compiler runs beside the
/// tests. Clippy lints all of them.
pub(crate) fn build() -> Result<(), Failure> {
    let target = target_directory();
    let build = |directory: &str, arguments: &str| {
        let mut command = linting("build")?;
        command.args(arguments.split(' ')).env("CARGO_BUILD_BUILD_DIR", &target);
        run(command.arg("--target-dir").arg(target.join("tmp").join(directory)))
    };
    build("examples", "--lib --bins --examples")?;
    build("examples-with-servers", "--example workers --features lru-memo-examples/tls")?;
    run(tests()?.arg("--no-run"))
}

pub(crate) fn unit() -> Result<(), Failure> {
    servers::all_installed()?;
    build()?;
    run(&mut tests()?)
}

pub(crate) fn doctest() -> Result<(), Failure> {
    run(&mut linting("test --doc")?)
}
