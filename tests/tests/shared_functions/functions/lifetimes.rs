//! `ttl_of` and `jitter` on a store, by the driven clock.

use std::time::Duration;

use lru_memo::{clock, lru_cache};
use lru_memo_tests::clock_for_me_alone;
use pollster::block_on;

use super::in_memory;

#[test]
fn ttl_of_is_the_age_of_each_entry_and_ttl_the_longest() {
    #[lru_cache(scope = shared, ttl = "1h", ttl_of = |minutes| Duration::from_secs(60) * *minutes)]
    fn aging(minutes: u32) -> Result<u32, u32> {
        if minutes == 1 { Err(minutes) } else { Ok(minutes) }
    }
    #[lru_cache(maxsize = None, single_flight = true, scope = shared, ttl = "1h", ttl_of = |minutes: &String| minutes_of(minutes))]
    async fn task(minutes: u32) -> String {
        minutes.to_string()
    }
    fn minutes_of(minutes: &str) -> Duration {
        Duration::from_secs(60) * minutes.parse().expect("a number")
    }
    in_memory();
    let _alone = clock_for_me_alone();
    let kept = || {
        [0, 10, 30, 90, 100].map(|minutes| {
            let kept = aging_cache_peek(minutes).is_some();
            assert_eq!(block_on(task_cache_peek(minutes)).is_some(), kept, "{minutes} minutes");
            kept
        })
    };
    for minutes in [90, 30, 10, 0] {
        assert_eq!((aging(minutes), block_on(task(minutes))), (Ok(minutes), minutes.to_string()));
    }
    assert_eq!(aging(1), Err(1));
    aging_cache_put(100, 20);
    block_on(task_cache_put(100, "20".to_owned()));
    assert_eq!(kept(), [false, true, true, true, true], "what expires at once is not stored");
    clock::advance(Duration::from_secs(10 * 60));
    assert_eq!(kept(), [false, false, true, true, true]);
    assert_eq!((aging_cache_refresh(30), block_on(task_cache_refresh(30))), (Ok(30), "30".to_owned()));
    clock::advance(Duration::from_secs(10 * 60));
    assert_eq!(kept(), [false, false, true, true, false]);
    clock::advance(Duration::from_secs(20 * 60));
    assert_eq!(kept(), [false, false, false, true, false]);
    assert_eq!(aging(90), Ok(90));
    assert_eq!(aging_cache_info().hits, 1);
    clock::advance(Duration::from_secs(20 * 60));
    assert_eq!(kept(), [false; 5], "at most `ttl`");
}

#[test]
fn a_value_that_expires_at_once_takes_the_place_of_none() {
    #[lru_cache(maxsize = 2, scope = shared, ttl = "1h", ttl_of = |seconds| Duration::from_secs(*seconds))]
    fn aging(seconds: u64) -> u64 {
        seconds
    }
    in_memory();
    [100, 200, 0].into_iter().for_each(|seconds| _ = aging(seconds));
    assert_eq!([100, 200, 0].map(aging_cache_peek), [Some(100), Some(200), None]);
    aging_cache_put(200, 0);
    assert_eq!([100, 200].map(aging_cache_peek), [Some(100), None]);
}

#[test]
fn jitter_shortens_by_a_part_that_is_always_the_same_for_a_key() {
    #[lru_cache(maxsize = None, scope = shared, ttl = "100m", jitter = "40m")]
    fn aging(x: u32) -> u32 {
        x
    }
    in_memory();
    let _alone = clock_for_me_alone();
    let later = |minutes: u64| clock::advance(Duration::from_secs(60 * minutes));
    let there = || (0..100).filter(|&x| aging_cache_peek(x).is_some()).collect::<Vec<u32>>();
    let round = || {
        (0..100).for_each(|x| _ = aging(x));
        later(59);
        assert_eq!(there().len(), 100);
        later(21);
        let half = there();
        later(20);
        assert_eq!(there().len(), 0);
        half
    };
    let half = round();
    assert!(half.len().abs_diff(50) < 25, "spread evenly: {} of 100", half.len());
    assert_eq!(round(), half);
    assert_eq!(aging_cache_parameters().jitter, Some(Duration::from_secs(40 * 60)));
}
