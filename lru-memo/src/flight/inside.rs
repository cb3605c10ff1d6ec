//! A mark for the thread that is inside the run of a flight. By it, a recursive call is distinguished from a call that
//! has to wait.
//!
//! A flight has at most one leader, so the mark names at most one thread. Only the leader's thread sets and clears the
//! mark, and a thread only looks for itself. So a thread always reads its own last write, and relaxed atomics are
//! enough.

use alloc::boxed::Box;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};

/// Identifies a living thread: the address of a thread-local. Unlike `thread::current()`, it is available until the
/// very end of the thread.
pub(crate) fn this_thread() -> usize {
    std::thread_local!(static ADDRESS: u8 = const { 0 });
    ADDRESS.with(|address| core::ptr::from_ref(address).addr())
}

const NOBODY: usize = 0;

/// Names the thread that is inside, if any.
pub(super) struct Mark(AtomicUsize);

impl Mark {
    pub(super) const fn new() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }

    pub(super) fn is_mine(&self) -> bool {
        self.0.load(Ordering::Relaxed) == this_thread()
    }

    /// Marks the calling thread. The caller makes sure that no thread is inside.
    pub(super) fn enter(&self) -> Entered<'_> {
        self.0.store(this_thread(), Ordering::Relaxed);
        Entered { mark: self, of_this_thread: PhantomData }
    }
}

/// Keeps the mark of the thread set until it is dropped.
#[must_use = "the thread is inside until this is dropped"]
pub(crate) struct Entered<'t> {
    mark: &'t Mark,
    /// Not `Send`.
    of_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.mark.0.store(NOBODY, Ordering::Relaxed);
    }
}

/// The body of an `async fn`. If a flight has a mark, the mark is set during each poll and while the body is dropped, and not
/// between polls.
///
/// In a box, because the future of the function has room for the body only once.
pub(super) struct MarkedBody<'m, F> {
    mark: Option<&'m Mark>,
    body: Option<Pin<Box<F>>>,
}

impl<'m, F> MarkedBody<'m, F> {
    /// Returns a body that runs with this mark. The caller makes sure that no other thread is inside during `'m`.
    pub(super) fn new(mark: Option<&'m Mark>, body: F) -> Self {
        Self { mark, body: Some(Box::pin(body)) }
    }
}

impl<F: Future> Future for MarkedBody<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _inside = self.mark.map(Mark::enter);
        self.body.as_mut().expect("it is there until it is dropped").as_mut().poll(context)
    }
}

impl<F> Drop for MarkedBody<'_, F> {
    fn drop(&mut self) {
        // Destructors of the body may call the function again.
        let _inside = self.mark.map(Mark::enter);
        self.body = None;
    }
}
