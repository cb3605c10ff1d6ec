//! Single flight with real threads, tasks that are cancelled at every point, and hostile wakers: what the tests
//! have in common.

mod inside;
mod one_key;
mod table;
mod tasks;
mod threads;
mod turns;
mod wakers;

use alloc::sync::{Arc, Weak};
use alloc::task::Wake;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use super::{Flight, Landed, Turn, Waiting, parker};

/// Blocks the thread until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    parker::block_on(future, None).expect("there is no deadline")
}

type Task<'t> = Pin<Box<dyn Future<Output = u32> + Send + 't>>;

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

fn is_waiting<V>(waiting: &mut Waiting<V>) -> bool {
    poll(waiting).is_pending()
}

fn value<V>(waiting: &mut Waiting<V>) -> Arc<V> {
    match poll(waiting) {
        Poll::Ready(Landed::Value(value)) => value,
        Poll::Ready(Landed::YourTurn(_) | Landed::Error(_)) => panic!("no value"),
        Poll::Pending => panic!("no value yet"),
    }
}

fn turn<V>(waiting: &mut Waiting<V>) -> Turn<V> {
    match poll(waiting) {
        Poll::Ready(Landed::YourTurn(turn)) => turn,
        Poll::Ready(Landed::Value(_) | Landed::Error(_)) => panic!("no turn"),
        Poll::Pending => panic!("no turn yet"),
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A waker that runs a closure when it is woken.
struct Calling<F>(F);

impl<F: Fn() + Send + Sync> Wake for Calling<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn calling(woken: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Calling(woken)))
}

/// Lets everything else run once.
async fn step() {
    let mut stepped = false;
    poll_fn(|context| {
        if core::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An executor on one thread: polls the tasks that were woken, in turns, until all are done. A task that is asleep
/// when nothing can wake it any more is a failure, not a hang.
fn run_all(tasks: Vec<Task<'_>>) -> Vec<u32> {
    struct Ready(AtomicBool);
    impl Wake for Ready {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }
    let mut outputs = vec![None; tasks.len()];
    let mut tasks: Vec<_> =
        tasks.into_iter().map(|task| (Some(task), Arc::new(Ready(AtomicBool::new(true))))).collect();
    while outputs.contains(&None) {
        let mut any = false;
        for ((slot, ready), output) in tasks.iter_mut().zip(&mut outputs) {
            let Some(task) = slot.as_mut().filter(|_| ready.0.swap(false, SeqCst)) else {
                continue;
            };
            any = true;
            let waker = Waker::from(Arc::clone(ready));
            if let Poll::Ready(done) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
                *output = Some(done);
                *slot = None;
            }
        }
        assert!(any, "a task sleeps for ever");
    }
    outputs.into_iter().flatten().collect()
}

/// Polls a future a number of times and drops it.
fn cancel_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    (0..polls).find_map(|_| match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}
