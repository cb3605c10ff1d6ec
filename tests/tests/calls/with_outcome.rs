//! `f_with_outcome`: what a call returns, and how it came by it.

#![allow(dead_code, reason = "some functions are called by their companions alone")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use lru_memo::Outcome::{Hit, Miss, Waited};
use lru_memo::{Memo, Outcome, lru_cache};
use lru_memo_tests::polled::{Gate, poll};
use lru_memo_tests::without_hanging;
use pollster::block_on;

/// The store of this process, whichever test comes first.
fn prepare() {
    #[cfg(feature = "shared")]
    lru_memo_tests::open_store();
}

macro_rules! outcomes {
    ($scope:ident) => {
        use super::*;

        #[test]
        fn a_call_that_runs_the_function_is_a_miss_and_one_that_does_not_a_hit() {
            prepare();
            #[lru_cache(maxsize = 1, scope = $scope)]
            fn f(x: u32, text: &str) -> String {
                format!("{x} {text}")
            }
            assert_eq!(f_with_outcome(1, "a"), ("1 a".to_owned(), Miss));
            assert_eq!(f_with_outcome(1, "a"), ("1 a".to_owned(), Hit));
            assert_eq!(f_with_outcome(2, "a"), ("2 a".to_owned(), Miss));
            assert_eq!(f_with_outcome(1, "a"), ("1 a".to_owned(), Miss));
            f_cache_put(3, "a", "put".to_owned());
            assert_eq!(f_with_outcome(3, "a"), ("put".to_owned(), Hit));
            let info = f_cache_info();
            assert_eq!((info.hits, info.misses), (2, 3));
        }

        #[test]
        fn an_error_and_what_is_not_stored_is_a_miss() {
            prepare();
            #[lru_cache(scope = $scope, cache_if = |x| *x > 1)]
            fn f(x: u32) -> Result<u32, String> {
                if x == 0 { Err("zero".to_owned()) } else { Ok(x) }
            }
            #[lru_cache(scope = $scope, maxsize = 0)]
            fn none(x: u32) -> u32 {
                x
            }
            for outcome in [Miss, Miss] {
                assert_eq!(f_with_outcome(0), (Err("zero".to_owned()), outcome));
                assert_eq!(f_with_outcome(1), (Ok(1), outcome));
                assert_eq!(none_with_outcome(1), (1, outcome));
            }
            assert_eq!((f_with_outcome(2), f_with_outcome(2)), ((Ok(2), Miss), (Ok(2), Hit)));
        }

        #[test]
        fn functions_of_every_kind_tell_their_outcome() {
            prepare();
            #[lru_cache(scope = $scope, key = text.len(), skip(log))]
            fn by_key(text: &str, log: impl Fn()) {
                log();
                let _ = text;
            }
            #[lru_cache(scope = $scope)]
            unsafe fn of_type<T>((a, _): (u32, u32), _: u8) -> usize {
                size_of::<T>() + a as usize
            }
            #[track_caller]
            #[lru_cache(scope = $scope)]
            fn line(_: u32) -> u32 {
                std::panic::Location::caller().line()
            }
            let runs = Cell::new(0);
            let log = || runs.set(runs.get() + 1);
            assert_eq!((by_key_with_outcome("a", log), by_key_with_outcome("b", log)), (((), Miss), ((), Hit)));
            by_key("c", log);
            assert_eq!(runs.get(), 1);
            // SAFETY: the function demands nothing.
            let outcomes = unsafe {
                [
                    of_type_with_outcome::<u8>((1, 2), 3),
                    of_type_with_outcome::<u8>((1, 2), 3),
                    of_type_with_outcome::<u16>((1, 2), 3),
                ]
            };
            assert_eq!(outcomes, [(2, Miss), (2, Hit), (3, Miss)]);
            assert_eq!(line_with_outcome(1), (line!(), Miss));
        }

        #[test]
        fn methods_tell_their_outcome() {
            prepare();
            struct Store<T>(T);
            impl<T: Copy + Into<u32> + 'static> Store<T> {
                #[lru_cache(scope = $scope, skip(self))]
                fn add(&self, x: u32) -> u32 {
                    self.0.into() + x
                }
            }
            trait Twice {
                #[lru_cache(scope = $scope, skip(self))]
                fn twice(&self, x: u32) -> u32 {
                    2 * x
                }
                fn half(&self, x: u32) -> Option<u32>;
            }
            #[lru_cache]
            impl Twice for Store<u8> {
                #[lru_cache(scope = $scope, skip(self), key = x)]
                fn half(&self, x: u32) -> Option<u32> {
                    (x % 2 == 0).then_some(x / 2)
                }
            }
            assert_eq!((Store(1_u8).add_with_outcome(1), Store(1_u8).add_with_outcome(1)), ((2, Miss), (2, Hit)));
            let store = Store(1_u8);
            let all: &dyn Twice = &store;
            assert_eq!((all.twice_with_outcome(4), all.twice_with_outcome(4)), ((8, Miss), (8, Hit)));
            assert_eq!(store.half(3), None);
            assert_eq!((store.half_with_outcome(4), store.half_with_outcome(4)), ((Some(2), Miss), (Some(2), Hit)));
        }

        #[test]
        fn tasks_that_wait_are_told_so_and_the_one_that_runs_is_not() {
            static GATE: Gate<Result<u32, String>> = Gate::new();
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            async fn f(x: u32) -> Result<u32, Box<str>> {
                GATE.passed().await.map(|y| x + y).map_err(Into::into)
            }
            let (mut first, mut second) = (pin!(f_with_outcome(1)), pin!(f_with_outcome(1)));
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            GATE.open(Ok(1));
            assert_eq!(block_on(first), (Ok(2), Miss));
            assert_eq!(block_on(second), (Ok(2), Waited));
            assert_eq!(block_on(f_with_outcome(1)), (Ok(2), Hit));
        }

        #[test]
        fn a_task_that_takes_over_from_a_cancelled_one_is_a_miss() {
            static GATE: Gate<Result<u32, String>> = Gate::new();
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            async fn f(x: u32) -> Result<u32, Box<str>> {
                GATE.passed().await.map(|y| x + y).map_err(Into::into)
            }
            let mut first = Box::pin(f_with_outcome(1));
            let mut second = pin!(f_with_outcome(1));
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            drop(first);
            GATE.open(Ok(2));
            assert_eq!(block_on(second), (Ok(3), Miss));
        }

        #[test]
        fn a_call_of_the_same_key_from_inside_is_a_miss() {
            thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            fn f(x: u32) -> u32 {
                if DEPTH.replace(1) == 0 {
                    assert_eq!(f_with_outcome(x), (x, Miss));
                    assert_eq!(f_with_outcome(x), (x, Hit));
                }
                x
            }
            assert_eq!((f_with_outcome(1), f_with_outcome(1)), ((1, Miss), (1, Hit)));
        }
    };
}

