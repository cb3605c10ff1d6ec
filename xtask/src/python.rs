//! Programs from PyPI, each in a virtual environment in the target directory.

use std::path::PathBuf;

use crate::Failure;
use crate::command::{program, run, succeeds, target_directory};
use crate::servers;

/// Returns the path of a program of these packages, and installs them if they are missing.
pub(crate) fn installed(environment: &str, packages: &str, name: &str) -> Result<PathBuf, Failure> {
    let environment = target_directory().join(environment);
    let wanted = environment.join("bin").join(name);
    if wanted.exists() {
        return Ok(wanted);
    }
    servers::installed("python3", "python3")?;
    if !succeeds(&mut program("python3", "-m ensurepip --version")) {
        servers::install("python3-venv")?;
    }
    run(program("python3", "-m venv").arg(&environment))?;
    let pip = environment.join("bin/pip");
    run(program(&pip.to_string_lossy(), "install --quiet").args(packages.split_whitespace()))
        .map_err(|why| format!("there is no {name}, and it could not be installed: {why}"))?;
    Ok(wanted)
}
