//! Keys and values without their types, for tools such as the command `lru-memo`.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::{Error as _, Serialize, Serializer};

use super::read::{Reader, truncated};
use super::write::{Floats, Writer, write_bytes};
use super::{TypeCode, Unfit};
use crate::shared::error::{Error, Kind};
use crate::shared::function::stale::head::undated;
use crate::shared::function::tags::without_head;

/// The data of a key or a value in a shared store, in serde's data model. Stores keep keys and values in a
/// self-describing format.
///
/// ```
/// use lru_memo::shared::Data;
///
/// let key = [Data::Text("Ada".into()), Data::U32(7)]; // of `f("Ada", 7_u32)`
/// let bytes = Data::write_key(&key)?;
/// assert_eq!(Data::read_key(&bytes), Some(key.to_vec()));
/// assert_eq!(Data::read_key(b"something else"), None);
/// # Ok::<(), lru_memo::shared::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "most are named as the types are")]
pub enum Data {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    /// Bytes, as `serialize_bytes` gets them. A `Vec<u8>` is a [`ByteSequence`](Self::ByteSequence).
    Bytes(Vec<u8>),
    None,
    Some(Box<Data>),
    Unit,
    /// A variant of an enum without contents.
    UnitVariant(String),
    /// A variant of an enum, with its contents.
    Variant(String, Box<Data>),
    /// The name of a struct, with its contents.
    Named(String, Box<Data>),
    /// A sequence, unless it is empty or [consists of `u8`](Self::ByteSequence).
    Sequence(Vec<Data>),
    /// A sequence of `u8`, or an empty sequence of any type.
    ByteSequence(Vec<u8>),
    /// A tuple, an array, or the contents of a tuple struct or of a variant with several values.
    Tuple(Vec<Data>),
    Map(Vec<(Data, Data)>),
    /// Fields with their names.
    Struct(Vec<(String, Data)>),
}

impl Data {
    /// Reads a value, without the tags of its entry. Returns `None` if the bytes are not a value.
    #[must_use]
    pub fn read_value(bytes: &[u8]) -> Option<Self> {
        let bytes = undated(bytes).unwrap_or(bytes);
        let value = without_head(bytes).unwrap_or(bytes);
        let [value] = <[Self; 1]>::try_from(Self::read_key(value)?).ok()?;
        Some(value)
    }

    /// Reads the arguments of a key. Returns `None` if the bytes are not a key.
    #[must_use]
    pub fn read_key(bytes: &[u8]) -> Option<Vec<Self>> {
        let mut reader = Reader::new(bytes);
        let mut parts = Vec::new();
        while !reader.is_at_end() {
            parts.push(Self::read(&mut reader).ok()?);
        }
        // Some bytes can be read, but the format would write the same data differently.
        let is_same = Self::write_key(&parts).is_ok_and(|written| written == bytes);
        is_same.then_some(parts)
    }

    /// Returns the key of these arguments, as bytes.
    ///
    /// # Errors
    /// When the arguments are nested too deeply.
    pub fn write_key(parts: &[Self]) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        for part in parts {
            part.write(Writer::new(Floats::AsTheyAre, &mut bytes))
                .map_err(|why| Error::new(Kind::Value, format!("a key cannot be serialized: {why}")))?;
        }
        Ok(bytes)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Unfit> {
        Ok(match reader.type_code()? {
            TypeCode::Bool => Self::Bool(reader.bytes()? == [1]),
            TypeCode::Signed => Self::signed(reader.bytes()?).ok_or_else(truncated)?,
            TypeCode::Unsigned => Self::unsigned(reader.bytes()?).ok_or_else(truncated)?,
            TypeCode::Byte => Self::U8(u8::from_le_bytes(reader.array()?)),
            TypeCode::Float => Self::float(reader.bytes()?).ok_or_else(truncated)?,
            TypeCode::Char => Self::Char(reader.character()?),
            TypeCode::Text => Self::Text(reader.text()?.to_owned()),
            TypeCode::Bytes => Self::Bytes(reader.bytes()?.to_owned()),
            TypeCode::None => reader.length().map(|_| Self::None)?,
            TypeCode::Some => {
                reader.length()?;
                Self::Some(Self::inside(reader)?)
            }
            TypeCode::Unit => reader.length().map(|_| Self::Unit)?,
            TypeCode::UnitVariant => Self::UnitVariant(reader.text()?.to_owned()),
            TypeCode::Variant => Self::Variant(reader.text()?.to_owned(), Self::inside(reader)?),
            TypeCode::Named => Self::Named(reader.text()?.to_owned(), Self::inside(reader)?),
            TypeCode::Sequence => {
                let count = reader.count()?;
                Self::Sequence(Self::several(reader, count, Self::read)?)
            }
            TypeCode::ByteSequence => {
                let count = reader.count()?;
                Self::ByteSequence(reader.take(count)?.to_owned())
            }
            TypeCode::Tuple => {
                let length = reader.length()?;
                Self::Tuple(Self::several(reader, length, Self::read)?)
            }
            TypeCode::Map => {
                let count = reader.count()? / 2;
                Self::Map(Self::several(reader, count, |reader| {
                    Ok((Self::read(reader)?, Self::read(reader)?))
                })?)
            }
            TypeCode::Struct => {
                let length = reader.length()?;
                Self::Struct(Self::several(reader, length, |reader| match Self::read(reader)? {
                    Self::Text(name) => Ok((name, Self::read(reader)?)),
                    _ => Err(Unfit::custom("a field has no name")),
                })?)
            }
        })
    }

