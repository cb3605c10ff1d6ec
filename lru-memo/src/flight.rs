//! Single flight: one computation of one key that other callers wait for, threads and tasks alike.
//!
//! A flight is in one of five stages:
//!
//! | stage | meaning | what ends it |
//! |---|---|---|
//! | Running | somebody computes, waiters queue up | `land`: Landed; `fail`: Failed; `abandon`: Offered to the first waiter, or Vacant when there is none |
//! | Offered | the turn is a certain waiter's, who has not taken it yet; the others queue up | it takes the turn: Running; it is dropped: as for `abandon` |
//! | Vacant | nobody computes, nobody waits | `join`: Offered to the one who joins |
//! | Landed | the value is there | nothing |
//! | Failed | an error for each waiter is there | nothing |
//!
//! Invariants, under the lock:
//! - There is a [`Turn`] exactly while the flight is Running, and never more than one.
//! - The queue holds the waiters that have been promised nothing, in the order they came, by rising ticket; it is
//!   empty when the flight is Vacant, Landed or Failed. The waiter of Offered is alive and not in the queue.
//! - A waiter that is promised something, the turn or the value, is woken after that: it sleeps only while it is in
//!   the queue. Whoever owes something to the queue, the [`Turn`] or the waiter of Offered, pays when dropped.
//!
//! - In the child of a fork, a flight of the parent may have a lock that is never released, and a runner that does not
//!   exist. So nobody waits there for either: who polls gets the value that has landed, or else a turn of its own.
//!
//! A waker is foreign code: it is cloned, woken and dropped outside of the lock, and a panic of it stays with it.
//! The turn goes by the order of arrival, so that retries do not overtake those who wait. The price is that of any
//! fair lock: a task that was given the turn, and is kept but never polled, keeps the others waiting.

mod inside;
mod parker;
mod timer;

#[cfg(all(test, loom))]
mod loom_models;
#[cfg(all(test, not(loom)))]
mod tests;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

pub(crate) use self::inside::Inside;
use self::inside::Mark;
#[cfg(unix)]
pub(crate) use self::inside::this_thread;
use self::timer::Alarm;
use crate::fork::Process;
use crate::sync::{Mutex, MutexGuard};

/// One computation that others wait for.
pub(crate) struct Flight<V> {
    state: Mutex<State<V>>,
    mark: Mark,
    /// `None` when one thread alone uses it, which a child has as well.
    process: Option<Process>,
}

struct State<V> {
    stage: Stage<V>,
    queue: VecDeque<Waiter>,
    next: Ticket,
}

enum Stage<V> {
    Running,
    Offered(Ticket),
    Vacant,
    Landed(Arc<V>),
    /// One error for each of those who were waiting.
    Failed(Vec<Failure>),
}

/// An error whose type is forgotten.
pub(crate) type Failure = Box<dyn Any + Send>;

/// Tells the waiters of a flight apart.
type Ticket = u64;

struct Waiter {
    ticket: Ticket,
    /// `None` until it was polled.
    waker: Option<Waker>,
}

/// The right, and the duty, to compute the value of a flight; the one who has it is the runner.
///
/// Dropping it [abandons](Self::abandon) the flight.
#[must_use = "others wait for the value"]
pub(crate) struct Turn<V> {
    flight: Arc<Flight<V>>,
    /// Landed or abandoned.
    over: bool,
}

/// The place of one waiter in a flight. Dropping it gives the place up.
#[must_use = "it waits only when it is polled or blocked on"]
pub(crate) struct Waiting<V> {
    /// Taken when it has resolved.
    flight: Option<Arc<Flight<V>>>,
    ticket: Ticket,
}

/// What a waiter gets.
pub(crate) enum Landed<V> {
    /// The value that the runner has computed.
    Value(Arc<V>),
    /// The error that the runner has returned.
    Error(Failure),
    /// The runner has given up, and this waiter is the next one; the others go on waiting, now for it.
    YourTurn(Turn<V>),
}

impl<V> Flight<V> {
    /// A new flight, whose runner is the caller.
    pub(crate) fn begin() -> Turn<V> {
        Self::begin_of(Some(Process::here()))
    }

