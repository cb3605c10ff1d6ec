//! Encodes values as bytes, and decodes them.

use alloc::vec::Vec;
use core::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::format::{Floats, read, read_bytes, write, write_bytes};
use crate::shared::error::{Error, Kind};

/// A value that can be kept in a shared store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a shared store",
    label = "needs `serde::Serialize + serde::de::DeserializeOwned`",
    note = "derive or implement `Serialize` and `Deserialize` for it"
)]
pub trait SharedValue: Sized {
    /// Encodes the value.
    ///
    /// # Errors
    /// When the value cannot be serialized.
    fn encode(&self) -> Result<Vec<u8>, Error>;

    /// Decodes a value. Returns `None` if the bytes are not one.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

#[diagnostic::do_not_recommend]
impl<V: Serialize + DeserializeOwned + 'static> SharedValue for V {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        // A shortcut: serde would visit the bytes one by one.
        if let Some(value) = (self as &dyn Any).downcast_ref::<Vec<u8>>() {
            write_bytes(value, &mut bytes);
            return Ok(bytes);
        }
        write(self, Floats::AsTheyAre, &mut bytes)
            .map_err(|why| Error::new(Kind::Value, format!("a value cannot be serialized: {why}")))?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut value: Option<Self> = None;
        if let Some(value) = (&mut value as &mut dyn Any).downcast_mut::<Option<Vec<u8>>>() {
            *value = read_bytes(bytes).map(<[u8]>::to_vec);
        }
        value.or_else(|| read(bytes).ok())
    }
}

/// The functions that encode and decode values of a type.
#[derive(Debug)]
pub struct Codec<V> {
    pub(in crate::shared) encode: fn(&V) -> Result<Vec<u8>, Error>,
    pub(in crate::shared) decode: fn(&[u8]) -> Option<V>,
}

impl<V> Clone for Codec<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Codec<V> {}

/// Returns the codec of a type. Only this function has a bound on the type, so that an error is reported once.
#[must_use]
pub fn codec<V: SharedValue>() -> Codec<V> {
    Codec { encode: V::encode, decode: V::decode }
}
