//! The serializer.

use alloc::vec::Vec;

use serde::ser::{self, Serialize, Serializer};

use super::depth::Depth;
use super::{TypeCode, Unfit};

/// How floats are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floats {
    /// Unchanged.
    AsTheyAre,
    /// With 0.0 for -0.0, so that equal floats are equal bytes.
    ByEquality,
}

/// Appends a value.
pub(crate) fn write<T: ?Sized + Serialize>(
    value: &T,
    floats: Floats,
    bytes: &mut Vec<u8>,
) -> Result<(), Unfit> {
    value.serialize(Writer::new(floats, bytes))
}

/// Appends bytes, in the form in which [`write()`] writes a `Vec<u8>`.
pub(crate) fn write_bytes(value: &[u8], bytes: &mut Vec<u8>) {
    bytes.reserve(1 + size_of::<u64>() + value.len());
    bytes.push(TypeCode::ByteSequence as u8);
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
}

/// The serializer of one value. A number has the length of its type; anything of variable length follows its length.
pub(super) struct Writer<'k> {
    pub(super) bytes: &'k mut Vec<u8>,
    floats: Floats,
    depth: Depth,
}

impl<'k> Writer<'k> {
    pub(super) fn new(floats: Floats, bytes: &'k mut Vec<u8>) -> Self {
        Self { bytes, floats, depth: Depth::OUTSIDE }
    }

    /// Writes a type code, and the number of bytes or elements that follow.
    pub(super) fn type_code(self, code: TypeCode, length: usize) -> Self {
        self.bytes.push(code as u8);
        match u8::try_from(length) {
            Ok(length) if length < u8::MAX => self.bytes.push(length),
            _ => {
                self.bytes.push(u8::MAX);
                self.bytes.extend((length as u64).to_le_bytes());
            }
        }
        self
    }

    /// Returns a writer for the next element.
    pub(super) fn again(&mut self) -> Writer<'_> {
        Writer { bytes: self.bytes, floats: self.floats, depth: self.depth }
    }

    /// Returns a writer that is one level deeper.
    pub(super) fn nested(self) -> Result<Self, Unfit> {
        Ok(Self { depth: self.depth.deeper()?, ..self })
    }

    pub(super) fn coded(self, code: TypeCode, bytes: &[u8]) -> Result<(), Unfit> {
        self.type_code(code, bytes.len()).bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a type code and a name, and returns a writer for the contents.
    pub(super) fn name(self, code: TypeCode, name: &str) -> Result<Self, Unfit> {
        let writer = self.type_code(code, name.len());
        writer.bytes.extend_from_slice(name.as_bytes());
        writer.nested()
    }

    pub(super) fn counted(self, code: TypeCode) -> Result<Counted<'k>, Unfit> {
        Ok(Counted::new(self.nested()?, code))
    }

    fn fields(self, code: TypeCode, length: usize) -> Result<Fields<'k>, Unfit> {
        Ok(Fields(self.type_code(code, length).nested()?))
    }
}

macro_rules! numbers {
    ($($method:ident: $Type:ty, $Code:ident;)*) => {$(
        fn $method(self, number: $Type) -> Result<(), Unfit> {
            self.coded(TypeCode::$Code, &number.to_le_bytes())
        }
    )*};
}

macro_rules! floats {
    ($($method:ident: $Type:ty;)*) => {$(
        fn $method(self, number: $Type) -> Result<(), Unfit> {
            // Adding zero turns -0.0 into 0.0 and leaves everything else as it is.
            let number = if self.floats == Floats::ByEquality { number + 0.0 } else { number };
            self.coded(TypeCode::Float, &number.to_bits().to_le_bytes())
        }
    )*};
}

