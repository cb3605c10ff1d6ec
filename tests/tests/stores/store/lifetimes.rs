//! `ttl`, `idle`, and the age that an entry counts as, by the driven clock.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lru_memo::clock;
use lru_memo::shared::{Entry, Namespace, Store};
use lru_memo_tests::clock_for_me_alone;

use crate::shared::{info, peek, put, space, square};

pub fn entries_expire_when_they_reach_their_age(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let space = space("f", Some(3)).with_ttl(Some(Duration::from_secs(1000)));
    square(store, &space, 1);
    clock::advance(Duration::from_secs(900));
    assert!(square(store, &space, 1));
    clock::advance(Duration::from_secs(100));
    assert_eq!(peek(store, &space, &1_u64.to_le_bytes()), None);
    assert!(!store.invalidate(&space, &1_u64.to_le_bytes()).expect("it works"));
    assert!(!square(store, &space, 1));
    assert!(square(store, &space, 1));
    assert_eq!(info(store, &space), (2, 2, 1));
}

pub fn an_entry_that_nobody_uses_expires_and_each_use_puts_that_off(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    for maxsize in [Some(8), None] {
        let space = space("f", maxsize).with_idle(Some(Duration::from_secs(1000)));
        [1, 2, 3, 4].into_iter().for_each(|x| _ = square(store, &space, x));
        let later = |seconds| clock::advance(Duration::from_secs(seconds));
        let there = || [1, 2, 3, 4].map(|x: u64| peek(store, &space, &x.to_le_bytes()).is_some());
        later(600);
        assert_eq!(there(), [true; 4], "{maxsize:?}");
        assert!(square(store, &space, 1));
        put(store, &space, &2_u64.to_le_bytes(), &4_u64.to_le_bytes(), 1);
        assert!(store.get_if_present(&space, &3_u64.to_le_bytes()).expect("it works").is_some());
        // The last one was peeked at, which is no use.
        later(600);
        assert_eq!(there(), [true, true, true, false]);
        assert!(!square(store, &space, 4));
        later(500);
        assert!(!store.invalidate(&space, &1_u64.to_le_bytes()).expect("it works"), "as if not there");
        assert_eq!(there(), [false, false, false, true]);
        assert!(!square(store, &space, 2), "it is not there for a call");
        assert!(square(store, &space, 2) && square(store, &space, 4));
        later(1000);
        assert_eq!(there(), [false; 4]);
        store.clear(&space).expect("it works");
        let listed = store.namespaces().expect("it works");
        assert!(listed.iter().any(|listed| listed.max_idle == Some(Duration::from_secs(1000))), "{listed:?}");
    }
}

pub fn an_entry_that_is_used_now_and_then_stays_until_its_ttl_whatever_its_age(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    for maxsize in [Some(8), None] {
        let (ttl, idle) = (Duration::from_secs(10_000), Duration::from_secs(1000));
        let space = space("f", maxsize).with_ttl(Some(ttl)).with_idle(Some(idle));
        put_older(store, &space, 1, 5000);
        put_older(store, &space, 2, 0);
        for quarter in 1..=19 {
            clock::advance(idle / 4);
            assert!(square(store, &space, 1) && square(store, &space, 2), "{quarter} quarters");
        }
        clock::advance(idle / 4);
        assert_eq!([1, 2].map(|x| square(store, &space, x)), [false, true], "{maxsize:?}");
        for quarter in 21..=39 {
            clock::advance(idle / 4);
            assert!(square(store, &space, 2), "{quarter} quarters");
        }
        clock::advance(idle / 4);
        assert!(!square(store, &space, 2));
        // As old as it could be is not as unused.
        put_older(store, &space, 3, 9500);
        clock::advance(Duration::from_secs(499));
        assert!(square(store, &space, 3));
    }
}

pub fn what_was_unused_for_too_long_makes_room_as_what_has_expired(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let space = space("f", Some(3)).with_idle(Some(Duration::from_secs(1000)));
    [1, 2, 3].into_iter().for_each(|x| _ = square(store, &space, x));
    clock::advance(Duration::from_secs(600));
    square(store, &space, 3);
    clock::advance(Duration::from_secs(600));
    [4, 5].into_iter().for_each(|x| _ = square(store, &space, x));
    let left = || {
        let totals = store.summary(&space).expect("it works").totals.expect("it counts");
        (totals.evictions, totals.expirations)
    };
    assert_eq!(left(), (0, 2));
    square(store, &space, 6);
    assert_eq!(left(), (1, 2));
}

