//! `_cache_resize` and `LRU_MEMO_MAXSIZE` with `scope = shared`.

use std::process::Command;

use super::{Place, in_every_place};
use crate::shared::function_worker::Worker;

in_every_place! {
    a_bound_is_that_of_all_workers_and_outlives_them
    the_least_recent_leave_whoever_has_used_them
    the_environment_chooses_the_bound_of_a_process_that_makes_the_namespace
}

fn told(maxsize: usize) -> String {
    format!("[Some({maxsize}), Some({maxsize})]")
}

fn a_bound_is_that_of_all_workers_and_outlives_them(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    assert_eq!(one.ask("bounded_parameters"), told(4));
    assert_eq!(one.ask("bounded_all 4"), "12");
    // The other one has not used the function.
    other.ask("bounded_resize 2");
    let two = "CacheInfo(hits=0, misses=4, maxsize=2, currsize=2)";
    for worker in [&mut one, &mut other] {
        assert_eq!(worker.ask("bounded_info"), format!("{two} {two}"));
        assert_eq!(worker.ask("bounded_parameters"), told(2));
        assert_eq!(worker.ask("bounded_held 4"), "[2, 3]");
    }
    assert_eq!(one.ask("registered_resize 3"), "true Some(3) true Some(3)");
    assert_eq!(other.ask("bounded_all 9"), "72");
    assert_eq!(other.ask("bounded_held 9"), "[6, 7, 8]");
    one.ask("bounded_clear");
    drop((one, other));
    // A new process is compiled with another bound, and keeps the one that was set.
    let mut new = Worker::start(&place.url);
    assert_eq!(new.ask("bounded_all 9"), "72");
    let three = "CacheInfo(hits=0, misses=9, maxsize=3, currsize=3)";
    assert_eq!(new.ask("bounded_info"), format!("{three} {three}"));
    new.ask("bounded_resize 0");
    assert_eq!(new.ask("bounded_all 9"), "72");
    assert_eq!((new.ask("bounded_held 9"), new.ask("bounded_parameters")), ("[]".to_owned(), told(0)));
    new.ask("bounded_resize 500");
    assert_eq!((new.ask("bounded_all 400"), new.ask("bounded_parameters")), ("159600".to_owned(), told(500)));
    assert!(new.ask("bounded_info").ends_with("maxsize=500, currsize=400)"));
    assert_eq!(new.ask("health"), "[]");
}

fn the_least_recent_leave_whoever_has_used_them(place: Place) {
    let [mut one, mut other] = [Worker::start(&place.url), Worker::start(&place.url)];
    one.ask("bounded_resize 100");
    one.ask("bounded_all 100");
    for x in [7, 70, 3, 99, 42] {
        other.ask(&format!("bounded {x}"));
        one.ask(&format!("bounded {}", x + 1));
    }
    other.ask("bounded_resize 7");
    // The last seven uses: 100 was computed and evicted 0; 99 and 43 follow.
    assert_eq!(one.ask("bounded_held 101"), "[3, 4, 42, 43, 71, 99, 100]");
}

fn the_environment_chooses_the_bound_of_a_process_that_makes_the_namespace(place: Place) {
    let start = |maxsize: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_function-worker"));
        command.env("LRU_MEMO_MAXSIZE", format!("function_worker::fleet::*={maxsize}"));
        Worker::start_command(command, &place.url)
    };
    let mut workers = [start("2"), start("2"), start("6")];
    for worker in &mut workers {
        worker.ask("bounded_all 9");
    }
    let parameters = workers.each_mut().map(|worker| worker.ask("bounded_parameters"));
    assert_eq!(parameters, [told(2), told(2), told(6)]);
    let held = workers.each_mut().map(|worker| worker.ask("bounded_held 9"));
    assert_eq!(held, ["[7, 8]", "[7, 8]", "[3, 4, 5, 6, 7, 8]"], "each bound is a cache of its own");
    // What the program says later counts, also for those that start later.
    workers[0].ask("bounded_resize 3");
    workers[0].ask("bounded_all 9");
    assert_eq!(start("2").ask("bounded_held 9"), "[6, 7, 8]");
    assert_eq!(
        (workers[1].ask("bounded_parameters"), workers[2].ask("bounded_parameters")),
        (told(3), told(6))
    );
}

mod in_one_process {
    use lru_memo::{CacheInfo, caches, lru_cache};
    use pollster::block_on;

    fn info(hits: u64, misses: u64, maxsize: usize, currsize: usize) -> CacheInfo {
        CacheInfo { hits, misses, maxsize: Some(maxsize), currsize }
    }

    #[test]
    fn exactly_the_least_recent_leave() {
        #[lru_cache(maxsize = 1000, scope = shared)]
        fn number(x: u32) -> u32 {
            x
        }
        lru_memo_tests::in_memory_or_chosen();
        (0..1000).for_each(|x| _ = number(x));
        // The even ones are used once more, the last ones first.
        (0..1000).rev().filter(|x| x % 2 == 0).for_each(|x| _ = number(x));
        number_cache_resize(600);
        assert_eq!(number_cache_info(), info(500, 1000, 600, 600));
        let there: Vec<u32> = (0..1000).filter(|&x| number_cache_peek(x).is_some()).collect();
        let expected: Vec<u32> = (0..1000).filter(|x| x % 2 == 0 || *x >= 800).collect();
        assert_eq!(there, expected);
        let mut registered = caches().filter(|cache| cache.name().ends_with("::number"));
        let registered = registered.next().expect("it was used");
        assert!(registered.resize(3));
        assert_eq!((registered.parameters().maxsize, registered.info().currsize), (Some(3), 3));
        assert_eq!((0..1000).filter(|&x| number_cache_peek(x).is_some()).collect::<Vec<_>>(), [0, 2, 4]);
    }

    #[test]
    fn a_near_cache_follows_in_the_process_that_resizes() {
        #[lru_cache(maxsize = 8, scope = shared, near = "1h")]
        async fn doubled(x: u32) -> u32 {
            2 * x
        }
        lru_memo_tests::in_memory_or_chosen();
        block_on(async {
            for x in 0..8 {
                assert_eq!(doubled(x).await, 2 * x);
            }
            doubled_cache_resize(2).await;
            assert_eq!(doubled_cache_near_info().await, info(0, 8, 2, 2));
            assert_eq!(doubled_cache_info().await, info(0, 8, 2, 2));
            doubled_cache_resize(0).await;
            assert_eq!((doubled(7).await, doubled_cache_near_info().await.currsize), (14, 0));
            assert_eq!(doubled_cache_parameters().await.maxsize, Some(0));
        });
    }
}
