//! The right to compute a key.

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

/// The right to compute a key, alone, until it is dropped or the process dies. See [`Store`](super::Store::lease).
pub struct Lease(#[expect(dead_code, reason = "dropped with the lease")] Box<dyn Any + Send>);

impl Lease {
    /// For implementations of [`Store`](super::Store): the lease ends when `until` is dropped.
    #[must_use]
    pub fn new(until: impl Send + 'static) -> Self {
        Self(Box::new(until))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
