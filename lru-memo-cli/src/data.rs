//! What keys and values hold: as a person writes it, as JSON, and back from what a person has written.

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
    /// The arguments of a key, or the one value.
    Parts(Vec<Data>),
    /// What cannot be decoded.
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
    /// As Rust writes it, in printable characters. Several arguments stand in parentheses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parts(parts) if parts.len() == 1 => spelled::write(&parts[0], f),
            Self::Parts(parts) => spelled::write_tuple(parts, f),
            Self::Bytes(bytes) => spelled::write_bytes(bytes, f),
        }
    }
}

impl Serialize for Content {
    /// `null` for what cannot be decoded.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Parts(parts) if parts.len() == 1 => parts[0].serialize(serializer),
            Self::Parts(parts) => serializer.collect_seq(parts),
            Self::Bytes(_) => serializer.serialize_none(),
        }
    }
}
