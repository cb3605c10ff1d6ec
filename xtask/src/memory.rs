//! The steps that look for memory errors and leaks while the stress tests run.
//!
//! ThreadSanitizer is not among them: without instrumenting the standard library, which needs its source, it
//! reports races that are none.

use std::path::Path;

use crate::Failure;
use crate::command::{cargo, program, read, run, succeeds};
use crate::toolchain::{host, nightly};

/// The test targets of `lru-memo-tests` that run under each of the tools.
const STRESS_TESTS: [&str; 1] = ["stress"];

pub(crate) fn asan() -> Result<(), Failure> {
    let names = stress_tests()?;
    nightly()
        .map_err(|why| format!("{why}; not tested: {names} under AddressSanitizer and LeakSanitizer"))?;
    // With a target, the flags leave macros and build scripts alone.
    run(stress("+nightly")
        .arg("--target")
        .arg(host()?)
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=1"))
}

pub(crate) fn valgrind() -> Result<(), Failure> {
    let names = stress_tests()?;
    if !has_valgrind() {
        install_valgrind().map_err(|why| format!("{why}; not tested: {names} under valgrind's memcheck"))?;
    }
    let runner = format!("CARGO_TARGET_{}_RUNNER", host()?.to_uppercase().replace(['-', '.'], "_"));
    // Only what no pointer leads to is a leak: tables of hashbrown are pointed to in their middle.
    // Fair scheduling: valgrind runs one thread at a time, and one that spins would keep the others from running.
    let memcheck = "valgrind --quiet --error-exitcode=1 --leak-check=full \
                    --show-leak-kinds=definite,indirect \
                    --errors-for-leak-kinds=definite,indirect --fair-sched=yes";
    run(stress("").env(runner, memcheck))
}

/// `cargo test` of the stress tests.
fn stress(toolchain: &str) -> std::process::Command {
    let mut command = cargo(toolchain);
    command.args(["test", "-p", "lru-memo-tests"]);
    command.args(STRESS_TESTS.iter().flat_map(|name| ["--test", name]));
    command
}

/// The names of the stress tests, all of which exist.
fn stress_tests() -> Result<String, Failure> {
    for name in STRESS_TESTS {
        let path = format!("tests/tests/{name}.rs");
        if !Path::new(&path).exists() {
            return Err(format!("there is no stress test `{name}`: {path} is missing"));
        }
    }
    Ok(STRESS_TESTS.join(", "))
}

fn has_valgrind() -> bool {
    succeeds(&mut program("valgrind", "--version"))
}

fn install_valgrind() -> Result<(), Failure> {
    let is_root = read(&mut program("id", "-u"))?.trim() == "0";
    let apt_get = |args: &str| {
        let mut command = if is_root { program("apt-get", args) } else { program("sudo", "-n apt-get") };
        if !is_root {
            command.args(args.split_whitespace());
        }
        run(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // A list that cannot be brought up to date may still be good enough.
    let _ = apt_get("update");
    apt_get("install --yes --no-install-recommends valgrind")
        .map_err(|why| format!("there is no valgrind, and it could not be installed: {why}"))
}
