//! Rust toolchains with the sources of the standard library, from the packages with which Debian builds browsers. They
//! are unpacked and not installed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::command::{program, run, target_directory};
use crate::servers::update_lists;

/// A toolchain, and its packages.
pub(crate) struct DebianRust {
    version: &'static str,
    /// The version of the packages, because apt offers several.
    packaged: &'static str,
    /// The packages of the libraries that the compiler and cargo need.
    libraries: &'static [&'static str],
}

/// The oldest Rust that is supported: `rust-version` in the manifests.
pub(crate) const OLDEST: DebianRust = DebianRust {
    version: "1.85",
    packaged: "1.85.0+dfsg3-1~deb12u3",
    libraries: &["libllvm19", "libhttp-parser2.9", "libpcre3"],
};

/// A Rust whose LLVM has the same ThreadSanitizer as rustup's.
pub(crate) const NEWER: DebianRust = DebianRust {
    version: "1.96",
    packaged: "1.96.0+dfsg1-1~deb12u2",
    libraries: &[
        "libllvm22",
        "libgit2-1.5",
        "libhttp-parser2.9",
        "libmbedcrypto7",
        "libmbedtls14",
        "libmbedx509-1",
        "libpcre3",
    ],
};

/// The script that starts its cargo.
const CARGO: &str = include_str!("debian-cargo.sh");

/// An unpacked toolchain.
pub(crate) struct Unpacked {
    root: PathBuf,
}

impl DebianRust {
    /// Downloads and unpacks the packages, unless they are there.
    pub(crate) fn get(&self) -> Result<Unpacked, Failure> {
        let root = target_directory().join(format!("rust-{}", self.version));
        if !root.exists() {
            self.unpack(&root).map_err(|why| {
                format!("there is no Rust {}: {why}; nothing was tested with it", self.version)
            })?;
        }
        Ok(Unpacked { root })
    }

    /// Returns the directory with the sources of the standard library.
    pub(crate) fn library(&self) -> Result<PathBuf, Failure> {
        let Unpacked { root } = self.get()?;
        let version = self.packaged.split('+').next().unwrap_or_default();
        Ok(root.join(format!("usr/src/rustc-{version}/library")))
    }

    /// Unpacks the packages. The directory gets its name only when it is complete.
    fn unpack(&self, root: &Path) -> Result<(), Failure> {
        let unfinished = root.with_file_name("rust-unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        let packages = unfinished.join("packages");
        fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
        let library = format!("libstd-rust-web-{}", self.version);
        let of_rust = ["rustc-web", "cargo-web", "libstd-rust-web-dev", &library, "rust-web-src"];
        let mut download = program("apt-get", "download");
        download.args(of_rust.map(|name| format!("{name}={}", self.packaged)));
        update_lists();
        run(download.args(self.libraries).current_dir(&packages))?;
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
}

impl Unpacked {
    /// Returns a command of its cargo. Warnings are errors.
    pub(crate) fn cargo(&self, args: &str) -> Command {
        let mut command = program(&self.root.join("cargo").to_string_lossy(), args);
        command.env("RUSTFLAGS", "-Dwarnings");
        command
    }

    /// Returns a command of its cargo, for a target. It builds the standard library, too: a compiled one exists for
    /// this machine only.
    pub(crate) fn cargo_with_library(&self, args: &str, target: &str) -> Command {
        let mut command = self.cargo(args);
        // Building the library is not a stable feature.
        command.env("RUSTC_BOOTSTRAP", "1");
        command.args(["-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test", "--target", target]);
        command
    }

    /// Returns the directory of a target's libraries.
    pub(crate) fn libraries(&self, target: &str) -> PathBuf {
        self.root.join("usr/lib/rustlib").join(target).join("lib")
    }

    /// Returns the directory of what was built for a target.
    pub(crate) fn built(&self, target: &str) -> PathBuf {
        self.root.join("target").join(target).join("debug")
    }
}
