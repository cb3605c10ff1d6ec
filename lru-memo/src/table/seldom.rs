//! State that few small tables need. A small table makes it when it is needed; other tables have it from the beginning.

use alloc::boxed::Box;
use core::ops::{Deref, DerefMut};

use once_cell::race::OnceBox;

/// State that the lock protects.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait Seldom<X> {
    /// Returns the state of a new table.
    fn new() -> Self;
    /// Returns the state, if it was made. If it was not, it is as at the beginning.
    fn get(&self) -> Option<&X>;
    /// As [`get`](Self::get), to change it.
    fn get_mut(&mut self) -> Option<&mut X>;
    /// Returns the state, and makes it if it was not made.
    fn made(&mut self) -> &mut X;
}

/// State that threads share without the lock.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait SeldomShared<X> {
    /// Returns the state of a new table: `Some` if the table needs it from the beginning.
    fn new(state: Option<X>) -> Self;
    /// Returns the state, if it was made. If it was not, it is as at the beginning.
    fn get(&self) -> Option<&X>;
    /// Returns the state, and makes it if it was not made.
    fn made(&self) -> &X;
}

/// State that small tables never need.
#[allow(unreachable_pub, reason = "older Rust does not see that it can be reached")]
pub trait UnlessSmall<X> {
    /// Returns what `make` makes, if that is needed.
    fn new(make: impl FnOnce() -> X) -> Self;
    /// Returns the state, if there is any.
    fn get(&self) -> Option<&X>;
    /// As [`get`](Self::get), to change it.
    fn get_mut(&mut self) -> Option<&mut X>;
}

/// What is there from the beginning.
pub struct AtOnce<X>(X);

/// What is made when it is needed.
pub struct OnDemand<X>(Option<Box<X>>);

/// What is made when a thread needs it.
pub struct OnDemandShared<X>(OnceBox<X>);

impl<X: Default> Seldom<X> for AtOnce<X> {
    fn new() -> Self {
        Self(X::default())
    }

    #[inline(always)]
    fn get(&self) -> Option<&X> {
        Some(&self.0)
    }

    #[inline(always)]
    fn get_mut(&mut self) -> Option<&mut X> {
        Some(&mut self.0)
    }

    #[inline(always)]
    fn made(&mut self) -> &mut X {
        &mut self.0
    }
}

impl<X: Default> SeldomShared<X> for AtOnce<X> {
    fn new(state: Option<X>) -> Self {
        Self(state.unwrap_or_default())
    }

    #[inline(always)]
    fn get(&self) -> Option<&X> {
        Some(&self.0)
    }

    #[inline(always)]
    fn made(&self) -> &X {
        &self.0
    }
}

impl<X: Default> Seldom<X> for OnDemand<X> {
    fn new() -> Self {
        Self(None)
    }

    #[inline]
    fn get(&self) -> Option<&X> {
        self.0.as_deref()
    }

    #[inline]
    fn get_mut(&mut self) -> Option<&mut X> {
        self.0.as_deref_mut()
    }

    #[inline]
    fn made(&mut self) -> &mut X {
        self.0.get_or_insert_default()
    }
}

impl<X: Default> SeldomShared<X> for OnDemandShared<X> {
    fn new(state: Option<X>) -> Self {
        Self(state.map_or_else(OnceBox::new, |state| OnceBox::with_value(Box::new(state))))
    }

    #[inline]
    fn get(&self) -> Option<&X> {
        self.0.get()
    }

    #[inline]
    fn made(&self) -> &X {
        self.0.get_or_init(Box::default)
    }
}

impl<X> UnlessSmall<X> for AtOnce<X> {
    fn new(make: impl FnOnce() -> X) -> Self {
        Self(make())
    }

    #[inline(always)]
    fn get(&self) -> Option<&X> {
        Some(&self.0)
    }

    #[inline(always)]
    fn get_mut(&mut self) -> Option<&mut X> {
        Some(&mut self.0)
    }
}

impl<X> UnlessSmall<X> for () {
    fn new(_: impl FnOnce() -> X) {}

    #[inline(always)]
    fn get(&self) -> Option<&X> {
        None
    }

    #[inline(always)]
    fn get_mut(&mut self) -> Option<&mut X> {
        None
    }
}

/// A value on cache lines of its own.
#[repr(align(64))]
pub struct OwnLine<X>(X);

/// A value beside others.
pub struct Beside<X>(X);

macro_rules! wraps {
    ($($name:ident)*) => {$(
        impl<X> From<X> for $name<X> {
            fn from(value: X) -> Self {
                Self(value)
            }
        }

        impl<X> Deref for $name<X> {
            type Target = X;

            #[inline(always)]
            fn deref(&self) -> &X {
                &self.0
            }
        }

        impl<X> DerefMut for $name<X> {
            #[inline(always)]
            fn deref_mut(&mut self) -> &mut X {
                &mut self.0
            }
        }
    )*};
}
wraps!(OwnLine Beside);
