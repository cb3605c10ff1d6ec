//! The flights of a cache, by key.

use super::*;
use crate::flight::{Flights, HasFlights, Seat};

const HASH: u64 = 7;

/// A table whose keys all have one hash.
struct Board(Mutex<Flights<u8, u32>>);

impl HasFlights for Board {
    type Key = u8;
    type Value = u32;

    fn with_flights<R>(&self, act: impl FnOnce(&mut Flights<u8, u32>) -> R) -> R {
        act(&mut self.0.lock().unwrap())
    }
}

impl Board {
    fn new() -> Self {
        Self(Mutex::new(Flights::new()))
    }

    fn begin(&self, key: u8) -> Turn<u32> {
        let turn = Flight::begin();
        self.with_flights(|flights| flights.insert(HASH, key, &turn));
        turn
    }

    fn find(&self, key: u8) -> Option<Arc<Flight<u32>>> {
        self.with_flights(|flights| flights.find(HASH, |other| Some(*other == key)).unwrap())
    }

    fn finds(&self, key: u8, turn: &Turn<u32>) -> bool {
        self.find(key).is_some_and(|found| Arc::ptr_eq(&found, turn.flight()))
    }

    fn outdate(&self, key: u8) {
        self.with_flights(|flights| flights.outdate(HASH, |other| Some(*other == key)).unwrap());
    }

    fn join(&self, key: u8) -> Seat<'_, Self> {
        let flight = self.find(key).expect("it has begun");
        let waiting = flight.join();
        Seat::new(self, HASH, flight, waiting)
    }
}

#[test]
fn keys_of_one_hash_have_flights_of_their_own() {
    let board = Board::new();
    let turns = [board.begin(1), board.begin(2)];
    assert!(board.finds(1, &turns[0]) && board.finds(2, &turns[1]));
    assert!(board.find(3).is_none());
}

#[test]
fn a_search_ends_at_a_key_that_was_not_compared() {
    let board = Board::new();
    let _turn = board.begin(1);
    board.with_flights(|flights| {
        assert!(matches!(flights.find(HASH, |_| None), Err(1)));
        assert!(matches!(flights.outdate(HASH, |_| None), Err(1)));
        assert!(matches!(flights.find(HASH + 1, |_| None), Ok(None)));
    });
}

#[test]
fn an_outdated_flight_is_found_by_its_leader_alone() {
    let board = Board::new();
    let old = board.begin(1);
    board.outdate(1);
    assert!(board.find(1).is_none());
    let new = board.begin(1);
    assert!(board.finds(1, &new));
    let _inside = old.enter();
    assert!(board.finds(1, &old));
    let elsewhere = thread::scope(|scope| scope.spawn(|| board.finds(1, &new)).join().unwrap());
    assert!(elsewhere);
}

#[test]
fn a_leader_outdates_the_flight_beside_its_own() {
    let board = Board::new();
    let old = board.begin(1);
    board.outdate(1);
    let new = board.begin(1);
    {
        let _inside = old.enter();
        board.outdate(1);
    }
    assert!(!board.finds(1, &new));
}

#[test]
fn flights_of_a_predicate_are_outdated_together() {
    let board = Board::new();
    let turns = [board.begin(1), board.begin(2), board.begin(3)];
    board.with_flights(|flights| flights.outdate_if(|key| *key != 2));
    assert!(board.find(1).is_none() && board.find(3).is_none());
    assert!(board.finds(2, &turns[1]));
}

#[test]
fn a_flight_that_ends_leaves_its_table_and_no_other_does() {
    let ends: [fn(Turn<u32>, &Board); 3] = [
        |turn, board| turn.land_in(board, HASH, || 1),
        |turn, board| turn.fail_in(board, HASH, || None),
        |turn, board| turn.abandon_in(board, HASH),
    ];
    for end in ends {
        let board = Board::new();
        let old = board.begin(1);
        board.outdate(1);
        let new = board.begin(1);
        end(old, &board);
        assert!(board.finds(1, &new));
        end(new, &board);
        assert!(board.find(1).is_none());
    }
}

#[test]
fn followers_of_an_outdated_flight_get_its_value_and_its_turn() {
    let board = Board::new();
    let first = board.begin(1);
    let mut followers = [board.join(1), board.join(1)];
    board.outdate(1);
    first.abandon_in(&board, HASH);
    let Some(Landed::YourTurn(next)) = followers[0].block(None) else { panic!("no turn") };
    next.land_in(&board, HASH, || 5);
    let Some(Landed::Value(value)) = followers[1].block(None) else { panic!("no value") };
    assert_eq!(*value, 5);
    board.with_flights(|flights| assert!(flights.find(HASH, |_| None).unwrap().is_none()));
}

#[test]
fn the_last_follower_to_leave_an_abandoned_flight_removes_it() {
    let board = Board::new();
    let first = board.begin(1);
    let seats = [board.join(1), board.join(1)];
    first.abandon_in(&board, HASH);
    assert!(board.find(1).is_some());
    drop(seats);
    assert!(board.find(1).is_none());
}

#[test]
fn errors_that_cannot_be_copied_pass_the_turn_on() {
    let board = Board::new();
    let first = board.begin(1);
    let mut follower = board.join(1);
    first.fail_in(&board, HASH, || None);
    assert!(matches!(follower.block(None), Some(Landed::YourTurn(_))));
    assert!(board.find(1).is_none(), "nobody joins a flight that has failed");
}