impl<'k> Serializer for Writer<'k> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Counted<'k>;
    type SerializeTuple = Fields<'k>;
    type SerializeTupleStruct = Fields<'k>;
    type SerializeTupleVariant = Fields<'k>;
    type SerializeMap = Counted<'k>;
    type SerializeStruct = Fields<'k>;
    type SerializeStructVariant = Fields<'k>;

    numbers! {
        serialize_i8: i8, Signed;
        serialize_i16: i16, Signed;
        serialize_i32: i32, Signed;
        serialize_i64: i64, Signed;
        serialize_i128: i128, Signed;
        serialize_u16: u16, Unsigned;
        serialize_u32: u32, Unsigned;
        serialize_u64: u64, Unsigned;
        serialize_u128: u128, Unsigned;
    }

    floats! {
        serialize_f32: f32;
        serialize_f64: f64;
    }

    fn serialize_u8(self, number: u8) -> Result<(), Unfit> {
        self.bytes.extend([TypeCode::Byte as u8, number]);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unfit> {
        self.coded(TypeCode::Bool, &[value.into()])
    }

    fn serialize_char(self, value: char) -> Result<(), Unfit> {
        self.coded(TypeCode::Char, &u32::from(value).to_le_bytes())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unfit> {
        self.coded(TypeCode::Text, text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unfit> {
        self.coded(TypeCode::Bytes, bytes)
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        self.coded(TypeCode::None, &[])
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(self.type_code(TypeCode::Some, 1).nested()?)
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        self.coded(TypeCode::Unit, &[])
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Unfit> {
        self.name(TypeCode::Named, name)?.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unfit> {
        self.coded(TypeCode::UnitVariant, variant.as_bytes())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        value.serialize(self.name(TypeCode::Named, name)?)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        value.serialize(self.name(TypeCode::Variant, variant)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Counted<'k>, Unfit> {
        self.counted(TypeCode::Sequence)
    }

    fn serialize_tuple(self, length: usize) -> Result<Fields<'k>, Unfit> {
        self.fields(TypeCode::Tuple, length)
    }

    fn serialize_tuple_struct(self, name: &'static str, length: usize) -> Result<Fields<'k>, Unfit> {
        self.name(TypeCode::Named, name)?.serialize_tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Fields<'k>, Unfit> {
        self.name(TypeCode::Variant, variant)?.serialize_tuple(length)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Counted<'k>, Unfit> {
        self.counted(TypeCode::Map)
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Fields<'k>, Unfit> {
        self.name(TypeCode::Named, name)?.fields(TypeCode::Struct, length)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Fields<'k>, Unfit> {
        self.name(TypeCode::Variant, variant)?.fields(TypeCode::Struct, length)
    }

    // For the reason in `read`.
    fn is_human_readable(&self) -> bool {
        true
    }
}

/// A sequence or a map. Its number of elements is known at the end only, and is then written before them.
pub(super) struct Counted<'k> {
    writer: Writer<'k>,
    start: usize,
    count: usize,
    are_bytes: bool,
}

impl<'k> Counted<'k> {
    fn new(writer: Writer<'k>, code: TypeCode) -> Self {
        let start = writer.bytes.len();
        writer.bytes.push(code as u8);
        writer.bytes.extend([0; 8]);
        Self { writer, start, count: 0, are_bytes: true }
    }

    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
        self.written(|writer| value.serialize(writer))
    }

    /// Writes an element, and counts it.
    pub(super) fn written(
        &mut self,
        write: impl FnOnce(Writer<'_>) -> Result<(), Unfit>,
    ) -> Result<(), Unfit> {
        let start = self.writer.bytes.len();
        write(self.writer.again())?;
        self.count += 1;
        let element = &self.writer.bytes[start..];
        self.are_bytes &= element.len() == 2 && element[0] == TypeCode::Byte as u8;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Unfit> {
        let Self { writer: Writer { bytes, .. }, start, count, are_bytes } = self;
        let first = start + 9;
        bytes[start + 1..first].copy_from_slice(&(count as u64).to_le_bytes());
        if are_bytes && bytes[start] == TypeCode::Sequence as u8 {
            bytes[start] = TypeCode::ByteSequence as u8;
            for at in 0..count {
                bytes[first + at] = bytes[first + 2 * at + 1];
            }
            bytes.truncate(first + count);
        }
        Ok(())
    }
}

impl ser::SerializeSeq for Counted<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
        self.element(value)
    }

    fn end(self) -> Result<(), Unfit> {
        self.finish()
    }
}

impl ser::SerializeMap for Counted<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Unfit> {
        self.element(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
        self.element(value)
    }

    fn end(self) -> Result<(), Unfit> {
        self.finish()
    }
}

/// A tuple or a struct, whose number of elements is written already.
pub(super) struct Fields<'k>(Writer<'k>);

macro_rules! elements {
    ($($Trait:ident::$method:ident;)*) => {$(
        impl ser::$Trait for Fields<'_> {
            type Ok = ();
            type Error = Unfit;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
                value.serialize(self.0.again())
            }

            fn end(self) -> Result<(), Unfit> {
                Ok(())
            }
        }
    )*};
}
elements! {
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! named_fields {
    ($($Trait:ident;)*) => {$(
        impl ser::$Trait for Fields<'_> {
            type Ok = ();
            type Error = Unfit;

            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unfit> {
                name.serialize(self.0.again())?;
                value.serialize(self.0.again())
            }

            fn end(self) -> Result<(), Unfit> {
                Ok(())
            }
        }
    )*};
}
named_fields! {
    SerializeStruct;
    SerializeStructVariant;
}
