//! Asks the compiler whether a type called `Option`, `Vec` or `Cow` is the standard library's. The macro sees only the
//! name.
//!
//! [`Wrapper`] works as [`Probe`](crate::codegen::outcome::Probe) does for `Result`: an inherent constant takes precedence over
//! that of a trait. [`Chosen`] turns the answer into a type.

use alloc::borrow::{Cow, ToOwned};
use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::codegen::outcome::Is;

/// Asks what a type is: `Wrapper::<T>::IS_OPTION`, with [`NoWrapper`] in scope.
#[derive(Debug)]
pub struct Wrapper<T: ?Sized>(PhantomData<T>);

impl<T> Wrapper<Option<T>> {
    /// It is an `Option`.
    pub const IS_OPTION: bool = true;
}

impl<T> Wrapper<Vec<T>> {
    /// It is a `Vec`.
    pub const IS_VEC: bool = true;
}

impl<T: ?Sized + ToOwned> Wrapper<Cow<'_, T>> {
    /// It is a `Cow`.
    pub const IS_COW: bool = true;
}

impl Wrapper<f32> {
    /// It is a float.
    pub const IS_FLOAT: bool = true;
}

impl Wrapper<f64> {
    /// It is a float.
    pub const IS_FLOAT: bool = true;
}

/// The answers for all other types.
pub trait NoWrapper {
    /// It is no `Option`.
    const IS_OPTION: bool = false;
    /// It is no `Vec`.
    const IS_VEC: bool = false;
    /// It is no `Cow`.
    const IS_COW: bool = false;
    /// It is no float.
    const IS_FLOAT: bool = false;
}

impl<T: ?Sized> NoWrapper for Wrapper<T> {}

/// Chooses one of two types, by an answer.
pub trait Choose<Yes, No> {
    /// The chosen type.
    type Chosen;
}

impl<Yes, No> Choose<Yes, No> for Is<true> {
    type Chosen = Yes;
}

impl<Yes, No> Choose<Yes, No> for Is<false> {
    type Chosen = No;
}

/// `Yes` if the answer `Kind` is [`Is<true>`](Is), else `No`.
pub type Chosen<Kind, Yes, No> = <Kind as Choose<Yes, No>>::Chosen;
