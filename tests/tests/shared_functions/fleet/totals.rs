//! `_cache_totals` with `scope = shared`: those of all processes.

use super::{Place, in_every_place};
use crate::shared::function_worker::Worker;

in_every_place! {
    totals_are_those_of_all_workers
    what_one_worker_alone_knows_reaches_the_others
    a_killed_worker_takes_no_hit_with_it
    the_time_of_runs_is_that_of_all_workers
    hits_of_a_near_cache_count
}

fn totals_are_those_of_all_workers(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    for x in [1, 1, 2, 3, 3, 1] {
        one.ask(&format!("counted {x}"));
        other.ask(&format!("counted {x}"));
    }
    let expected = "[8, 4, 2, 0, 0, 0]";
    for worker in [&mut one, &mut other] {
        assert_eq!(worker.ask("counted_totals"), expected);
        assert_eq!(worker.ask("registered_totals"), expected);
    }
    one.ask("counted_clear");
    assert_eq!(other.ask("counted_totals"), expected);
    one.ask("counted 1");
    other.ask("counted 1");
    other.ask("counted_clear");
    one.ask("counted_clear");
    other.ask("counted 1");
    assert_eq!([&mut one, &mut other].map(|worker| worker.ask("counted_totals")), ["[9, 6, 2, 0, 0, 0]"; 2]);
    assert_eq!(
        Worker::start(&place.url).ask("counted_totals"),
        "[9, 6, 2, 0, 0, 0]",
        "of one that was not there"
    );
}

/// Asks until the answer is that one.
fn comes_to(worker: &mut Worker, command: &str, expected: &str) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let answer = worker.ask(command);
        if answer == expected {
            return;
        }
        assert!(std::time::Instant::now() < end, "{command}: {answer}, and not {expected}");
        std::thread::yield_now();
    }
}

fn what_one_worker_alone_knows_reaches_the_others(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    (0..3).for_each(|_| assert_eq!(one.ask("counted 13"), "Err(\"13\")"));
    assert_eq!(one.ask("counted_totals"), "[0, 3, 0, 0, 3, 0]", "its own it knows at once");
    comes_to(&mut other, "counted_totals", "[0, 3, 0, 0, 3, 0]");
    assert_eq!(other.ask("counted 13"), "Err(\"13\")");
    assert_eq!(other.ask("counted_by_threads 300"), "Ok(300) Ok(300)");
    assert_eq!(other.ask("counted_totals"), "[1, 5, 0, 0, 4, 1]");
    comes_to(&mut one, "counted_totals", "[1, 5, 0, 0, 4, 1]");
}

fn a_killed_worker_takes_no_hit_with_it(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    for x in [1, 1, 1, 2, 3] {
        one.ask(&format!("counted {x}"));
    }
    one.kill();
    assert_eq!(other.ask("counted_totals"), "[2, 3, 1, 0, 0, 0]");
}

fn the_time_of_runs_is_that_of_all_workers(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    one.ask("counted 100");
    one.ask("counted 110");
    other.ask("counted 100");
    other.ask("counted 110");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let answer = other.ask("counted_milliseconds");
        let numbers: Vec<u64> = answer.split(' ').map(|number| number.parse().expect("a number")).collect();
        if numbers[0] >= 210 {
            assert!(numbers[1].abs_diff(numbers[0]) <= 1, "two runs, and as many hits: {answer}");
            break;
        }
        assert!(std::time::Instant::now() < end, "{answer}");
    }
}

fn hits_of_a_near_cache_count(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    (0..5).for_each(|_| _ = one.ask("counted_near 1"));
    (0..4).for_each(|_| _ = other.ask("counted_near 1"));
    comes_to(&mut one, "counted_near_totals", "[8, 1, 0, 0, 0, 0]");
    comes_to(&mut other, "counted_near_totals", "[8, 1, 0, 0, 0, 0]");
}

/// What a worker tells whose server has died, and has come back empty.
fn the_server_is_away_and_comes_back(url: &str, kill: &mut dyn FnMut(bool)) {
    let [mut one, mut other] = [Worker::start(url), Worker::start(url)];
    [1, 2, 3].into_iter().for_each(|x| _ = one.ask(&format!("counted {x}")));
    other.ask("counted 3");
    assert_eq!(one.ask("counted_totals"), "[1, 3, 1, 0, 0, 0]");
    kill(true);
    one.ask("counted 1");
    one.ask("counted 13");
    assert_eq!(one.ask("counted_totals"), "[1, 5, 1, 0, 1, 0]", "what it was told, and its own since");
    assert_eq!(other.ask("counted_totals"), "[1, 0, 0, 0, 0, 0]", "it was told nothing");
    kill(false);
    // The server has forgotten, and is told what it has missed.
    comes_to(&mut one, "counted_totals", "[0, 2, 0, 0, 1, 0]");
    comes_to(&mut other, "counted_totals", "[0, 2, 0, 0, 1, 0]");
}

