//! Programs that steps need. Missing ones are installed from Debian's packages.

use crate::Failure;
use crate::command::{program, read, run};

/// The programs that the tests start, with their packages.
const PROGRAMS: [(&str, &str); 4] = [
    ("memcached", "memcached"),
    ("redis-server", "redis-server"),
    ("openssl", "openssl"),
    ("python3", "python3"),
];

/// Installs all programs that are missing.
pub(crate) fn all_installed() -> Result<(), Failure> {
    PROGRAMS.into_iter().try_for_each(|(program, package)| installed(program, package))
}

/// Installs a program, if it is missing.
pub(crate) fn installed(name: &str, package: &str) -> Result<(), Failure> {
    if is_there(name) {
        return Ok(());
    }
    install(package).map_err(|why| format!("there is no {name}, and it could not be installed: {why}"))
}

/// Whether the path has a program of this name.
fn is_there(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}

/// Updates the lists of packages. An error is ignored, because the old lists may be sufficient.
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

/// Installs a package. Waits for another installation in progress.
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
