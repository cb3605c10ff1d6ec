//! A process that forks while an entry is recomputed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;

use lru_memo::{Outcome, lru_cache};
use lru_memo_tests::forks::in_child;
use lru_memo_tests::without_hanging;

use super::{begin, minutes_later};

fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

macro_rules! recomputes {
    ($name:ident, $($options:tt)*) => {
        #[test]
        fn $name() {
            static RUNS: AtomicU32 = AtomicU32::new(0);
            static HOLDS: AtomicBool = AtomicBool::new(true);
            static FAILS: AtomicBool = AtomicBool::new(false);
            #[lru_cache(ttl = "100m", stale = "1000m", $($options)*)]
            fn f(_x: u32) -> Result<u32, String> {
                let run = RUNS.fetch_add(1, SeqCst);
                until(|| run != 1 || !HOLDS.load(SeqCst));
                if FAILS.load(SeqCst) { Err("down".to_owned()) } else { Ok(run) }
            }
            let _clock = begin();
            without_hanging(|| stringify!($name).to_owned(), || {
                f(1).expect("a value");
                minutes_later(100);
                let recomputes = thread::spawn(|| f_with_outcome(1));
                until(|| RUNS.load(SeqCst) == 2);
                in_child(|| {
                    FAILS.store(true, SeqCst);
                    assert_eq!(f_with_outcome(1), (Ok(0), Outcome::Stale));
                    assert_eq!(RUNS.load(SeqCst), 3, "tried");
                    assert_eq!(f_with_outcome(1), (Ok(0), Outcome::Stale));
                    assert_eq!(RUNS.load(SeqCst), 3, "not at once again");
                    FAILS.store(false, SeqCst);
                    minutes_later(10);
                    assert_eq!(f_with_outcome(1), (Ok(3), Outcome::Miss));
                    assert_eq!(f_with_outcome(1), (Ok(3), Outcome::Hit));
                })
                .unwrap();
                HOLDS.store(false, SeqCst);
                assert_eq!(recomputes.join().expect("no panic"), (Ok(1), Outcome::Miss));
            });
        }
    };
}

recomputes!(in_the_child_another_caller_recomputes, scope = process);
recomputes!(in_the_child_nobody_waits_for_the_flight, single_flight = true);

#[test]
fn a_run_that_forks_goes_on_in_both() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(ttl = "100m", stale = "1000m")]
    fn f(_x: u32) -> u32 {
        let run = RUNS.fetch_add(1, SeqCst);
        if run == 1 {
            in_child(|| assert_eq!(f_with_outcome(1), (2, Outcome::Miss))).unwrap();
            assert_eq!(f_with_outcome(1), (0, Outcome::Stale));
        }
        run
    }
    let _clock = begin();
    f(1);
    minutes_later(100);
    assert_eq!(f_with_outcome(1), (1, Outcome::Miss));
    assert_eq!(f_with_outcome(1), (1, Outcome::Hit));
}
