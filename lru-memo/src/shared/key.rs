//! A key as bytes: the same for equal arguments, in every process, and different for others.
//!
//! It is written once and never read, so it is simpler than a format for data, and says what such formats do not: that
//! `-0.0` is `0.0`, and that a NaN equals itself, at any depth. Every value goes after a byte that tells what it is, and
//! fields after their names, so that the variants of an enum differ also where serde is told not to write which it is.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::error::{Error, Kind};

/// A type that can be part of a key on a shared store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key on a shared store",
    label = "needs `serde::Serialize`",
    note = "derive or implement `Serialize` for it, or leave the argument out of the key with `skip(..)`, or give a key of your own with `key = ..`"
)]
pub trait SharedKeyPart {
    /// Writes it after the parts before it.
    ///
    /// # Errors
    /// When it cannot be serialized.
    fn write(&self, key: &mut Vec<u8>) -> Result<(), Error>;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Serialize> SharedKeyPart for T {
    fn write(&self, key: &mut Vec<u8>) -> Result<(), Error> {
        self.serialize(Writer(key))
            .map_err(|Unfit(why)| Error::new(Kind::Value, format!("a key cannot be serialized: {why}")))
    }
}

/// One argument, and how it is written.
#[derive(Debug)]
pub struct SharedPart<'a, T: ?Sized> {
    value: &'a T,
    write: fn(&T, &mut Vec<u8>) -> Result<(), Error>,
}

impl<T: ?Sized> Clone for SharedPart<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for SharedPart<'_, T> {}

/// Makes a part of the key from an argument; here alone something is demanded of its type.
#[inline]
pub fn shared_part<T: ?Sized + SharedKeyPart>(value: &T) -> SharedPart<'_, T> {
    SharedPart { value, write: T::write }
}

/// All arguments that make a key: `(part, (part, ()))`.
pub trait SharedKey: Copy {
    /// Writes all parts.
    ///
    /// # Errors
    /// When one of them cannot be serialized.
    fn write(self, key: &mut Vec<u8>) -> Result<(), Error>;
}

impl SharedKey for () {
    fn write(self, _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }
}

impl<T: ?Sized, R: SharedKey> SharedKey for (SharedPart<'_, T>, R) {
    fn write(self, key: &mut Vec<u8>) -> Result<(), Error> {
        (self.0.write)(self.0.value, key)?;
        self.1.write(key)
    }
}

/// Why something cannot be serialized.
#[derive(Debug)]
struct Unfit(String);

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

/// What a value is.
#[repr(u8)]
#[derive(Clone, Copy)]
enum Tag {
    Bool,
    Signed,
    Unsigned,
    Float,
    Char,
    Text,
    Bytes,
    None,
    Some,
    Unit,
    Variant,
    Sequence,
    Tuple,
    Map,
    Struct,
    Skipped,
}

/// Numbers have the length of their type; what varies in length goes after its length.
struct Writer<'k>(&'k mut Vec<u8>);

impl<'k> Writer<'k> {
    /// Writes what follows, and how many bytes or elements it has.
    fn tag(self, tag: Tag, length: usize) -> &'k mut Vec<u8> {
        self.0.push(tag as u8);
        match u8::try_from(length) {
            Ok(length) if length < u8::MAX => self.0.push(length),
            _ => {
                self.0.push(u8::MAX);
                self.0.extend((length as u64).to_le_bytes());
            }
        }
        self.0
    }

    fn bytes(self, tag: Tag, bytes: &[u8]) -> Result<(), Unfit> {
        self.tag(tag, bytes.len()).extend_from_slice(bytes);
        Ok(())
    }

    fn variant(self, variant: u32) -> Self {
        let key = self.tag(Tag::Variant, 4);
        key.extend(variant.to_le_bytes());
        Self(key)
    }
}

macro_rules! numbers {
    ($($method:ident: $Type:ty, $Tag:ident;)*) => {$(
        fn $method(self, number: $Type) -> Result<(), Unfit> {
            self.bytes(Tag::$Tag, &number.to_le_bytes())
        }
    )*};
}

macro_rules! floats {
    ($($method:ident: $Type:ty;)*) => {$(
        fn $method(self, number: $Type) -> Result<(), Unfit> {
            // Adding zero turns -0.0 into 0.0 and leaves everything else as it is.
            self.bytes(Tag::Float, &(number + 0.0).to_bits().to_le_bytes())
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
        serialize_u8: u8, Unsigned;
        serialize_u16: u16, Unsigned;
        serialize_u32: u32, Unsigned;
        serialize_u64: u64, Unsigned;
        serialize_u128: u128, Unsigned;
    }

    floats! {
        serialize_f32: f32;
        serialize_f64: f64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unfit> {
        self.bytes(Tag::Bool, &[value.into()])
    }

    fn serialize_char(self, value: char) -> Result<(), Unfit> {
        self.bytes(Tag::Char, &u32::from(value).to_le_bytes())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unfit> {
        self.bytes(Tag::Text, text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unfit> {
        self.bytes(Tag::Bytes, bytes)
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        self.bytes(Tag::None, &[])
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(Writer(self.tag(Tag::Some, 1)))
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        self.bytes(Tag::Unit, &[])
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unfit> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, variant: u32, _: &'static str) -> Result<(), Unfit> {
        self.variant(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        value.serialize(self.variant(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Counted<'k>, Unfit> {
        Ok(Counted::new(self, Tag::Sequence))
    }

    fn serialize_tuple(self, length: usize) -> Result<Fields<'k>, Unfit> {
        Ok(Fields(self.tag(Tag::Tuple, length)))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Fields<'k>, Unfit> {
        self.serialize_tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        length: usize,
    ) -> Result<Fields<'k>, Unfit> {
        self.variant(variant).serialize_tuple(length)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Counted<'k>, Unfit> {
        Ok(Counted::new(self, Tag::Map))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields<'k>, Unfit> {
        Ok(Fields(self.tag(Tag::Struct, length)))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        variant: u32,
        _: &'static str,
        length: usize,
    ) -> Result<Fields<'k>, Unfit> {
        self.variant(variant).serialize_struct(name, length)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Elements whose number is known at the end, and is written before them.
struct Counted<'k> {
    key: &'k mut Vec<u8>,
    start: usize,
    count: u64,
}

impl<'k> Counted<'k> {
    fn new(writer: Writer<'k>, tag: Tag) -> Self {
        let key = writer.0;
        key.push(tag as u8);
        let start = key.len();
        key.extend([0; 8]);
        Self { key, start, count: 0 }
    }

    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
        self.count += 1;
        value.serialize(Writer(self.key))
    }

    fn finish(self) -> Result<(), Unfit> {
        self.key[self.start..self.start + 8].copy_from_slice(&self.count.to_le_bytes());
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

/// Elements whose number was written.
struct Fields<'k>(&'k mut Vec<u8>);

macro_rules! elements {
    ($($Trait:ident::$method:ident;)*) => {$(
        impl ser::$Trait for Fields<'_> {
            type Ok = ();
            type Error = Unfit;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
                value.serialize(Writer(self.0))
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
                name.serialize(Writer(self.0))?;
                value.serialize(Writer(self.0))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Unfit> {
                name.serialize(Writer(self.0))?;
                Writer(self.0).bytes(Tag::Skipped, &[])
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
