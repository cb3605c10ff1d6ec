//! Models of single flight: loom runs each in every order that its threads can take.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p lru-memo --lib --release loom`

use alloc::sync::Arc;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use loom::thread;

use super::{Flight, Landed, Waiting};

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
