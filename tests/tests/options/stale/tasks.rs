//! Calls of an `async fn`, polled by hand.

use std::pin::pin;
use std::task::Poll;

use lru_memo::{Outcome, lru_cache};
use lru_memo_tests::polled::{Gate, poll};

#[cfg(feature = "shared")]
use pollster::block_on;

use super::{begin, minutes_later, totals};

macro_rules! in_scope {
    (|$told:ident| $totals:expr; $($options:tt)*) => {
        use super::*;

        #[test]
        fn others_get_the_old_value_while_a_task_recomputes() {
            static GATE: Gate<Result<u32, String>> = Gate::new();
            #[lru_cache(ttl = "100m", stale = "1000m", $($options)*)]
            async fn f(_x: u32) -> Result<u32, String> {
                GATE.passed().await
            }
            let _clock = begin();
            GATE.open(Ok(1));
            assert_eq!(poll(pin!(f_with_outcome(1))), Poll::Ready((Ok(1), Outcome::Miss)));
            minutes_later(100);
            let mut recomputes = pin!(f_with_outcome(1));
            assert!(poll(recomputes.as_mut()).is_pending());
            assert_eq!(poll(pin!(f_with_outcome(1))), Poll::Ready((Ok(1), Outcome::Stale)));
            GATE.open(Ok(2));
            assert_eq!(poll(recomputes.as_mut()), Poll::Ready((Ok(2), Outcome::Miss)));
            assert_eq!(poll(pin!(f(1))), Poll::Ready(Ok(2)));
            assert_eq!(GATE.runs(), 2);
            assert_eq!(totals({
                let $told = f_cache_totals();
                $totals
            }), (2, 2, 1, 0));
        }

        #[test]
        fn a_task_whose_run_fails_gets_the_old_value_and_one_that_is_cancelled_is_followed_by_the_next() {
            static GATE: Gate<Result<u32, String>> = Gate::new();
            #[lru_cache(ttl = "100m", stale = "1000m", $($options)*)]
            async fn f(_x: u32) -> Result<u32, String> {
                let answer = GATE.passed().await;
                if answer == Err("panic".to_owned()) {
                    std::panic::resume_unwind(Box::new(()));
                }
                answer
            }
            let _clock = begin();
            GATE.open(Ok(1));
            assert_eq!(poll(pin!(f(1))), Poll::Ready(Ok(1)));
            minutes_later(100);
            {
                let mut cancelled = pin!(f(1));
                assert!(poll(cancelled.as_mut()).is_pending());
                assert_eq!(poll(pin!(f_with_outcome(1))), Poll::Ready((Ok(1), Outcome::Stale)));
            }
            {
                let mut next = pin!(f_with_outcome(1));
                assert!(poll(next.as_mut()).is_pending(), "it computes at once");
                GATE.open(Err("down".to_owned()));
                assert_eq!(poll(next.as_mut()), Poll::Ready((Ok(1), Outcome::Stale)));
            }
            assert_eq!(poll(pin!(f_with_outcome(1))), Poll::Ready((Ok(1), Outcome::Stale)), "a pause");
            assert_eq!(GATE.runs(), 3);
            minutes_later(10);
            GATE.open(Err("panic".to_owned()));
            assert_eq!(poll(pin!(f_with_outcome(1))), Poll::Ready((Ok(1), Outcome::Stale)));
            assert_eq!(GATE.runs(), 4);
            assert_eq!(totals({
                let $told = f_cache_totals();
                $totals
            }), (2, 4, 2, 3));
            minutes_later(10);
            GATE.open(Ok(5));
            assert_eq!(poll(pin!(f_with_outcome(1))), Poll::Ready((Ok(5), Outcome::Miss)));
        }
    };
}

mod in_the_process {
    in_scope!(|told| told; scope = process);
}

mod in_the_process_with_single_flight {
    in_scope!(|told| told; single_flight = true);
}

mod in_a_thread {
    in_scope!(|told| told; scope = thread);
}

mod in_a_thread_with_single_flight {
    in_scope!(|told| told; scope = thread, single_flight = "5s");
}

#[cfg(feature = "shared")]
mod on_a_store {
    in_scope!(|told| block_on(told); scope = shared);
}

#[cfg(feature = "shared")]
mod on_a_store_with_single_flight {
    in_scope!(|told| block_on(told); scope = shared, single_flight = true);
}
