//! The oldest Rust that is supported, with the sources of its library: the packages that Debian builds browsers with,
//! unpacked and not installed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::command::{program, run, target_directory};
use crate::servers::update_lists;

/// The version, as `rust-version` in the manifests has it.
const VERSION: &str = "1.85";
/// That of the packages; newer ones are offered first.
const PACKAGED: &str = "1.85.0+dfsg3-1~deb12u3";
const OF_RUST: [&str; 5] =
    ["rustc-web", "cargo-web", "libstd-rust-web-dev", "libstd-rust-web-1.85", "rust-web-src"];
/// What the compiler and cargo are linked with.
const LIBRARIES: [&str; 3] = ["libllvm19", "libhttp-parser2.9", "libpcre3"];

/// How its cargo is started.
const CARGO: &str = include_str!("older-cargo.sh");

/// An unpacked toolchain.
pub(crate) struct OlderRust {
    root: PathBuf,
}

impl OlderRust {
    /// Gets the packages, unless they are there.
    pub(crate) fn get() -> Result<Self, Failure> {
        let root = target_directory().join(format!("rust-{VERSION}"));
        if !root.exists() {
            unpack(&root)
                .map_err(|why| format!("there is no Rust {VERSION}: {why}; nothing was tested with it"))?;
        }
        Ok(Self { root })
    }

    /// Its cargo.
    pub(crate) fn cargo(&self, args: &str) -> Command {
        program(&self.root.join("cargo").to_string_lossy(), args)
    }
}

/// Unpacks the packages; the directory is there only once it is complete.
fn unpack(root: &Path) -> Result<(), Failure> {
    let unfinished = root.with_file_name("rust-unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    let packages = unfinished.join("packages");
    fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    let mut download = program("apt-get", "download");
    download.args(OF_RUST.map(|name| format!("{name}={PACKAGED}"))).args(LIBRARIES).current_dir(&packages);
    update_lists();
    run(&mut download)?;
    for package in fs::read_dir(&packages).map_err(|error| error.to_string())?.flatten() {
        run(program("dpkg", "--extract").arg(package.path()).arg(&unfinished))?;
    }
    let cargo = unfinished.join("cargo");
    fs::remove_dir_all(&packages)
        .and_then(|()| fs::write(&cargo, CARGO))
        .and_then(|()| fs::set_permissions(&cargo, Permissions::from_mode(0o755)))
        .and_then(|()| fs::rename(&unfinished, root))
        .map_err(|error| format!("{}: {error}", unfinished.display()))
}
