//! The error of a store.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// The error of a store: a [`Kind`], and a message for people, which contains no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: Box<str>,
}

/// The kinds of errors of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The URL is malformed, or names a store that this build does not have.
    Url,
    /// A store was chosen before, or processes that cannot share the store with this one use its files.
    InUse,
    /// The store does not exist, and the caller did not ask to make it.
    NotFound,
    /// Files or directories are missing, or are not private to this user.
    Directory,
    /// The store has no room.
    Full,
    /// The contents of the store are broken or foreign.
    Corrupt,
    /// The store failed, or cannot be reached.
    Unavailable,
    /// A key or a value cannot be serialized.
    Value,
    /// A function cannot be told from other functions, so it is not cached.
    Identity,
}

impl Error {
    /// Makes an error of this kind.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into().into_boxed_str() }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}
