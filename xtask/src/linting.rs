//! A compiler that also lints. Cargo starts this program as `RUSTC_WORKSPACE_WRAPPER`, so that clippy does not need to
//! check all crates once more.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::command::cargo;

/// The packages that clippy compiles.
///
/// It leaves out the checks of pointers that debug builds have, so the compiler itself compiles what is tested.
const COMPILED_BY_CLIPPY: [&str; 5] = ["tests", "tests/compile", "tests/threads", "examples", "xtask"];

/// The packages that clippy lints before the compiler compiles them.
const LINTED: [&str; 3] = ["lru-memo", "lru-memo-macros", "lru-memo-cli"];

/// Returns the command `cargo`, with this compiler for the packages of the workspace.
pub(crate) fn cargo_that_lints(args: &str) -> Result<Command, Failure> {
    let this = std::env::current_exe().map_err(|error| format!("the path of xtask: {error}"))?;
    let mut command = cargo(args);
    command.env("RUSTC_WORKSPACE_WRAPPER", this);
    Ok(command)
}

/// Whether cargo has started this program as a compiler.
pub(crate) fn is_asked(args: &[OsString]) -> bool {
    args.first().is_some_and(|first| Path::new(first).file_stem() == Some(OsStr::new("rustc")))
}

/// Lints and compiles what the arguments of the compiler say. The first one is its path.
pub(crate) fn compile(args: &[OsString]) -> Result<(), Failure> {
    // Cargo also asks for the compiler's version and for its targets.
    let package = args.get(1).filter(|first| *first == "--crate-name").and_then(|_| package());
    let is_among = |packages: &[&str]| package.as_deref().is_some_and(|package| packages.contains(&package));
    if is_among(&COMPILED_BY_CLIPPY) {
        return clippy(args);
    }
    if is_among(&LINTED) {
        clippy(&only_checked(args))?;
    }
    ends_well(Command::new(&args[0]).args(&args[1..]))
}

/// Returns the directory in the workspace of the package that cargo compiles. Cargo starts the compiler in the workspace.
fn package() -> Option<String> {
    let directory = std::env::var_os("CARGO_MANIFEST_DIR")?;
    let workspace = std::env::current_dir().ok()?;
    Some(Path::new(&directory).strip_prefix(workspace).ok()?.to_str()?.replace('\\', "/"))
}

fn clippy(args: &[OsString]) -> Result<(), Failure> {
    ends_well(Command::new("clippy-driver").args(args).args(["-D", "warnings"]))
}

/// Returns arguments with which the compiler only checks, and leaves nothing where cargo looks for it.
fn only_checked(args: &[OsString]) -> Vec<OsString> {
    let mut checked = Vec::<OsString>::new();
    for arg in args {
        let text = arg.to_string_lossy();
        checked.push(if checked.last().is_some_and(|last| last == "--out-dir") {
            Path::new(arg).join("linted").into()
        } else if text.starts_with("--emit=") {
            "--emit=metadata".into()
        } else if text.starts_with("--json=") {
            // Without messages about files: cargo waits for those of the compiler.
            "--json=diagnostic-rendered-ansi".into()
        } else {
            arg.clone()
        });
    }
    checked
}

fn ends_well(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    // It has printed why.
    if status.success() { Ok(()) } else { std::process::exit(status.code().unwrap_or(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_is_only_checked_leaves_no_program_and_tells_cargo_of_no_file() {
        let args = words("rustc --json=artifacts,future-incompat --emit=dep-info,link --out-dir deps --test");
        let checked = only_checked(&args);
        let expected = "rustc --json=diagnostic-rendered-ansi --emit=metadata --out-dir deps/linted --test";
        assert_eq!(checked, words(expected));
    }

    #[test]
    fn cargo_asks_for_a_compiler_by_its_path() {
        assert!(is_asked(&words("/usr/bin/rustc -vV")));
        assert!(!is_asked(&words("test")) && !is_asked(&[]));
    }
}
