//! Keys as bytes. Arguments that serialize alike give the same bytes in every process, and others give different bytes.

use alloc::vec::Vec;

use serde::Serialize;

use super::format::{Floats, write};
use crate::shared::error::{Error, Kind};

/// A type that can be part of a key on a shared store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key on a shared store",
    label = "needs `serde::Serialize`",
    note = "derive or implement `Serialize` for it, or leave the argument out of the key with `skip(..)`, or give a key of your own with `key = ..`"
)]
pub trait SharedKeyPart {
    /// Appends this part to the key.
    ///
    /// # Errors
    /// When the part cannot be serialized.
    fn write(&self, key: &mut Vec<u8>) -> Result<(), Error>;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Serialize> SharedKeyPart for T {
    fn write(&self, key: &mut Vec<u8>) -> Result<(), Error> {
        write(self, Floats::ByEquality, key)
            .map_err(|why| Error::new(Kind::Value, format!("a key cannot be serialized: {why}")))
    }
}

/// One argument, with the function that writes it.
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

/// Makes a part of the key from an argument. Only this function has a bound on the type, so that an error is reported
/// once.
#[inline]
pub fn shared_part<T: ?Sized + SharedKeyPart>(value: &T) -> SharedPart<'_, T> {
    SharedPart { value, write: T::write }
}

/// All arguments of a key: `(part, (part, ()))`.
pub trait SharedKey: Copy {
    /// Appends all parts.
    ///
    /// # Errors
    /// When a part cannot be serialized.
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
