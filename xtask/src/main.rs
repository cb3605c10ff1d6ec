//! All of continuous integration as one program: `cargo xtask test` says whether the behaviour is right, `cargo xtask
//! deep` looks for what a test seldom shows, and `cargo xtask STEP` runs one of their steps. `cargo xtask` lists them.

mod bench;
mod build_cost;
mod command;
mod debian_rust;
mod deep;
mod fuzz;
mod instructions;
mod memory;
mod platforms;
mod python;
mod sequence;
mod servers;
mod steps;
mod tests;
mod toolchain;
mod web;

use std::path::Path;
use std::process::ExitCode;

use crate::sequence::Step;

/// What a step says when it fails.
type Failure = String;

/// What `cargo xtask test` runs, quick and telling steps first.
const TEST: &[Step] = &[
    Step { name: "fmt", about: "every file is formatted by rustfmt", run: steps::fmt },
    Step { name: "lint", about: "clippy has nothing to say", run: steps::lint },
    Step { name: "deps", about: "the default build needs few third-party crates", run: steps::deps },
    Step { name: "unit", about: "unit and integration tests, and every example", run: tests::unit },
    Step { name: "doctest", about: "the examples in the documentation", run: tests::doctest },
    Step { name: "docs", about: "rustdoc has nothing to say", run: steps::docs },
    Step {
        name: "package",
        about: "all published crates are packaged, and build from their packages",
        run: steps::package,
    },
];

/// What `cargo xtask deep` runs.
const DEEP: &[Step] = &[
    Step { name: "features", about: "each feature alone", run: deep::features },
    Step { name: "benches", about: "the benchmarks build, and their own tests pass", run: deep::benches },
    Step { name: "loom", about: "models of the concurrent parts, in every order of events", run: deep::loom },
    Step { name: "asan", about: "threads under AddressSanitizer and LeakSanitizer", run: memory::asan },
    Step { name: "valgrind", about: "threads under valgrind's memcheck", run: memory::valgrind },
    Step {
        name: "tsan",
        about: "threads under ThreadSanitizer, the library instrumented, too",
        run: memory::tsan,
    },
    Step {
        name: "deny",
        about: "the licences, versions and sources of all dependencies are those that may be",
        run: deep::deny,
    },
    Step { name: "msrv", about: "the oldest Rust builds and passes tests", run: platforms::msrv },
    Step { name: "targets", about: "other systems and processors", run: platforms::targets },
    Step { name: "fuzz", about: "every fuzz target, for a while", run: fuzz::step },
];

/// What runs on other systems than Debian, where the servers are not to be had.
const ELSEWHERE: &[Step] =
    &[Step { name: "portable", about: "the core's tests, without servers", run: platforms::portable }];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = enter_workspace().and_then(|()| match words[..] {
        ["test"] => run(TEST),
        ["deep", ref time @ ..] => deep::set_time(time).and_then(|()| run(DEEP)),
        ["bench", ref words @ ..] => bench::bench(words),
        [name, ref time @ ..] => {
            match TEST.iter().chain(DEEP).chain(ELSEWHERE).find(|step| step.name == name) {
                Some(step) => deep::set_time(time).and_then(|()| run(std::slice::from_ref(step))),
                None => Err(format!("there is no command `{name}`\n{}", usage())),
            }
        }
        [] => Err(usage()),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(steps: &[Step]) -> Result<(), Failure> {
    sequence::run(steps, &command::target_directory().join("xtask-times"))
}

/// Commands name paths relative to the workspace, wherever they are started.
///
/// Where that is, cargo says when it runs this; when it was built it may have been elsewhere.
fn enter_workspace() -> Result<(), Failure> {
    let xtask = std::env::var("CARGO_MANIFEST_DIR").map_err(|_| "to be run by `cargo xtask`".to_owned())?;
    let root = Path::new(&xtask).join("..");
    std::env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))
}

fn usage() -> String {
    let line = |indent: &str, name: &str, about: &str| format!("{indent}{name:<16} {about}\n");
    let list =
        |steps: &[Step]| steps.iter().map(|step| line("    ", step.name, step.about)).collect::<String>();
    let benches = bench::USAGE.iter().map(|(command, about)| line("  ", command, about)).collect::<String>();
    let steps = "every step below, in this order, up to the first that fails";
    [
        "usage: cargo xtask COMMAND\n\n".to_owned(),
        line("  ", "test", steps),
        list(TEST),
        line("  ", "deep [SECONDS]", &format!("{steps}; SECONDS: how long a step goes on once it is built")),
        list(DEEP),
        line("  ", "STEP [SECONDS]", "one step of these, or of"),
        list(ELSEWHERE),
        benches,
    ]
    .concat()
}
