//! Single flight with real threads, tasks that are cancelled at every point, and hostile wakers.

use alloc::sync::{Arc, Weak};
use alloc::task::Wake;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use super::parker::block_on;
use super::{Flight, Landed, Turn, Waiting};

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
        Poll::Ready(Landed::YourTurn(_)) => panic!("a turn instead of the value"),
        Poll::Pending => panic!("no value yet"),
    }
}

fn turn<V>(waiting: &mut Waiting<V>) -> Turn<V> {
    match poll(waiting) {
        Poll::Ready(Landed::YourTurn(turn)) => turn,
        Poll::Ready(Landed::Value(_)) => panic!("the value instead of a turn"),
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

/// What a cache does for one of its keys, with a body that is told how often it has run.
#[derive(Default)]
struct OneKey {
    table: Mutex<Option<Arc<Flight<u32>>>>,
    runs: AtomicUsize,
    running: AtomicUsize,
}

/// Takes the flight out of the table when a caller leaves it vacant.
struct Tidy<'k> {
    key: &'k OneKey,
    flight: Arc<Flight<u32>>,
}

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        let mut table = self.key.table.lock().unwrap();
        let _dropped_outside = match &*table {
            Some(flight) if Arc::ptr_eq(flight, &self.flight) && flight.is_vacant() => table.take(),
            _ => None,
        };
        drop(table);
    }
}

enum Place {
    Runner(Turn<u32>),
    Waiter(Waiting<u32>),
}

impl OneKey {
    fn place(&self) -> (Tidy<'_>, Place) {
        let mut table = self.table.lock().unwrap();
        let (flight, place) = match &*table {
            Some(flight) => (Arc::clone(flight), Place::Waiter(flight.join())),
            None => {
                let turn = Flight::begin();
                *table = Some(Arc::clone(turn.flight()));
                (Arc::clone(turn.flight()), Place::Runner(turn))
            }
        };
        (Tidy { key: self, flight }, place)
    }

    fn starts(&self) -> usize {
        assert_eq!(self.running.fetch_add(1, SeqCst), 0, "two runners at once");
        self.runs.fetch_add(1, SeqCst)
    }

    fn lands(&self, turn: Turn<u32>, value: u32) {
        assert_eq!(self.running.fetch_sub(1, SeqCst), 1);
        let forgotten = self.table.lock().unwrap().take();
        assert!(forgotten.is_some_and(|flight| Arc::ptr_eq(&flight, turn.flight())));
        turn.land(Arc::new(value));
    }

    fn fails(&self, turn: Turn<u32>) {
        assert_eq!(self.running.fetch_sub(1, SeqCst), 1);
        turn.abandon();
    }

    /// A call on a thread: the value, or the number of the run that failed.
    fn call(&self, body: impl Fn(usize) -> Option<u32>) -> Result<u32, usize> {
        let (_tidy, place) = self.place();
        let mut turn = match place {
            Place::Runner(turn) => turn,
            Place::Waiter(waiting) => match waiting.block() {
                Landed::Value(value) => return Ok(*value),
                Landed::YourTurn(turn) => turn,
            },
        };
        let run = self.starts();
        let inside = turn.enter();
        let outcome = body(run);
        drop(inside);
        match outcome {
            Some(value) => {
                self.lands(turn, value);
                Ok(value)
            }
            None => {
                self.fails(turn);
                Err(run)
            }
        }
    }

    /// A call in a task, with a body of three steps.
    async fn call_async(&self, value: u32) -> u32 {
        struct Ends<'k>(&'k AtomicUsize);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        let (_tidy, place) = self.place();
        let mut turn = match place {
            Place::Runner(turn) => turn,
            Place::Waiter(waiting) => match waiting.await {
                Landed::Value(value) => return *value,
                Landed::YourTurn(turn) => turn,
            },
        };
        let flight = Arc::clone(turn.flight());
        turn.inside(async {
            self.starts();
            let _ends = Ends(&self.running);
            for _ in 0..3 {
                assert!(flight.is_entered());
                step().await;
            }
        })
        .await;
        let forgotten = self.table.lock().unwrap().take();
        assert!(forgotten.is_some());
        turn.land(Arc::new(value));
        value
    }
}

