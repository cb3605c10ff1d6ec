//! `cargo xtask ide`: asks rust-analyzer questions about memoized functions, as an editor does, and compares the answers.

mod client;
mod editor;
mod questions;

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::command::{cargo, program, read, run, succeeds, target_directory};
use crate::debian_rust::NEWER;
use crate::ide::editor::Editor;
use crate::ide::questions::{QUESTIONS, Question};
use crate::toolchain::nightly;

/// The version of rust-analyzer to install if there is none.
const VERSION: &str = "0.0.349";

/// The package with the functions that the questions are about.
const FIXTURE: &str = "fixtures/editor";

pub(crate) fn step() -> Result<(), Failure> {
    let server = rust_analyzer()?;
    println!("{}", read(&mut program(&server.to_string_lossy(), "--version"))?.trim());
    let mut editor = Editor::open(&server, Path::new(FIXTURE), library()?.as_deref())?;
    let mut wrong = Vec::new();
    for Question { edit, ask, at, answer } in QUESTIONS {
        let given = editor.ask(*edit, *ask, at)?;
        println!("\n{ask:?} at `{}`:\n  {}", at.trim(), given.replace('\n', "\n  "));
        if given != *answer {
            wrong.push(format!("{ask:?} at `{}`\n  expected: {answer}\n  answered: {given}", at.trim()));
        }
    }
    match wrong.len() {
        0 => Ok(()),
        count => Err(format!("{count} of {} answers are wrong:\n{}", QUESTIONS.len(), wrong.join("\n"))),
    }
}

/// Returns the path of rust-analyzer, which takes some eight minutes to install.
fn rust_analyzer() -> Result<PathBuf, Failure> {
    let root = target_directory().join("rust-analyzer");
    let ours = root.join("bin/rust-analyzer");
    if ours.exists() {
        return Ok(ours);
    }
    if succeeds(&mut program("rust-analyzer", "--version")) {
        return Ok("rust-analyzer".into());
    }
    nightly()?;
    let package = format!("ra_ap_rust-analyzer@{VERSION}");
    run(cargo("+nightly install --locked").arg(package).arg("--root").arg(root))
        .map_err(|why| format!("there is no rust-analyzer, and it could not be installed: {why}"))?;
    Ok(ours)
}

/// Returns the sources of the standard library, if the toolchain is without.
fn library() -> Result<Option<PathBuf>, Failure> {
    let sysroot = read(&mut program("rustc", "--print sysroot"))?;
    let own = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if own.exists() { Ok(None) } else { NEWER.library().map(Some) }
}
