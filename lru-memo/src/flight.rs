//! Single flight: one run for one key, shared by all callers, threads and tasks alike. The leader runs the function;
//! the followers wait for its value.
//!
//! A flight is in one of five stages:
//!
//! | stage | meaning | what ends it |
//! |---|---|---|
//! | Running | a leader runs, followers queue up | `land`: Landed; `fail`: Failed; `abandon`: Offered to the first follower, or Vacant without one |
//! | Offered | one follower may take the turn; the others queue up | the follower takes the turn: Running; it is dropped: as for `abandon` |
//! | Vacant | there is no leader and no follower | `join`: Offered to the caller that joins |
//! | Landed | the value is there | nothing |
//! | Failed | there is an error for each follower | nothing |
//!
//! Invariants, under the lock:
//! - There is one [`Turn`] while the flight is Running, and none otherwise.
//! - The queue holds the followers that were promised nothing, in the order of their arrival. It is empty when the
//!   flight is Vacant, Landed or Failed. The follower of Offered is alive and not in the queue.
//! - A follower sleeps only while it is in the queue: it is woken after it was promised the turn or the value. The
//!   [`Turn`] and the follower of Offered owe this to the queue, and keep the promise even when they are dropped.
//! - In the child of a fork, a flight of the parent may have a lock that is never released, and a leader that does not
//!   exist. So a follower waits for neither: a poll returns the value if it has landed, and else a turn.
//!
//! A waker is foreign code. It is cloned, woken and dropped outside of the lock, and its panic affects no other waiter.
//! The turn passes in the order of arrival, so that retries do not overtake waiting callers. As with any fair lock, a
//! task that was offered the turn and is never polled keeps the others waiting.

mod inside;
mod parker;
mod seat;
mod table;
mod timer;
mod wakers;

#[cfg(all(test, loom))]
mod loom_models;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::sys::clock::Instant;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

pub(crate) use self::inside::Entered;
#[cfg(unix)]
pub(crate) use self::inside::this_thread;
use self::inside::{Mark, MarkedBody};
pub(crate) use self::seat::{Seat, deadline};
pub(crate) use self::table::{Flights, HasFlights};
use self::timer::Alarm;
use self::wakers::{shield, wake};
use crate::sys::fork::Process;
use crate::sys::sync::{Mutex, MutexGuard};

/// One run that other callers wait for.
pub(crate) struct Flight<V> {
    state: Mutex<State<V>>,
    mark: Mark,
    /// `None` for a flight of one thread: a child has that thread as well.
    process: Option<Process>,
}

struct State<V> {
    stage: Stage<V>,
    queue: VecDeque<Waiter>,
    next: Arrival,
}

enum Stage<V> {
    Running,
    Offered(Arrival),
    Vacant,
    Landed(Arc<V>),
    /// One error for each follower.
    Failed(Vec<Failure>),
}

/// A type-erased error.
pub(crate) type Failure = Box<dyn Any + Send>;

/// The number of a follower in its flight, by the order of arrival.
type Arrival = u64;

struct Waiter {
    arrival: Arrival,
    /// `None` until the first poll.
    waker: Option<Waker>,
}

/// The right and the duty to compute the value of a flight. Its owner is the leader.
///
/// Dropping it [abandons](Self::abandon) the flight.
#[must_use = "others wait for the value"]
pub(crate) struct Turn<V> {
    flight: Arc<Flight<V>>,
    /// Whether the turn was landed or abandoned.
    over: bool,
}

/// One follower in a flight. Dropping it leaves the flight.
#[must_use = "it waits only when it is polled or blocked on"]
pub(crate) struct Waiting<V> {
    /// `None` once the wait has ended.
    flight: Option<Arc<Flight<V>>>,
    arrival: Arrival,
}

/// The end of a follower's wait.
pub(crate) enum Landed<V> {
    /// The leader's value.
    Value(Arc<V>),
    /// The leader's error.
    Error(Failure),
    /// The leader has given up, and this follower is the next leader. The others now wait for it.
    YourTurn(Turn<V>),
}

impl<V> Flight<V> {
    /// Makes a flight whose leader is the caller.
    pub(crate) fn begin() -> Turn<V> {
        Self::begin_of(Some(Process::here()))
    }

    /// Like [`begin`](Self::begin), for a flight that no other thread can reach.
    pub(crate) fn begin_in_thread() -> Turn<V> {
        Self::begin_of(None)
    }

    fn begin_of(process: Option<Process>) -> Turn<V> {
        let state = State { stage: Stage::Running, queue: VecDeque::new(), next: 0 };
        Turn::new(Arc::new(Self { state: Mutex::new(state), mark: Mark::new(), process }))
    }

