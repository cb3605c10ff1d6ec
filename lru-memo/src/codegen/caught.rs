//! Runs of the function whose panics are caught, because there is an old value to return instead. The panic hook has
//! printed the message by then.

use alloc::boxed::Box;
use core::any::Any;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::pin;
use core::task::Poll;
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

/// Runs the body of an `async fn`.
///
/// # Errors
/// Its panic.
pub async fn caught_while_polled<F: Future>(body: F) -> Result<F::Output, Panicked> {
    let mut body = pin!(body);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(Panicked(panic))),
    })
    .await
}
