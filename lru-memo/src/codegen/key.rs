//! Arguments as keys. A lookup hashes and compares borrowed arguments; only storing copies them.
//!
//! Generated code calls [`part`] once for each argument, with a [`How`](self) that the macro derives from the
//! argument's type: `&str` is `Ref<Leaf<_>>`, `Option<f64>` is `OptionOf<Leaf<_>>`. The compiler infers the kind of a
//! `Leaf`: either [`ByHash`] or [`ByBits`] applies, and never both, so an alias of `f64` works. Only [`part`] has a
//! trait bound, so an unfit argument type is reported once.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use std::hash::DefaultHasher;

use crate::codegen::outcome::Is;

/// A part that is used as a whole.
#[derive(Debug)]
pub struct Leaf<How>(PhantomData<How>);
/// By the type's own `Hash` and `Eq`.
#[derive(Debug)]
pub enum ByHash {}
/// By the bits of a float, with `0.0 == -0.0`, so that every NaN equals itself.
#[derive(Debug)]
pub enum ByBits {}
/// Behind a reference.
#[derive(Debug)]
pub struct Ref<How>(PhantomData<How>);
/// In an `Option`.
#[derive(Debug)]
pub struct OptionOf<How>(PhantomData<How>);
/// In a slice.
#[derive(Debug)]
pub struct SliceOf<How>(PhantomData<How>);
/// In an array.
#[derive(Debug)]
pub struct ArrayOf<How>(PhantomData<How>);
/// In a `Vec`.
#[derive(Debug)]
pub struct VecOf<How>(PhantomData<How>);
/// In a `Cow`.
#[derive(Debug)]
pub struct CowOf<How>(PhantomData<How>);

/// A type that can be part of a cache key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "needs `Hash + Eq + Clone`",
    note = "derive or implement `Hash`, `Eq` and `Clone` for it, or leave the argument out of the key with `skip(..)`, or give a key of your own with `key = ..`"
)]
pub trait KeyPart<How, S> {
    /// Feeds the part to the hasher.
    fn hash_part<H: Hasher>(&self, state: &mut H);
    /// Whether this part equals the one in the cache.
    fn matches(&self, stored: &S) -> bool;
    /// Returns the stored form.
    fn to_stored(&self) -> S;
    /// Whether two stored parts are equal.
    fn same(left: &S, right: &S) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T, S> KeyPart<Leaf<ByHash>, S> for T
where
    T: ?Sized + Hash + Eq + ToOwned<Owned = S> + 'static,
    S: Borrow<T>,
{
    #[inline(always)]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.hash(state);
    }

    #[inline(always)]
    fn matches(&self, stored: &S) -> bool {
        self == stored.borrow()
    }

    #[inline]
    fn to_stored(&self) -> S {
        self.to_owned()
    }

    #[inline]
    fn same(left: &S, right: &S) -> bool {
        Borrow::<T>::borrow(left) == Borrow::<T>::borrow(right)
    }
}

macro_rules! floats {
    ($($float:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart<Leaf<ByBits>, $float> for $float {

            #[inline]
            fn hash_part<H: Hasher>(&self, state: &mut H) {
                // Adding zero turns -0.0 into 0.0 and leaves everything else as it is.
                (*self + 0.0).to_bits().hash(state);
            }

            #[inline]
            fn matches(&self, stored: &$float) -> bool {
                self.to_bits() == stored.to_bits() || self == stored
            }

            #[inline]
            fn to_stored(&self) -> $float {
                *self
            }

            #[inline]
            fn same(left: &$float, right: &$float) -> bool {
                KeyPart::<Leaf<ByBits>, $float>::matches(left, right)
            }
        }
    )*};
}
floats!(f32 f64);

#[diagnostic::do_not_recommend]
impl<How, S, T: ?Sized + KeyPart<How, S>> KeyPart<Ref<How>, S> for &T {
    #[inline(always)]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self).hash_part(state);
    }

    #[inline(always)]
    fn matches(&self, stored: &S) -> bool {
        (**self).matches(stored)
    }

    #[inline]
    fn to_stored(&self) -> S {
        (**self).to_stored()
    }

    #[inline]
    fn same(left: &S, right: &S) -> bool {
        T::same(left, right)
    }
}

#[diagnostic::do_not_recommend]
impl<How, S, B> KeyPart<CowOf<How>, S> for Cow<'_, B>
where
    B: ?Sized + ToOwned + KeyPart<How, S>,
{
    #[inline(always)]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self).hash_part(state);
    }

    #[inline(always)]
    fn matches(&self, stored: &S) -> bool {
        (**self).matches(stored)
    }

    fn to_stored(&self) -> S {
        (**self).to_stored()
    }

    fn same(left: &S, right: &S) -> bool {
        B::same(left, right)
    }
}

