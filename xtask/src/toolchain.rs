//! Toolchains that steps need beside the stable one.

use crate::Failure;
use crate::command::{cargo, program, read, run, succeeds};

/// Returns the target triple of this machine.
pub(crate) fn host() -> Result<String, Failure> {
    let version = read(&mut program("rustc", "-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what its host is".to_owned())
}

/// Installs a nightly toolchain, if there is none.
pub(crate) fn nightly() -> Result<(), Failure> {
    if succeeds(&mut cargo("+nightly --version")) {
        return Ok(());
    }
    run(&mut program("rustup", "toolchain install nightly --profile minimal"))
        .map_err(|why| format!("there is no nightly toolchain, and it could not be installed: {why}"))
}
