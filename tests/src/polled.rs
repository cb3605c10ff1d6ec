//! Futures that a test polls by hand.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

/// Polls a future once, and wakes nobody.
pub fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Holds the bodies of an `async fn` back until the test says what they return.
pub struct Gate<T>(Mutex<Option<T>>, AtomicU32);

impl<T> Gate<T> {
    /// A closed gate.
    pub const fn new() -> Self {
        Self(Mutex::new(None), AtomicU32::new(0))
    }

    /// Ends the body that waits, or the next one.
    ///
    /// # Panics
    /// When another test has panicked in here.
    pub fn open(&self, result: T) {
        *self.0.lock().expect("no panic") = Some(result);
    }

    /// The number of bodies that have come to the gate.
    pub fn runs(&self) -> u32 {
        self.1.load(SeqCst)
    }

    /// Waits until the gate is opened.
    ///
    /// # Panics
    /// When another test has panicked in here.
    pub async fn passed(&self) -> T {
        self.1.fetch_add(1, SeqCst);
        poll_fn(|_| match self.0.lock().expect("no panic").take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        })
        .await
    }
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self::new()
    }
}
