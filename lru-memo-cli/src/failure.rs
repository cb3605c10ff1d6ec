//! Errors of the command, and its exit codes.

use std::fmt::{self, Display};
use std::io::{self, Write};

use lru_memo::shared::{Error, Kind, Summary};

use crate::format::{id, name, visible};

/// The help text about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  there is no such store, namespace or entry
  2  the command line is wrong
  3  a store does not work, or a namespace in it cannot be read";

/// An error: a message for people, and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The error for a missing store, namespace or entry.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The error for a wrong command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// The error for a store that has failed.
    pub(crate) fn store(label: &str, error: &Error) -> Self {
        let code = match error.kind() {
            Kind::NotFound => 1,
            Kind::Url => 2,
            _ => 3,
        };
        let message = error.to_string();
        // The label is left out if the user has just typed the URL, or if the message names the store.
        let is_named = code == 2 || message.contains(label);
        Self { code, message: if is_named { message } else { format!("{message} ({label})") } }
    }

    /// The error for a namespace that cannot be read.
    pub(crate) fn namespace(label: &str, summary: &Summary, error: &Error) -> Self {
        let (id, name) = (id(summary.id), name(&summary.name));
        Self { code: 3, message: format!("namespace {id} {name} cannot be read: {error} ({label})") }
    }

    /// The error for output that cannot be written.
    pub(crate) fn output(error: &dyn Display) -> Self {
        Self { code: 3, message: format!("cannot write to the terminal or file: {error}") }
    }

    /// Writes the message to standard error. An error of that is ignored.
    pub(crate) fn report(&self) {
        let _ = writeln!(io::stderr(), "error: {self}");
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl Display for Failure {
    /// Writes the message with all characters [visible], because it may quote data of other programs. Line breaks are
    /// kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.message.lines().map(visible).collect();
        f.write_str(&lines.join("\n"))
    }
}
