//! The hasher a function asks for.

use core::hash::BuildHasher;
use core::marker::PhantomData;

use foldhash::fast::RandomState;

use crate::outcome::Is;

/// A type that `hasher = ..` can name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hash the keys of a cache",
    label = "needs `BuildHasher + Default + Send + Sync`",
    note = "write a type that makes hashers, such as `hasher = std::hash::RandomState`"
)]
pub trait UsableHasher: BuildHasher + Default + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<S: BuildHasher + Default + Send + Sync + 'static> UsableHasher for S {}

/// The one place where generated code asks whether a hasher is usable.
#[inline]
pub const fn usable_hasher<S: UsableHasher>() {}

/// Asks whether a type is usable: `HasherProbe::<S>::IS_USABLE`, with [`NotUsable`] in scope.
#[derive(Debug)]
pub struct HasherProbe<S>(PhantomData<S>);

impl<S: UsableHasher> HasherProbe<S> {
    /// It is.
    pub const IS_USABLE: bool = true;
}

/// The answer for all other types.
pub trait NotUsable {
    /// It is not.
    const IS_USABLE: bool = false;
}

impl<S> NotUsable for HasherProbe<S> {}

/// The hasher of a cache, `Kind` being [`Is<true>`](Is) when it is usable. When it is not, there is one all the same,
/// so that [`usable_hasher`] is the only one to complain.
pub trait ChosenHasher<Kind> {
    /// The hasher.
    type Type;
}

impl<S> ChosenHasher<Is<true>> for S {
    type Type = S;
}

impl<S> ChosenHasher<Is<false>> for S {
    type Type = RandomState;
}

/// The hasher of a cache for which `S` was asked.
pub type HasherOf<S, Kind> = <S as ChosenHasher<Kind>>::Type;