    /// Whether every format accepts this as a key of a map.
    fn is_name(&self) -> bool {
        let is_integer =
            matches!(self, Self::I8(_) | Self::I16(_) | Self::I32(_) | Self::I64(_) | Self::I128(_))
                || matches!(self, Self::U8(_) | Self::U16(_) | Self::U32(_) | Self::U64(_) | Self::U128(_));
        is_integer || matches!(self, Self::Text(_) | Self::Char(_) | Self::UnitVariant(_))
    }

    fn inside(reader: &mut Reader<'_>) -> Result<Box<Self>, Unfit> {
        reader.nested(Self::read).map(Box::new)
    }

    /// Reads `count` elements. Allocates only as they are read, because `count` may be wrong.
    fn several<T>(
        reader: &mut Reader<'_>,
        count: usize,
        read: impl Fn(&mut Reader<'_>) -> Result<T, Unfit>,
    ) -> Result<Vec<T>, Unfit> {
        reader.nested(|reader| {
            let mut elements = Vec::new();
            for _ in 0..count {
                elements.push(read(reader)?);
            }
            Ok(elements)
        })
    }

    fn write(&self, mut writer: Writer<'_>) -> Result<(), Unfit> {
        match self {
            Self::Some(inside) => inside.write(writer.type_code(TypeCode::Some, 1).nested()?),
            Self::UnitVariant(name) => writer.coded(TypeCode::UnitVariant, name.as_bytes()),
            Self::Variant(name, inside) => inside.write(writer.name(TypeCode::Variant, name)?),
            Self::Named(name, inside) => inside.write(writer.name(TypeCode::Named, name)?),
            Self::Sequence(elements) => {
                let mut counted = writer.counted(TypeCode::Sequence)?;
                elements.iter().try_for_each(|element| counted.written(|writer| element.write(writer)))?;
                counted.finish()
            }
            Self::ByteSequence(bytes) => {
                write_bytes(bytes, writer.bytes);
                Ok(())
            }
            Self::Tuple(elements) => {
                writer = writer.type_code(TypeCode::Tuple, elements.len()).nested()?;
                elements.iter().try_for_each(|element| element.write(writer.again()))
            }
            Self::Map(entries) => {
                let mut counted = writer.counted(TypeCode::Map)?;
                let elements = entries.iter().flat_map(|(key, value)| [key, value]);
                elements
                    .into_iter()
                    .try_for_each(|element| counted.written(|writer| element.write(writer)))?;
                counted.finish()
            }
            Self::Struct(fields) => {
                writer = writer.type_code(TypeCode::Struct, fields.len()).nested()?;
                fields.iter().try_for_each(|(name, value)| {
                    writer.again().serialize_str(name)?;
                    value.write(writer.again())
                })
            }
            leaf => leaf.serialize(writer),
        }
    }
}

/// Serializes the data as the value itself, for formats like JSON. The names of structs are left out. A map whose keys
/// are neither texts nor integers becomes a sequence of pairs.
impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I8(number) => serializer.serialize_i8(*number),
            Self::I16(number) => serializer.serialize_i16(*number),
            Self::I32(number) => serializer.serialize_i32(*number),
            Self::I64(number) => serializer.serialize_i64(*number),
            Self::I128(number) => serializer.serialize_i128(*number),
            Self::U8(number) => serializer.serialize_u8(*number),
            Self::U16(number) => serializer.serialize_u16(*number),
            Self::U32(number) => serializer.serialize_u32(*number),
            Self::U64(number) => serializer.serialize_u64(*number),
            Self::U128(number) => serializer.serialize_u128(*number),
            Self::F32(number) => serializer.serialize_f32(*number),
            Self::F64(number) => serializer.serialize_f64(*number),
            Self::Char(character) => serializer.serialize_char(*character),
            Self::Text(text) | Self::UnitVariant(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::None => serializer.serialize_none(),
            Self::Some(inside) => serializer.serialize_some(inside),
            Self::Unit => serializer.serialize_unit(),
            Self::Variant(name, inside) => serializer.collect_map([(name, inside)]),
            Self::Named(_, inside) => inside.serialize(serializer),
            Self::Sequence(elements) | Self::Tuple(elements) => serializer.collect_seq(elements),
            Self::ByteSequence(bytes) => serializer.collect_seq(bytes),
            Self::Map(entries) if entries.iter().all(|(key, _)| key.is_name()) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
            }
            Self::Map(entries) => serializer.collect_seq(entries),
            Self::Struct(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, value))),
        }
    }
}

/// Reads a number as the type with its length.
macro_rules! by_length {
    ($($name:ident: $($Variant:ident $Type:ident)*;)*) => {
        impl Data {$(
            fn $name(number: &[u8]) -> Option<Self> {
                $(if let Ok(bytes) = number.try_into() {
                    return Some(Self::$Variant($Type::from_le_bytes(bytes)));
                })*
                None
            }
        )*}
    };
}
by_length! {
    signed: I8 i8 I16 i16 I32 i32 I64 i64 I128 i128;
    unsigned: U16 u16 U32 u32 U64 u64 U128 u128;
    float: F32 f32 F64 f64;
}
