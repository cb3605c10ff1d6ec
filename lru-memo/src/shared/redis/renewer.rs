//! The leases of this process that are to be renewed.

use alloc::sync::Weak;
use alloc::vec::Vec;

use crate::sys::fork::Own;
use crate::sys::sync::{Mutex, MutexGuard};

/// The keys of a lease.
pub(super) struct Names {
    /// The id of the namespace.
    pub(super) home: u128,
    /// The key that exists while the lease lasts.
    pub(super) holder: Vec<u8>,
    /// A list that waiters block on. The end of the lease adds an element.
    pub(super) ended: Vec<u8>,
}

/// A lease as the renewing thread sees it. The thread has only weak references, so it does not prolong a lease that was
/// dropped.
pub(super) struct Renewal {
    pub(super) names: Names,
    pub(super) token: u64,
}

/// The leases of this process. A thread renews them while there are any.
pub(super) struct Renewer(Own<Mutex<Renewals>>);

#[derive(Default)]
pub(super) struct Renewals {
    pub(super) held: Vec<Weak<Renewal>>,
    /// Whether the renewing thread runs.
    pub(super) has_thread: bool,
}

impl Renewer {
    pub(super) fn new() -> Self {
        Self(Own::none())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Renewals> {
        self.0.get_or_make(Mutex::default).lock()
    }
}
