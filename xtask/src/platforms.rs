//! Steps for other compilers and other targets.

use crate::Failure;
use crate::command::{cargo, program, run};
use crate::debian_rust::{OLDEST, Unpacked};
use crate::servers::installed;

/// The package of the integration tests, of which those of the semantics are for any compiler and target.
const TESTS: &str = "-p lru-memo-tests --no-default-features";

/// Targets whose programs cannot run here, with the features that they support.
const CHECKED: [(&str, &str); 3] = [
    ("x86_64-pc-windows-msvc", "memcached,redis"),
    ("aarch64-apple-darwin", "memcached,redis"),
    (WASM, "web-time"),
];

/// WebAssembly in a browser.
const WASM: &str = "wasm32-unknown-unknown";

/// A target whose programs can run here.
struct Runs {
    target: &'static str,
    /// The system's name, as in the names of its compiler and its libraries.
    system: &'static str,
    /// The package of its C library.
    library: &'static str,
    /// The command that runs its programs.
    runner: &'static str,
    /// The modules of the integration tests, or none for all.
    modules: &'static [&'static str],
}

/// Fewer tests, because an emulator takes twenty times as long.
const FEW: &[&str] = &["semantics::", "thread_scope::"];

const RUN: [Runs; 3] = [
    Runs {
        target: "i686-unknown-linux-gnu",
        system: "i686-linux-gnu",
        library: "libc6-dev-i386-cross",
        runner: "/usr/i686-linux-gnu/lib/ld-linux.so.2 --library-path /usr/i686-linux-gnu/lib",
        modules: &[],
    },
    Runs {
        target: "aarch64-unknown-linux-gnu",
        system: "aarch64-linux-gnu",
        library: "libc6-dev-arm64-cross",
        runner: "qemu-aarch64 -L /usr/aarch64-linux-gnu",
        modules: FEW,
    },
    // Big-endian.
    Runs {
        target: "s390x-unknown-linux-gnu",
        system: "s390x-linux-gnu",
        library: "libc6-dev-s390x-cross",
        runner: "qemu-s390x -L /usr/s390x-linux-gnu",
        modules: FEW,
    },
];

/// Runs the core's tests on this system.
pub(crate) fn portable() -> Result<(), Failure> {
    run(cargo("test -p lru-memo --lib --test semantics").args(TESTS.split_whitespace()))
}

/// Builds and tests the default features with the oldest Rust, and checks the other features.
///
/// The feature `shared` is left out, because its LMDB binding needs a newer Rust.
pub(crate) fn msrv() -> Result<(), Failure> {
    let rust = OLDEST.get()?;
    run(&mut rust.cargo("check -p lru-memo --features memcached,redis-tls"))?;
    run(rust.cargo("test -p lru-memo --lib --test semantics").args(TESTS.split_whitespace()))
}

/// Checks targets that cannot run here, and tests those that can.
pub(crate) fn targets() -> Result<(), Failure> {
    let rust = OLDEST.get()?;
    for (target, features) in CHECKED {
        run(&mut rust.cargo_with_library("check -p lru-memo", target))?;
        let check = format!("check -p lru-memo --features {features}");
        run(&mut rust.cargo_with_library(&check, target))?;
    }
    wasm(&rust)?;
    installed("qemu-s390x", "qemu-user")?;
    for Runs { target, system, library, runner, modules } in RUN {
        let linker = format!("{system}-gcc");
        installed(&linker, &format!("gcc-{system} {library}"))?;
        let variable = |name| format!("CARGO_TARGET_{}_{name}", target.to_uppercase().replace('-', "_"));
        let test = |kind: &str| {
            let mut command =
                rust.cargo_with_library("test -p lru-memo --features lru-memo/memcached", target);
            command.args(TESTS.split_whitespace()).args(kind.split_whitespace());
            command.env(variable("LINKER"), &linker).env(variable("RUNNER"), runner);
            command
        };
        run(&mut test("--lib"))?;
        run(test("--test semantics --").args(modules))?;
    }
    Ok(())
}

/// Runs a module for browsers.
fn wasm(rust: &Unpacked) -> Result<(), Failure> {
    installed("wasm-ld", "lld")?;
    installed("node", "nodejs")?;
    let mut build = rust.cargo_with_library("build --manifest-path fixtures/wasm/Cargo.toml --locked", WASM);
    run(build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld"))?;
    run(program("node", "fixtures/wasm/run.mjs").arg(rust.built(WASM).join("wasm.wasm")))
}
