//! Programs that steps need and that this machine may not have: they are installed from Debian's packages.

use crate::Failure;
use crate::command::{program, read, run};

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
    if is_there(name) {
        return Ok(());
    }
    install(package).map_err(|why| format!("there is no {name}, and it could not be installed: {why}"))
}

/// Whether a program of this name is where the system looks for programs.
fn is_there(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

/// Brings the lists of packages up to date. Those that cannot be may still be good enough.
pub(crate) fn update_lists() {
    let _ = apt_get("update");
}

fn apt_get(args: &str) -> Result<(), Failure> {
    let is_root = read(&mut program("id", "-u"))?.trim() == "0";
    let mut command = if is_root { program("apt-get", args) } else { program("sudo", "-n apt-get") };
    if !is_root {
        command.args(args.split_whitespace());
    }
    run(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Installs a package. Another installation that is going on is waited for.
pub(crate) fn install(package: &str) -> Result<(), Failure> {
    update_lists();
    apt_get(&format!("-o DPkg::Lock::Timeout=600 install --yes --no-install-recommends {package}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_the_system_looks_for_it() {
        assert!(is_there("cargo"));
        assert!(!is_there("no-such-program"));
    }
}
