//! The deserializer. Bytes that the serializer has not written give an error or some value, and never a panic.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::depth::Depth;
use super::{TypeCode, Unfit};

/// Reads a value.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Unfit> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    if reader.is_at_end() { Ok(value) } else { Err(truncated()) }
}

/// Reads a `Vec<u8>`, without copying it.
pub(crate) fn read_bytes(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    let is_sequence = reader.type_code().ok()? == TypeCode::ByteSequence;
    let count = reader.count().ok()?;
    (is_sequence && count == reader.bytes.len()).then_some(reader.bytes)
}

pub(super) struct Reader<'de> {
    /// The unread bytes.
    bytes: &'de [u8],
    depth: Depth,
}

pub(super) fn truncated() -> Unfit {
    Unfit::custom("it is truncated, or too long")
}

impl<'de> Reader<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, depth: Depth::OUTSIDE }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'de [u8], Unfit> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unfit> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn peek(&self) -> Result<TypeCode, Unfit> {
        let code = self.bytes.first().and_then(|&code| TypeCode::ALL.get(usize::from(code)));
        code.copied().ok_or_else(truncated)
    }

    pub(super) fn type_code(&mut self) -> Result<TypeCode, Unfit> {
        let code = self.peek()?;
        self.bytes = &self.bytes[1..];
        Ok(code)
    }

    pub(super) fn count(&mut self) -> Result<usize, Unfit> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| truncated())
    }

    /// Reads the number of bytes or elements that follow.
    pub(super) fn length(&mut self) -> Result<usize, Unfit> {
        match self.array::<1>()? {
            [u8::MAX] => self.count(),
            [length] => Ok(length.into()),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'de [u8], Unfit> {
        let length = self.length()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<&'de str, Unfit> {
        core::str::from_utf8(self.bytes()?).map_err(Unfit::custom)
    }

    /// Reads the name of the type that follows, if there is one.
    fn type_name(&mut self) -> Result<Option<&'de str>, Unfit> {
        if self.peek()? != TypeCode::Named {
            return Ok(None);
        }
        self.type_code()?;
        self.text().map(Some)
    }

    fn number<V: Visitor<'de>>(&mut self, code: TypeCode, visitor: V) -> Result<V::Value, Unfit> {
        let number = self.bytes()?;
        macro_rules! by_length {
            ($($Code:ident $Type:ident $visit:ident)*) => {
                match code {
                    $(TypeCode::$Code if number.len() == size_of::<$Type>() => {
                        let mut bytes = [0; size_of::<$Type>()];
                        bytes.copy_from_slice(number);
                        visitor.$visit($Type::from_le_bytes(bytes))
                    })*
                    _ => Err(truncated()),
                }
            };
        }
        by_length! {
            Signed i8 visit_i8
            Signed i16 visit_i16
            Signed i32 visit_i32
            Signed i64 visit_i64
            Signed i128 visit_i128
            Unsigned u16 visit_u16
            Unsigned u32 visit_u32
            Unsigned u64 visit_u64
            Unsigned u128 visit_u128
            Float f32 visit_f32
            Float f64 visit_f64
        }
    }

    pub(super) fn character(&mut self) -> Result<char, Unfit> {
        let number = self.bytes()?.try_into().map_err(|_| truncated())?;
        char::from_u32(u32::from_le_bytes(number)).ok_or_else(truncated)
    }

    /// Reads one level deeper.
    pub(super) fn nested<R>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<R, Unfit>,
    ) -> Result<R, Unfit> {
        let outside = self.depth;
        self.depth = outside.deeper()?;
        let result = inside(self);
        self.depth = outside;
        result
    }

    /// Fails if fewer bytes than elements are left. Each element takes at least a byte, although a user's type may read
    /// none.
    fn expect(&self, count: usize) -> Result<(), Unfit> {
        if count <= self.bytes.len() { Ok(()) } else { Err(truncated()) }
    }

    fn elements<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.expect(count)?;
        self.nested(|reader| {
            let mut elements = Elements { reader, count };
            let value = visitor.visit_seq(&mut elements)?;
            if elements.count == 0 { Ok(value) } else { Err(truncated()) }
        })
    }

    fn entries<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.expect(count)?;
        self.nested(|reader| {
            let mut entries = Entries(Elements { reader, count });
            let value = visitor.visit_map(&mut entries)?;
            if entries.0.count == 0 { Ok(value) } else { Err(truncated()) }
        })
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.type_code()? {
            TypeCode::Bool => visitor.visit_bool(self.bytes()? == [1]),
            code @ (TypeCode::Signed | TypeCode::Unsigned | TypeCode::Float) => self.number(code, visitor),
            TypeCode::Byte => visitor.visit_u8(u8::from_le_bytes(self.array()?)),
            TypeCode::Char => visitor.visit_char(self.character()?),
            TypeCode::Text => visitor.visit_borrowed_str(self.text()?),
            TypeCode::Bytes => visitor.visit_borrowed_bytes(self.bytes()?),
            TypeCode::None => {
                self.length()?;
                visitor.visit_none()
            }
            TypeCode::Some => {
                self.length()?;
                self.nested(|reader| visitor.visit_some(reader))
            }
            TypeCode::Unit => {
                self.length()?;
                visitor.visit_unit()
            }
            // A text, as in formats without variants.
            TypeCode::UnitVariant => visitor.visit_borrowed_str(self.text()?),
            TypeCode::Variant => {
                let name = self.text()?;
                self.nested(|reader| visitor.visit_map(OneEntry { name: Some(name), reader }))
            }
            TypeCode::Named => {
                self.text()?;
                self.nested(|reader| reader.deserialize_any(visitor))
            }
            TypeCode::Sequence => {
                let count = self.count()?;
                self.elements(count, visitor)
            }
            TypeCode::ByteSequence => {
                let count = self.count()?;
                let bytes = self.take(count)?;
                let mut elements = de::value::SeqDeserializer::new(bytes.iter().copied());
                let value = visitor.visit_seq(&mut elements)?;
                elements.end().map(|()| value)
            }
            TypeCode::Tuple => {
                let length = self.length()?;
                self.elements(length, visitor)
            }
            TypeCode::Map => {
                // The number counts keys and values.
                let count = self.count()? / 2;
                self.entries(count, visitor)
            }
            TypeCode::Struct => {
                let length = self.length()?;
                self.entries(length, visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.peek()? {
            TypeCode::None | TypeCode::Some => self.deserialize_any(visitor),
            _ => Err(Unfit::custom("it is no option")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.type_name()? {
            Some(other) if other != name => Err(Unfit::custom("it is of another type")),
            _ => self.nested(|reader| visitor.visit_newtype_struct(reader)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.type_code()? {
            TypeCode::UnitVariant => visitor.visit_enum(self.text()?.into_deserializer()),
            TypeCode::Variant => {
                let name = self.text()?;
                self.nested(|reader| visitor.visit_enum(Variant { name, reader }))
            }
            _ => Err(Unfit::custom("it is no variant")),
        }
    }

    // serde's buffer for `flatten`, `untagged` and `tag` says `true`, and a type must be written and read in one form.
    fn is_human_readable(&self) -> bool {
        true
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    count: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unfit> {
        if self.count == 0 {
            return Ok(None);
        }
        self.count -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count.min(self.reader.bytes.len()))
    }
}

/// The entries of a map, or the fields of a struct.
struct Entries<'r, 'de>(Elements<'r, 'de>);

impl<'de> de::MapAccess<'de> for Entries<'_, 'de> {
    type Error = Unfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unfit> {
        de::SeqAccess::next_element_seed(&mut self.0, seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(&mut *self.0.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        de::SeqAccess::size_hint(&self.0)
    }
}

/// A variant, read as a map from its name to its contents.
struct OneEntry<'r, 'de> {
    name: Option<&'de str>,
    reader: &'r mut Reader<'de>,
}

impl<'de> de::MapAccess<'de> for OneEntry<'_, 'de> {
    type Error = Unfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unfit> {
        self.name.take().map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(&mut *self.reader)
    }
}

struct Variant<'r, 'de> {
    name: &'de str,
    reader: &'r mut Reader<'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unfit> {
        let name = seed.deserialize(BorrowedStrDeserializer::<Unfit>::new(self.name))?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        Err(Unfit::custom("the variant holds something"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.reader.deserialize_any(visitor)
    }
}
