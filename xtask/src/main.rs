//! All of continuous integration as one program: `cargo xtask test` runs every step in order, `cargo xtask STEP`
//! runs one, `cargo xtask bench` prints the table of benchmarks, `cargo xtask fuzz SECONDS` fuzzes for longer.

mod bench;
mod build_cost;
mod command;
mod fuzz;
mod instructions;
mod memory;
mod servers;
mod steps;
mod toolchain;
mod web;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What a step says when it fails.
type Failure = String;

/// One thing that is checked.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), Failure>,
}

/// What `cargo xtask test` runs, quick and telling steps first.
const STEPS: &[Step] = &[
    Step { name: "fmt", about: "every file is formatted by rustfmt", run: steps::fmt },
    Step { name: "lint", about: "clippy has nothing to say", run: steps::lint },
    Step { name: "deps", about: "the default build needs few third-party crates", run: steps::deps },
    Step { name: "unit", about: "unit and integration tests", run: steps::unit },
    Step { name: "doctest", about: "the examples in the documentation", run: steps::doctest },
    Step { name: "examples", about: "every example that ends by itself", run: steps::examples },
    Step { name: "docs", about: "rustdoc has nothing to say", run: steps::docs },
    Step {
        name: "package",
        about: "all published crates are packaged, and build from their packages",
        run: steps::package,
    },
    Step { name: "loom", about: "models of single flight, in every order of events", run: steps::loom },
    Step { name: "asan", about: "stress tests under AddressSanitizer and LeakSanitizer", run: memory::asan },
    Step { name: "valgrind", about: "stress tests under valgrind's memcheck", run: memory::valgrind },
    Step { name: "fuzz", about: "every fuzz target, for a while", run: fuzz::briefly },
];

fn main() -> ExitCode {
    if let Err(failure) = enter_workspace() {
        return report(Err(failure));
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["test"] => run_steps(STEPS),
        ["bench", ref words @ ..] => report(bench::bench(words)),
        ["fuzz", ref seconds @ ..] => report(fuzz::command(seconds)),
        [name] => match STEPS.iter().position(|step| step.name == name) {
            Some(index) => run_steps(&STEPS[index..=index]),
            None => usage(),
        },
        _ => usage(),
    }
}

/// Commands name paths relative to the workspace, wherever they are started.
///
/// Where that is, cargo says when it runs this; when it was built it may have been elsewhere.
fn enter_workspace() -> Result<(), Failure> {
    let xtask = std::env::var("CARGO_MANIFEST_DIR").map_err(|_| "to be run by `cargo xtask`".to_owned())?;
    let root = Path::new(&xtask).join("..");
    std::env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask COMMAND\n");
    eprintln!("  {:<16} every step below, in this order, up to the first that fails", "test");
    for step in STEPS {
        eprintln!("    {:<14} {}", step.name, step.about);
    }
    for (command, about) in bench::USAGE {
        eprintln!("  {command:<16} {about}");
    }
    eprintln!("  {:<16} every fuzz target for so long, 60 seconds by default", "fuzz [SECONDS]");
    ExitCode::FAILURE
}

fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs steps up to the first that fails, then says what was done, how long it took, and what was not run.
fn run_steps(steps: &[Step]) -> ExitCode {
    let mut passed: Vec<(&Step, Duration)> = Vec::new();
    let mut failed = None;
    for step in steps {
        println!("\n=== {}: {}", step.name, step.about);
        let start = Instant::now();
        match (step.run)() {
            Ok(()) => passed.push((step, start.elapsed())),
            Err(failure) => {
                failed = Some((step, failure));
                break;
            }
        }
    }
    println!("\n=== summary");
    for (step, time) in &passed {
        println!("passed   {:<10} {:>6.1} s", step.name, time.as_secs_f64());
    }
    let Some((step, failure)) = failed else {
        return ExitCode::SUCCESS;
    };
    println!("FAILED   {}", step.name);
    for step in &steps[passed.len() + 1..] {
        println!("not run  {}", step.name);
    }
    report(Err(format!("step `{}` failed: {failure}", step.name)))
}