#[test]
fn many_threads_share_one_run() {
    let key = OneKey::default();
    let landing = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let runner = scope.spawn(|| {
            key.call(|_| {
                landing.wait();
                Some(7)
            })
        });
        while key.runs.load(SeqCst) == 0 {
            thread::yield_now();
        }
        let waiters: Vec<_> = (0..32).map(|_| scope.spawn(|| key.call(|_| Some(8)))).collect();
        let flight = key.table.lock().unwrap().clone().unwrap();
        while flight.state.lock().queue.len() < 32 {
            thread::yield_now();
        }
        landing.wait();
        assert_eq!(runner.join().unwrap(), Ok(7));
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(7));
        }
    });
    assert_eq!(key.runs.load(SeqCst), 1);
}

#[test]
fn failing_runs_follow_each_other_until_one_lands() {
    let key = OneKey::default();
    let results = thread::scope(|scope| {
        let body = |run| (run >= 9).then_some(5);
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(|| key.call(body))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    });
    let mut failed: Vec<_> = results.iter().copied().filter_map(Result::err).collect();
    failed.sort_unstable();
    assert_eq!(failed, (0..9).collect::<Vec<_>>());
    assert!(results.iter().flatten().all(|&value| value == 5));
    assert!(key.table.lock().unwrap().is_none());
}

#[test]
fn threads_that_panic_fail_and_land_at_random_lose_nothing() {
    const CALLS: usize = 400;
    let key = OneKey::default();
    let ended = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    let call = catch_unwind(AssertUnwindSafe(|| {
                        key.call(|run| match run % 3 {
                            0 => {
                                thread::yield_now();
                                Some(1)
                            }
                            1 => None,
                            _ => {
                                key.running.fetch_sub(1, SeqCst);
                                std::panic::resume_unwind(Box::new("no value"))
                            }
                        })
                    }));
                    if let Ok(Ok(value)) = call {
                        assert_eq!(value, 1);
                    }
                    ended.fetch_add(1, SeqCst);
                }
            });
        }
    });
    assert_eq!(ended.load(SeqCst), 4 * CALLS);
    assert!(key.table.lock().unwrap().is_none(), "no flight is left behind");
}

#[test]
fn many_tasks_share_one_run() {
    let key = OneKey::default();
    let tasks = (0..100).map(|value| Box::pin(key.call_async(value)) as Task<'_>);
    assert_eq!(run_all(tasks.collect()), vec![0; 100]);
    assert_eq!(key.runs.load(SeqCst), 1);
}

#[test]
fn tasks_and_threads_wait_for_each_other() {
    let key = OneKey::default();
    let (mut runner, runs_now) = (pin!(key.call_async(3)), Waker::noop());
    assert!(runner.as_mut().poll(&mut Context::from_waker(runs_now)).is_pending());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| key.call(|_| Some(4)));
        assert_eq!(block_on(runner), 3);
        let value = waiter.join().unwrap().unwrap();
        assert!(value == 3 || value == 4, "4 only when it came after the landing");
    });
}

