//! Lets a thread wait for a future.
//!
//! Not by `thread::park`: its one token per thread belongs to everybody, and one that the caller's own code (an
//! executor, say) is waiting for must not be used up here.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::fork::Process;
use crate::sync::{Condvar, Mutex};

/// A waker that wakes one blocked thread.
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
    /// In the child of a fork, the thread does not exist, and the lock may be its own.
    process: Process,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        if self.process.is_here() {
            *self.woken.lock() = true;
            self.changed.notify_one();
        }
    }
}

impl Parker {
    /// Blocks until it was woken since the last time. Returns false when the deadline has passed before.
    fn park(&self, deadline: Option<Instant>) -> bool {
        let mut woken = self.woken.lock();
        while !*woken {
            woken = match deadline {
                None => self.changed.wait(woken),
                Some(deadline) if Instant::now() >= deadline => return false,
                Some(deadline) => self.changed.wait_until(woken, deadline),
            };
        }
        *woken = false;
        true
    }
}

/// Blocks the thread until the future is ready. Returns `None` when the deadline has passed before.
pub(super) fn block_on<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    let (woken, changed) = (Mutex::new(false), Condvar::new());
    let parker = Arc::new(Parker { woken, changed, process: Process::here() });
    let waker = Waker::from(Arc::clone(&parker));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if parker.park(deadline) => {}
            Poll::Pending => return None,
        }
    }
}
