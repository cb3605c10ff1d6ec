//! Runs the fuzz targets in `fuzz/` with cargo-fuzz.
//!
//! Interesting inputs go to `fuzz/corpus`, which is not checked in. `fuzz/seeds` is checked in, and includes the inputs
//! that once showed a bug.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::Failure;
use crate::command::{cargo, read, run, succeeds};
use crate::deep;
use crate::toolchain::nightly;

/// The version of cargo-fuzz to install if there is none.
const VERSION: &str = "0.13.2";

/// A separate target directory: in the common one, the flags would rebuild everything.
const TARGET_DIR: &str = "target/fuzz";

/// The options for building. The targets search for wrong answers and panics, which is several times faster without a
/// sanitizer; `asan` runs the stress tests with one. Several code generation units build on all processors.
const BUILT: [&str; 6] = ["--sanitizer", "none", "--codegen-units", "16", "--target-dir", TARGET_DIR];

/// The step of `cargo xtask deep`: runs each target for the step's time, even after another one has failed.
pub(crate) fn step() -> Result<(), Failure> {
    install().map_err(|why| format!("{why}; nothing was fuzzed"))?;
    let mut clippy = cargo("clippy --manifest-path fuzz/Cargo.toml --target-dir");
    // The flag that cargo-fuzz sets, and code for the fuzz targets depends on.
    run(clippy.env("RUSTFLAGS", "--cfg fuzzing").args([TARGET_DIR, "--", "-D", "warnings"]))?;
    let list = read(&mut cargo("+nightly fuzz list"))?;
    let targets: Vec<&str> = list.lines().collect();
    if targets.is_empty() {
        return Err("there is no fuzz target".to_owned());
    }
    run(cargo("+nightly fuzz build").args(BUILT))?;
    let failures: Vec<Failure> = targets.into_iter().filter_map(|target| fuzz_target(target).err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn fuzz_target(target: &str) -> Result<(), Failure> {
    let corpus = format!("fuzz/corpus/{target}");
    fs::create_dir_all(&corpus).map_err(|error| format!("{corpus}: {error}"))?;
    let start = SystemTime::now();
    let mut command = fuzz_run(target);
    // libFuzzer writes to the first directory.
    command.arg(corpus);
    let seeds = format!("fuzz/seeds/{target}");
    if Path::new(&seeds).exists() {
        command.arg(seeds);
    }
    // Long inputs from the start, because a fault of a cache needs many operations.
    command.args(["--", "-print_final_stats=1", "-timeout=20", "-max_len=512", "-len_control=0"]);
    command.arg(format!("-max_total_time={}", deep::time().as_secs()));
    let dictionary = format!("fuzz/dictionaries/{target}.dict");
    if Path::new(&dictionary).exists() {
        command.arg(format!("-dict={dictionary}"));
    }
    run(&mut command).map_err(|why| match newest_since(&format!("fuzz/artifacts/{target}"), start) {
        Some(input) => format!("{why}\n{}", how_to_reproduce(target, &input)),
        None => why,
    })
}

fn fuzz_run(target: &str) -> Command {
    let mut command = cargo("+nightly fuzz run");
    command.args(BUILT).arg(target);
    command
}

fn how_to_reproduce(target: &str, input: &Path) -> String {
    // Of a run on another machine, this is all that is left.
    let bytes = fs::read(input).unwrap_or_default();
    let (built, input, bytes) = (BUILT.join(" "), input.display(), bytes.escape_ascii());
    format!(
        "the input is {input}, b\"{bytes}\"; to see it again:\n  cargo +nightly fuzz run {built} {target} {input}\n\
         to see what it means:\n  cargo +nightly fuzz fmt {built} {target} {input}"
    )
}

/// Returns the newest file in a directory, if it is not older than `start`.
fn newest_since(directory: &str, start: SystemTime) -> Option<PathBuf> {
    let files = fs::read_dir(directory).ok()?.flatten();
    let dated = files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())));
    dated.filter(|(modified, _)| *modified >= start).max().map(|(_, path)| path)
}

/// Installs a nightly toolchain and cargo-fuzz, if they are missing.
fn install() -> Result<(), Failure> {
    nightly()?;
    if succeeds(&mut cargo("fuzz --version")) {
        return Ok(());
    }
    run(cargo("install --debug --locked cargo-fuzz --version").arg(VERSION))
        .map_err(|why| format!("there is no cargo-fuzz, and it could not be installed: {why}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_crash_is_told_from_an_older_one() {
        let directory = std::env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let crash = directory.join("crash-1");
        fs::write(&crash, "input").unwrap();
        let modified = crash.metadata().unwrap().modified().unwrap();
        let name = directory.to_str().unwrap();
        let (found, later) =
            (newest_since(name, modified), newest_since(name, modified + Duration::from_secs(1)));
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!((found, later), (Some(crash), None));
    }

    #[test]
    fn every_seed_and_dictionary_belongs_to_a_target() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        let names = ["seeds", "dictionaries"].into_iter().flat_map(|of| fs::read_dir(fuzz.join(of)).unwrap());
        let mut found = 0;
        for path in names.map(|entry| entry.unwrap().path()) {
            let target = path.file_stem().unwrap().to_str().unwrap();
            assert!(manifest.contains(&format!("name = \"{target}\"")), "no target for {}", path.display());
            found += 1;
        }
        assert!(found > 0);
    }
}
