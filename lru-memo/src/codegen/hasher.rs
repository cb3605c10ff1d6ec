//! The hasher of a cache, as the option `hasher` names it.

use core::hash::BuildHasher;
use core::marker::PhantomData;

use foldhash::fast::RandomState;

use crate::codegen::outcome::Is;

/// A type that `hasher = ..` can name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hash the keys of a cache",
    label = "needs `BuildHasher + Default + Send + Sync`",
    note = "write a type that makes hashers, such as `hasher = std::hash::RandomState`"
)]
pub trait UsableHasher: BuildHasher + Default + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<S: BuildHasher + Default + Send + Sync + 'static> UsableHasher for S {}

/// Demands a usable hasher. Only here does generated code have this bound, so that an error is reported once.
#[inline]
pub const fn usable_hasher<S: UsableHasher>() {}

/// Asks whether a type is usable: `HasherProbe::<S>::IS_USABLE`, with [`NotUsable`] in scope.
#[derive(Debug)]
pub struct HasherProbe<S>(PhantomData<S>);

impl<S: UsableHasher> HasherProbe<S> {
    /// The type is usable.
    pub const IS_USABLE: bool = true;
}

/// The answer for all other types.
pub trait NotUsable {
    /// The type is not usable.
    const IS_USABLE: bool = false;
}

impl<S> NotUsable for HasherProbe<S> {}

/// Chooses the hasher of a cache. `Kind` is [`Is<true>`](Is) for a usable type. For any other type, the default hasher
/// is used, so that only [`usable_hasher`] reports an error.
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

/// The hasher of a cache with the option `hasher = S`.
pub type HasherOf<S, Kind> = <S as ChosenHasher<Kind>>::Type;