/// Polls a future a number of times and drops it.
fn cancel_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    (0..polls).find_map(|_| match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

#[test]
fn a_runner_cancelled_at_any_point_hands_over() {
    let mut cancelled = 0;
    for polls in 0.. {
        let key = OneKey::default();
        let mut waiters: Vec<Task<'_>> = Vec::new();
        let mut runner = Box::pin(key.call_async(0));
        // The first poll comes before the others join.
        if polls > 0 {
            assert!(poll(&mut runner).is_pending());
        }
        for value in 1..4 {
            let mut waiter = Box::pin(key.call_async(value));
            assert!(poll(&mut waiter).is_pending());
            waiters.push(waiter);
        }
        let done = cancel_after(polls.saturating_sub(1), runner);
        let expected = if done.is_some() { 0 } else { 1 };
        assert_eq!(run_all(waiters), [expected; 3]);
        assert!(key.table.lock().unwrap().is_none());
        if done.is_some() {
            break;
        }
        cancelled += 1;
    }
    assert_eq!(cancelled, 4, "never polled, and at each of the three steps");
}

#[test]
fn a_waiter_cancelled_at_any_point_loses_nothing() {
    // Its whole life: it waits, gets the turn, runs three steps.
    for polls in 0..8 {
        let key = OneKey::default();
        let mut runner = Box::pin(key.call_async(0));
        assert!(poll(&mut runner).is_pending());
        let mut cancelled = Box::pin(key.call_async(1));
        let mut last = Box::pin(key.call_async(2));
        let mut done = None;
        for at in 0..polls {
            if let Poll::Ready(value) = poll(&mut cancelled) {
                done = Some(value);
                break;
            }
            if at == 0 {
                assert!(poll(&mut last).is_pending());
            }
            if at == 1 {
                runner = Box::pin(key.call_async(9));
            }
        }
        drop(runner);
        drop(cancelled);
        let value = run_all(vec![last])[0];
        assert_eq!(value, if done.is_some() { 1 } else { 2 });
        assert!(key.table.lock().unwrap().is_none());
        assert_eq!(key.running.load(SeqCst), 0);
    }
}

#[test]
fn tasks_cancelled_at_random_lose_nothing() {
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for _ in 0..500 {
        let key = OneKey::default();
        let mut tasks: Vec<Pin<Box<_>>> = (0..6).map(|value| Box::pin(key.call_async(value))).collect();
        for _ in 0..random(20) {
            let at = random(tasks.len() as u64) as usize;
            if poll(&mut tasks[at]).is_ready() || random(4) == 0 {
                tasks.remove(at);
            }
            if tasks.len() == 1 {
                break;
            }
        }
        let left = tasks.into_iter().map(|task| task as Task<'_>).collect::<Vec<_>>();
        let count = left.len();
        assert_eq!(run_all(left).len(), count);
        assert!(key.table.lock().unwrap().is_none());
        assert_eq!(key.running.load(SeqCst), 0);
    }
}

#[test]
fn who_joins_after_the_landing_gets_the_value_at_once() {
    let first = Flight::begin();
    let flight = Arc::clone(first.flight());
    first.land(Arc::new("value"));
    assert_eq!(*value(&mut flight.join()), "value");
    assert!(matches!(flight.join().block(), Landed::Value(value) if *value == "value"));
    assert!(!flight.has_waiters());
}

#[test]
fn the_runner_learns_whether_anybody_waits() {
    let first = Flight::<u32>::begin();
    assert!(!first.flight().has_waiters());
    let waiting = first.flight().join();
    assert!(first.flight().has_waiters());
    drop(waiting);
    assert!(!first.flight().has_waiters());
}

#[test]
fn a_flight_that_is_abandoned_by_all_goes_to_the_next_who_joins() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    assert!(!first.abandon(), "nobody waits");
    assert!(flight.is_vacant());
    let mut next = flight.join();
    let mut after_it = flight.join();
    assert!(!flight.is_vacant());
    assert!(is_waiting(&mut after_it));
    turn(&mut next).land(Arc::new(1));
    assert_eq!(*value(&mut after_it), 1);
}

#[test]
fn an_abandoned_turn_goes_by_the_order_of_arrival() {
    let mut current = Flight::<usize>::begin();
    let flight = Arc::clone(current.flight());
    let mut waiters: Vec<_> = (0..5).map(|_| flight.join()).collect();
    // Polled in another order than they came in.
    assert!(waiters.iter_mut().rev().all(is_waiting));
    while !waiters.is_empty() {
        assert!(current.abandon());
        assert!(waiters.iter_mut().skip(1).all(is_waiting));
        current = turn(&mut waiters.remove(0));
    }
    assert!(!current.abandon());
    assert!(flight.is_vacant());
}

#[test]
fn a_newcomer_does_not_overtake_a_waiter_that_has_not_yet_taken_its_turn() {
    let first = Flight::<u32>::begin();
    let mut early = first.flight().join();
    assert!(is_waiting(&mut early));
    let flight = Arc::clone(first.flight());
    assert!(first.abandon());
    let mut late = flight.join();
    assert!(is_waiting(&mut late));
    turn(&mut early).land(Arc::new(1));
    assert_eq!(*value(&mut late), 1);
}

#[test]
fn only_the_waiter_that_gets_the_turn_is_woken() {
    let first = Flight::<u32>::begin();
    let alarms: Vec<_> = (0..3).map(|_| Arc::new(Alarm::default())).collect();
    let mut waiters: Vec<_> = alarms.iter().map(|_| first.flight().join()).collect();
    for (waiting, alarm) in waiters.iter_mut().zip(&alarms) {
        assert!(poll_with(waiting, &Waker::from(Arc::clone(alarm))).is_pending());
    }
    let woken = || alarms.iter().map(|alarm| alarm.0.load(SeqCst)).collect::<Vec<_>>();
    first.abandon();
    assert_eq!(woken(), [1, 0, 0]);
    drop(waiters.remove(0));
    assert_eq!(woken(), [1, 1, 0]);
    turn(&mut waiters[0]).land(Arc::new(1));
    assert_eq!(woken(), [1, 1, 1]);
    assert_eq!(*value(&mut waiters[1]), 1);
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let first = Flight::<u32>::begin();
    let mut waiting = first.flight().join();
    let [old, new] = [Arc::new(Alarm::default()), Arc::new(Alarm::default())];
    assert!(poll_with(&mut waiting, &Waker::from(Arc::clone(&old))).is_pending());
    assert!(poll_with(&mut waiting, &Waker::from(Arc::clone(&new))).is_pending());
    assert_eq!(Arc::strong_count(&old), 1, "the old one is dropped");
    first.land(Arc::new(1));
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
    assert_eq!(*value(&mut waiting), 1);
}

#[test]
fn a_waiter_dropped_before_the_turn_is_passed_over() {
    let first = Flight::<u32>::begin();
    let (mut polled, unpolled, mut last) =
        (first.flight().join(), first.flight().join(), first.flight().join());
    assert!(is_waiting(&mut polled));
    drop(polled);
    drop(unpolled);
    assert!(first.abandon());
    turn(&mut last).land(Arc::new(1));
}

#[test]
fn a_turn_that_is_dropped_unseen_passes_on() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let (mut taken, mut last) = (flight.join(), flight.join());
    drop(first);
    let unseen = poll(&mut taken);
    assert!(is_waiting(&mut last));
    drop(unseen);
    drop(turn(&mut last));
    assert!(flight.is_vacant());
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep_and_does_not_reach_the_runner() {
    for panic_in_runner in [false, true] {
        let first = Flight::<u32>::begin();
        let flight = Arc::clone(first.flight());
        let woken = Arc::new(Alarm::default());
        let mut waiters: Vec<_> = (0..3).map(|_| flight.join()).collect();
        let hostile = calling(|| std::panic::resume_unwind(Box::new("hostile")));
        assert!(poll_with(&mut waiters[0], &hostile).is_pending());
        assert!(poll_with(&mut waiters[1], &hostile).is_pending());
        assert!(poll_with(&mut waiters[2], &Waker::from(Arc::clone(&woken))).is_pending());
        if panic_in_runner {
            let body = catch_unwind(AssertUnwindSafe(|| {
                let _turn = first;
                std::panic::resume_unwind(Box::new("no value"))
            }));
            assert_eq!(body.unwrap_err().downcast_ref(), Some(&"no value"));
            turn(&mut waiters[0]).land(Arc::new(1));
        } else {
            first.land(Arc::new(1));
            assert_eq!(*value(&mut waiters[0]), 1);
        }
        assert_eq!(woken.0.load(SeqCst), 1);
        assert_eq!(*value(&mut waiters[1]), 1);
        assert_eq!(*value(&mut waiters[2]), 1);
    }
}

#[test]
fn a_panic_that_panics_again_when_dropped_goes_no_further() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("again"));
        }
    }
    let first = Flight::<u32>::begin();
    let mut waiting = first.flight().join();
    let hostile = calling(|| std::panic::resume_unwind(Box::new(Again)));
    assert!(poll_with(&mut waiting, &hostile).is_pending());
    first.land(Arc::new(1));
    assert_eq!(*value(&mut waiting), 1);
}