    /// Locks the state. In the child of a fork, returns `None` if a thread that does not exist there holds the lock.
    fn lock(&self) -> Option<MutexGuard<'_, State<V>>> {
        if self.is_here() { Some(self.state.lock()) } else { self.state.try_lock() }
    }

    /// Joins the flight as a follower. Runs no foreign code, and never blocks for long.
    ///
    /// If the flight has landed, the wait ends at once with the value. If the flight is vacant, it ends at once with
    /// the turn.
    pub(crate) fn join(self: &Arc<Self>) -> Waiting<V> {
        Waiting { arrival: self.state.lock().join(), flight: Some(Arc::clone(self)) }
    }

    /// Whether the flight began in this process, rather than in a parent.
    pub(crate) fn is_here(&self) -> bool {
        self.process.is_none_or(Process::is_here)
    }

    /// Whether there is a follower.
    pub(crate) fn has_waiters(&self) -> bool {
        self.waiters() > 0
    }

    /// Returns the number of followers.
    pub(crate) fn waiters(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// Whether there is neither a leader nor a follower. Then the flight can be forgotten, under a lock that keeps
    /// callers from joining.
    pub(crate) fn is_vacant(&self) -> bool {
        matches!(self.state.lock().stage, Stage::Vacant)
    }

    /// Whether the calling thread is inside the run of this flight, and so must not wait for it.
    pub(crate) fn is_entered(&self) -> bool {
        self.mark.is_mine()
    }
}

/// Wakes all followers of a queue.
fn wake_all(queue: VecDeque<Waiter>) {
    queue.into_iter().filter_map(|waiter| waiter.waker).for_each(wake);
}

impl<V> State<V> {
    fn join(&mut self) -> Arrival {
        let arrival = self.next;
        self.next += 1;
        match self.stage {
            Stage::Running | Stage::Offered(_) => self.queue.push_back(Waiter { arrival, waker: None }),
            Stage::Vacant => self.stage = Stage::Offered(arrival),
            Stage::Landed(_) | Stage::Failed(_) => {}
        }
        arrival
    }

    /// Offers the turn to the first follower, if there is one. Returns the waker that the caller must wake.
    #[must_use = "to be woken outside of the lock"]
    fn pass_on(&mut self) -> Option<Waker> {
        match self.queue.pop_front() {
            Some(first) => {
                self.stage = Stage::Offered(first.arrival);
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

    fn position(&self, arrival: Arrival) -> Option<usize> {
        self.queue.binary_search_by_key(&arrival, |waiter| waiter.arrival).ok()
    }
}

impl<V> Turn<V> {
    fn new(flight: Arc<Flight<V>>) -> Self {
        Self { flight, over: false }
    }

    /// Returns the flight, for others to join.
    pub(crate) fn flight(&self) -> &Arc<Flight<V>> {
        &self.flight
    }

    /// Marks the calling thread as being inside the run. One thread at a time: a [`Miss`](crate::cache::miss::Miss) is borrowed
    /// mutably.
    pub(crate) fn enter(&self) -> Entered<'_> {
        self.flight.mark.enter()
    }

    /// Runs the body of an `async fn`. If there is a turn, each thread that polls the body is marked as inside during the poll.
    pub(crate) fn inside<F: Future>(turn: Option<&mut Self>, body: F) -> impl Future<Output = F::Output> {
        MarkedBody::new(turn.map(|turn| &turn.flight.mark), body)
    }

    /// Ends the run, and gives the value to all followers.
    pub(crate) fn land(mut self, value: Arc<V>) {
        self.over = true;
        let waiters = {
            let Some(mut state) = self.flight.lock() else { return };
            state.stage = Stage::Landed(value);
            mem::take(&mut state.queue)
        };
        wake_all(waiters);
    }

    /// Ends the run, and gives each follower one of the errors. No caller can join any more, and there are enough
    /// errors.
    pub(crate) fn fail(mut self, errors: Vec<Failure>) {
        self.over = true;
        let waiters = {
            let Some(mut state) = self.flight.lock() else { return };
            state.stage = Stage::Failed(errors);
            mem::take(&mut state.queue)
        };
        wake_all(waiters);
    }

    /// Offers the turn to the first follower and returns true. Without a follower, the flight becomes vacant.
    pub(crate) fn abandon(mut self) -> bool {
        self.give_up()
    }

    fn give_up(&mut self) -> bool {
        if mem::replace(&mut self.over, true) {
            return false;
        }
        if !self.flight.is_here() {
            // A follower that wakes in the child gets a turn of its own.
            if let Some(waiters) = self.flight.lock().map(|mut state| mem::take(&mut state.queue)) {
                wake_all(waiters);
            }
            return false;
        }
        let (passed, waker) = {
            let mut state = self.flight.state.lock();
            let waker = state.pass_on();
            (matches!(state.stage, Stage::Offered(_)), waker)
        };
        if let Some(waker) = waker {
            wake(waker);
        }
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
    /// Waits on a thread. At the deadline, leaves the flight and returns `None`.
    pub(crate) fn block(self, deadline: Option<Instant>) -> Option<Landed<V>> {
        parker::block_on(self, deadline)
    }

    /// Waits as a task. Returns `None` at the deadline; the follower stays in the flight until it is dropped.
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
        let arrival = self.arrival;
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
            Stage::Offered(to) if *to == arrival => {
                state.stage = Stage::Running;
                drop(state);
                let turn = self.flight.take().map(Turn::new);
                Poll::Ready(Landed::YourTurn(turn.expect("it was there above")))
            }
            _ => {
                let at =
                    state.position(arrival).expect("a follower that was promised nothing is in the queue");
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
        if matches!(state.stage, Stage::Offered(to) if to == self.arrival) {
            let waker = state.pass_on();
            drop(state);
            waker.into_iter().for_each(wake);
        } else {
            let at = state.position(self.arrival);
            let waiter = at.and_then(|at| state.queue.remove(at));
            drop(state);
            shield(|| drop(waiter));
        }
    }
}
