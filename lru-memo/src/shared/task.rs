//! How threads and tasks call a store. A thread calls it directly. A task must not block, so a pool of threads calls a
//! blocking store for it. Code for both is written once, as `async`: the future of a thread is ready at the first poll.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::cell::Cell;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::error::{Error, Kind};
use crate::flight::{Flight, Landed};
use crate::sys::fork::{Own, start_thread};
use crate::sys::sync::{Condvar, Mutex};

/// The kind of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The caller may block.
    Thread,
    /// The caller must not block.
    Task,
}

/// Returns the output of a future that is ready at the first poll, as those of [`Caller::Thread`] are.
#[inline]
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a thread waits where it is"),
    }
}

/// Whether the calling thread may block in a store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    MayWait,
    /// The thread must not block: it polls a task.
    None,
    /// The thread must not block, and a store would have blocked it.
    #[cfg_attr(
        not(all(feature = "shared", target_os = "linux")),
        expect(dead_code, reason = "other stores say beforehand whether they wait")
    )]
    Lost,
}

thread_local! {
    static PATIENCE: Cell<Patience> = const { Cell::new(Patience::MayWait) };
}

/// Runs a closure that must not block. Returns `None` if it [would have blocked](may_wait): then another thread repeats
/// it.
pub(super) fn without_waiting<R>(act: impl FnOnce() -> R) -> Option<R> {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            PATIENCE.set(Patience::MayWait);
        }
    }
    PATIENCE.set(Patience::None);
    let _reset = Reset;
    let result = act();
    (PATIENCE.get() == Patience::None).then_some(result)
}

/// Whether the calling thread may block. If not, the caller fails instead, and the operation is repeated on another
/// thread.
#[cfg(all(feature = "shared", target_os = "linux"))]
pub(super) fn may_wait() -> bool {
    let may_wait = PATIENCE.try_with(Cell::get).unwrap_or(Patience::MayWait) == Patience::MayWait;
    if !may_wait {
        PATIENCE.set(Patience::Lost);
    }
    may_wait
}

/// The maximum number of threads in the pool.
const THREADS: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Threads for what would block a task. The pool grows as needed, and never shrinks.
struct Pool {
    state: Mutex<PoolState>,
    work: Condvar,
}

struct PoolState {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Own<Pool> = Own::none();

/// Runs a job on a thread of the pool. The job must end soon, because others wait for the thread.
///
/// Returns `None` in the child of a fork that polls a task of its parent, as [`on_new_thread`] does.
pub(super) async fn in_pool<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    answered(job, Pool::add).await
}

/// The error for a child of a fork that polls a task of its parent.
pub(super) fn forked() -> Error {
    Error::new(Kind::Unavailable, "the process was forked while it waited for the shared store")
}

/// Runs a job on a thread of the pool, without waiting for it.
pub(super) fn later(job: impl FnOnce() + Send + 'static) {
    Pool::add(Box::new(move || {
        // The panic hook has reported a panic.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }));
}

/// Runs a job on a thread of its own, because it may take long.
pub(super) async fn on_new_thread<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    answered(job, start_alone).await
}

/// Starts a job on a thread of its own, or runs it here if none can be started.
fn start_alone(job: Job) {
    let job = Arc::new(Mutex::new(Some(job)));
    let theirs = Arc::clone(&job);
    let run = |job: Arc<Mutex<Option<Job>>>| job.lock().take().map(|job| job());
    if !spawned(move || _ = run(theirs)) {
        run(job);
    }
}

/// Starts a job and waits for its result.
async fn answered<R: Send + 'static>(
    job: impl FnOnce() -> R + Send + 'static,
    start: impl FnOnce(Job),
) -> Option<R> {
    let turn = Flight::begin();
    let answer = turn.flight().join();
    start(Box::new(move || {
        let result = catch_unwind(AssertUnwindSafe(job));
        turn.land(Arc::new(Mutex::new(Some(result))));
    }));
    // Every job ends, except those of the parent in the child of a fork.
    let Landed::Value(result) = answer.await else { return None };
    let result = result.lock().take().expect("nobody else waits for it");
    Some(result.unwrap_or_else(|panic| resume_unwind(panic)))
}

fn spawned(run: impl FnOnce() + Send + 'static) -> bool {
    start_thread("lru-memo store", run).is_ok()
}

impl Pool {
    fn new() -> Self {
        let state = PoolState { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { state: Mutex::new(state), work: Condvar::new() }
    }

    /// Hands a job to a thread of the pool, and starts one if none is idle.
    fn add(job: Job) {
        let pool = POOL.get_or_make(Self::new);
        let needs_thread = {
            let mut state = pool.state.lock();
            state.jobs.push_back(job);
            let needs_thread = state.idle < state.jobs.len() && state.threads < THREADS;
            state.threads += usize::from(needs_thread);
            needs_thread
        };
        if !needs_thread {
            pool.work.notify_one();
        } else if !spawned(|| pool.serve()) {
            pool.do_without();
        }
    }

    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state.lock();
            } else {
                state.idle += 1;
                state = self.work.wait(state);
                state.idle -= 1;
            }
        }
    }

    /// Handles a thread that could not be started: if the pool has no other, the job runs here.
    fn do_without(&self) {
        let job = {
            let mut state = self.state.lock();
            state.threads -= 1;
            if state.threads == 0 { state.jobs.pop_front() } else { None }
        };
        job.into_iter().for_each(|job| job());
    }
}
