//! Programs that steps need and that this machine may not have: they are installed from Debian's packages.

use crate::Failure;
use crate::command::{program, read, run, succeeds};

/// What the tests start, servers, what makes certificates, and CPython: each program, and its package.
const PROGRAMS: [(&str, &str); 4] = [
    ("memcached", "memcached"),
    ("redis-server", "redis-server"),
    ("openssl", "openssl"),
    ("python3", "python3"),
];

/// Sees to it that there are all of them.
pub(crate) fn all_installed() -> Result<(), Failure> {
    PROGRAMS.into_iter().try_for_each(|(program, package)| installed(program, package))
}

/// Sees to it that there is a program.
pub(crate) fn installed(name: &str, package: &str) -> Result<(), Failure> {
    if succeeds(&mut program(name, "--version")) {
        return Ok(());
    }
    install(package).map_err(|why| format!("there is no {name}, and it could not be installed: {why}"))
}

/// Installs a package.
pub(crate) fn install(package: &str) -> Result<(), Failure> {
    let is_root = read(&mut program("id", "-u"))?.trim() == "0";
    let apt_get = |args: &str| {
        let mut command = if is_root { program("apt-get", args) } else { program("sudo", "-n apt-get") };
        if !is_root {
            command.args(args.split_whitespace());
        }
        run(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // A list that cannot be brought up to date may still be good enough.
    let _ = apt_get("update");
    apt_get(&format!("install --yes --no-install-recommends {package}"))
}
