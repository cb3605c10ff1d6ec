//! What every shared store does, on each of them: counting, recency, bounds, expiry, tickets, leases.

mod lifetimes;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lifetimes::*;
use lru_memo::clock;
#[cfg(feature = "memcached")]
use lru_memo::shared::Memcached;
use lru_memo::shared::{Entry, Found, Memory, Namespace, Store};
use lru_memo_tests::clock_for_me_alone;

use crate::shared::{Scratch, call, info, peek, put, space, square};

/// Runs each of these checks on each store.
macro_rules! on_every_store {
    ($($check:ident)*) => {
        #[cfg(feature = "memcached")]
        mod memcached {
            $(#[test] fn $check() { super::on_memcached(super::$check); })*
        }
        mod memory {
            $(#[test] fn $check() { super::$check(&super::Memory::new()); })*
        }
        mod embedded {
            $(#[test] fn $check() { super::$check(&super::Scratch::new().store()); })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[test] fn $check() { super::$check(&crate::shared::RedisServer::start().store()); })*
        }
        mod embedded_where_all_keys_collide {
            $(#[test] fn $check() { super::$check(&super::Scratch::new().colliding_store(0)); })*
        }
    };
}

on_every_store! {
    hits_and_misses_are_counted
    exactly_the_least_recent_entry_is_evicted
    a_cache_of_size_zero_stores_nothing
    an_unbounded_cache_keeps_everything
    a_bounded_cache_keeps_what_appeared_meanwhile
    a_put_replaces_and_makes_most_recent
    a_peek_touches_nothing
    a_hit_that_is_not_there_is_not_counted
    an_invalidated_key_is_gone
    nothing_is_stored_that_was_computed_before_a_clear
    nothing_is_stored_that_was_computed_before_an_invalidation_of_its_key
    many_invalidations_forbid_to_store_what_was_computed_before
    a_rejected_hit_becomes_a_miss
    a_hit_of_an_old_value_becomes_a_miss_and_the_entry_stays
    entries_expire_when_they_reach_their_age
    the_expired_go_first
    an_entry_that_nobody_uses_expires_and_each_use_puts_that_off
    an_entry_that_is_used_now_and_then_stays_until_its_ttl_whatever_its_age
    what_was_unused_for_too_long_makes_room_as_what_has_expired
    an_entry_that_is_used_stays_however_busy_others_are
    an_entry_that_counts_as_older_expires_earlier
    what_expires_first_goes_first_whenever_it_was_stored
    a_smaller_bound_evicts_the_expired_and_then_the_least_recent
    a_bound_of_thousands_shrinks_in_steps
    weights_are_bounded
    an_entry_that_is_too_heavy_is_not_stored_and_what_it_replaces_goes
    namespaces_do_not_mix
    namespaces_are_listed
    a_listed_namespace_tells_its_limits_and_can_be_cleared
    keys_and_values_have_any_length
    one_thread_at_a_time_has_the_lease
    threads_count_exactly
    what_was_hit_is_not_evicted_at_the_same_time
}

/// A server of its own, that takes entries of any length.
#[cfg(feature = "memcached")]
fn on_memcached(check: fn(&dyn Store)) {
    let scratch = Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &["-I", "32m", "-m", "256"]);
    // Nothing depends on the time that anything takes.
    check(
        &Memcached::new(&format!("{}?timeout=60s&connect_timeout=60s", server.url())).expect("it is a URL"),
    );
}

fn hits_and_misses_are_counted(store: &dyn Store) {
    let space = space("f", Some(3));
    assert_eq!(info(store, &space), (0, 0, 0));
    assert!(!square(store, &space, 1));
    assert!(square(store, &space, 1));
    assert!(!square(store, &space, 2));
    assert_eq!(info(store, &space), (1, 2, 2));
    store.clear(&space).expect("it works");
    assert_eq!(info(store, &space), (0, 0, 0));
    assert!(!square(store, &space, 1));
    assert_eq!(info(store, &space), (0, 1, 1));
}

fn exactly_the_least_recent_entry_is_evicted(store: &dyn Store) {
    let space = space("f", Some(3));
    [1, 2, 3, 1, 4].into_iter().for_each(|x| _ = square(store, &space, x));
    let kept = |x: u64| peek(store, &space, &x.to_le_bytes()).is_some();
    assert_eq!([1, 2, 3, 4].map(kept), [true, false, true, true]);
    [3, 1, 5, 6].into_iter().for_each(|x| _ = square(store, &space, x));
    assert_eq!([1, 3, 4, 5, 6].map(kept), [true, false, false, true, true]);
    assert_eq!(info(store, &space).2, 3);
}

fn a_cache_of_size_zero_stores_nothing(store: &dyn Store) {
    let space = space("f", Some(0));
    assert_eq!([1, 1, 1].map(|x| square(store, &space, x)), [false; 3]);
    assert!(!put(store, &space, b"k", b"v", 1));
    assert_eq!(info(store, &space), (0, 3, 0));
}

fn an_unbounded_cache_keeps_everything(store: &dyn Store) {
    let space = space("f", None);
    for x in 0..1000 {
        assert!(!square(store, &space, x));
    }
    for x in 0..1000 {
        assert!(square(store, &space, x));
    }
    assert_eq!(info(store, &space), (1000, 1000, 1000));
}

fn a_bounded_cache_keeps_what_appeared_meanwhile(store: &dyn Store) {
    let space = space("f", Some(2));
    let outer = call(store, &space, b"k", || {
        call(store, &space, b"k", || b"first".to_vec());
        square(store, &space, 1);
        b"second".to_vec()
    });
    assert_eq!(outer, (false, b"second".to_vec()));
    assert_eq!(peek(store, &space, b"k"), Some(b"first".to_vec()));
    // Its recency is as it was: it goes first.
    square(store, &space, 2);
    assert_eq!(peek(store, &space, b"k"), None);
}

fn a_put_replaces_and_makes_most_recent(store: &dyn Store) {
    let space = space("f", Some(2));
    put(store, &space, b"a", b"1", 1);
    put(store, &space, b"b", b"2", 1);
    put(store, &space, b"a", b"3", 1);
    put(store, &space, b"c", b"4", 1);
    assert_eq!(peek(store, &space, b"a"), Some(b"3".to_vec()));
    assert_eq!(peek(store, &space, b"b"), None);
    assert_eq!(info(store, &space), (0, 0, 2));
}

fn a_peek_touches_nothing(store: &dyn Store) {
    let space = space("f", Some(2));
    [1, 2].into_iter().for_each(|x| _ = square(store, &space, x));
    assert!(peek(store, &space, &1_u64.to_le_bytes()).is_some());
    square(store, &space, 3);
    assert!(peek(store, &space, &1_u64.to_le_bytes()).is_none());
    assert_eq!(info(store, &space), (0, 3, 2));
}

fn a_hit_that_is_not_there_is_not_counted(store: &dyn Store) {
    let space = space("f", Some(2));
    assert_eq!(store.get_if_present(&space, b"k").expect("it works"), None);
    put(store, &space, b"k", b"v", 1);
    assert_eq!(store.get_if_present(&space, b"k").expect("it works"), Some(b"v".to_vec()));
    assert_eq!(info(store, &space), (1, 0, 1));
}

fn an_invalidated_key_is_gone(store: &dyn Store) {
    let space = space("f", Some(3));
    [1, 2, 3].into_iter().for_each(|x| _ = square(store, &space, x));
    assert!(store.invalidate(&space, &2_u64.to_le_bytes()).expect("it works"));
    assert!(!store.invalidate(&space, &2_u64.to_le_bytes()).expect("it works"));
    assert_eq!(info(store, &space), (0, 3, 2));
    assert_eq!([1, 3, 2].map(|x| square(store, &space, x)), [true, true, false]);
    assert_eq!(info(store, &space), (2, 4, 3));
}

fn nothing_is_stored_that_was_computed_before_a_clear(store: &dyn Store) {
    let space = space("f", Some(3));
    call(store, &space, b"k", || {
        store.clear(&space).expect("it works");
        b"v".to_vec()
    });
    assert_eq!(peek(store, &space, b"k"), None);
    let ticket = store.ticket(&space).expect("it works");
    let entry =
        Entry { value: b"v", weight: 1, computed_since: Some(ticket), replace: true, age: Duration::ZERO };
    assert!(store.store(&space, b"k", entry).expect("it works"));
    assert_eq!(info(store, &space), (0, 0, 1));
}

fn nothing_is_stored_that_was_computed_before_an_invalidation_of_its_key(store: &dyn Store) {
    let space = space("f", Some(3));
    call(store, &space, b"k", || {
        assert!(!store.invalidate(&space, b"k").expect("it works"));
        b"v".to_vec()
    });
    assert_eq!(peek(store, &space, b"k"), None);
    call(store, &space, b"k", || b"v".to_vec());
    assert_eq!(peek(store, &space, b"k"), Some(b"v".to_vec()));
}

fn many_invalidations_forbid_to_store_what_was_computed_before(store: &dyn Store) {
    let space = space("f", Some(3));
    call(store, &space, b"k", || {
        (0..1000_u64).for_each(|x| _ = store.invalidate(&space, &x.to_le_bytes()).expect("it works"));
        b"v".to_vec()
    });
    assert_eq!(peek(store, &space, b"k"), None);
}

fn a_rejected_hit_becomes_a_miss(store: &dyn Store) {
    let space = space("f", Some(3));
    put(store, &space, b"k", b"not what was expected", 1);
    assert!(matches!(store.get(&space, b"k"), Ok(Found::Hit(_))));
    let ticket = store.reject(&space, b"k").expect("it works");
    assert_eq!(info(store, &space), (0, 1, 0));
    let entry =
        Entry { value: b"v", weight: 1, computed_since: Some(ticket), replace: false, age: Duration::ZERO };
    assert!(store.store(&space, b"k", entry).expect("it works"));
}

fn a_hit_of_an_old_value_becomes_a_miss_and_the_entry_stays(store: &dyn Store) {
    for maxsize in [Some(3), None] {
        let space = space("f", maxsize);
        put(store, &space, b"k", b"old", 1);
        for _ in 0..2 {
            assert!(matches!(store.get(&space, b"k"), Ok(Found::Hit(_))));
        }
        store.hit_to_miss(&space, b"k").expect("it works");
        assert_eq!(info(store, &space), (1, 1, 1));
        assert_eq!(peek(store, &space, b"k").as_deref(), Some(&b"old"[..]));
    }
}

fn a_smaller_bound_evicts_the_expired_and_then_the_least_recent(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let space = space("f", Some(4)).with_ttl(Some(Duration::from_secs(100)));
    let bound = || store.summary(&space).expect("it works").maxsize;
    assert_eq!(bound(), Some(4), "of a namespace that is not there yet");
    put(store, &space, b"old", b"v", 1);
    clock::advance(Duration::from_secs(60));
    [b"a", b"b", b"c"].into_iter().for_each(|key| _ = put(store, &space, key, b"v", 1));
    // The most recent one, but it expires first.
    assert!(matches!(store.get(&space, b"old"), Ok(Found::Hit(_))));
    clock::advance(Duration::from_secs(60));
    store.resize(&space, 2).expect("it works");
    let there = || [&b"old"[..], b"a", b"b", b"c"].map(|key| peek(store, &space, key).is_some());
    assert_eq!((there(), bound()), ([false, false, true, true], Some(2)));
    store.clear(&space).expect("it works");
    assert_eq!(bound(), Some(2));
    store.resize(&space, 0).expect("it works");
    assert!(!put(store, &space, b"a", b"v", 1));
    assert_eq!((info(store, &space), bound()), ((0, 0, 0), Some(0)));
    store.resize(&space, 3).expect("it works");
    [b"x", b"a", b"b", b"c"].into_iter().for_each(|key| _ = put(store, &space, key, b"v", 1));
    assert_eq!((there(), bound()), ([false, true, true, true], Some(3)));
    let listed = store.namespaces().expect("it works");
    assert_eq!(listed.iter().map(|summary| summary.maxsize).collect::<Vec<_>>(), [Some(3)]);
}

fn a_bound_of_thousands_shrinks_in_steps(store: &dyn Store) {
    let space = space("f", Some(1000));
    (0..1000).for_each(|x| _ = square(store, &space, x));
    let is_done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(SeqCst) {
                let summary = store.summary(&space).expect("it works");
                let maxsize = summary.maxsize.expect("it has a bound");
                assert!(summary.counts.currsize <= maxsize, "{summary:?}");
            }
        });
        store.resize(&space, 3).expect("it works");
        is_done.store(true, SeqCst);
    });
    assert_eq!(info(store, &space), (0, 1000, 3));
    assert!([997, 998, 999].into_iter().all(|x| square(store, &space, x)));
}