#[cfg(feature = "redis")]
#[test]
fn without_redis_a_process_tells_its_own_part() {
    let mut server = crate::shared::RedisServer::start();
    let url = server.url();
    the_server_is_away_and_comes_back(&url, &mut |kill| if kill { server.kill() } else { server.restart() });
}

#[cfg(feature = "memcached")]
#[test]
fn without_memcached_a_process_tells_its_own_part() {
    let scratch = crate::shared::Scratch::new();
    let mut server = crate::shared::memcached_server::Server::on_socket(&scratch, &[]);
    let url = server.patient_url();
    the_server_is_away_and_comes_back(&url, &mut |kill| if kill { server.kill() } else { server.restart() });
}

mod in_one_process {
    use std::panic::catch_unwind;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::time::Duration;

    use lru_memo::{invalidate_tag, lru_cache};
    use lru_memo_tests::totals::{counts, expirations_are_no_evictions};
    use pollster::block_on;

    #[test]
    fn a_clear_lowers_no_total() {
        #[lru_cache(maxsize = 2, scope = shared)]
        fn double(x: u32) -> u32 {
            2 * x
        }
        lru_memo_tests::in_memory_or_chosen();
        assert_eq!(counts(double_cache_totals()), [0; 6]);
        for round in 1..5 {
            [1, 2, 1, 3, 4].into_iter().for_each(|x| _ = double(x));
            let before = counts(double_cache_totals());
            assert_eq!(before, [1, 4, 2, 0, 0, 0].map(|count| count * round));
            double_cache_clear();
            assert_eq!(counts(double_cache_totals()), before);
        }
        double_cache_resize(4);
        (0..4).for_each(|x| _ = double(x));
        double_cache_resize(1);
        assert_eq!(counts(double_cache_totals()), [4, 20, 11, 0, 0, 0], "what a new bound evicts counts");
        double_cache_invalidate(3);
        assert_eq!(double_cache_totals().evictions, 11, "an invalidation is no eviction");
    }

    #[test]
    fn entries_that_are_too_old_are_expirations() {
        #[lru_cache(maxsize = 2, ttl = "1h", scope = shared)]
        fn identity(x: u32) -> u32 {
            x
        }
        lru_memo_tests::in_memory_or_chosen();
        expirations_are_no_evictions(identity, identity_cache_totals, Duration::from_secs(3600));
    }

    #[test]
    fn errors_panics_and_cancelled_runs_are_errors() {
        #[lru_cache(scope = shared)]
        fn fallible(x: u32) -> Result<u32, String> {
            assert!(x != 2, "user code");
            if x == 1 { Err("one".to_owned()) } else { Ok(x) }
        }
        #[lru_cache(scope = shared)]
        async fn never(_x: u32) -> u32 {
            HAS_BEGUN.store(true, SeqCst);
            std::future::pending().await
        }
        static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
        lru_memo_tests::open_store();
        assert!(fallible(0).is_ok() && fallible(1).is_err() && catch_unwind(|| fallible(2)).is_err());
        assert_eq!(counts(fallible_cache_totals()), [0, 3, 0, 0, 2, 0]);
        {
            let mut call = std::pin::pin!(never(1));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            while !HAS_BEGUN.load(SeqCst) {
                assert!(call.as_mut().poll(&mut context).is_pending());
            }
        }
        assert_eq!(counts(block_on(never_cache_totals())), [0, 1, 0, 0, 1, 0]);
    }

    #[test]
    fn totals_never_become_smaller_where_hits_turn_out_to_be_misses() {
        #[lru_cache(scope = shared, tags = ["monotone"])]
        fn tagged(x: u32) -> u32 {
            x
        }
        lru_memo_tests::in_memory_or_chosen();
        let mut last = tagged_cache_totals();
        for _ in 0..10 {
            tagged(1);
            tagged(1);
            let now = tagged_cache_totals();
            assert!(now.hits >= last.hits && now.misses >= last.misses, "{now:?} after {last:?}");
            last = now;
            invalidate_tag("monotone");
        }
        assert_eq!((last.hits, last.misses), (10, 10));
    }
}
