//! Blocks a thread until a future is ready.
//!
//! `thread::park` is not used: each thread has one token only, and the caller's own code, such as an executor, may be
//! waiting for it.

use crate::sys::clock::Instant;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use crate::sys::fork::Process;
use crate::sys::sync::{Condvar, Mutex};

/// A waker that wakes one blocked thread.
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
    /// The process of the thread. In the child of a fork, the thread does not exist, and may hold the lock for ever.
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
    /// Blocks until a wake-up that came after the last call. Returns false at the deadline.
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

/// Blocks the thread until the future is ready. Returns `None` at the deadline.
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
