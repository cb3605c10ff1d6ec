//! Steps that run the stress tests under tools for memory errors, leaks and data races.

use std::fs;
use std::path::Path;

use crate::Failure;
use crate::command::{cargo, program, read, run, target_directory};
use crate::debian_rust::NEWER;
use crate::deep::for_the_time;
use crate::servers::installed;
use crate::toolchain::{host, nightly};

/// The package of the stress tests.
const PACKAGE: &str = "lru-memo-thread-tests";
/// The tests that run under AddressSanitizer.
const SANITIZED: [&str; 3] = ["stress", "threads", "linearizable"];
/// Further tests that run under ThreadSanitizer, with the modules of each. It does not support threads in the child of a
/// fork.
const ALSO_FOR_RACES: [(&str, &[&str]); 5] = [
    ("semantics", &["semantics::", "single_flight::"]),
    ("registry", &[]),
    ("functions", &["async_functions::"]),
    ("stores", &["store::", "model::"]),
    ("shared_functions", &["near_cache::"]),
];
/// ThreadSanitizer may crash in the child of a process with several threads.
const WITHOUT_FORKS: [&str; 3] = ["--", "--skip", "child_of_a_fork"];
/// The tests that run under valgrind: few, because valgrind is slow.
const UNDER_VALGRIND: [&str; 1] = ["stress"];

pub(crate) fn asan() -> Result<(), Failure> {
    let names = names_of(&SANITIZED)?;
    nightly()
        .map_err(|why| format!("{why}; not tested: {names} under AddressSanitizer and LeakSanitizer"))?;
    let host = host()?;
    let sanitized = || {
        let mut command = tests("+nightly", &SANITIZED);
        // With `--target`, the flags do not apply to macros and build scripts.
        command
            .args(["--target", &host])
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .env("ASAN_OPTIONS", "detect_leaks=1");
        command
    };
    run(sanitized().arg("--no-run"))?;
    for_the_time(|| run(&mut sanitized()))
}

/// Runs the tests with several threads under ThreadSanitizer.
///
/// The standard library is instrumented, too. Otherwise ThreadSanitizer reports false races.
pub(crate) fn tsan() -> Result<(), Failure> {
    let names = names_of(&SANITIZED)?;
    let rust = NEWER.get().map_err(|why| format!("{why}; not tested: {names} under ThreadSanitizer"))?;
    let host = host()?;
    // Debian's packages lack ThreadSanitizer's runtime. rustup's stable toolchain has it, for the same LLVM.
    let runtime = "librustc-stable_rt.tsan.a";
    let rustups = read(&mut program("rustc", "+stable --print target-libdir"))?;
    let from = Path::new(rustups.trim()).join(runtime);
    fs::copy(&from, rust.libraries(&host).join(runtime))
        .map_err(|error| format!("{}: {error}", from.display()))?;
    // LMDB's readers write to a table without atomic operations, as LMDB's comments explain.
    let suppressions = fs::canonicalize(target_directory())
        .map(|directory| directory.join("tsan-suppressions"))
        .and_then(|file| fs::write(&file, "race:^mdb_\n").map(|()| file))
        .map_err(|error| format!("the suppressions of ThreadSanitizer: {error}"))?;
    let sanitized = |names: &[&str], last: &[&str]| {
        let mut command =
            rust.cargo_with_library("test --no-default-features --features lru-memo-tests/shared", &host);
        command
            .args(["-p", PACKAGE, "-p", "lru-memo-tests"])
            .args(names.iter().flat_map(|name| ["--test", name]))
            .args(last)
            .env("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer")
            .env(format!("CFLAGS_{}", host.replace('-', "_")), "-fsanitize=thread")
            // Children of forks start threads, which ThreadSanitizer allows only with this option.
            .env("TSAN_OPTIONS", format!("die_after_fork=0 suppressions={}", suppressions.display()));
        command
    };
    let also = ALSO_FOR_RACES.map(|(name, _)| name);
    run(&mut sanitized(&[&SANITIZED[..], &also].concat(), &["--no-run"]))?;
    for_the_time(|| {
        run(&mut sanitized(&SANITIZED, &[]))?;
        ALSO_FOR_RACES.iter().try_for_each(|(name, modules)| {
            run(&mut sanitized(&[name], &[&WITHOUT_FORKS, *modules].concat()))
        })
    })
}

pub(crate) fn valgrind() -> Result<(), Failure> {
    let names = names_of(&UNDER_VALGRIND)?;
    installed("valgrind", "valgrind")
        .map_err(|why| format!("{why}; not tested: {names} under valgrind's memcheck"))?;
    let runner = format!("CARGO_TARGET_{}_RUNNER", host()?.to_uppercase().replace(['-', '.'], "_"));
    // Only memory without any pointer to it counts as a leak: hashbrown's tables have pointers to their middle only.
    // Fair scheduling, because valgrind runs one thread at a time, and a spinning thread would starve the others.
    let memcheck = "valgrind --quiet --error-exitcode=1 --leak-check=full \
                    --show-leak-kinds=definite,indirect \
                    --errors-for-leak-kinds=definite,indirect --fair-sched=yes";
    run(tests("", &UNDER_VALGRIND).arg("--no-run"))?;
    for_the_time(|| run(tests("", &UNDER_VALGRIND).env(&runner, memcheck)))
}

/// Returns the command `cargo test` for these test targets.
fn tests(toolchain: &str, names: &[&str]) -> std::process::Command {
    let mut command = cargo(toolchain);
    command.args(["test", "-p", PACKAGE]);
    command.args(names.iter().flat_map(|name| ["--test", name]));
    command
}

/// Returns the names of test targets, after checking that they exist.
fn names_of(names: &[&str]) -> Result<String, Failure> {
    for name in names {
        let path = format!("tests/threads/tests/{name}.rs");
        if !Path::new(&path).exists() {
            return Err(format!("there is no test `{name}`: {path} is missing"));
        }
    }
    Ok(names.join(", "))
}
