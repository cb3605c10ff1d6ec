//! Why a store does not work.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// Why a store does not work: a [`Kind`], and a message for people. It contains no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: Box<str>,
}

/// The kinds of errors of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The URL is not one, or names a store that this build does not have.
    Url,
    /// A store was chosen before; or its files are in the use of others with whom this process cannot share them.
    InUse,
    /// There is no such store, and none was to be made.
    NotFound,
    /// Files or directories are missing, or are not private to this user.
    Directory,
    /// There is no room.
    Full,
    /// What is in the store cannot be understood.
    Corrupt,
    /// The store failed, or cannot be reached.
    Unavailable,
    /// A key or a value cannot be serialized.
    Value,
    /// A function cannot be told from others, and is not cached.
    Identity,
    /// An environment variable cannot be read.
    Variable,
}

impl Error {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into().into_boxed_str() }
    }

    /// What kind of error it is.
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
