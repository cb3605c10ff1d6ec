//! How arguments become a key: hashed and compared as they are borrowed, copied only to be stored.
//!
//! The macro calls [`part`] once for each argument, with a [`How`](self) it reads off the argument's type:
//! `&str` is `Ref<Leaf<_>>`, `Option<f64>` is `OptionOf<Leaf<_>>`. What a `Leaf` is, inference decides: either
//! [`ByHash`] or [`ByBits`] applies, never both, so an alias of `f64` is seen through. [`part`] alone carries a
//! trait bound; what it returns has none, so an unfit argument type is reported once.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

/// A part with no structure that matters here.
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
pub trait KeyPart<How> {
    /// What is kept in the cache.
    type Stored;

    /// Feeds the part to the hasher.
    fn hash_part<H: Hasher>(&self, state: &mut H);
    /// Whether this part equals the one in the cache.
    fn matches(&self, stored: &Self::Stored) -> bool;
    /// A copy to keep.
    fn to_stored(&self) -> Self::Stored;
    /// Whether two kept parts are equal.
    fn same(left: &Self::Stored, right: &Self::Stored) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T> KeyPart<Leaf<ByHash>> for T
where
    T: ?Sized + Hash + Eq + ToOwned + 'static,
{
    type Stored = T::Owned;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.hash(state);
    }

    #[inline]
    fn matches(&self, stored: &T::Owned) -> bool {
        self == stored.borrow()
    }

    #[inline]
    fn to_stored(&self) -> T::Owned {
        self.to_owned()
    }

    #[inline]
    fn same(left: &T::Owned, right: &T::Owned) -> bool {
        left.borrow() == right.borrow()
    }
}

macro_rules! floats {
    ($($float:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyPart<Leaf<ByBits>> for $float {
            type Stored = $float;


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
                KeyPart::<Leaf<ByBits>>::matches(left, right)
            }
        }
    )*};
}
floats!(f32 f64);

#[diagnostic::do_not_recommend]
impl<How, T: ?Sized + KeyPart<How>> KeyPart<Ref<How>> for &T {
    type Stored = T::Stored;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self).hash_part(state);
    }

    #[inline]
    fn matches(&self, stored: &T::Stored) -> bool {
        (**self).matches(stored)
    }

    #[inline]
    fn to_stored(&self) -> T::Stored {
        (**self).to_stored()
    }

    #[inline]
    fn same(left: &T::Stored, right: &T::Stored) -> bool {
        T::same(left, right)
    }
}

#[diagnostic::do_not_recommend]
impl<How, B> KeyPart<CowOf<How>> for Cow<'_, B>
where
    B: ?Sized + ToOwned + KeyPart<How>,
{
    type Stored = B::Stored;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self).hash_part(state);
    }

    #[inline]
    fn matches(&self, stored: &B::Stored) -> bool {
        (**self).matches(stored)
    }

    fn to_stored(&self) -> B::Stored {
        (**self).to_stored()
    }

    fn same(left: &B::Stored, right: &B::Stored) -> bool {
        B::same(left, right)
    }
}

#[diagnostic::do_not_recommend]
impl<How, T: KeyPart<How>> KeyPart<OptionOf<How>> for Option<T> {
    type Stored = Option<T::Stored>;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.is_some().hash(state);
        if let Some(part) = self {
            part.hash_part(state);
        }
    }

    #[inline]
    fn matches(&self, stored: &Self::Stored) -> bool {
        match (self, stored) {
            (Some(part), Some(stored)) => part.matches(stored),
            (None, None) => true,
            _ => false,
        }
    }

    fn to_stored(&self) -> Self::Stored {
        self.as_ref().map(T::to_stored)
    }

    fn same(left: &Self::Stored, right: &Self::Stored) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => T::same(left, right),
            (None, None) => true,
            _ => false,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<How, T: KeyPart<How>> KeyPart<SliceOf<How>> for [T] {
    type Stored = Box<[T::Stored]>;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for part in self {
            part.hash_part(state);
        }
    }

    #[inline]
    fn matches(&self, stored: &Self::Stored) -> bool {
        self.len() == stored.len() && self.iter().zip(stored).all(|(part, stored)| part.matches(stored))
    }

    fn to_stored(&self) -> Self::Stored {
        self.iter().map(T::to_stored).collect()
    }

    fn same(left: &Self::Stored, right: &Self::Stored) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| T::same(left, right))
    }
}

