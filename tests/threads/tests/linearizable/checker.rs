//! The checker accepts what can be explained, and nothing else.

use lru_memo_tests::history::Did::{self, Cleared, Counted, Hit, Invalidated, Missed, Peeked, Put};
use lru_memo_tests::history::{Allowed, Event, History};

/// Operations one after the other, each over before the next one begins. The moment of a run is set here.
fn in_sequence(maxsize: usize, did: &[Did]) -> History {
    let event = |(number, &did): (usize, &Did)| {
        let begun = number as u64 * 10;
        let did = if let Missed(key, value, _) = did { Missed(key, value, begun + 5) } else { did };
        Event { thread: 0, begun, over: begun + 9, did }
    };
    History { maxsize, events: did.iter().enumerate().map(event).collect() }
}

/// Operations between moments.
fn at_once(maxsize: usize, events: &[(u64, u64, Did)]) -> History {
    let event = |(thread, &(begun, over, did))| Event { thread, begun, over, did };
    History { maxsize, events: events.iter().enumerate().map(event).collect() }
}

fn miss(key: u8, value: u32) -> Did {
    Missed(key, value, 0)
}

fn accepts(maxsize: usize, did: &[Did]) -> bool {
    in_sequence(maxsize, did).is_linearizable(Allowed::default())
}

#[test]
fn what_one_thread_does_is_accepted() {
    assert!(accepts(2, &[miss(1, 7), miss(2, 8), Hit(1, 7), miss(3, 9), Counted(1, 3, 2)]));
    assert!(accepts(
        2,
        &[miss(1, 7), miss(2, 8), Hit(1, 7), miss(3, 9), Peeked(2, None), Peeked(1, Some(7))]
    ));
    assert!(accepts(
        1,
        &[Put(1, 7), Invalidated(1, true), Invalidated(1, false), miss(1, 8), Cleared, Counted(0, 0, 0)]
    ));
}

#[test]
fn a_wrong_survivor_is_refused() {
    let entries = [miss(1, 7), miss(2, 8), Hit(1, 7), miss(3, 9)];
    assert!(!accepts(2, &[&entries[..], &[Peeked(1, None)]].concat()));
    assert!(!accepts(2, &[&entries[..], &[Peeked(2, Some(8))]].concat()));
    assert!(!accepts(2, &[&entries[..], &[Put(4, 10), Peeked(3, None)]].concat()));
}

#[test]
fn lost_counts_are_refused() {
    assert!(!accepts(2, &[miss(1, 7), Hit(1, 7), Counted(0, 1, 1)]));
    assert!(!accepts(2, &[miss(1, 7), Hit(1, 7), Counted(1, 0, 1)]));
    assert!(!accepts(2, &[miss(1, 7), Hit(1, 7), Counted(1, 1, 0)]));
    assert!(!accepts(2, &[miss(1, 7), Cleared, Counted(0, 1, 0)]));
}

#[test]
fn values_from_nowhere_are_refused() {
    assert!(!accepts(2, &[miss(1, 7), Hit(1, 8)]));
    assert!(!accepts(2, &[Hit(1, 8)]));
    assert!(!accepts(2, &[miss(1, 7), Invalidated(1, true), Peeked(1, Some(7))]));
    assert!(!accepts(2, &[miss(1, 7), Put(1, 8), Hit(1, 7)]));
    assert!(!accepts(2, &[miss(1, 7), Invalidated(1, false)]));
}

#[test]
fn a_miss_of_what_is_there_is_refused() {
    assert!(!accepts(2, &[miss(1, 7), miss(1, 8)]));
    // Not if both were looked up before one was stored: then the first one that is stored stays.
    let twice = [(0, 10, Missed(1, 7, 5)), (1, 11, Missed(1, 8, 6))];
    for value in [7, 8] {
        let after = [(12, 13, Peeked(1, Some(value))), (14, 15, Counted(0, 2, 1))];
        assert!(at_once(2, &[&twice[..], &after].concat()).is_linearizable(Allowed::default()));
    }
    // When the first was over before the other one ran, the first stays.
    let twice = [(0, 10, Missed(1, 7, 5)), (1, 20, Missed(1, 8, 15))];
    let after = |value| (21, 22, Peeked(1, Some(value)));
    assert!(at_once(2, &[&twice[..], &[after(7)]].concat()).is_linearizable(Allowed::default()));
    assert!(!at_once(2, &[&twice[..], &[after(8)]].concat()).is_linearizable(Allowed::default()));
}

