//! The right to compute a key.

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

use crate::fork::Process;

/// The right to compute a key, alone, until it is dropped or the process dies. See [`Store`](super::Store::lease).
pub struct Lease {
    /// Taken when it is dropped.
    until: Option<Box<dyn Any + Send>>,
    process: Process,
}

impl Lease {
    /// For implementations of [`Store`](super::Store): the lease ends when `until` is dropped. It is not dropped in the
    /// child of a fork, whose parent goes on computing.
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