#[diagnostic::do_not_recommend]
impl<How, S, T: KeyPart<How, S>> KeyPart<OptionOf<How>, Option<S>> for Option<T> {
    #[inline(always)]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.is_some().hash(state);
        if let Some(part) = self {
            part.hash_part(state);
        }
    }

    #[inline(always)]
    fn matches(&self, stored: &Option<S>) -> bool {
        match (self, stored) {
            (Some(part), Some(stored)) => part.matches(stored),
            (None, None) => true,
            _ => false,
        }
    }

    fn to_stored(&self) -> Option<S> {
        self.as_ref().map(T::to_stored)
    }

    fn same(left: &Option<S>, right: &Option<S>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => T::same(left, right),
            (None, None) => true,
            _ => false,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<How, S, T: KeyPart<How, S>> KeyPart<SliceOf<How>, Box<[S]>> for [T] {
    #[inline(always)]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for part in self {
            part.hash_part(state);
        }
    }

    #[inline(always)]
    fn matches(&self, stored: &Box<[S]>) -> bool {
        self.len() == stored.len() && self.iter().zip(stored).all(|(part, stored)| part.matches(stored))
    }

    fn to_stored(&self) -> Box<[S]> {
        self.iter().map(T::to_stored).collect()
    }

    fn same(left: &Box<[S]>, right: &Box<[S]>) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| T::same(left, right))
    }
}

/// Forwards to the slice that the value holds.
macro_rules! as_slice {
    ($([$($generics:tt)*] $How:ident for $Type:ty;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<How, S, T: KeyPart<How, S>, $($generics)*> KeyPart<$How<How>, Box<[S]>> for $Type {

            #[inline]
            fn hash_part<H: Hasher>(&self, state: &mut H) {
                KeyPart::<SliceOf<How>, Box<[S]>>::hash_part(self.as_slice(), state);
            }

            #[inline]
            fn matches(&self, stored: &Box<[S]>) -> bool {
                KeyPart::<SliceOf<How>, Box<[S]>>::matches(self.as_slice(), stored)
            }

            fn to_stored(&self) -> Box<[S]> {
                KeyPart::<SliceOf<How>, Box<[S]>>::to_stored(self.as_slice())
            }

            fn same(left: &Box<[S]>, right: &Box<[S]>) -> bool {
                <[T] as KeyPart<SliceOf<How>, Box<[S]>>>::same(left, right)
            }
        }
    )*};
}
as_slice! {
    [] VecOf for Vec<T>;
    [const N: usize] ArrayOf for [T; N];
}

macro_rules! tuples {
    ($(($($How:ident $T:ident $S:ident $at:tt),+))*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($How, $S, $T: KeyPart<$How, $S>),+> KeyPart<($($How,)+), ($($S,)+)> for ($($T,)+) {

            #[inline]
            fn hash_part<H: Hasher>(&self, state: &mut H) {
                $(self.$at.hash_part(state);)+
            }

            #[inline]
            fn matches(&self, stored: &($($S,)+)) -> bool {
                $(self.$at.matches(&stored.$at))&&+
            }

            fn to_stored(&self) -> ($($S,)+) {
                ($(self.$at.to_stored(),)+)
            }

            fn same(left: &($($S,)+), right: &($($S,)+)) -> bool {
                $($T::same(&left.$at, &right.$at))&&+
            }
        }
    )*};
}
tuples! {
    (HowA A SA 0)
    (HowA A SA 0, HowB B SB 1)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5, HowG G SG 6)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5, HowG G SG 6, HowH M SH 7)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5, HowG G SG 6, HowH M SH 7, HowI I SI 8)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5, HowG G SG 6, HowH M SH 7, HowI I SI 8, HowJ J SJ 9)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5, HowG G SG 6, HowH M SH 7, HowI I SI 8, HowJ J SJ 9, HowK K SK 10)
    (HowA A SA 0, HowB B SB 1, HowC C SC 2, HowD D SD 3, HowE E SE 4, HowF F SF 5, HowG G SG 6, HowH M SH 7, HowI I SI 8, HowJ J SJ 9, HowK K SK 10, HowL L SL 11)
}

/// Asks whether a type behind a reference can be owned: `Ownable::<T>::IS_OWNABLE`, with [`NotOwnable`] in scope.
#[derive(Debug)]
pub struct Ownable<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized + ToOwned> Ownable<T> {
    /// The type can be owned.
    pub const IS_OWNABLE: bool = true;
}

/// The answer for all other types.
pub trait NotOwnable {
    /// The type cannot be owned.
    const IS_OWNABLE: bool = false;
}

impl<T: ?Sized> NotOwnable for Ownable<T> {}

/// Chooses the stored type of a type behind a reference. `Kind` is [`Is<true>`](Is) if the type can be owned. If not,
/// there is a type as well, so that only [`part`] reports an error.
pub trait Stored<Kind> {
    /// The type that is stored.
    type Type;
}

impl<T: ?Sized + ToOwned> Stored<Is<true>> for T {
    type Type = T::Owned;
}

impl<T: ?Sized> Stored<Is<false>> for T {
    type Type = ();
}

