//! Continuous integration as one program. `cargo xtask test` checks the behaviour, `cargo xtask deep` searches for
//! faults that a test seldom shows, and `cargo xtask STEP` runs one of their steps. `cargo xtask` lists all commands.

mod bench;
mod build_cost;
mod command;
mod debian_rust;
mod deep;
mod fuzz;
mod ide;
mod instructions;
mod linting;
mod memory;
mod platforms;
mod python;
mod sequence;
mod servers;
mod steps;
mod tests;
mod toolchain;
mod web;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::sequence::Step;

/// The message of a failed step.
type Failure = String;

/// The steps of `cargo xtask test`, the quick and informative ones first.
const TEST: &[Step] = &[
    Step { name: "fmt", about: "all files are formatted by rustfmt", run: steps::fmt },
    Step { name: "words", about: "no word is misspelt", run: steps::words },
    Step { name: "deps", about: "the default build needs few third-party crates", run: steps::deps },
    Step {
        name: "build",
        about: "tests and examples build, and clippy reports no warning",
        run: tests::build,
    },
    Step { name: "unit", about: "unit tests, integration tests and examples pass", run: tests::unit },
    Step { name: "doctest", about: "the examples in the documentation pass", run: tests::doctest },
    Step { name: "docs", about: "rustdoc reports no warning", run: steps::docs },
    Step { name: "package", about: "each published crate builds from its package", run: steps::package },
];

/// The steps of `cargo xtask deep`.
const DEEP: &[Step] = &[
    Step { name: "features", about: "clippy reports no warning for any single feature", run: deep::features },
    Step { name: "benches", about: "the benchmarks build, and their own tests pass", run: deep::benches },
    Step { name: "loom", about: "loom models of concurrent code, in every order of events", run: deep::loom },
    Step { name: "asan", about: "stress tests under AddressSanitizer and LeakSanitizer", run: memory::asan },
    Step { name: "valgrind", about: "stress tests under valgrind's memcheck", run: memory::valgrind },
    Step {
        name: "tsan",
        about: "stress tests under ThreadSanitizer, with an instrumented standard library",
        run: memory::tsan,
    },
    Step {
        name: "deny",
        about: "the licences, versions and sources of all dependencies are allowed",
        run: deep::deny,
    },
    Step { name: "msrv", about: "the oldest supported Rust builds and passes tests", run: platforms::msrv },
    Step {
        name: "targets",
        about: "builds and tests for other systems and processors",
        run: platforms::targets,
    },
    Step { name: "fuzz", about: "each fuzz target, for SECONDS", run: fuzz::step },
];

/// Steps of no group: one that is quick, for the time between changes; one for systems where the servers cannot be
/// installed, and one that is long to install.
const APART: &[Step] = &[
    Step { name: "lint", about: "no word is misspelt, and clippy reports no warning", run: steps::lint },
    Step { name: "portable", about: "the tests of the core pass, without servers", run: platforms::portable },
    Step { name: "ide", about: "rust-analyzer gives the right answers in an editor", run: ide::step },
];

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let outcome = if linting::is_asked(&args) { linting::compile(&args) } else { obey(&args) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command.
fn obey(args: &[OsString]) -> Result<(), Failure> {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    enter_workspace()?;
    match words[..] {
        ["test"] => run(TEST),
        ["deep", ref time @ ..] => deep::set_time(time).and_then(|()| run(DEEP)),
        ["bench", ref words @ ..] => bench::bench(words),
        [name, ref time @ ..] => match TEST.iter().chain(DEEP).chain(APART).find(|step| step.name == name) {
            Some(step) => deep::set_time(time).and_then(|()| run(std::slice::from_ref(step))),
            None => Err(format!("there is no command `{name}`\n{}", usage())),
        },
        [] => Err(usage()),
    }
}

fn run(steps: &[Step]) -> Result<(), Failure> {
    sequence::run(steps, &command::target_directory().join("xtask-times"))
}

/// Changes to the workspace's directory, which the paths in commands are relative to.
///
/// Cargo tells the directory when it runs this program. It may differ from the directory of the build.
fn enter_workspace() -> Result<(), Failure> {
    let xtask =
        std::env::var("CARGO_MANIFEST_DIR").map_err(|_| "run this program by `cargo xtask`".to_owned())?;
    let root = Path::new(&xtask).join("..");
    std::env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))
}

fn usage() -> String {
    let line = |indent: &str, name: &str, about: &str| format!("{indent}{name:<16} {about}\n");
    let list =
        |steps: &[Step]| steps.iter().map(|step| line("    ", step.name, step.about)).collect::<String>();
    let benches = bench::USAGE.iter().map(|(command, about)| line("  ", command, about)).collect::<String>();
    let steps = "runs the steps below in order, up to the first failure";
    [
        "usage: cargo xtask COMMAND\n\n".to_owned(),
        line("  ", "test", steps),
        list(TEST),
        line("  ", "deep [SECONDS]", &format!("{steps}; SECONDS: how long each step runs once it is built")),
        list(DEEP),
        line("  ", "STEP [SECONDS]", "runs one of these steps, or one of the following"),
        list(APART),
        benches,
    ]
    .concat()
}