#[test]
fn a_waker_that_calls_back_finds_the_flight_unlocked() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let mut waiting = flight.join();
    let called = Arc::new(AtomicUsize::new(0));
    let waker = {
        let (flight, called) = (Arc::clone(&flight), Arc::clone(&called));
        calling(move || {
            assert_eq!(*value(&mut flight.join()), 1);
            assert!(!flight.has_waiters());
            called.fetch_add(1, SeqCst);
        })
    };
    assert!(poll_with(&mut waiting, &waker).is_pending());
    first.land(Arc::new(1));
    assert_eq!(called.load(SeqCst), 1);
}

#[test]
fn a_waker_that_polls_its_task_at_once_takes_the_turn() {
    let first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let waiting = Arc::new(Mutex::new(Some(flight.join())));
    let waker = {
        let waiting = Arc::clone(&waiting);
        calling(move || {
            let taken = waiting.lock().unwrap().take();
            turn(&mut taken.unwrap()).land(Arc::new(2));
        })
    };
    assert!(poll_with(waiting.lock().unwrap().as_mut().unwrap(), &waker).is_pending());
    assert!(first.abandon());
    assert_eq!(*value(&mut flight.join()), 2);
}

/// A waker whose drop asks for the flight, and panics if it is told to.
struct Dropping {
    flight: Weak<Flight<u32>>,
    asked: Arc<AtomicUsize>,
    panics: bool,
}

