//! The steps that look for memory errors, leaks and data races while the stress tests run.

use std::fs;
use std::path::Path;

use crate::Failure;
use crate::command::{cargo, program, read, run, target_directory};
use crate::debian_rust::NEWER;
use crate::deep::for_the_time;
use crate::servers::installed;
use crate::toolchain::{host, nightly};

/// The package of the tests that run here.
const PACKAGE: &str = "lru-memo-thread-tests";
/// Its tests that run under the sanitizers.
const SANITIZED: [&str; 3] = ["stress", "threads", "linearizable"];
/// Tests that also run under ThreadSanitizer. It does not support threads in the child of a fork.
const ALSO_FOR_RACES: [&str; 7] = [
    "semantics",
    "single_flight",
    "registry",
    "async_functions",
    "shared_store",
    "shared_model",
    "near_cache",
];
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

/// The tests of threads, and those of caches of the process and of the embedded store that use several.
///
/// The library is instrumented, too: else ThreadSanitizer reports races that are none.
pub(crate) fn tsan() -> Result<(), Failure> {
    let names = names_of(&SANITIZED)?;
    let rust = NEWER.get().map_err(|why| format!("{why}; not tested: {names} under ThreadSanitizer"))?;
    let host = host()?;
    // Debian's packages lack ThreadSanitizer's runtime; that of rustup's stable toolchain is the same LLVM's.
    let runtime = "librustc-stable_rt.tsan.a";
    let rustups = read(&mut program("rustc", "+stable --print target-libdir"))?;
    let from = Path::new(rustups.trim()).join(runtime);
    fs::copy(&from, rust.libraries(&host).join(runtime))
        .map_err(|error| format!("{}: {error}", from.display()))?;
    // LMDB's readers announce themselves in a table without atomic operations, as its comments explain.
    let suppressions = fs::canonicalize(target_directory())
        .map(|directory| directory.join("tsan-suppressions"))
        .and_then(|file| fs::write(&file, "race:^mdb_\n").map(|()| file))
        .map_err(|error| format!("the suppressions of ThreadSanitizer: {error}"))?;
    let sanitized = |last: &[&str]| {
        let mut command =
            rust.cargo_with_library("test --no-default-features --features lru-memo-tests/shared", &host);
        command
            .args(["-p", PACKAGE, "-p", "lru-memo-tests"])
            .args(SANITIZED.iter().chain(&ALSO_FOR_RACES).flat_map(|name| ["--test", name]))
            .args(last)
            .env("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer")
            .env(format!("CFLAGS_{}", host.replace('-', "_")), "-fsanitize=thread")
            // The children of forks start threads, which ThreadSanitizer does not watch over unless it is told to try.
            .env("TSAN_OPTIONS", format!("die_after_fork=0 suppressions={}", suppressions.display()));
        command
    };
    run(&mut sanitized(&["--no-run"]))?;
    for_the_time(|| run(&mut sanitized(&[])))
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
