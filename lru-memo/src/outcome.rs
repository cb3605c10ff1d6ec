//! What of a return value is cached: `T` of a `Result<T, E>`, else the value itself.
//!
//! The macro sees only the name of a type, and names lie: `io::Result<T>` and `type R<T> = Result<T, E>` are
//! `Result`s. [`Probe`] asks the compiler instead: its inherent `IS_RESULT` exists for `Result` only and goes
//! before the one of the trait [`NotResult`], which exists for every type. [`Is`] turns the answer into a type.

use core::marker::PhantomData;

/// Asks whether a type is a `Result`: `Probe::<T>::IS_RESULT`, with [`NotResult`] in scope.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is.
    pub const IS_RESULT: bool = true;

    /// The same as a type.
    #[must_use]
    pub fn kind() -> PhantomData<Is<true>> {
        PhantomData
    }
}

/// The answer for all other types.
pub trait NotResult {
    /// It is not.
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

/// That a return type is no `Result`, asked where a method cannot see what is generic around it, and so cannot act on
/// the answer.
#[diagnostic::on_unimplemented(
    message = "the return type is an alias of `Result`, which cannot be seen in a method alone",
    label = "write it out as `Result<..>`, or write `#[lru_cache]` on the `impl` block as well",
    note = "write `cache_err = true` to cache errors, too"
)]
pub trait NoAliasInMethod {}

#[diagnostic::do_not_recommend]
impl NoAliasInMethod for Is<false> {}

/// Asks for [`NoAliasInMethod`].
#[inline]
pub fn no_alias_in_method<K: NoAliasInMethod>(_: PhantomData<K>) {}

/// As [`NoAliasInMethod`], where the return type itself is generic.
#[diagnostic::on_unimplemented(
    message = "the return type is an alias of `Result`, which cannot be seen with a type parameter in it",
    label = "write it out as `Result<..>`",
    note = "write `cache_err = true` to cache errors, too"
)]
pub trait NoGenericAlias {}

#[diagnostic::do_not_recommend]
impl NoGenericAlias for Is<false> {}

/// Asks for [`NoGenericAlias`].
#[inline]
pub fn no_generic_alias<K: NoGenericAlias>(_: PhantomData<K>) {}

/// What a memoized function returns, `Kind` being [`Is<true>`](Is) for a `Result` whose errors are not cached.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named like a `Result` but is another type",
    label = "not `core::result::Result`",
    note = "write `cache_err = true` to cache it as it is"
)]
pub trait Returned<Kind> {
    /// What is cached.
    type Value;

    /// What is to be cached, if anything.
    fn value(&self) -> Option<&Self::Value>;
    /// What a hit returns.
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

/// The type that is cached for a function that returns `R`.
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

/// Clones a value; the one place where generated code asks for `Clone`.
#[inline]
pub fn clone_value<V: Cacheable>(value: &V) -> V {
    value.clone_value()
}