/// Forwards to the slice that the value holds.
macro_rules! as_slice {
    ($([$($generics:tt)*] $How:ident for $Type:ty;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<How, T: KeyPart<How>, $($generics)*> KeyPart<$How<How>> for $Type {
            type Stored = Box<[T::Stored]>;


            #[inline]
            fn hash_part<H: Hasher>(&self, state: &mut H) {
                KeyPart::<SliceOf<How>>::hash_part(self.as_slice(), state);
            }

            #[inline]
            fn matches(&self, stored: &Self::Stored) -> bool {
                KeyPart::<SliceOf<How>>::matches(self.as_slice(), stored)
            }

            fn to_stored(&self) -> Self::Stored {
                KeyPart::<SliceOf<How>>::to_stored(self.as_slice())
            }

            fn same(left: &Self::Stored, right: &Self::Stored) -> bool {
                <[T] as KeyPart<SliceOf<How>>>::same(left, right)
            }
        }
    )*};
}
as_slice! {
    [] VecOf for Vec<T>;
    [const N: usize] ArrayOf for [T; N];
}

macro_rules! tuples {
    ($(($($How:ident $T:ident $at:tt),+))*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($How, $T: KeyPart<$How>),+> KeyPart<($($How,)+)> for ($($T,)+) {
            type Stored = ($($T::Stored,)+);


            #[inline]
            fn hash_part<H: Hasher>(&self, state: &mut H) {
                $(self.$at.hash_part(state);)+
            }

            #[inline]
            fn matches(&self, stored: &Self::Stored) -> bool {
                $(self.$at.matches(&stored.$at))&&+
            }

            fn to_stored(&self) -> Self::Stored {
                ($(self.$at.to_stored(),)+)
            }

            fn same(left: &Self::Stored, right: &Self::Stored) -> bool {
                $($T::same(&left.$at, &right.$at))&&+
            }
        }
    )*};
}
tuples! {
    (HowA A 0)
    (HowA A 0, HowB B 1)
    (HowA A 0, HowB B 1, HowC C 2)
    (HowA A 0, HowB B 1, HowC C 2, HowD D 3)
    (HowA A 0, HowB B 1, HowC C 2, HowD D 3, HowE E 4)
    (HowA A 0, HowB B 1, HowC C 2, HowD D 3, HowE E 4, HowF F 5)
    (HowA A 0, HowB B 1, HowC C 2, HowD D 3, HowE E 4, HowF F 5, HowG G 6)
    (HowA A 0, HowB B 1, HowC C 2, HowD D 3, HowE E 4, HowF F 5, HowG G 6, HowH I 7)
}

/// One argument, ready to be looked up: the value and what can be done with it, `S` being what is stored.
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
    T: ?Sized + KeyPart<How, Stored = S>,
    H: Hasher,
{
    Part { value, hash: T::hash_part, matches: T::matches, to_stored: T::to_stored, same: T::same }
}

/// Compares two stored keys; outlives the arguments.
pub trait SameKey<K> {
    /// Whether two stored keys are equal.
    fn same(&self, left: &K, right: &K) -> bool;
}

/// All arguments that make a key: `(part, (part, ()))`. It is stored as `(stored, (stored, ()))`.
pub trait Key<K, H>: Copy {
    /// Compares stored keys.
    type Same: SameKey<K>;

    /// Feeds each part to the hasher.
    fn hash(&self, state: &mut H);
    /// Whether this is the stored key.
    fn matches(&self, stored: &K) -> bool;
    /// A copy to keep.
    fn to_stored(&self) -> K;
    /// The comparison of stored keys.
    fn same(&self) -> Self::Same;
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

    #[inline]
    fn hash(&self, _: &mut H) {}

    #[inline]
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

    #[inline]
    fn hash(&self, state: &mut H) {
        (self.0.hash)(self.0.value, state);
        self.1.hash(state);
    }

    #[inline]
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
