//! Steps of `cargo xtask test` that run no tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::command::{cargo, in_ci, program, read, run, target_directory};
use crate::python;
use crate::tests::SELECTED;

/// The maximum number of third-party crates in the default build of `lru-memo`.
const MOST_CRATES: usize = 14;

/// The published crates, in the order of publication: the two libraries, and the command.
const PUBLISHED: [&str; 3] = ["lru-memo-macros", "lru-memo", "lru-memo-cli"];

/// The files that each package must have beside its code.
const IN_EACH_PACKAGE: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub(crate) fn fmt() -> Result<(), Failure> {
    run(&mut cargo("fmt --all --check"))?;
    // The fuzz targets are a workspace of their own.
    run(&mut cargo("fmt --manifest-path fuzz/Cargo.toml --check"))
}

pub(crate) fn words() -> Result<(), Failure> {
    let typos = python::installed("typos", "typos==1.52.0", "typos")?;
    run(&mut program(&typos.to_string_lossy(), ""))
}

/// Lints all that `cargo xtask build` lints, without building it.
pub(crate) fn lint() -> Result<(), Failure> {
    words()?;
    run(cargo("clippy --all-targets").args(SELECTED).args(["--", "-D", "warnings"]))
}

pub(crate) fn docs() -> Result<(), Failure> {
    run(cargo("doc --no-deps").args(SELECTED).env("RUSTDOCFLAGS", "-D warnings"))
}

pub(crate) fn deps() -> Result<(), Failure> {
    let tree = read(&mut cargo("tree -p lru-memo -e normal,build --prefix none --no-dedupe"))?;
    let crates = third_party(&tree);
    println!(
        "{} third-party crates: {}",
        crates.len(),
        crates.iter().copied().collect::<Vec<_>>().join(", ")
    );
    if crates.len() > MOST_CRATES {
        return Err(format!("{} third-party crates, at most {MOST_CRATES} are allowed", crates.len()));
    }
    Ok(())
}

/// Returns the names and versions in the output of `cargo tree --prefix none`, without the crates of this workspace.
fn third_party(tree: &str) -> BTreeSet<&str> {
    let is_ours = |line: &str| PUBLISHED.iter().any(|name| line.split(' ').next() == Some(name));
    tree.lines()
        .filter(|line| !line.is_empty() && !is_ours(line))
        .map(|line| line.find(" (").map_or(line, |end| &line[..end]))
        .collect()
}

/// Builds each package from its archive alone, beside the archives of the others.
///
/// `cargo package` would do that, too. But it unpacks a dependency of its own workspace only once for each path and
/// version, and then always builds against that copy.
pub(crate) fn package() -> Result<(), Failure> {
    for name in PUBLISHED {
        let list = read(cargo("package --list --allow-dirty -p").arg(name))?;
        for wanted in IN_EACH_PACKAGE {
            if !list.lines().any(|file| file == wanted) {
                return Err(format!("the package of `{name}` does not hold `{wanted}`"));
            }
        }
    }
    let mut command = cargo("package --no-verify");
    command.args(PUBLISHED.iter().flat_map(|name| ["-p", name]));
    if !in_ci() {
        command.arg("--allow-dirty");
    }
    run(&mut command)?;
    let unpacked = unpack(&target_directory())?;
    for name in PUBLISHED {
        let mut build = cargo("build --manifest-path");
        build.arg(unpacked.join("Cargo.toml")).args(["-p", name, "--target-dir"]).arg(target_directory());
        run(&mut build)?;
    }
    Ok(())
}

/// Unpacks the archives of `cargo package` into a workspace.
fn unpack(target: &Path) -> Result<PathBuf, Failure> {
    let text = |error: std::io::Error| error.to_string();
    let unpacked = target.join("unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).map_err(text)?;
    }
    fs::create_dir(&unpacked).map_err(text)?;
    let mut members = Vec::new();
    for name in PUBLISHED {
        let directory = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        // `-m`: the times in an archive never change, so cargo would consider an older build up to date.
        let mut tar = program("tar", "-xmf");
        run(tar.arg(target.join("package").join(format!("{directory}.crate"))).arg("-C").arg(&unpacked))?;
        members.push((name, directory));
    }
    let list = members.iter().map(|(_, directory)| format!("{directory:?}")).collect::<Vec<_>>().join(", ");
    let patches: String =
        members.iter().map(|(name, directory)| format!("{name} = {{ path = {directory:?} }}\n")).collect();
    let manifest =
        format!("[workspace]\nresolver = \"3\"\nmembers = [{list}]\n\n[patch.crates-io]\n{patches}");
    fs::write(unpacked.join("Cargo.toml"), manifest).map_err(text)?;
    fs::copy("Cargo.lock", unpacked.join("Cargo.lock")).map_err(text)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_once_and_without_our_own() {
        let tree = "lru-memo v0.1.0 (/somewhere)\nlru-memo-macros v0.1.0 (proc-macro) (/somewhere)\n\
                    quote v1.0.0\nquote v1.0.0 (*)\nmacros v2.0.0 (proc-macro)\nquote v2.0.0\n";
        let expected = ["macros v2.0.0", "quote v1.0.0", "quote v2.0.0"];
        assert_eq!(third_party(tree), BTreeSet::from(expected));
    }
}