mod in_the_process {
    outcomes!(process);
}

mod in_a_thread {
    outcomes!(thread);
}

#[cfg(feature = "shared")]
mod in_all_processes {
    outcomes!(shared);
}

#[test]
fn calls_of_an_object_s_cache_tell_their_outcome() {
    struct Store(u32, Memo);
    impl Store {
        #[lru_cache(scope = self.1)]
        fn add(&self, x: u32) -> u32 {
            self.0 + x
        }
    }
    let stores = [Store(1, Memo::new()), Store(2, Memo::new())];
    let calls = || stores.each_ref().map(|store| store.add_with_outcome(1));
    assert_eq!((calls(), calls()), ([(2, Miss), (3, Miss)], [(2, Hit), (3, Hit)]));
}

/// What many threads that call at the same time are told, and the counters.
macro_rules! threads {
    ($($name:ident: $scope:ident;)*) => {$(
        #[test]
        fn $name() {
            static RUNS: AtomicU32 = AtomicU32::new(0);
            #[lru_cache(scope = $scope, single_flight = true)]
            fn f(x: u32) -> u32 {
                let run = RUNS.fetch_add(1, SeqCst);
                if x % 5 == 0 && run % 3 == 0 {
                    panic!("in vain");
                }
                x
            }
            prepare();
            without_hanging(|| "threads".to_owned(), || {
                let call = |x| catch_unwind(AssertUnwindSafe(|| f_with_outcome(x))).map(|(_, outcome)| outcome);
                let all: Vec<Result<Outcome, _>> = thread::scope(|scope| {
                    let calls = move || (0..200).map(|n| call(n / 4)).collect::<Vec<_>>();
                    let threads: Vec<_> = (0..8).map(|_| scope.spawn(calls)).collect();
                    threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
                });
                let count = |sought| all.iter().filter(|told| told.as_ref().ok() == Some(&sought)).count();
                let info = f_cache_info();
                let panics = all.iter().filter(|told| told.is_err()).count();
                assert_eq!(count(Miss) + panics, RUNS.load(SeqCst) as usize);
                assert_eq!((count(Miss) + panics) as u64, info.misses);
                assert_eq!((count(Hit) + count(Waited)) as u64, info.hits);
            });
        }
    )*};
}

threads! {
    threads_of_a_process_are_told_what_the_counters_say: process;
}

#[cfg(feature = "shared")]
threads! {
    threads_on_a_store_are_told_what_the_counters_say: shared;
}
