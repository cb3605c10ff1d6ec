//! Why the command fails, and its exit codes.

use std::fmt::{self, Display};
use std::io::{self, Write};

use lru_memo::shared::{Error, Kind, Summary};

use crate::format::{name, visible};
use crate::sources::{Source, id};

/// The exit codes, for the help.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  it worked
  1  there is no such store, namespace or entry
  2  the command line is wrong
  3  a store does not work, or a namespace in it cannot be read";

/// What went wrong, for people, and its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// There is no such store, namespace or entry.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The command line asks for what cannot be done.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// A store has failed.
    pub(crate) fn store(label: &str, error: &Error) -> Self {
        let code = match error.kind() {
            Kind::NotFound => 1,
            Kind::Url => 2,
            _ => 3,
        };
        let message = error.to_string();
        // Which URL is wrong, the user knows; and most messages name the store themselves.
        let is_named = code == 2 || message.contains(label);
        Self { code, message: if is_named { message } else { format!("{message} ({label})") } }
    }

    /// A namespace cannot be read.
    pub(crate) fn namespace(source: &Source, summary: &Summary, error: &Error) -> Self {
        let (id, name) = (id(summary), name(&summary.name));
        Self { code: 3, message: format!("namespace {id} {name} cannot be read: {error} ({})", source.label) }
    }

    /// The answer cannot be written.
    pub(crate) fn output(error: &dyn Display) -> Self {
        Self { code: 3, message: format!("cannot write to the terminal or file: {error}") }
    }

    /// Writes it to standard error, if anybody reads it.
    pub(crate) fn report(&self) {
        let _ = writeln!(io::stderr(), "error: {self}");
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl Display for Failure {
    /// [Visible](visible): the message may hold what others have written. Lines are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.message.lines().map(visible).collect();
        f.write_str(&lines.join("\n"))
    }
}