/// The type that is stored of a `T` behind a reference.
pub type Owned<T, Kind> = <T as Stored<Kind>>::Type;

/// One argument of a lookup: the value, and functions for it. `S` is the stored type.
#[derive(Debug)]
pub struct Part<'a, T: ?Sized, S, H> {
    value: &'a T,
    hash: fn(&T, &mut H),
    matches: fn(&T, &S) -> bool,
    to_stored: fn(&T) -> S,
    same: fn(&S, &S) -> bool,
}

impl<T: ?Sized, S, H> Clone for Part<'_, T, S, H> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized, S, H> Copy for Part<'_, T, S, H> {}

/// Makes a part of the key from an argument.
#[inline]
pub fn part<How, T, S, H>(value: &T) -> Part<'_, T, S, H>
where
    T: ?Sized + KeyPart<How, S>,
    H: Hasher,
{
    Part {
        value,
        hash: <T as KeyPart<How, S>>::hash_part::<H>,
        matches: <T as KeyPart<How, S>>::matches,
        to_stored: T::to_stored,
        same: T::same,
    }
}

/// The value of a key expression, whose type the macro does not know. For a reference, its target is the part of the
/// key: the inherent [`lru_memo_part`](Self::lru_memo_part) exists for references only, and takes precedence over that
/// of [`AnyExpression`].
#[derive(Debug)]
pub struct Expression<'a, T: ?Sized>(pub &'a T);

impl<'a, 'r, T: ?Sized> Expression<'a, &'r T> {
    /// Makes a part of the key.
    #[inline]
    pub fn lru_memo_part<How, S, H>(self) -> Part<'a, &'r T, S, H>
    where
        &'r T: KeyPart<Ref<Leaf<How>>, S>,
        H: Hasher,
    {
        part::<Ref<Leaf<How>>, _, _, _>(self.0)
    }
}

/// The conversion for all other types.
pub trait AnyExpression<'a> {
    /// The type of the value.
    type Type: ?Sized;

    /// Makes a part of the key.
    fn lru_memo_part<How, S, H>(self) -> Part<'a, Self::Type, S, H>
    where
        Self::Type: KeyPart<Leaf<How>, S>,
        H: Hasher;
}

impl<'a, T: ?Sized> AnyExpression<'a> for Expression<'a, T> {
    type Type = T;

    #[inline]
    fn lru_memo_part<How, S, H>(self) -> Part<'a, T, S, H>
    where
        T: KeyPart<Leaf<How>, S>,
        H: Hasher,
    {
        part::<Leaf<How>, _, _, _>(self.0)
    }
}

/// The comparison of two stored keys, which outlives the arguments.
pub trait SameKey<K> {
    /// Whether two stored keys are equal.
    fn same(&self, left: &K, right: &K) -> bool;
}

/// All arguments of a key: `(part, (part, ()))`. The stored form is `(stored, (stored, ()))`.
pub trait Key<K, H>: Copy {
    /// The comparison of stored keys.
    type Same: SameKey<K>;

    /// Feeds each part to the hasher.
    fn hash(&self, state: &mut H);
    /// Whether this is the stored key.
    fn matches(&self, stored: &K) -> bool;
    /// Returns the stored form.
    fn to_stored(&self) -> K;
    /// Returns the comparison of stored keys.
    fn same(&self) -> Self::Same;
}

/// The stored form of a key.
pub fn copy_of_key<K, Q: Key<K, DefaultHasher>>(key: Q) -> K {
    key.to_stored()
}

impl SameKey<()> for () {
    #[inline]
    fn same(&self, (): &(), (): &()) -> bool {
        true
    }
}

impl<S, K, R: SameKey<K>> SameKey<(S, K)> for (fn(&S, &S) -> bool, R) {
    fn same(&self, left: &(S, K), right: &(S, K)) -> bool {
        (self.0)(&left.0, &right.0) && self.1.same(&left.1, &right.1)
    }
}

impl<H> Key<(), H> for () {
    type Same = ();

    #[inline(always)]
    fn hash(&self, _: &mut H) {}

    #[inline(always)]
    fn matches(&self, (): &()) -> bool {
        true
    }

    #[inline]
    fn to_stored(&self) {}

    #[inline]
    fn same(&self) {}
}

impl<T: ?Sized, S, H, K, R: Key<K, H>> Key<(S, K), H> for (Part<'_, T, S, H>, R) {
    type Same = (fn(&S, &S) -> bool, R::Same);

    #[inline(always)]
    fn hash(&self, state: &mut H) {
        (self.0.hash)(self.0.value, state);
        self.1.hash(state);
    }

    #[inline(always)]
    fn matches(&self, stored: &(S, K)) -> bool {
        (self.0.matches)(self.0.value, &stored.0) && self.1.matches(&stored.1)
    }

    #[inline]
    fn to_stored(&self) -> (S, K) {
        ((self.0.to_stored)(self.0.value), self.1.to_stored())
    }

    #[inline]
    fn same(&self) -> Self::Same {
        (self.0.same, self.1.same())
    }
}
