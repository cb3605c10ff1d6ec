//! Threads and tasks that ask a store: where one may block, the other leaves it to a thread of ours.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::cell::Cell;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use super::Store;
use super::error::{Error, Kind};
use crate::flight::{Flight, Landed};
use crate::fork::Own;
use crate::sync::{Condvar, Mutex};

/// Who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// It may wait where it is.
    Thread,
    /// It must not.
    Task,
}

/// What comes of a future that never waits, as those of [`Caller::Thread`] are.
#[inline]
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a thread waits where it is"),
    }
}

/// How the calling thread may ask a store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    MayWait,
    /// It must not: it is the thread of a task.
    None,
    /// It must not, and would have had to.
    #[cfg_attr(
        not(all(feature = "shared", target_os = "linux")),
        expect(dead_code, reason = "other stores say beforehand whether they wait")
    )]
    Lost,
}

thread_local! {
    static PATIENCE: Cell<Patience> = const { Cell::new(Patience::MayWait) };
}

/// Does what need not wait. Comes to nothing, and is then to be done elsewhere, when it [would have had to](may_wait).
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

/// Asked by who is about to wait: if not, it is to fail instead, and is asked again by a thread that may.
#[cfg(all(feature = "shared", target_os = "linux"))]
pub(super) fn may_wait() -> bool {
    let may_wait = PATIENCE.try_with(Cell::get).unwrap_or(Patience::MayWait) == Patience::MayWait;
    if !may_wait {
        PATIENCE.set(Patience::Lost);
    }
    may_wait
}

/// So many of our threads ask stores at the same time, at most.
const THREADS: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that do what would block a task. There are as many as were needed at the same time; they stay.
struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Own<Pool> = Own::none();

/// Does it on one of our threads. What takes long keeps others waiting: it is for that which soon ends, or fails.
///
/// Comes to nothing in the child of a fork that goes on with a task of its parent; so do the others.
pub(super) async fn in_pool<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    answered(job, Pool::add).await
}

/// The store of this process. A task does not wait until it is opened.
pub(super) async fn store(caller: Caller) -> Result<&'static dyn Store, Error> {
    match caller {
        Caller::Thread => super::store(),
        Caller::Task => match without_waiting(super::store) {
            Some(store) => store,
            None => in_pool(super::store).await.ok_or_else(forked)?,
        },
    }
}

/// What a child is told that polls a task of its parent.
pub(super) fn forked() -> Error {
    Error::new(Kind::Unavailable, "the process was forked while it waited for the shared store")
}

/// Does it on one of our threads, some time.
pub(super) fn later(job: impl FnOnce() + Send + 'static) {
    Pool::add(Box::new(move || {
        // The panic hook has reported it.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }));
}

/// Does it on a new thread, however long it may take.
pub(super) async fn on_new_thread<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    answered(job, |job| {
        let job = Arc::new(Mutex::new(Some(job)));
        let theirs = Arc::clone(&job);
        let run = |job: Arc<Mutex<Option<Job>>>| job.lock().take().map(|job| job());
        if !spawned(move || _ = run(theirs)) {
            run(job);
        }
    })
    .await
}

/// Has a job started, and waits for its result.
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
    // Every job is done, but for those of the parent in the child of a fork.
    let Landed::Value(result) = answer.await else { return None };
    let result = result.lock().take().expect("nobody else waits for it");
    Some(result.unwrap_or_else(|panic| resume_unwind(panic)))
}

fn spawned(run: impl FnOnce() + Send + 'static) -> bool {
    thread::Builder::new().name("lru-memo store".into()).spawn(run).is_ok()
}

impl Pool {
    fn new() -> Self {
        let state = State { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { state: Mutex::new(state), work: Condvar::new() }
    }

    /// Has a thread of the pool do a job.
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

    /// There can be no thread more. Without any, the job is done here.
    fn do_without(&self) {
        let job = {
            let mut state = self.state.lock();
            state.threads -= 1;
            if state.threads == 0 { state.jobs.pop_front() } else { None }
        };
        job.into_iter().for_each(|job| job());
    }
}
