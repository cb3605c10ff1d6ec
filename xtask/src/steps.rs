//! The steps that need nothing but the stable toolchain.

use std::collections::BTreeSet;

use crate::Failure;
use crate::command::{cargo, in_ci, read, run};
use crate::servers;

/// How many third-party crates the default build of `lru-memo` may need.
const MOST_CRATES: usize = 14;

/// What is published, in the order in which it would be: the two libraries, and the command.
const PUBLISHED: [&str; 3] = ["lru-memo-macros", "lru-memo", "lru-memo-cli"];

/// What each published package must hold beside its code.
const IN_EACH_PACKAGE: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Examples that do not end by themselves, or need more than this workspace.
const EXAMPLES_NOT_RUN: [&str; 0] = [];

pub(crate) fn fmt() -> Result<(), Failure> {
    run(&mut cargo("fmt --all --check"))?;
    // A workspace of its own.
    run(&mut cargo("fmt --manifest-path fuzz/Cargo.toml --check"))
}

pub(crate) fn lint() -> Result<(), Failure> {
    run(&mut cargo("clippy --workspace --all-targets -- -D warnings"))?;
    // Each store alone, too: here all of them were built together.
    ["", "shared", "memcached", "redis", "redis-tls"].into_iter().try_for_each(|store| {
        run(cargo("clippy -p lru-memo --features").args([store, "--", "-D", "warnings"]))
    })
}

pub(crate) fn unit() -> Result<(), Failure> {
    servers::all_installed()?;
    let mut command = cargo("test --workspace --lib --bins --tests");
    if in_ci() {
        // There, a test that compares with CPython may not pass for want of it.
        command.env("LRU_MEMO_REQUIRE_PYTHON", "1");
    }
    run(&mut command)
}

pub(crate) fn doctest() -> Result<(), Failure> {
    run(&mut cargo("test --workspace --doc"))
}

pub(crate) fn loom() -> Result<(), Failure> {
    // A target directory of its own: the flag would have everything built anew in the common one.
    let mut command = cargo("test -p lru-memo --lib --release --target-dir target/loom loom_models");
    let output = read(command.env("RUSTFLAGS", "--cfg loom"))?;
    print!("{output}");
    if output.contains("test result: ok. 0 passed") { Err("no loom model ran".to_owned()) } else { Ok(()) }
}

pub(crate) fn docs() -> Result<(), Failure> {
    run(cargo("doc --no-deps --workspace").env("RUSTDOCFLAGS", "-D warnings"))
}

pub(crate) fn examples() -> Result<(), Failure> {
    let path = "examples/Cargo.toml";
    let manifest = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let declared = declared_examples(&manifest);
    if declared.is_empty() {
        return Err(format!("{path} declares no example"));
    }
    for name in declared {
        if EXAMPLES_NOT_RUN.contains(&name) {
            println!("`{name}` is only built, by `unit`");
        } else {
            run(cargo("run --quiet -p lru-memo-examples --example").arg(name))?;
        }
    }
    Ok(())
}

/// The names of the `[[example]]` tables of a manifest.
fn declared_examples(manifest: &str) -> Vec<&str> {
    let tables = manifest.split("[[example]]").skip(1);
    tables
        .filter_map(|table| {
            let line = table.lines().find_map(|line| line.trim().strip_prefix("name = \""))?;
            line.strip_suffix('"')
        })
        .collect()
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

/// The names and versions in the output of `cargo tree --prefix none`, without the crates of this workspace.
fn third_party(tree: &str) -> BTreeSet<&str> {
    let is_ours = |line: &str| PUBLISHED.iter().any(|name| line.split(' ').next() == Some(name));
    tree.lines()
        .filter(|line| !line.is_empty() && !is_ours(line))
        .map(|line| line.find(" (").map_or(line, |end| &line[..end]))
        .collect()
}

/// They go through one `cargo package`: the macros are not where the other one would look for them otherwise.
pub(crate) fn package() -> Result<(), Failure> {
    for name in PUBLISHED {
        let list = read(cargo("package --list --allow-dirty -p").arg(name))?;
        for wanted in IN_EACH_PACKAGE {
            if !list.lines().any(|file| file == wanted) {
                return Err(format!("the package of `{name}` does not hold `{wanted}`"));
            }
        }
    }
    let mut command = cargo("package");
    command.args(PUBLISHED.iter().flat_map(|name| ["-p", name]));
    if !in_ci() {
        command.arg("--allow-dirty");
    }
    run(&mut command)
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

    #[test]
    fn examples_are_found_in_the_manifest() {
        let manifest = "[package]\nname = \"no\"\n\n[[example]]\nname = \"one\"\npath = \"one.rs\"\n\n\
                        [[example]]\npath = \"two.rs\"\nname = \"two\"\n";
        assert_eq!(declared_examples(manifest), ["one", "two"]);
    }
}
