//! A store in a directory of its own, and the command run on it.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use lru_memo::shared::{Embedded, Entry, Found, Namespace, Options, Store, fingerprint};
use serde_json::Value;

/// A private directory that is removed in the end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // A test that was killed may have left a directory, and its number to another process.
        loop {
            let number = NUMBER.fetch_add(1, Relaxed);
            let path = std::env::temp_dir().join(format!("lru-memo-cli-{}-{number}", process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)).expect("a scratch directory"),
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    pub(crate) fn store(&self) -> Embedded {
        let mut options = Options::default();
        options.size = 16 << 20;
        Embedded::open(&self.0, options).expect("the store opens")
    }

    /// What is in the directory.
    pub(crate) fn names(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0).expect("the directory").map(|entry| entry.expect("an entry").path()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn space(name: &str, version: u8, maxsize: Option<usize>) -> Namespace {
    Namespace::new(name, fingerprint(&[name.as_bytes(), &[version]])).with_maxsize(maxsize)
}

/// Calls a memoized function that answers with so many bytes.
pub(crate) fn call(store: &dyn Store, space: &Namespace, key: &[u8], length: usize) {
    if let Found::Miss(ticket) = store.get(space, key).expect("the store works") {
        let value = vec![7; length];
        let entry = Entry {
            value: &value,
            weight: 5,
            computed_since: Some(ticket),
            replace: false,
            age: Duration::ZERO,
        };
        store.store(space, key, entry).expect("the store works");
    }
}

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        serde_json::from_str(&self.stdout).expect("it prints JSON")
    }

    /// The words of the line that begins with this one.
    pub(crate) fn line(&self, first: &str) -> Vec<&str> {
        let mut lines = self.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines
            .find(|words| words.first() == Some(&first))
            .unwrap_or_else(|| panic!("no {first} in {}", self.stdout))
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lru-memo"));
    command.args(arguments).env_remove("LRU_MEMO_STORE").stdin(Stdio::null());
    command
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs the command on the store of this directory.
pub(crate) fn run(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    outcome(command(arguments).args(["--store", &scratch.url()]))
}
