//! Why the program ends early: one line for its user.

use std::fmt;

/// What went wrong, and with what.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure that `text` describes in full.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For `map_err`: what was being done, and the error that came of it.
    pub(crate) fn of<E: fmt::Display>(doing: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self(format!("{doing}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