impl Wake for Dropping {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Dropping {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.upgrade() {
            flight.has_waiters();
            self.asked.fetch_add(1, SeqCst);
        }
        if self.panics {
            std::panic::resume_unwind(Box::new("hostile"));
        }
    }
}

#[test]
fn wakers_are_dropped_outside_of_the_lock() {
    for panics in [false, true] {
        let first = Flight::<u32>::begin();
        let asked = Arc::new(AtomicUsize::new(0));
        let register = |waiting: &mut Waiting<u32>| {
            let dropping =
                Dropping { flight: Arc::downgrade(first.flight()), asked: Arc::clone(&asked), panics };
            // The flight holds the only one when this returns.
            let waker = Waker::from(Arc::new(dropping));
            assert!(poll_with(waiting, &waker).is_pending());
        };
        let [mut replaced, mut cancelled, mut landed] = [(); 3].map(|()| first.flight().join());
        register(&mut replaced);
        register(&mut cancelled);
        register(&mut landed);
        let again = catch_unwind(AssertUnwindSafe(|| is_waiting(&mut replaced)));
        assert!(again.unwrap_or(panics));
        assert_eq!(asked.load(SeqCst), 1);
        drop(cancelled);
        assert_eq!(asked.load(SeqCst), 2);
        first.land(Arc::new(1));
        assert_eq!(asked.load(SeqCst), 3);
        assert_eq!(*value(&mut replaced), 1);
        assert_eq!(*value(&mut landed), 1);
    }
}

#[test]
fn a_waker_that_is_of_no_use_any_more_is_not_kept() {
    let first = Flight::<u32>::begin();
    let mut waiting = first.flight().join();
    let alarm = Arc::new(Alarm::default());
    assert!(poll_with(&mut waiting, &Waker::from(Arc::clone(&alarm))).is_pending());
    drop(waiting);
    assert_eq!(Arc::strong_count(&alarm), 1);
}

#[test]
fn the_value_is_kept_for_those_who_wait_and_no_longer() {
    let first = Flight::begin();
    let (slow, unpolled) = (first.flight().join(), first.flight().join());
    let landed = Arc::new(1);
    let seen = Arc::downgrade(&landed);
    first.land(landed);
    drop(unpolled);
    assert!(seen.upgrade().is_some());
    drop(slow);
    assert!(seen.upgrade().is_none());
}

#[test]
fn a_blocked_thread_neither_takes_nor_leaves_a_token_of_unpark() {
    let first = Flight::begin();
    let waiting = first.flight().join();
    let waiter = thread::spawn(move || {
        let landed = waiting.block();
        // Returns at once, by the token from before; were that used up, this would hang.
        thread::park();
        matches!(landed, Landed::Value(value) if *value == 1)
    });
    waiter.thread().unpark();
    while first.flight().state.lock().queue[0].waker.is_none() {
        thread::yield_now();
    }
    first.land(Arc::new(1));
    assert!(waiter.join().unwrap());
}

#[test]
fn only_the_thread_that_runs_the_body_is_inside() {
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let other = Flight::<u32>::begin();
    assert!(!flight.is_entered());
    let inside = first.enter();
    assert!(flight.is_entered());
    assert!(!other.flight().is_entered());
    let elsewhere = thread::scope(|scope| scope.spawn(|| flight.is_entered()).join().unwrap());
    assert!(!elsewhere);
    drop(inside);
    assert!(!flight.is_entered());
}

#[test]
fn flights_may_be_left_in_any_order() {
    let mut turns: Vec<_> = (0..3).map(|_| Flight::<u32>::begin()).collect();
    let flights: Vec<_> = turns.iter().map(|turn| Arc::clone(turn.flight())).collect();
    let entered = || flights.iter().map(|flight| flight.is_entered()).collect::<Vec<_>>();
    let mut insides: Vec<_> = turns.iter_mut().map(Turn::enter).collect();
    assert_eq!(entered(), [true, true, true]);
    drop(insides.remove(0));
    assert_eq!(entered(), [false, true, true]);
    drop(insides.remove(1));
    assert_eq!(entered(), [false, true, false]);
    drop(insides);
    assert_eq!(entered(), [false, false, false]);
}

