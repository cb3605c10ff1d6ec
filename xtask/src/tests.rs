//! Steps of `cargo xtask test` that run tests.

use crate::Failure;
use crate::command::{cargo, run, succeeds, target_directory};
use crate::servers;

/// The packages of these steps: all except the benchmarks, which need many crates that nothing else needs.
pub(crate) const SELECTED: [&str; 3] = ["--workspace", "--exclude", "lru-memo-benches"];

/// Runs the unit and integration tests. If nextest is installed, it runs the tests of all programs in parallel, each in
/// a process of its own.
pub(crate) fn unit() -> Result<(), Failure> {
    servers::all_installed()?;
    build_examples()?;
    let runner =
        if succeeds(&mut cargo("nextest --version")) { "nextest run" } else { "test --no-fail-fast" };
    let mut command = cargo(runner);
    command.args(SELECTED).args(["--lib", "--bins", "--tests"]);
    // Tests that compare with CPython fail if there is none.
    run(command.env("LRU_MEMO_REQUIRE_PYTHON", "1"))
}

/// Builds the examples before their tests do, so that no compiler runs beside the tests.
fn build_examples() -> Result<(), Failure> {
    let target = target_directory();
    let build = |directory: &str, arguments: &str| {
        let mut command = cargo("build");
        command.args(SELECTED).args(arguments.split(' ')).env("CARGO_BUILD_BUILD_DIR", &target);
        run(command.arg("--target-dir").arg(target.join("tmp").join(directory)))
    };
    build("examples", "--examples")?;
    build("examples-with-servers", "--example workers --features lru-memo-examples/tls")
}

pub(crate) fn doctest() -> Result<(), Failure> {
    run(cargo("test --doc").args(SELECTED))
}
