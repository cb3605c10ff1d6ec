//! The steps that look for memory errors and leaks while the stress tests run.
//!
//! ThreadSanitizer is not among them: without instrumenting the standard library, which needs its source, it
//! reports races that are none.

use std::path::Path;

use crate::Failure;
use crate::command::{cargo, run};
use crate::deep::for_the_time;
use crate::servers::installed;
use crate::toolchain::{host, nightly};

/// The package of the tests that run here.
const PACKAGE: &str = "lru-memo-thread-tests";
/// Its tests that run under the sanitizers.
const SANITIZED: [&str; 3] = ["stress", "threads", "linearizable"];
/// Those that run under valgrind, where everything takes far longer.
const UNDER_VALGRIND: [&str; 1] = ["stress"];

pub(crate) fn asan() -> Result<(), Failure> {
    let names = names_of(&SANITIZED)?;
    nightly()
        .map_err(|why| format!("{why}; not tested: {names} under AddressSanitizer and LeakSanitizer"))?;
    let host = host()?;
    let sanitized = || {
        let mut command = tests("+nightly", &SANITIZED);
        // With a target, the flags leave macros and build scripts alone.
        command
            .args(["--target", &host])
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .env("ASAN_OPTIONS", "detect_leaks=1");
        command
    };
    run(sanitized().arg("--no-run"))?;
    for_the_time(|| run(&mut sanitized()))
}

pub(crate) fn valgrind() -> Result<(), Failure> {
    let names = names_of(&UNDER_VALGRIND)?;
    installed("valgrind", "valgrind")
        .map_err(|why| format!("{why}; not tested: {names} under valgrind's memcheck"))?;
    let runner = format!("CARGO_TARGET_{}_RUNNER", host()?.to_uppercase().replace(['-', '.'], "_"));
    // Only what no pointer leads to is a leak: tables of hashbrown are pointed to in their middle.
    // Fair scheduling: valgrind runs one thread at a time, and one that spins would keep the others from running.
    let memcheck = "valgrind --quiet --error-exitcode=1 --leak-check=full \
                    --show-leak-kinds=definite,indirect \
                    --errors-for-leak-kinds=definite,indirect --fair-sched=yes";
    run(tests("", &UNDER_VALGRIND).arg("--no-run"))?;
    for_the_time(|| run(tests("", &UNDER_VALGRIND).env(&runner, memcheck)))
}

/// `cargo test` of these test targets.
fn tests(toolchain: &str, names: &[&str]) -> std::process::Command {
    let mut command = cargo(toolchain);
    command.args(["test", "-p", PACKAGE]);
    command.args(names.iter().flat_map(|name| ["--test", name]));
    command
}

/// The names of test targets, all of which exist.
fn names_of(names: &[&str]) -> Result<String, Failure> {
    for name in names {
        let path = format!("tests/threads/tests/{name}.rs");
        if !Path::new(&path).exists() {
            return Err(format!("there is no test `{name}`: {path} is missing"));
        }
    }
    Ok(names.join(", "))
}
