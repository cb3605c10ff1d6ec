//! The format of keys and values: self-describing bytes, for serde.
//!
//! Each value follows a [`TypeCode`]. Names precede fields, variants and types. This has three effects:
//!
//! - Different arguments are different keys, even if serde is told to leave the variant out.
//! - If the fields or variants of a type were reordered, an old value is still read correctly.
//! - serde's features for self-describing formats work: `flatten`, `untagged`, `skip_serializing_if`.
//!
//! Unlike the well-known formats of this kind, the format distinguishes `Some(())` and `Some(None)` from `None`. It can
//! also write equal floats as equal bytes.

#[cfg(any(test, fuzzing))]
pub(in crate::shared) mod check;
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

/// The type of a value, which is its first byte.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypeCode {
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

impl TypeCode {
    /// All codes, in the order of their numbers.
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

/// Why a value cannot be written or read.
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
