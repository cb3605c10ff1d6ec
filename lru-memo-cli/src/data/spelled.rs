//! Data as Rust writes it: `92`, `("Ada", 7)`, `Some(Point { x: 1, y: 2 })`.
//!
//! `spelling` parses this form. Unprintable characters are escaped, so that no data steers the terminal.

use std::fmt::{Error, Formatter, Result, Write};

use lru_memo::shared::Data;

use super::spelling::is_word;
use crate::format::visible;

pub(super) fn write(data: &Data, f: &mut Formatter<'_>) -> Result {
    match data {
        Data::Bool(value) => write!(f, "{value}"),
        Data::F32(number) => write!(f, "{number:?}"),
        Data::F64(number) => write!(f, "{number:?}"),
        Data::Char(character) => write!(f, "{character:?}"),
        Data::Text(text) => write!(f, "{text:?}"),
        Data::Bytes(bytes) => write_bytes(bytes, f),
        Data::None => f.write_str("None"),
        Data::Some(inside) => {
            f.write_str("Some")?;
            write_inside(inside, f)
        }
        Data::Unit => f.write_str("()"),
        Data::UnitVariant(name) => write_name(name, f),
        Data::Named(name, inside) if **inside == Data::Unit => write_name(name, f),
        Data::Variant(name, inside) | Data::Named(name, inside) => {
            write_name(name, f)?;
            match &**inside {
                Data::Tuple(elements) if elements.len() != 1 => write_tuple(elements, f),
                Data::Struct(fields) => {
                    f.write_char(' ')?;
                    write_fields(fields, f)
                }
                inside => write_inside(inside, f),
            }
        }
        Data::Sequence(elements) => {
            write_all("[", elements, f, write)?;
            f.write_char(']')
        }
        Data::ByteSequence(bytes) => {
            write_all("[", bytes, f, |byte, f| write!(f, "{byte}"))?;
            f.write_char(']')
        }
        Data::Tuple(elements) => write_tuple(elements, f),
        Data::Map(entries) => {
            write_all("{", entries, f, |(key, value), f| {
                write(key, f)?;
                f.write_str(": ")?;
                write(value, f)
            })?;
            f.write_char('}')
        }
        Data::Struct(fields) => write_fields(fields, f),
        // In JSON as in Rust.
        integer => f.write_str(&serde_json::to_string(integer).map_err(|_| Error)?),
    }
}

pub(super) fn write_tuple(elements: &[Data], f: &mut Formatter<'_>) -> Result {
    write_all("(", elements, f, write)?;
    f.write_str(if elements.len() == 1 { ",)" } else { ")" })
}

pub(super) fn write_bytes(bytes: &[u8], f: &mut Formatter<'_>) -> Result {
    write!(f, "b\"{}\"", bytes.escape_ascii())
}

fn write_inside(inside: &Data, f: &mut Formatter<'_>) -> Result {
    f.write_char('(')?;
    write(inside, f)?;
    f.write_char(')')
}

fn write_fields(fields: &[(String, Data)], f: &mut Formatter<'_>) -> Result {
    write_all("{ ", fields, f, |(name, value), f| {
        write_name(name, f)?;
        f.write_str(": ")?;
        write(value, f)
    })?;
    f.write_str(" }")
}

/// Writes a name. Most names are identifiers, but serde allows any text.
fn write_name(name: &str, f: &mut Formatter<'_>) -> Result {
    if is_word(name) { f.write_str(&visible(name)) } else { write!(f, "{name:?}") }
}

fn write_all<T>(
    open: &str,
    all: &[T],
    f: &mut Formatter<'_>,
    write: impl Fn(&T, &mut Formatter<'_>) -> Result,
) -> Result {
    f.write_str(open)?;
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write(one, f)?;
    }
    Ok(())
}