    /// As [`begin`](Self::begin), when no other thread will know of it.
    pub(crate) fn begin_in_thread() -> Turn<V> {
        Self::begin_of(None)
    }

    fn begin_of(process: Option<Process>) -> Turn<V> {
        let state = State { stage: Stage::Running, queue: VecDeque::new(), next: 0 };
        Turn::new(Arc::new(Self { state: Mutex::new(state), mark: Mark::new(), process }))
    }

    /// The state in its lock; in the child of a fork, unless a thread had it that does not exist there.
    fn lock(&self) -> Option<MutexGuard<'_, State<V>>> {
        if self.is_here() { Some(self.state.lock()) } else { self.state.try_lock() }
    }

    /// Takes a place among the waiters. Runs no foreign code and never blocks for long.
    ///
    /// The place resolves at once to the value of a flight that has landed, and to the turn of one that is vacant.
    pub(crate) fn join(self: &Arc<Self>) -> Waiting<V> {
        Waiting { ticket: self.state.lock().join(), flight: Some(Arc::clone(self)) }
    }

    /// Whether it is what it was when it began, rather than the copy of a child.
    pub(crate) fn is_here(&self) -> bool {
        self.process.is_none_or(Process::is_here)
    }

    /// Whether anybody is waiting for the runner.
    pub(crate) fn has_waiters(&self) -> bool {
        self.waiters() > 0
    }

    /// How many are waiting for the runner.
    pub(crate) fn waiters(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Whether nobody computes and nobody waits, so that the flight can be forgotten, under a lock that keeps others
    /// from joining.
    pub(crate) fn is_vacant(&self) -> bool {
        matches!(self.state.lock().stage, Stage::Vacant)
    }

    /// Whether the calling thread is inside the body that computes this flight: then it must not wait for it.
    pub(crate) fn is_entered(&self) -> bool {
        self.mark.is_mine()
    }
}

impl<V> State<V> {
    fn join(&mut self) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        match self.stage {
            Stage::Running | Stage::Offered(_) => self.queue.push_back(Waiter { ticket, waker: None }),
            Stage::Vacant => self.stage = Stage::Offered(ticket),
            Stage::Landed(_) | Stage::Failed(_) => {}
        }
        ticket
    }

    /// Passes the turn on, to the first waiter if there is one. Returns the waker that must be woken then.
    #[must_use = "to be woken outside of the lock"]
    fn pass_on(&mut self) -> Option<Waker> {
        match self.queue.pop_front() {
            Some(first) => {
                self.stage = Stage::Offered(first.ticket);
                first.waker
            }
            None => {
                self.stage = Stage::Vacant;
                None
            }
        }
    }

    fn landed(&self) -> Option<Arc<V>> {
        match &self.stage {
            Stage::Landed(value) => Some(Arc::clone(value)),
            _ => None,
        }
    }

    fn position(&self, ticket: Ticket) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }
}

impl<V> Turn<V> {
    fn new(flight: Arc<Flight<V>>) -> Self {
        Self { flight, over: false }
    }

    /// The flight that others may join.
    pub(crate) fn flight(&self) -> &Arc<Flight<V>> {
        &self.flight
    }

    /// Marks the calling thread as being inside the body. One thread at a time: a [`Miss`](crate::miss::Miss) is borrowed
    /// mutably.
    pub(crate) fn enter(&self) -> Inside<'_> {
        self.flight.mark.enter()
    }

    /// Runs the body of an `async fn`: whatever thread polls it is inside meanwhile, and only then.
    pub(crate) async fn inside<F: Future>(&mut self, future: F) -> F::Output {
        self.flight.mark.around(future).await
    }

    /// Gives the value to all waiters.
    pub(crate) fn land(mut self, value: Arc<V>) {
        self.over = true;
        let waiters = {
            let Some(mut state) = self.flight.lock() else { return };
            state.stage = Stage::Landed(value);
            mem::take(&mut state.queue)
        };
        waiters.into_iter().filter_map(|waiter| waiter.waker).for_each(wake);
    }

    /// Gives each waiter an error of its own. Nobody can join any more, and there is one for each.
    pub(crate) fn fail(mut self, errors: Vec<Failure>) {
        self.over = true;
        let waiters = {
            let Some(mut state) = self.flight.lock() else { return };
            state.stage = Stage::Failed(errors);
            mem::take(&mut state.queue)
        };
        waiters.into_iter().filter_map(|waiter| waiter.waker).for_each(wake);
    }

    /// Passes the turn to the first waiter and returns true; when nobody waits, the flight becomes vacant.
    pub(crate) fn abandon(mut self) -> bool {
        self.give_up()
    }

    fn give_up(&mut self) -> bool {
        if mem::replace(&mut self.over, true) {
            return false;
        }
        if !self.flight.is_here() {
            // Whoever is woken gets a turn of its own.
            let waiters = self.flight.lock().map(|mut state| mem::take(&mut state.queue));
            waiters.into_iter().flatten().filter_map(|waiter| waiter.waker).for_each(wake);
            return false;
        }
        let (passed, waker) = {
            let mut state = self.flight.state.lock();
            let waker = state.pass_on();
            (matches!(state.stage, Stage::Offered(_)), waker)
        };
        waker.into_iter().for_each(wake);
        passed
    }
}

