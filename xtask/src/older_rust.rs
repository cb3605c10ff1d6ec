//! The oldest Rust that is supported, with the sources of its library: the packages that Debian builds browsers with,
//! unpacked and not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::command::{program, run, target_directory};

/// The version, as `rust-version` in the manifests has it.
const VERSION: &str = "1.85";
/// That of the packages; newer ones are offered first.
const PACKAGED: &str = "1.85.0+dfsg3-1~deb12u3";
const OF_RUST: [&str; 5] =
    ["rustc-web", "cargo-web", "libstd-rust-web-dev", "libstd-rust-web-1.85", "rust-web-src"];
/// What the compiler and cargo are linked with.
const LIBRARIES: [&str; 3] = ["libllvm19", "libhttp-parser2.9", "libpcre3"];

/// An unpacked toolchain.
pub(crate) struct OlderRust {
    root: PathBuf,
}

impl OlderRust {
    /// Gets the packages, unless they are there.
    pub(crate) fn get() -> Result<Self, Failure> {
        let target =
            fs::canonicalize(target_directory()).map_err(|error| format!("the target directory: {error}"))?;
        let root = target.join(format!("rust-{VERSION}"));
        if !root.exists() {
            unpack(&root)
                .map_err(|why| format!("there is no Rust {VERSION}: {why}; nothing was tested with it"))?;
        }
        Ok(Self { root })
    }

    /// Its cargo, which builds in a directory of its own and denies all warnings.
    pub(crate) fn cargo(&self, args: &str) -> Command {
        let bin = self.root.join("usr/bin");
        let libraries =
            ["usr/lib", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|path| self.root.join(path));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = program(&bin.join("cargo").to_string_lossy(), args);
        command
            .env("PATH", joined(std::iter::once(bin.clone()).chain(std::env::split_paths(&path))))
            .env("LD_LIBRARY_PATH", joined(libraries))
            .env("RUSTC", bin.join("rustc"))
            .env("RUSTDOC", bin.join("rustdoc"))
            .env("RUSTFLAGS", "-Dwarnings")
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.root.join("target"));
        command
    }
}

fn joined(paths: impl IntoIterator<Item = PathBuf>) -> std::ffi::OsString {
    std::env::join_paths(paths).expect("no path of ours holds a colon")
}

/// Unpacks the packages; the directory is there only once it is complete.
fn unpack(root: &Path) -> Result<(), Failure> {
    let unfinished = root.with_file_name("rust-unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    let packages = unfinished.join("packages");
    fs::create_dir_all(&packages).map_err(|error| format!("{}: {error}", packages.display()))?;
    let mut download = program("apt-get", "download");
    download.args(OF_RUST.map(|name| format!("{name}={PACKAGED}"))).args(LIBRARIES).current_dir(&packages);
    crate::servers::update_lists();
    run(&mut download)?;
    for package in fs::read_dir(&packages).map_err(|error| error.to_string())?.flatten() {
        run(program("dpkg", "--extract").arg(package.path()).arg(&unfinished))?;
    }
    fs::remove_dir_all(&packages)
        .and_then(|()| fs::rename(&unfinished, root))
        .map_err(|error| error.to_string())
}