pub fn an_entry_that_is_used_stays_however_busy_others_are(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let idle = Duration::from_secs(1000);
    for maxsize in [Some(100), None] {
        let space = &space("f", maxsize).with_idle(Some(idle));
        let is_done = &AtomicBool::new(false);
        square(store, space, 0);
        thread::scope(|scope| {
            for number in 1..4 {
                scope.spawn(move || {
                    while !is_done.load(SeqCst) {
                        square(store, space, number);
                    }
                });
            }
            let hits = (0..40).map(|_| {
                clock::advance(idle / 4);
                square(store, space, 0)
            });
            let hits = hits.filter(|hit| *hit).count();
            is_done.store(true, SeqCst);
            assert_eq!(hits, 40, "{maxsize:?}");
        });
    }
}

/// Puts the square of a number that counts as so many seconds old.
fn put_older(store: &dyn Store, space: &Namespace, x: u64, age: u64) {
    let (value, age) = ((x * x).to_le_bytes(), Duration::from_secs(age));
    let entry = Entry { value: &value, weight: 1, computed_since: None, replace: true, age };
    assert!(store.store(space, &x.to_le_bytes(), entry).expect("it works"));
}

pub fn the_expired_go_first(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let space = space("f", Some(3)).with_ttl(Some(Duration::from_secs(1000)));
    square(store, &space, 1);
    clock::advance(Duration::from_secs(600));
    [2, 3, 1].into_iter().for_each(|x| _ = square(store, &space, x));
    clock::advance(Duration::from_secs(600));
    // The first has expired, although the second is the least recent.
    square(store, &space, 4);
    assert!(
        [2, 3, 4].map(|x: u64| peek(store, &space, &x.to_le_bytes()).is_some()).into_iter().all(|kept| kept)
    );
}

/// Puts a number that counts as so many seconds old.
pub fn an_entry_that_counts_as_older_expires_earlier(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    for maxsize in [Some(3), None] {
        let space = space("f", maxsize).with_ttl(Some(Duration::from_secs(1000)));
        let there = || [1, 2, 3].map(|x: u64| peek(store, &space, &x.to_le_bytes()).is_some());
        put_older(store, &space, 1, 0);
        put_older(store, &space, 2, 900);
        put_older(store, &space, 3, 500);
        assert_eq!(there(), [true; 3]);
        clock::advance(Duration::from_secs(100));
        assert_eq!(there(), [true, false, true]);
        assert!(square(store, &space, 3) && !square(store, &space, 2));
        clock::advance(Duration::from_secs(400));
        assert_eq!(there(), [true, true, false]);
        clock::advance(Duration::from_secs(500));
        assert_eq!(there(), [false, true, false], "the second was stored anew");
    }
}

pub fn what_expires_first_goes_first_whenever_it_was_stored(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let space = space("f", Some(300)).with_ttl(Some(Duration::from_secs(1000)));
    let there = |keys: [u64; 3]| keys.map(|x| peek(store, &space, &x.to_le_bytes()).is_some());
    // The last one makes the store look for what is the oldest.
    (0..=300).for_each(|x| put_older(store, &space, x, 0));
    assert_eq!(there([0, 1, 2]), [false, true, true]);
    put_older(store, &space, 400, 850);
    put_older(store, &space, 401, 900);
    put_older(store, &space, 402, 880);
    assert_eq!(there([2, 3, 4]), [false, false, true]);
    for (seconds, expired) in [(100, 401), (20, 402), (30, 400)] {
        clock::advance(Duration::from_secs(seconds));
        put_older(store, &space, 500 + expired, 0);
        assert_eq!(there([4, expired, 500 + expired]), [true, false, true]);
        assert_eq!(info(store, &space).2, 300);
    }
    put_older(store, &space, 600, 0);
    assert_eq!(there([4, 5, 600]), [false, true, true], "then the least recent");
}
