//! Wakers are foreign code, which may panic.

use core::mem;
use core::task::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Wakes a task. If the waker panics, the others are still woken, and the panic does not reach the leader.
pub(super) fn wake(waker: Waker) {
    shield(|| waker.wake());
}

/// Catches the panic of a waker; the panic hook has reported it.
pub(super) fn shield(foreign: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) {
        // Dropping the payload could panic again.
        mem::forget(payload);
    }
}