fn weights_are_bounded(store: &dyn Store) {
    let space = space("f", None).with_max_weight(Some(10));
    put(store, &space, b"a", b"", 4);
    put(store, &space, b"b", b"", 4);
    put(store, &space, b"c", b"", 2);
    assert_eq!(info(store, &space).2, 3);
    put(store, &space, b"d", b"", 5);
    let kept = |key: &[u8]| peek(store, &space, key).is_some();
    assert_eq!([b"a", b"b", b"c", b"d"].map(|key| kept(key)), [false, false, true, true]);
    put(store, &space, b"c", b"", 5);
    assert_eq!([b"c", b"d"].map(|key| kept(key)), [true, true]);
    put(store, &space, b"e", b"", 1);
    assert_eq!([b"c", b"d", b"e"].map(|key| kept(key)), [true, false, true]);
}

fn an_entry_that_is_too_heavy_is_not_stored_and_what_it_replaces_goes(store: &dyn Store) {
    let space = space("f", Some(9)).with_max_weight(Some(10));
    put(store, &space, b"a", b"", 4);
    put(store, &space, b"b", b"", 4);
    assert!(!put(store, &space, b"c", b"", 11));
    assert_eq!(info(store, &space).2, 2);
    assert!(!put(store, &space, b"a", b"", 11));
    assert_eq!(info(store, &space).2, 1);
    assert!(put(store, &space, b"a", b"", 10));
    assert_eq!(info(store, &space).2, 1);
}