#[test]
fn a_body_that_panics_leaves_the_flight() {
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let body = catch_unwind(AssertUnwindSafe(|| {
        let _inside = first.enter();
        assert!(flight.is_entered());
        std::panic::resume_unwind(Box::new("no value"))
    }));
    assert!(body.is_err());
    assert!(!flight.is_entered());
    let body = catch_unwind(AssertUnwindSafe(|| {
        cancel_after(1, first.inside(async { std::panic::resume_unwind(Box::new("no value")) }))
    }));
    assert!(body.is_err());
    assert!(!flight.is_entered());
}

#[test]
fn a_task_is_inside_only_while_it_is_polled() {
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let polls = AtomicUsize::new(0);
    let mut body = Box::pin(first.inside(async {
        loop {
            assert!(flight.is_entered());
            polls.fetch_add(1, SeqCst);
            step().await;
        }
    }));
    for _ in 0..3 {
        let _: Poll<()> = poll(&mut body);
        assert!(!flight.is_entered(), "another task on this thread is not inside");
    }
    let elsewhere = |body: &mut Pin<Box<_>>| poll::<Pin<Box<_>>>(body).is_pending();
    assert!(thread::scope(|scope| scope.spawn(|| elsewhere(&mut body)).join().unwrap()));
    assert_eq!(polls.load(SeqCst), 4);
    assert!(!flight.is_entered());
}

#[test]
fn destructors_of_a_body_are_inside_too() {
    struct Asks<'f>(&'f Flight<u32>, &'f AtomicUsize);
    impl Drop for Asks<'_> {
        fn drop(&mut self) {
            assert!(self.0.is_entered());
            self.1.fetch_add(1, SeqCst);
        }
    }
    let mut first = Flight::<u32>::begin();
    let flight = Arc::clone(first.flight());
    let asked = AtomicUsize::new(0);
    for polls in [0, 1, 2] {
        // What is captured and never moved is dropped with the future, not by its last poll.
        let captured = Asks(&flight, &asked);
        let body = async {
            let _local = Asks(&flight, &asked);
            step().await;
            let _ = &captured;
        };
        let whole = async {
            let captured = Asks(&flight, &asked);
            body.await;
            drop(captured);
        };
        drop(cancel_after(polls, first.inside(whole)));
        assert!(!flight.is_entered());
        core::mem::forget(captured);
    }
    assert_eq!(asked.load(SeqCst), 4);
}

#[test]
fn a_thread_at_its_end_can_still_be_told_from_others() {
    struct AtTheEnd(Mutex<Option<Turn<u32>>>, std::sync::mpsc::Sender<bool>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let mut turn = self.0.lock().unwrap().take().unwrap();
            let flight = Arc::clone(turn.flight());
            let inside = turn.enter();
            let entered = flight.is_entered();
            drop(inside);
            self.1.send(entered && !flight.is_entered()).unwrap();
        }
    }
    std::thread_local!(static LAST: std::cell::OnceCell<AtTheEnd> = const { std::cell::OnceCell::new() });
    let (sender, receiver) = std::sync::mpsc::channel();
    let ends = thread::spawn(move || {
        LAST.with(|last| {
            let at_the_end = AtTheEnd(Mutex::new(Some(Flight::begin())), sender);
            assert!(last.set(at_the_end).is_ok());
        });
    });
    ends.join().unwrap();
    assert!(receiver.recv().unwrap());
}

#[test]
fn futures_move_between_threads_when_their_values_may() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    fn shared<T: Sync>(_: &T) {}
    let mut first = sent(Flight::<String>::begin());
    shared(&first);
    shared(first.flight());
    let waiting = sent(first.flight().join());
    shared(&waiting);
    assert_eq!(block_on(sent(first.inside(async { 1 }))), 1);
    first.land(Arc::new(String::from("sent")));
    let landed = thread::spawn(move || block_on(waiting)).join().unwrap();
    assert!(matches!(landed, Landed::Value(value) if *value == "sent"));
}
