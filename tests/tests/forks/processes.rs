//! A process that forks while its threads use a cache: the child goes on with its own copy, as if nobody else had
//! ever been there.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::forks::in_child;
use lru_memo_tests::without_hanging;

const FORKS: u32 = 20;

/// Forks again and again while threads do something without pause, and this one now and then.
fn forks_go_well(hammer: fn(u32), uses: fn()) {
    let test = move || {
        let (is_over, start) = (AtomicBool::new(false), Barrier::new(4));
        let outcome = thread::scope(|scope| {
            for thread in 0..3 {
                let (is_over, start) = (&is_over, &start);
                scope.spawn(move || {
                    start.wait();
                    for number in 0_u32.. {
                        if is_over.load(SeqCst) {
                            return;
                        }
                        hammer(number * 3 + thread);
                    }
                });
            }
            start.wait();
            let outcome = (0..FORKS).try_for_each(|number| {
                in_child(uses).map_err(|what| format!("fork {number}: {what}"))?;
                (0..100).for_each(hammer);
                Ok::<_, String>(())
            });
            is_over.store(true, SeqCst);
            outcome
        });
        outcome.unwrap();
        uses();
    };
    without_hanging(|| "a process that forks".to_owned(), test);
}

#[test]
fn a_child_goes_on_with_advice() {
    #[lru_cache(maxsize = 4, advise = true)]
    fn same(x: u32) -> u32 {
        x
    }
    fn hammer(number: u32) {
        match number % 61 {
            0 => same_cache_clear(),
            1 => assert!(same_cache_advice().smallest(0.01) < 7),
            _ => assert_eq!(same(number % 6), number % 6),
        }
    }
    forks_go_well(hammer, || {
        (0..600).for_each(hammer);
        assert!(same_cache_advice().hit_ratio(6) > 0.5);
    });
}

#[test]
fn a_child_goes_on_with_numbers() {
    #[lru_cache(maxsize = 4)]
    fn square(x: u32) -> u64 {
        u64::from(x) * u64::from(x)
    }
    fn hammer(number: u32) {
        match number % 61 {
            0 => square_cache_clear(),
            1 => drop(square_cache_invalidate(number % 6)),
            _ => assert_eq!(square(number % 6), square_cache_refresh(number % 6)),
        }
    }
    fn uses() {
        for x in (0..6).chain(0..6) {
            assert_eq!(square(x), u64::from(x * x));
            assert_eq!(square(x), u64::from(x * x));
        }
        assert_eq!(square_cache_info().currsize, 4);
        square_cache_clear();
        // The last four stay in turn: all but the repeated calls miss.
        for x in (0..500).map(|at| at % 6) {
            assert_eq!(square(x) + square(x), 2 * u64::from(x * x));
        }
        assert_eq!(square_cache_info(), CacheInfo { hits: 500, misses: 500, maxsize: Some(4), currsize: 4 });
    }
    forks_go_well(hammer, uses);
}

#[test]
fn a_child_goes_on_with_values_that_are_to_be_dropped() {
    #[lru_cache(maxsize = 4)]
    fn text(x: u32) -> Arc<String> {
        Arc::new(x.to_string())
    }
    fn hammer(number: u32) {
        match number % 61 {
            0 => text_cache_clear(),
            1 => drop(text_cache_invalidate(number % 6)),
            2 => drop(text_cache_refresh(number % 6)),
            _ => assert_eq!(*text(number % 6), (number % 6).to_string()),
        }
    }
    fn uses() {
        for x in (0..6).chain(0..6) {
            assert_eq!(*text(x), x.to_string());
            assert_eq!(*text(x), x.to_string());
        }
        assert_eq!(text_cache_info().currsize, 4);
        let cleared = text(5);
        text_cache_clear();
        let evicted = text(0);
        for x in (1..501).map(|at| at % 6) {
            assert_eq!([text(x), text(x)].map(|text| text.to_string()), [x.to_string(), x.to_string()]);
        }
        // Threads that are not there hold nothing back.
        assert_eq!([&cleared, &evicted].map(Arc::strong_count), [1, 1]);
        assert_eq!(text_cache_info(), CacheInfo { hits: 500, misses: 501, maxsize: Some(4), currsize: 4 });
    }
    forks_go_well(hammer, uses);
}

#[test]
fn a_child_does_not_wait_for_what_threads_compute_that_it_does_not_have() {
    #[lru_cache(maxsize = 4, single_flight = true)]
    fn slow(x: u32) -> String {
        thread::sleep(Duration::from_micros(200));
        x.to_string()
    }
    fn hammer(number: u32) {
        assert_eq!(slow(number % 6), (number % 6).to_string());
    }
    fn uses() {
        (0..12).for_each(|x| hammer(x / 2));
        assert_eq!(slow_cache_info().currsize, 4);
    }
    forks_go_well(hammer, uses);
}

#[test]
fn the_threads_of_a_child_go_on_as_well() {
    #[lru_cache(maxsize = 4)]
    fn text(x: u32) -> String {
        x.to_string()
    }
    fn hammer(number: u32) {
        assert_eq!(text(number % 6), (number % 6).to_string());
    }
    fn uses() {
        text_cache_clear();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..300).for_each(hammer));
            }
        });
        let info = text_cache_info();
        assert_eq!((info.hits + info.misses, info.currsize), (900, 4));
    }
    forks_go_well(hammer, uses);
}
