//! How keys and values are written: in bytes that say what they hold.
//!
//! Every value goes after a [`Tag`], fields after their names, and variants and types with theirs. So keys differ
//! wherever the arguments do, also where serde is told not to write which variant it is; a value is not read as another
//! one when fields or variants of its type were moved; and what serde can do with formats that tell what they hold
//! works: `flatten`, `untagged`, `skip_serializing_if`. Unlike the well-known formats of this kind, it tells `Some(())`
//! and `Some(None)` from `None`, and can write floats such that equal ones are the same.

#[cfg(any(test, fuzzing))]
pub(super) mod check;
mod data;
mod depth;
mod read;
#[cfg(test)]
mod tests;
mod write;

use alloc::string::{String, ToString};
use core::fmt;

use serde::{de, ser};

pub use self::data::Data;
pub(super) use self::read::{read, read_bytes};
pub(super) use self::write::{Floats, write, write_bytes};

/// What a value is.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Bool,
    Signed,
    Unsigned,
    /// A `u8`.
    Byte,
    Float,
    Char,
    Text,
    Bytes,
    None,
    Some,
    Unit,
    Variant,
    UnitVariant,
    Named,
    Sequence,
    /// A sequence of `u8`.
    ByteSequence,
    Tuple,
    Map,
    Struct,
}

impl Tag {
    /// All of them, by their numbers.
    const ALL: [Self; 19] = [
        Self::Bool,
        Self::Signed,
        Self::Unsigned,
        Self::Byte,
        Self::Float,
        Self::Char,
        Self::Text,
        Self::Bytes,
        Self::None,
        Self::Some,
        Self::Unit,
        Self::Variant,
        Self::UnitVariant,
        Self::Named,
        Self::Sequence,
        Self::ByteSequence,
        Self::Tuple,
        Self::Map,
        Self::Struct,
    ];
}

/// Why something cannot be written, or not read.
#[derive(Debug)]
pub(super) struct Unfit(String);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

impl de::Error for Unfit {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}
