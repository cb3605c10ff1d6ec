//! The cached part of a return value: the `T` of a `Result<T, E>`, or else the value itself.
//!
//! The macro sees only the name of a type, and an alias hides it: `io::Result<T>` and `type R<T> = Result<T, E>` are
//! `Result`s. So [`Probe`] asks the compiler. Its inherent constant `IS_RESULT` exists for `Result` only, and takes
//! precedence over that of the trait [`NotResult`], which exists for all types. [`Is`] turns the answer into a type.

use alloc::boxed::Box;
use core::marker::PhantomData;

use crate::flight::Failure;

/// Asks whether a type is a `Result`: `Probe::<T>::IS_RESULT`, with [`NotResult`] in scope.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// The type is a `Result`.
    pub const IS_RESULT: bool = true;

    /// The same as a type.
    #[must_use]
    pub fn kind() -> PhantomData<Is<true>> {
        PhantomData
    }
}

/// The answer for all other types.
pub trait NotResult {
    /// The type is not a `Result`.
    const IS_RESULT: bool = false;

    /// The same as a type.
    #[must_use]
    fn kind() -> PhantomData<Is<false>> {
        PhantomData
    }
}

impl<T> NotResult for Probe<T> {}

/// The answer of [`Probe`] as a type.
#[derive(Debug)]
pub enum Is<const RESULT: bool> {}

/// The bound that a return type is no `Result`. It is demanded in a method that cannot see what the block around it is
/// generic over, and so cannot act on the answer of [`Probe`].
#[diagnostic::on_unimplemented(
    message = "the return type is an alias of `Result`, which cannot be seen in a method alone",
    label = "write it out as `Result<..>`, or write `#[lru_cache]` on the `impl` block as well",
    note = "write `cache_err = true` to cache errors, too"
)]
pub trait NoAliasInMethod {}

#[diagnostic::do_not_recommend]
impl NoAliasInMethod for Is<false> {}

/// Demands [`NoAliasInMethod`].
#[inline]
pub fn no_alias_in_method<K: NoAliasInMethod>(_: PhantomData<K>) {}

/// Like [`NoAliasInMethod`], for a return type that is itself generic.
#[diagnostic::on_unimplemented(
    message = "the return type is an alias of `Result`, which cannot be seen with a type parameter in it",
    label = "write it out as `Result<..>`",
    note = "write `cache_err = true` to cache errors, too"
)]
pub trait NoGenericAlias {}

#[diagnostic::do_not_recommend]
impl NoGenericAlias for Is<false> {}

/// Demands [`NoGenericAlias`].
#[inline]
pub fn no_generic_alias<K: NoGenericAlias>(_: PhantomData<K>) {}

/// The return type of a memoized function. `Kind` is [`Is<true>`](Is) for a `Result` whose errors are not cached.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named like a `Result` but is another type",
    label = "not `core::result::Result`",
    note = "write `cache_err = true` to cache it as it is"
)]
pub trait Returned<Kind> {
    /// The cached type.
    type Value;

    /// Returns the part to be cached, if there is one.
    fn value(&self) -> Option<&Self::Value>;
    /// Returns the return value of a hit.
    fn from_value(value: Self::Value) -> Self;
}

impl<T> Returned<Is<false>> for T {
    type Value = T;

    #[inline]
    fn value(&self) -> Option<&T> {
        Some(self)
    }

    #[inline]
    fn from_value(value: T) -> T {
        value
    }
}

impl<T, E> Returned<Is<true>> for Result<T, E> {
    type Value = T;

    #[inline]
    fn value(&self) -> Option<&T> {
        self.as_ref().ok()
    }

    #[inline]
    fn from_value(value: T) -> Self {
        Ok(value)
    }
}

/// How followers get the leader's error.
pub struct Errors<R> {
    /// Copies the error of a return value, if it has one. `None` if errors cannot be copied.
    copy: Option<fn(&R) -> Option<Failure>>,
    from: fn(Failure) -> R,
}

impl<R> Clone for Errors<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Errors<R> {}

impl<R> Errors<R> {
    /// Followers do not get errors.
    #[must_use]
    pub fn kept() -> Self {
        Self { copy: None, from: |_| unreachable!("nobody has copied an error") }
    }

    /// Returns the function that copies errors, if there is one.
    pub(crate) fn copy(&self) -> Option<fn(&R) -> Option<Failure>> {
        self.copy
    }

    /// Returns the return value of a follower.
    pub fn answer<Kind>(self, answer: Result<R::Value, Failure>) -> R
    where
        R: Returned<Kind>,
    {
        match answer {
            Ok(value) => R::from_value(value),
            Err(error) => (self.from)(error),
        }
    }
}

/// Asks how followers get errors: `ErrorProbe::<R>::errors()`, with [`UnsharedErrors`] in scope.
#[derive(Debug)]
pub struct ErrorProbe<R>(PhantomData<R>);

impl<T, E: Clone + Send + 'static> ErrorProbe<Result<T, E>> {
    /// Followers get copies.
    #[must_use]
    pub fn errors() -> Errors<Result<T, E>> {
        let copy =
            |result: &Result<T, E>| result.as_ref().err().map(|error| Box::new(error.clone()) as Failure);
        let from = |error: Failure| Err(*error.downcast().expect("it is a copy of an error of the function"));
        Errors { copy: Some(copy), from }
    }
}

/// The answer for all other types.
pub trait UnsharedErrors<R> {
    /// Followers do not get errors.
    #[must_use]
    fn errors() -> Errors<R> {
        Errors::kept()
    }
}

impl<R> UnsharedErrors<R> for ErrorProbe<R> {}

/// The cached type of a function that returns `R`.
pub type Value<R, Kind> = <R as Returned<Kind>>::Value;

/// A value that can be cached.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: a hit returns a clone of the stored value",
    label = "needs `Clone`",
    note = "derive or implement `Clone` for it, or return an `Arc<{Self}>`"
)]
pub trait Cacheable {
    /// What a hit returns.
    #[must_use]
    fn clone_value(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<V: Clone> Cacheable for V {
    #[inline]
    fn clone_value(&self) -> V {
        self.clone()
    }
}

/// Returns a function that clones a value. Only here does generated code demand `Clone`, so that an error is reported once.
#[inline]
#[must_use]
pub const fn clone_value<V: Cacheable>() -> fn(&V) -> V {
    V::clone_value
}
