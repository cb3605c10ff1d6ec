//! The lease of a key.

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

use crate::sys::fork::Process;

/// The exclusive right to compute a key. It ends when it is dropped or its process dies. See
/// [`Store`](super::Store::lease).
pub struct Lease {
    /// `None` in the destructor only.
    until: Option<Box<dyn Any + Send>>,
    process: Process,
}

impl Lease {
    /// Makes a lease that ends when `until` is dropped. The child of a fork does not drop `until`, because its parent
    /// still computes. For implementations of [`Store`](super::Store).
    #[must_use]
    pub fn new(until: impl Send + 'static) -> Self {
        Self { until: Some(Box::new(until)), process: Process::here() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.process.is_here() {
            core::mem::forget(self.until.take());
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