fn namespaces_do_not_mix(store: &dyn Store) {
    let (f, g) = (space("f", Some(2)), space("g", Some(2)));
    square(store, &f, 1);
    assert!(!square(store, &g, 1));
    store.clear(&f).expect("it works");
    assert!(square(store, &g, 1));
    assert_eq!(info(store, &f), (0, 0, 0));
    assert_eq!(info(store, &g), (1, 1, 1));
    // A limit makes another namespace, too.
    assert!(!square(store, &space("g", Some(3)), 1));
}

fn namespaces_are_listed(store: &dyn Store) {
    let (f, g) = (space("crate::f", Some(2)), space("crate::g", None));
    [1, 2, 1].into_iter().for_each(|x| _ = square(store, &f, x));
    square(store, &g, 1);
    let mut all = store.namespaces().expect("it works");
    all.sort_by_key(|summary| summary.name.clone());
    let told: Vec<_> = all.iter().map(|s| (s.name.as_str(), s.id, s.maxsize, s.counts.hits)).collect();
    assert_eq!(told, [("crate::f", f.id(), Some(2), 1), ("crate::g", g.id(), None, 0)]);
}

fn a_listed_namespace_tells_its_limits_and_can_be_cleared(store: &dyn Store) {
    let _turn = clock_for_me_alone();
    let ttl = Duration::from_millis(90_500);
    let limited = space("f", Some(7)).with_max_weight(Some(100)).with_ttl(Some(ttl));
    put(store, &limited, b"key", b"value", 30);
    store.get(&limited, b"no key").expect("it works");
    let all = store.namespaces().expect("it works");
    let [summary] = &all[..] else { panic!("there is one namespace: {all:?}") };
    assert_eq!((summary.maxsize, summary.max_weight, summary.ttl), (Some(7), Some(100), Some(ttl)));
    assert!(summary.weight.is_none_or(|weight| weight == 30));
    let same = summary.namespace();
    assert_eq!((same.id(), same.name(), same.ttl()), (limited.id(), "f", Some(ttl)));
    store.clear(&same).expect("it works");
    assert_eq!(info(store, &limited), (0, 0, 0));
    assert_eq!(store.namespaces().expect("it works").len(), 1);
}

