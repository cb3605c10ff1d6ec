//! Old values on each kind of store, with one process and with two.

use std::thread;
use std::time::{Duration, Instant};

use crate::shared::function_worker::Worker;
use crate::shared::place::Place;

fn what_one_process_does(place: Place) {
    lru_memo_tests::again_with_store(&place.url, &["stale::calls::on_a_store", "stale::threads::on_a_store"]);
}

/// Workers that have stored the value 1, which is old now.
fn workers(place: &Place) -> [Worker; 2] {
    let mut workers = [Worker::start(&place.url), Worker::start(&place.url)];
    workers.iter_mut().for_each(|worker| _ = worker.ask("source 1"));
    workers[0].tell("old 1");
    assert_eq!(workers[0].answer_and_runs(), ("(Ok(1), Miss)".to_owned(), 1));
    assert_eq!(workers[1].ask("old 1"), "(Ok(1), Hit)");
    later(&mut workers, 100);
    workers
}

fn later(workers: &mut [Worker; 2], minutes: u64) {
    workers.iter_mut().for_each(|worker| _ = worker.ask(&format!("minutes_later {minutes}")));
}

/// What a worker answers, and how often the function ran.
fn old(worker: &mut Worker) -> (String, usize) {
    worker.tell("old 1");
    worker.answer_and_runs()
}

/// Waits until the totals of all processes are these: each process tells the store of its part a little later.
fn come_to(worker: &mut Worker, totals: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let now = worker.ask("old_totals");
        if now == totals {
            return;
        }
        assert!(Instant::now() < end, "{now}, and not {totals}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn one_process_recomputes_and_others_get_the_old_value(place: Place) {
    let mut workers = workers(&place);
    workers[0].tell("old_for_ever 1");
    assert_eq!(workers[0].line(), "runs 1");
    let [first, second] = &mut workers;
    for _ in 0..3 {
        assert_eq!(old(second), ("(Ok(1), Stale)".to_owned(), 0), "at once");
    }
    come_to(second, "4 2 3 0");
    // When the first one dies, its lease ends: at once, or when it runs out.
    first.kill();
    second.ask("source 2");
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match old(second) {
            (stale, 0) => assert_eq!(stale, "(Ok(1), Stale)"),
            recomputed => {
                assert_eq!(recomputed, ("(Ok(2), Miss)".to_owned(), 1));
                break;
            }
        }
        assert!(Instant::now() < end, "the lease of a dead process ends");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(old(second), ("(Ok(2), Hit)".to_owned(), 0));
    assert_eq!(second.ask("health"), "[]");
}

fn a_failure_in_one_process_is_a_pause_for_all(place: Place) {
    let mut workers = workers(&place);
    workers[0].ask("source 0");
    assert_eq!(old(&mut workers[0]), ("(Ok(1), Stale)".to_owned(), 1));
    for worker in &mut workers {
        assert_eq!(old(worker), ("(Ok(1), Stale)".to_owned(), 0));
    }
    assert_eq!(workers[1].ask("old_info"), "CacheInfo(hits=3, misses=2, maxsize=128, currsize=1)");
    later(&mut workers, 10);
    workers[1].ask("source 2");
    assert_eq!(old(&mut workers[1]), ("(Ok(2), Miss)".to_owned(), 1));
    for worker in &mut workers {
        assert_eq!(old(worker), ("(Ok(2), Hit)".to_owned(), 0));
    }
    workers.iter_mut().for_each(|worker| come_to(worker, "5 3 2 1"));
    assert_eq!(workers[1].ask("old_info"), "CacheInfo(hits=5, misses=3, maxsize=128, currsize=1)");
    assert_eq!(workers.each_mut().map(|worker| worker.ask("health")), ["[]", "[]"]);
}

fn after_an_invalidation_by_another_process_nobody_gets_the_old_value(place: Place) {
    let mut workers = workers(&place);
    let [first, second] = &mut workers;
    first.ask("source 0");
    second.ask("source 3");
    // It fails, but not before the other one has invalidated the key.
    first.tell("old_after_an_invalidation 1");
    assert_eq!(first.line(), "runs 1");
    assert_eq!(second.ask("old_invalidate 1"), "true");
    assert_eq!(first.line(), "(Ok(1), Stale)", "its call began before");
    assert_eq!(old(second), ("(Ok(3), Miss)".to_owned(), 1));
    assert_eq!(old(first), ("(Ok(3), Hit)".to_owned(), 0));
}

fn a_large_cache_serves_old_values(place: Place) {
    let mut worker = Worker::start(&place.url);
    assert_eq!(worker.ask("old_of_many 1"), "Ok(1) Miss 1");
    worker.ask("minutes_later 100");
    worker.ask("source 1000");
    assert_eq!(worker.ask("old_of_many 1"), "Ok(1) Stale 1", "it fails");
    assert_eq!(worker.ask("old_of_many 1"), "Ok(1) Stale 1");
    worker.ask("source 0");
    worker.ask("minutes_later 10");
    assert_eq!(worker.ask("old_of_many 1"), "Ok(1) Miss 1");
    assert_eq!(worker.ask("old_of_many_info"), "CacheInfo(hits=1, misses=3, maxsize=5000, currsize=1)");
    assert_eq!(worker.ask("health"), "[]");
}

/// Each check in each place where several processes meet.
macro_rules! in_every_place {
    ($($check:ident)*) => {
        mod embedded {
            $(#[test] fn $check() { super::$check(super::Place::embedded()); })*
        }
        #[cfg(feature = "memcached")]
        mod memcached {
            $(#[test] fn $check() { super::$check(super::Place::memcached()); })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[test] fn $check() { super::$check(super::Place::redis()); })*
        }
    };
}

in_every_place! {
    what_one_process_does
    one_process_recomputes_and_others_get_the_old_value
    a_failure_in_one_process_is_a_pause_for_all
    after_an_invalidation_by_another_process_nobody_gets_the_old_value
    a_large_cache_serves_old_values
}
