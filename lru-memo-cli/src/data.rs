//! The data of keys and values: printed as Rust, as JSON, and parsed from the user's text.

mod forms;
#[cfg(test)]
mod properties;
mod spelled;
mod spelling;

use std::fmt::{self, Display};

use lru_memo::shared::Data;
use serde::{Serialize, Serializer};

pub(crate) use forms::{Forms, forms};

/// A key or a value.
pub(crate) enum Content {
    /// The arguments of a key, or one value.
    Parts(Vec<Data>),
    /// Bytes that cannot be decoded.
    Bytes(Vec<u8>),
}

impl Content {
    pub(crate) fn of_key(bytes: Vec<u8>) -> Self {
        Data::read_key(&bytes).map_or(Self::Bytes(bytes), Self::Parts)
    }

    pub(crate) fn of_value(bytes: Vec<u8>) -> Self {
        Data::read_value(&bytes).map_or(Self::Bytes(bytes), |value| Self::Parts(vec![value]))
    }
}

impl Display for Content {
    /// Returns the data as Rust writes it, in printable characters. Several arguments are in parentheses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parts(parts) if parts.len() == 1 => spelled::write(&parts[0], f),
            Self::Parts(parts) => spelled::write_tuple(parts, f),
            Self::Bytes(bytes) => spelled::write_bytes(bytes, f),
        }
    }
}

impl Serialize for Content {
    /// Returns the data as JSON, or `null` if the bytes cannot be decoded.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Parts(parts) if parts.len() == 1 => parts[0].serialize(serializer),
            Self::Parts(parts) => serializer.collect_seq(parts),
            Self::Bytes(_) => serializer.serialize_none(),
        }
    }
}