#[test]
fn the_entries_that_were_used_last_are_told_without_touching_them() {
    let _turn = clock_for_me_alone();
    let (scratch, other) = (Scratch::new(), Scratch::new());
    for store in [scratch.store(), other.colliding_store(0)] {
        let space = space("f", Some(100));
        (0..50).for_each(|x| _ = square(&store, &space, x));
        for x in [7, 3, 7, 30] {
            assert!(square(&store, &space, x));
        }
        let numbers = |limit| -> Vec<u64> {
            let recent = store.recent(&space, limit).expect("it works");
            let number = |key: &[u8]| u64::from_le_bytes(key.try_into().expect("eight bytes"));
            recent.iter().map(|held| number(&held.key)).collect()
        };
        assert_eq!(numbers(5), [30, 7, 3, 49, 48]);
        assert_eq!(numbers(5), [30, 7, 3, 49, 48], "looking changes nothing");
        assert_eq!((numbers(0), numbers(1), numbers(1000).len()), (vec![], vec![30], 50));
        assert_eq!(info(&store, &space), (4, 50, 50));
        let held = &store.recent(&space, 1).expect("it works")[0];
        assert_eq!((held.value_bytes, held.weight), (8, 1));
        let aged = Duration::from_secs(3600);
        clock::advance(aged);
        let held = &store.recent(&space, 1).expect("it works")[0];
        assert!(held.age >= aged, "{:?}", held.age);
    }
}

