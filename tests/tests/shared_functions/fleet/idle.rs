//! `idle` with `scope = shared`: an entry stays while any process uses it.

use super::{Place, in_every_place};
use crate::shared::function_worker::Worker;

in_every_place! {
    an_entry_stays_while_any_worker_uses_it_and_no_longer
    hits_of_a_near_cache_put_off_the_end_for_all
}

/// Moves the clocks of workers.
fn later(workers: &mut [Worker], minutes: u64) {
    workers.iter_mut().for_each(|worker| _ = worker.ask(&format!("later {minutes}")));
}

fn an_entry_stays_while_any_worker_uses_it_and_no_longer(place: Place) {
    let mut workers = [Worker::start(&place.url), Worker::start(&place.url)];
    for x in [1, 2] {
        workers[0].ask(&format!("idling {x}"));
    }
    for round in 0..8 {
        later(&mut workers, 30);
        assert_eq!(workers[1 - round % 2].ask("idling 1"), "3");
    }
    assert_eq!(workers[0].ask("idling_misses"), "[2, 2, 2]", "it was used all the time");
    for worker in &mut workers {
        assert_eq!(worker.ask("idling_peek 1"), "[Some(1), Some(1), Some(1)]");
        assert_eq!(worker.ask("idling_peek 2"), "[None, None, None]");
    }
    // A peek is no use.
    later(&mut workers, 60);
    for worker in &mut workers {
        assert_eq!(worker.ask("idling_peek 1"), "[None, None, None]");
    }
    assert_eq!(workers[1].ask("idling 1"), "3");
    assert_eq!(workers[0].ask("idling_misses"), "[3, 3, 3]");
    assert_eq!(workers[1].ask("health"), "[]");
}

fn hits_of_a_near_cache_put_off_the_end_for_all(place: Place) {
    let mut workers = [Worker::start(&place.url), Worker::start(&place.url)];
    workers[0].ask("idling 1");
    // One worker alone uses it, a quarter of an hour apart, for far longer than the near cache alone would need.
    for _ in 0..12 {
        later(&mut workers, 14);
        workers[0].ask("idling 1");
    }
    assert_eq!(workers[1].ask("idling_peek 1"), "[Some(1), Some(1), Some(1)]");
    later(&mut workers, 60);
    // What nobody has used for so long is not in the near cache either.
    workers[0].ask("idling 1");
    assert_eq!(workers[1].ask("idling_misses"), "[2, 2, 2]");
}

mod in_one_process {
    use std::time::Duration;

    use lru_memo::{CacheInfo, clock, lru_cache};
    use pollster::block_on;

    use lru_memo_tests::clock_for_me_alone;

    fn hours_later(hours: u64) {
        clock::advance(Duration::from_secs(3600 * hours));
    }

    fn counts(info: CacheInfo) -> (u64, u64, usize) {
        (info.hits, info.misses, info.currsize)
    }

    #[test]
    fn what_nobody_uses_expires_and_a_hit_puts_it_off() {
        #[lru_cache(idle = "10d", scope = shared)]
        fn by_name(x: &str) -> String {
            x.to_owned()
        }
        #[lru_cache(idle = Duration::from_secs(864_000), single_flight = true, key = x % 2, scope = shared)]
        async fn by_key(x: u32) -> u32 {
            x
        }
        lru_memo_tests::in_memory_or_chosen();
        let _alone = clock_for_me_alone();
        let call = || (by_name("1"), block_on(by_key(1)));
        let infos = || [by_name_cache_info(), block_on(by_key_cache_info())].map(counts);
        call();
        for hits in 1..10 {
            hours_later(216);
            call();
            assert_eq!(infos(), [(hits, 1, 1); 2]);
        }
        hours_later(240);
        call();
        assert_eq!(infos(), [(9, 2, 1); 2]);
        assert_eq!(by_name_cache_totals().expirations, 1);
        let parameters = by_name_cache_parameters();
        assert_eq!((parameters.idle, parameters.ttl), (Some(Duration::from_secs(864_000)), None));
    }

    #[test]
    fn a_peek_puts_nothing_off_and_put_and_refresh_do() {
        #[lru_cache(idle = "10d", scope = shared)]
        fn f(x: u32) -> u32 {
            x
        }
        lru_memo_tests::in_memory_or_chosen();
        let _alone = clock_for_me_alone();
        (1..5).for_each(|x| _ = f(x));
        hours_later(144);
        assert_eq!((f_cache_peek(1), f_cache_refresh(2), f(4)), (Some(1), 2, 4));
        f_cache_put(3, 30);
        hours_later(144);
        assert_eq!([1, 2, 3, 4].map(f_cache_peek), [None, Some(2), Some(30), Some(4)]);
        hours_later(96);
        assert!(!f_cache_invalidate(2), "as if not there");
    }

    #[test]
    fn the_earlier_of_idle_and_the_entrys_own_ttl_counts() {
        #[lru_cache(maxsize = None, idle = "10d", ttl = "100d", ttl_of = |days| Duration::from_secs(86_400) * *days, scope = shared)]
        fn days(days: u32) -> u32 {
            days
        }
        lru_memo_tests::in_memory_or_chosen();
        let _alone = clock_for_me_alone();
        for own in [5, 30, 90] {
            days(own);
        }
        hours_later(24 * 6);
        assert_eq!([5, 30, 90].map(days_cache_peek), [None, Some(30), Some(90)]);
        for _ in 0..4 {
            assert_eq!((days(30), days(90)), (30, 90));
            hours_later(24 * 6);
        }
        assert_eq!([30, 90].map(days_cache_peek), [None, Some(90)], "used, and too old");
        hours_later(24 * 4);
        assert_eq!(days_cache_peek(90), None, "young enough, and unused");
    }
}
