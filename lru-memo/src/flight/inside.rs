//! A mark for the thread that is inside the run of a flight. By it, a recursive call is distinguished from a call that
//! has to wait.
//!
//! A flight has at most one leader, so the mark names at most one thread. Only the leader's thread sets and clears the
//! mark, and a thread only looks for itself. So a thread always reads its own last write, and relaxed atomics are
//! enough.

use core::future::{Future, poll_fn};
use core::marker::PhantomData;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicUsize, Ordering};

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

    /// Runs a future. The mark is set during each poll and while the future is dropped, and not between polls. The
    /// caller makes sure that no other thread is inside.
    pub(super) async fn around<F: Future>(&self, future: F) -> F::Output {
        let mut body = Body { mark: self, future: pin!(Some(future)) };
        poll_fn(|context| {
            let _inside = self.enter();
            let future = body.future.as_mut().as_pin_mut();
            future.expect("it is there until it is dropped").poll(context)
        })
        .await
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

/// Drops a future with the mark set, because destructors of the body may call the function again.
struct Body<'f, F> {
    mark: &'f Mark,
    future: Pin<&'f mut Option<F>>,
}

impl<F> Drop for Body<'_, F> {
    fn drop(&mut self) {
        let _inside = self.mark.enter();
        self.future.set(None);
    }
}