#[test]
fn nothing_is_told_of_a_namespace_that_is_not_there_and_it_is_not_made() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert_eq!(store.recent(&space("f", None), 10).expect("it works"), []);
    assert_eq!(store.namespaces().expect("it works"), []);
}

#[test]
fn the_embedded_store_knows_bytes_and_idle_time() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let space = space("f", None);
    put(&store, &space, b"key", &[7; 10_000], 1);
    let summary = store.namespaces().expect("it works").remove(0);
    assert!(summary.bytes.is_some_and(|bytes| (10_000..20_000).contains(&bytes)), "{summary:?}");
    assert!(summary.idle.is_some_and(|idle| idle < Duration::from_secs(600)), "{summary:?}");
}

fn keys_and_values_have_any_length(store: &dyn Store) {
    let space = space("f", Some(100));
    let bytes = |length: usize| -> Vec<u8> { (0..length).map(|at| (at * 7 % 251) as u8).collect() };
    for length in [0, 1, 500, 511, 512, 2000, 4096, 5000, 70_000, 1 << 17, (16 << 20) + 1] {
        let key = bytes(length.min((1 << 17) + 1));
        let (hit, value) = call(store, &space, &key, || bytes(length));
        assert!(!hit && value == bytes(length));
        let (hit, value) = call(store, &space, &key, || unreachable!("it is there"));
        assert!(hit && value == bytes(length), "a value of {length} bytes");
    }
}

fn one_thread_at_a_time_has_the_lease(store: &dyn Store) {
    let space = space("f", Some(2));
    let running = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let lease = store.lease(&space, b"k").expect("it works");
                    assert_eq!(running.fetch_add(1, SeqCst), 0);
                    thread::yield_now();
                    running.fetch_sub(1, SeqCst);
                    drop(lease);
                }
            });
        }
    });
    let mine = store.lease(&space, b"k").expect("it works");
    assert!(store.try_lease(&space, b"k").expect("it works").is_none());
    let other = store.try_lease(&space, b"other").expect("it works");
    assert!(other.is_some());
    drop(mine);
    assert!(store.try_lease(&space, b"k").expect("it works").is_some());
}

fn threads_count_exactly(store: &dyn Store) {
    const THREADS: u64 = 8;
    const CALLS: u64 = 2000;
    let space = space("f", Some(5));
    let hits = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (hits, space) = (&hits, &space);
            scope.spawn(move || {
                for at in 0..CALLS {
                    let x = (thread * 7 + at * at) % 9;
                    hits.fetch_add(square(store, space, x).into(), SeqCst);
                    assert!(info(store, space).2 <= 5);
                }
            });
        }
    });
    let hits = hits.load(SeqCst);
    assert_eq!(info(store, &space), (hits, THREADS * CALLS - hits, 5));
}

/// Two entries, of which the older is hit while a third comes in: either that was a hit, and the other goes, or it was
/// a miss, and it is gone.
fn what_was_hit_is_not_evicted_at_the_same_time(store: &dyn Store) {
    const ROUNDS: usize = 2000;
    // Of a long value it takes a while to be copied, time enough to be evicted.
    let long = &vec![1; 300_000];
    let space = &space("f", Some(2));
    let barrier = &Barrier::new(2);
    let hit = &AtomicU64::new(0);
    let mut wrong = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..ROUNDS {
                barrier.wait();
                let found = store.get_if_present(space, b"older").expect("it works");
                hit.store(found.is_some().into(), SeqCst);
                barrier.wait();
            }
        });
        for round in 0..ROUNDS {
            put(store, space, b"older", if round % 4 == 0 { long } else { b"1" }, 1);
            put(store, space, b"newer", b"2", 1);
            barrier.wait();
            put(store, space, b"third", b"3", 1);
            barrier.wait();
            let was_hit = hit.load(SeqCst) == 1;
            let kept = [b"older", b"newer"].map(|key| peek(store, space, key).is_some());
            if kept != [was_hit, !was_hit] {
                wrong.push((round, was_hit, kept));
            }
        }
    });
    // Only now, for a thread that panics leaves the other waiting.
    assert_eq!(wrong, []);
}

/// Checks that a namespace is `Send` and `Sync`, for it is kept in a static.
const _: fn() = || {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Namespace>();
    is_shared::<Box<dyn Store>>();
};
