//! Models of single flight: loom runs each in every order that its threads can take.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lru-memo --lib --release loom`

use alloc::sync::Arc;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use loom::thread;

use super::{Flight, Flights, HasFlights, Landed, Seat, Turn, Waiting};
use crate::sys::sync::Mutex;

const VALUE: u32 = 7;

/// A thread that waits, and lands when it becomes the runner; returns whether it became the runner.
fn waiter(waiting: Waiting<u32>) -> thread::JoinHandle<bool> {
    thread::spawn(move || wait(waiting))
}

fn wait(waiting: Waiting<u32>) -> bool {
    match waiting.block(None).expect("there is no deadline") {
        Landed::Value(value) => {
            assert_eq!(*value, VALUE);
            false
        }
        Landed::Error(_) => unreachable!("no run has an error"),
        Landed::YourTurn(turn) => {
            turn.land(Arc::new(VALUE));
            true
        }
    }
}

#[test]
fn a_landed_value_reaches_every_waiter() {
    loom::model(|| {
        let turn = Flight::begin();
        let waiters = [waiter(turn.flight().join()), waiter(turn.flight().join())];
        turn.land(Arc::new(VALUE));
        for waiter in waiters {
            assert!(!waiter.join().unwrap(), "there is nothing left to run");
        }
    });
}

#[test]
fn a_waiter_that_joins_while_the_runner_lands_does_not_sleep() {
    loom::model(|| {
        let turn = Flight::begin();
        let flight = Arc::clone(turn.flight());
        let late = thread::spawn(move || wait(flight.join()));
        turn.land(Arc::new(VALUE));
        assert!(!late.join().unwrap(), "there is nothing left to run");
    });
}

#[test]
fn a_waiter_that_joins_while_the_runner_abandons_gets_the_turn() {
    loom::model(|| {
        let turn = Flight::begin();
        let flight = Arc::clone(turn.flight());
        let late = thread::spawn(move || wait(flight.join()));
        turn.abandon();
        assert!(late.join().unwrap(), "there is nobody else to run");
    });
}

#[test]
fn an_abandoned_flight_has_exactly_one_new_runner() {
    loom::model(|| {
        let turn = Flight::begin();
        let early = waiter(turn.flight().join());
        let flight = Arc::clone(turn.flight());
        let late = thread::spawn(move || wait(flight.join()));
        assert!(turn.abandon(), "one is waiting");
        let runs = u32::from(early.join().unwrap()) + u32::from(late.join().unwrap());
        assert_eq!(runs, 1);
    });
}

#[test]
fn there_is_never_more_than_one_runner() {
    loom::model(|| {
        let runners = Arc::new(AtomicUsize::new(0));
        let turn = Flight::<u32>::begin();
        let waiters = [turn.flight().join(), turn.flight().join()].map(|waiting| {
            let runners = Arc::clone(&runners);
            thread::spawn(move || {
                let Landed::YourTurn(turn) = waiting.block(None).expect("there is no deadline") else {
                    panic!("nobody lands");
                };
                assert_eq!(runners.fetch_add(1, Ordering::SeqCst), 0);
                thread::yield_now();
                assert_eq!(runners.fetch_sub(1, Ordering::SeqCst), 1);
                turn.abandon();
            })
        });
        let flight = Arc::clone(turn.flight());
        assert!(turn.abandon());
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert!(flight.is_vacant());
    });
}

#[test]
fn a_dropped_waiter_passes_its_turn_on() {
    loom::model(|| {
        let turn = Flight::begin();
        let mut cancelled = turn.flight().join();
        let first = Pin::new(&mut cancelled).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(first, Poll::Pending));
        let second = waiter(turn.flight().join());
        let dropping = thread::spawn(move || drop(cancelled));
        assert!(turn.abandon(), "one is waiting");
        assert!(second.join().unwrap(), "there is nobody else to run");
        dropping.join().unwrap();
    });
}

#[test]
fn the_last_waiter_to_be_dropped_leaves_the_flight_vacant() {
    loom::model(|| {
        let turn = Flight::<u32>::begin();
        let flight = Arc::clone(turn.flight());
        let waiting = flight.join();
        let dropping = thread::spawn(move || drop(waiting));
        turn.abandon();
        dropping.join().unwrap();
        assert!(flight.is_vacant());
        assert!(!flight.has_waiters());
    });
}

/// A table of one key.
struct Board(Mutex<Flights<(), u32>>);

impl HasFlights for Board {
    type Key = ();
    type Value = u32;

    fn with_flights<R>(&self, act: impl FnOnce(&mut Flights<(), u32>) -> R) -> R {
        act(&mut self.0.lock())
    }
}

impl Board {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Flights::new())))
    }

    fn outdate(&self) {
        self.with_flights(|flights| flights.outdate_if(|()| true));
    }

    fn is_empty(&self) -> bool {
        // A search stops at each key that was not compared.
        self.with_flights(|flights| flights.find(0, |()| None).is_ok())
    }

    /// Joins the flight, or begins one.
    fn call(&self) -> Result<Turn<u32>, Seat<'_, Self>> {
        self.with_flights(|flights| match flights.find(0, |()| Some(true)).expect("it was compared") {
            Some(flight) => {
                let waiting = flight.join();
                Err(Seat::new(self, 0, flight, waiting))
            }
            None => {
                let turn = Flight::begin();
                flights.insert(0, (), &turn);
                Ok(turn)
            }
        })
    }

    /// Calls a function that returns `computed()`. Returns its value.
    fn value(&self, computed: impl Fn() -> u32) -> u32 {
        let turn = match self.call() {
            Ok(turn) => turn,
            Err(mut seat) => match seat.block(None).expect("there is no deadline") {
                Landed::Value(value) => return *value,
                Landed::YourTurn(turn) => turn,
                Landed::Error(_) => unreachable!("no run has an error"),
            },
        };
        let value = computed();
        turn.land_in(self, 0, || value);
        value
    }
}

#[test]
fn a_caller_after_an_invalidation_gets_nothing_that_was_computed_before() {
    loom::model(|| {
        let (board, row) = (Board::new(), Arc::new(AtomicUsize::new(1)));
        let read = |row: &AtomicUsize| row.load(Ordering::SeqCst) as u32;
        let other = {
            let (board, row) = (Arc::clone(&board), Arc::clone(&row));
            thread::spawn(move || board.value(|| read(&row)))
        };
        row.store(2, Ordering::SeqCst);
        board.outdate();
        assert_eq!(board.value(|| read(&row)), 2);
        other.join().unwrap();
        assert!(board.is_empty());
    });
}

#[test]
fn a_caller_that_joins_while_the_flight_lands_in_its_table_gets_a_value() {
    loom::model(|| {
        let board = Board::new();
        let others = [(); 2].map(|()| {
            let board = Arc::clone(&board);
            thread::spawn(move || assert_eq!(board.value(|| VALUE), VALUE))
        });
        for other in others {
            other.join().unwrap();
        }
        assert!(board.is_empty());
    });
}

#[test]
fn a_flight_that_is_abandoned_and_left_leaves_its_table() {
    loom::model(|| {
        let board = Board::new();
        let Ok(turn) = board.call() else { panic!("nobody has begun") };
        let other = {
            let board = Arc::clone(&board);
            thread::spawn(move || match board.call() {
                Ok(turn) => turn.abandon_in(&*board, 0),
                Err(seat) => drop(seat),
            })
        };
        turn.abandon_in(&*board, 0);
        other.join().unwrap();
        assert!(board.is_empty());
    });
}
