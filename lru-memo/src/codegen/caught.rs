//! Runs of the function whose panics are caught, because there is an old value to return instead. The panic hook has
//! printed the message by then.

use alloc::boxed::Box;
use core::any::Any;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The panic of a run.
pub struct Panicked(Box<dyn Any + Send>);

impl Panicked {
    pub(crate) fn resume(self) -> ! {
        resume_unwind(self.0)
    }

    /// Dropping what a panic carries could panic again.
    pub(crate) fn forget(self) {
        mem::forget(self.0);
    }
}

/// Runs the function.
///
/// # Errors
/// Its panic.
pub fn caught<R>(run: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(Panicked)
}

/// The body of an `async fn`, whose panic is caught if it `catches`. In a box, because the future of the function has room for
/// the body only once.
struct Caught<F> {
    catches: bool,
    body: Pin<Box<F>>,
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.catches {
            return self.body.as_mut().poll(context).map(Ok);
        }
        match catch_unwind(AssertUnwindSafe(|| self.body.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(Panicked(panic))),
        }
    }
}

/// Runs the body of an `async fn`, and catches its panic if it `catches`.
///
/// # Errors
/// The panic.
pub fn caught_while_polled<F: Future>(
    body: F,
    catches: bool,
) -> impl Future<Output = Result<F::Output, Panicked>> {
    Caught { catches, body: Box::pin(body) }
}