impl<V> Drop for Turn<V> {
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<V> Waiting<V> {
    /// Waits on a thread. Returns `None` when the deadline has passed before; the place is given up then.
    pub(crate) fn block(self, deadline: Option<Instant>) -> Option<Landed<V>> {
        parker::block_on(self, deadline)
    }

    /// Waits as a task. Returns `None` when the deadline has passed before; the place is kept until it is dropped.
    pub(crate) async fn wait(&mut self, deadline: Option<Instant>) -> Option<Landed<V>> {
        let mut alarm = deadline.map(Alarm::at);
        poll_fn(|context| match (Pin::new(&mut *self).poll(context), &mut alarm) {
            (Poll::Ready(landed), _) => Poll::Ready(Some(landed)),
            (Poll::Pending, Some(alarm)) => Pin::new(alarm).poll(context).map(|()| None),
            (Poll::Pending, None) => Poll::Pending,
        })
        .await
    }
}

impl<V> Future for Waiting<V> {
    type Output = Landed<V>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Landed<V>> {
        let waker = context.waker().clone();
        let ticket = self.ticket;
        let flight = self.flight.as_ref().expect("polled again after it was ready");
        if !flight.is_here() {
            let landed = flight.lock().and_then(|state| state.landed());
            mem::forget(self.flight.take());
            return Poll::Ready(landed.map_or_else(|| Landed::YourTurn(Flight::begin()), Landed::Value));
        }
        let mut state = flight.state.lock();
        match &mut state.stage {
            Stage::Landed(value) => {
                let value = Arc::clone(value);
                drop(state);
                self.flight = None;
                Poll::Ready(Landed::Value(value))
            }
            Stage::Failed(errors) => {
                let error = errors.pop().expect("there is one for each waiter");
                drop(state);
                self.flight = None;
                Poll::Ready(Landed::Error(error))
            }
            Stage::Offered(to) if *to == ticket => {
                state.stage = Stage::Running;
                drop(state);
                let turn = self.flight.take().map(Turn::new);
                Poll::Ready(Landed::YourTurn(turn.expect("it was there above")))
            }
            _ => {
                let at = state.position(ticket).expect("who is promised nothing is in the queue");
                let _dropped_outside = state.queue[at].waker.replace(waker);
                drop(state);
                Poll::Pending
            }
        }
    }
}

impl<V> Drop for Waiting<V> {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        if !flight.is_here() {
            return mem::forget(flight);
        }
        let mut state = flight.state.lock();
        if matches!(state.stage, Stage::Offered(to) if to == self.ticket) {
            let waker = state.pass_on();
            drop(state);
            waker.into_iter().for_each(wake);
        } else {
            let at = state.position(self.ticket);
            let waiter = at.and_then(|at| state.queue.remove(at));
            drop(state);
            shield(|| drop(waiter));
        }
    }
}

/// Wakes a task whose waker may panic: that must not keep others asleep, nor reach a runner that has nothing to do
/// with it.
fn wake(waker: Waker) {
    shield(|| waker.wake());
}

/// Keeps a panic of somebody else's waker here; the panic hook has reported it.
fn shield(foreign: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) {
        // Dropping the payload might panic once more.
        mem::forget(payload);
    }
}
