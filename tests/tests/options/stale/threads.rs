//! Calls of several threads at once.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread::{self, JoinHandle};

use lru_memo::{Outcome, lru_cache};
use lru_memo_tests::without_hanging;

use super::{begin, minutes_later, totals};

fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

macro_rules! served {
    ($name:ident, $($options:tt)*) => {
        #[test]
        fn $name() {
            static RUNS: AtomicU32 = AtomicU32::new(0);
            static HOLDS: AtomicBool = AtomicBool::new(false);
            #[lru_cache(ttl = "100m", stale = "1000m", $($options)*)]
            fn f(x: u32) -> u32 {
                let run = RUNS.fetch_add(1, SeqCst);
                until(|| x != 1 || !HOLDS.load(SeqCst));
                run
            }
            let _clock = begin();
            without_hanging(|| stringify!($name).to_owned(), || {
                f(1);
                f(2);
                minutes_later(100);
                HOLDS.store(true, SeqCst);
                let recomputes = thread::spawn(|| f_with_outcome(1));
                until(|| RUNS.load(SeqCst) == 3);
                for _ in 0..10 {
                    assert_eq!(f_with_outcome(1), (0, Outcome::Stale), "at once");
                }
                assert_eq!(f_with_outcome(2), (3, Outcome::Miss), "other keys are none of its business");
                minutes_later(999);
                assert_eq!(f_with_outcome(1), (0, Outcome::Stale), "for as long as was said");
                HOLDS.store(false, SeqCst);
                assert_eq!(recomputes.join().expect("no panic"), (2, Outcome::Miss));
                assert_eq!(f_with_outcome(1), (2, Outcome::Hit));
                assert_eq!(totals(f_cache_totals()), (12, 4, 11, 0));
            });
        }
    };
}

served!(others_get_the_old_value_at_once, scope = process);
served!(nobody_waits_with_single_flight, single_flight = true);
served!(nobody_waits_with_a_limit, single_flight = "1h");
#[cfg(feature = "shared")]
served!(on_a_store_others_get_the_old_value_at_once, scope = shared);
#[cfg(feature = "shared")]
served!(on_a_store_nobody_waits_with_single_flight, scope = shared, single_flight = true);

/// A function `f` whose second run does not end as long as `HOLDS` says so.
macro_rules! held_function {
    ($($options:tt)*) => {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        static HOLDS: AtomicBool = AtomicBool::new(false);
        #[lru_cache(ttl = "100m", stale = "1000m" $($options)*)]
        fn f(_x: u32) -> u32 {
            let run = RUNS.fetch_add(1, SeqCst);
            until(|| run != 1 || !HOLDS.load(SeqCst));
            run
        }
    };
}

/// Has a thread recompute an old entry, in a run that is held.
fn held_run(
    f: fn(u32) -> (u32, Outcome),
    runs: &AtomicU32,
    holds: &AtomicBool,
) -> JoinHandle<(u32, Outcome)> {
    f(1);
    minutes_later(100);
    holds.store(true, SeqCst);
    let held = thread::spawn(move || f(1));
    until(|| runs.load(SeqCst) == 2);
    held
}

#[test]
fn when_the_one_who_recomputes_hangs_others_compute_after_the_stale_time() {
    held_function!();
    let _clock = begin();
    without_hanging(
        || "a hanging run".to_owned(),
        || {
            let hangs = held_run(f_with_outcome, &RUNS, &HOLDS);
            minutes_later(1000);
            assert_eq!(f_with_outcome(1), (2, Outcome::Miss));
            HOLDS.store(false, SeqCst);
            assert_eq!(hangs.join().expect("no panic"), (1, Outcome::Miss));
            assert_eq!(f_cache_peek(1), Some(2), "the later value stays");
        },
    );
}

#[test]
fn after_an_invalidation_others_do_not_wait_for_the_run_and_get_nothing_old() {
    held_function!(, single_flight = true);
    let _clock = begin();
    without_hanging(
        || "an outdated run".to_owned(),
        || {
            let outdated = held_run(f_with_outcome, &RUNS, &HOLDS);
            assert!(f_cache_invalidate(1));
            assert_eq!(f_with_outcome(1), (2, Outcome::Miss));
            HOLDS.store(false, SeqCst);
            assert_eq!(outdated.join().expect("no panic"), (1, Outcome::Miss));
            assert_eq!(f_cache_peek(1), Some(2));
        },
    );
}

#[test]
fn many_threads_recompute_each_old_entry_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(ttl = "100m", stale = "1000m")]
    fn f(x: u32) -> String {
        RUNS.fetch_add(1, SeqCst);
        x.to_string()
    }
    let _clock = begin();
    without_hanging(
        || "many threads".to_owned(),
        || {
            for round in 1..=20 {
                (0..8).for_each(|x| drop(f(x)));
                assert_eq!(RUNS.load(SeqCst), 8 * round);
                minutes_later(100);
                thread::scope(|scope| {
                    for _ in 0..4 {
                        scope.spawn(|| (0..8).for_each(|x| assert_eq!(f(x), x.to_string())));
                    }
                });
                assert_eq!(RUNS.load(SeqCst), 8 * (round + 1));
            }
        },
    );
}
