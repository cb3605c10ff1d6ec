//! Plain types: their `Hash`, `Eq` and `Clone` are the standard library's and only compute. These may run under a lock,
//! because they neither panic nor block nor call back.
//!
//! [`Plainness`] finds out whether a function has only plain arguments and a plain value, if all types are known.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::time::Duration;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::tags::Tags;

/// An argument type that hashes and compares without foreign code.
pub trait PlainPart {}

/// A value type that is cloned without foreign code, in constant time.
pub trait PlainValue {}

macro_rules! plain {
    ($($plain:ty)*) => {$(
        impl PlainPart for $plain {}
        impl PlainValue for $plain {}
    )*};
}
plain!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char Duration);

macro_rules! plain_parts {
    ($($plain:ty)*) => {$( impl PlainPart for $plain {} )*};
}
plain_parts!(str String Path PathBuf OsStr OsString);

impl<T: PlainPart + ?Sized> PlainPart for &T {}
impl<T: PlainPart> PlainPart for [T] {}
impl<T: PlainPart> PlainPart for Vec<T> {}
impl<T: PlainPart, const N: usize> PlainPart for [T; N] {}
impl<T: PlainPart> PlainPart for Option<T> {}
impl<T: PlainPart + ToOwned + ?Sized> PlainPart for Cow<'_, T> {}

impl PlainPart for Tags {}
impl<T: ?Sized> PlainValue for &'static T {}
impl<T: PlainValue> PlainValue for Option<T> {}

macro_rules! plain_tuples {
    ($(($($T:ident)*))*) => {$(
        impl<$($T: PlainPart),*> PlainPart for ($($T,)*) {}
        impl<$($T: PlainValue),*> PlainValue for ($($T,)*) {}
    )*};
}
plain_tuples!(() (A) (A B) (A B C) (A B C D));

/// Asks whether the arguments `A`, as `(first, (second, ()))`, and the value `V` are plain:
/// `Plainness::<A, V>::IS_PLAIN`, with [`NotPlain`] in scope.
#[derive(Debug)]
pub struct Plainness<A, V>(PhantomData<(A, V)>);

impl<A: PlainPart, V: PlainValue> Plainness<A, V> {
    /// The types are plain.
    pub const IS_PLAIN: bool = true;
}

/// Demands that these types are plain.
#[inline]
pub fn plain<A: PlainPart, V: PlainValue>() {}

/// The answer for all other types.
pub trait NotPlain {
    /// The types are not known to be plain.
    const IS_PLAIN: bool = false;
}

impl<A, V> NotPlain for Plainness<A, V> {}
