//! Who gets the turn, and who the value.

use super::*;

#[test]
fn who_joins_after_the_landing_gets_the_value_at_once() {
    let first = Flight::begin();
    let flight = Arc::clone(first.flight());
    first.land(Arc::new("value"));
    assert_eq!(*value(&mut flight.join()), "value");
    assert!(
        matches!(flight.join().block(None).expect("there is no deadline"), Landed::Value(value) if *value == "value")
    );
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