#[test]
fn operations_at_once_are_accepted_in_either_order_but_not_in_both() {
    let puts = [(0, 10, Put(1, 7)), (1, 11, Put(1, 8))];
    let after = |at, value| (at, at + 1, Hit(1, value));
    for value in [7, 8] {
        assert!(
            at_once(1, &[&puts[..], &[after(12, value), after(14, value)]].concat())
                .is_linearizable(Allowed::default())
        );
    }
    assert!(
        !at_once(1, &[&puts[..], &[after(12, 7), after(14, 8)]].concat()).is_linearizable(Allowed::default())
    );
    // The one that was over when the other began goes first.
    let puts = [(0, 1, Put(1, 7)), (2, 11, Put(1, 8))];
    assert!(!at_once(1, &[&puts[..], &[after(12, 7)]].concat()).is_linearizable(Allowed::default()));
}

#[test]
fn a_hit_at_once_with_an_eviction_is_before_it_or_refused() {
    let full = [(0, 2, Missed(1, 7, 1)), (3, 5, Missed(2, 8, 4))];
    let at_once_with = |left| {
        let more = [(10, 20, Hit(1, 7)), (11, 21, Put(3, 9)), (22, 23, Peeked(left, None))];
        at_once(2, &[&full[..], &more].concat()).is_linearizable(Allowed::default())
    };
    assert!(at_once_with(2));
    assert!(!at_once_with(1), "a hit came before, so that 2 was the least recent");
}

#[test]
fn what_was_computed_while_its_key_was_forgotten_is_refused_as_an_entry() {
    let forgotten = |forgets, value, misses| {
        // The function ran before, and the call was over after it.
        let events =
            [(0, 10, Missed(1, 7, 2)), (4, 6, forgets), (11, 12, Peeked(1, value)), (13, 14, misses)];
        at_once(2, &events).is_linearizable(Allowed::default())
    };
    assert!(forgotten(Cleared, None, Counted(0, 0, 0)));
    assert!(!forgotten(Cleared, Some(7), Counted(0, 0, 1)));
    assert!(forgotten(Invalidated(1, false), None, Counted(0, 1, 0)));
    assert!(!forgotten(Invalidated(1, false), Some(7), Counted(0, 1, 1)));
    assert!(forgotten(Invalidated(1, true), None, Counted(0, 1, 0)), "it was stored, then removed");
    assert!(forgotten(Invalidated(2, false), Some(7), Counted(0, 1, 1)), "another key");
}

/// What is not an order of single steps, but one of steps of which those of one kind have parts.
#[test]
fn what_is_allowed_to_have_parts_may_come_late_and_nothing_else() {
    let none = Allowed::default();
    let full = [(0, 2, Missed(1, 7, 1)), (3, 5, Missed(2, 8, 4))];
    let lost_hit = [(10, 20, Hit(1, 7)), (11, 21, Put(3, 9)), (22, 23, Peeked(1, None))];
    let counted_after_a_clear = [(10, 20, Hit(1, 7)), (11, 21, Cleared), (22, 23, Counted(1, 0, 0))];
    let stored_but_not_counted =
        [(10, 20, Missed(3, 9, 15)), (11, 12, Cleared), (22, 23, Hit(3, 9)), (24, 25, Counted(1, 0, 1))];
    let not_stored = [(10, 20, Missed(3, 9, 15)), (14, 16, Invalidated(4, false)), (22, 23, Peeked(3, None))];
    let overtaken = [
        (10, 30, Put(3, 9)),
        (11, 12, Hit(2, 8)),
        (13, 14, Peeked(3, None)),
        (31, 32, Put(4, 10)),
        (33, 34, Peeked(2, Some(8))),
    ];
    let cases: [(&[_], Allowed); 6] = [
        (&lost_hit, Allowed { late_hits: true, ..none }),
        (&counted_after_a_clear, Allowed { late_hits: true, ..none }),
        (&stored_but_not_counted, Allowed { late_misses: true, ..none }),
        (&stored_but_not_counted, Allowed { slow_clears: true, ..none }),
        (&not_stored, Allowed { broad_invalidations: true, ..none }),
        (&overtaken, Allowed { slow_stores: true, ..none }),
    ];
    for (number, (events, allowed)) in cases.into_iter().enumerate() {
        let history = at_once(2, &[&full[..], events].concat());
        assert!(!history.is_linearizable(none), "case {number}");
        assert!(history.is_linearizable(allowed), "case {number}");
        // Of what is over before the next begins, nothing comes late.
        let in_sequence = in_sequence(2, &history.events.iter().map(|event| event.did).collect::<Vec<_>>());
        assert!(!in_sequence.is_linearizable(Allowed::ALL), "case {number}");
    }
}
