//! `single_flight = true` where the run ends in an `Err`.

#![allow(dead_code, reason = "some functions are called by their companions alone")]

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use lru_memo::Outcome::{Miss, Waited};
use lru_memo::{Memo, lru_cache};
use lru_memo_tests::polled::{Gate, poll};
use lru_memo_tests::without_hanging;
use pollster::block_on;

/// The store of this process, whichever test comes first.
fn prepare() {
    #[cfg(feature = "shared")]
    lru_memo_tests::open_store();
}

/// An error that can be copied and is not `Sync`.
#[derive(Debug, Clone, PartialEq)]
struct Refused(std::cell::Cell<u32>);

fn refused(number: u32) -> Refused {
    Refused(std::cell::Cell::new(number))
}

/// An error that cannot be copied.
#[derive(Debug, PartialEq)]
struct Unique(u32);

macro_rules! errors {
    ($scope:ident) => {
        use super::*;

        #[test]
        fn tasks_that_wait_get_the_error_of_the_run_and_count_as_misses() {
            static GATE: Gate<u32> = Gate::new();
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            async fn f(x: u32) -> Result<u32, Refused> {
                Err(refused(GATE.passed().await + x))
            }
            let mut first = pin!(f(1));
            let mut others: Vec<_> = (0..3).map(|_| Box::pin(f_with_outcome(1))).collect();
            assert!(poll(first.as_mut()).is_pending());
            assert!(others.iter_mut().all(|other| poll(other.as_mut()).is_pending()));
            GATE.open(5);
            assert_eq!(block_on(first), Err(refused(6)));
            let given_up = others.pop();
            drop(given_up);
            for other in others {
                assert_eq!(block_on(other), (Err(refused(6)), Waited));
            }
            let info = finished!($scope: f_cache_info());
            assert_eq!((GATE.runs(), info.hits, info.misses, info.currsize), (1, 0, 3, 0));
            GATE.open(7);
            assert_eq!(block_on(f_with_outcome(1)), (Err(refused(8)), Miss));
        }

        #[test]
        fn an_error_that_cannot_be_copied_has_the_next_one_run() {
            static GATE: Gate<u32> = Gate::new();
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            async fn f(x: u32) -> Result<u32, Unique> {
                Err(Unique(GATE.passed().await + x))
            }
            let (mut first, mut second) = (pin!(f(1)), pin!(f_with_outcome(1)));
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            GATE.open(1);
            assert_eq!(block_on(first), Err(Unique(2)));
            GATE.open(2);
            assert_eq!(block_on(second), (Err(Unique(3)), Miss));
            assert_eq!(GATE.runs(), 2);
        }

        #[test]
        fn a_caller_after_an_invalidation_does_not_get_the_error_of_a_run_from_before() {
            static GATE: Gate<u32> = Gate::new();
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            async fn f(x: u32) -> Result<u32, Refused> {
                match GATE.passed().await {
                    0 => Ok(x),
                    number => Err(refused(number)),
                }
            }
            let mut first = pin!(f(1));
            assert!(poll(first.as_mut()).is_pending());
            finished!($scope: f_cache_invalidate(1));
            let mut second = pin!(f(1));
            assert!(poll(second.as_mut()).is_pending());
            GATE.open(1);
            assert_eq!(block_on(first), Err(refused(1)));
            GATE.open(0);
            assert_eq!((block_on(second), GATE.runs()), (Ok(1), 2));
        }

        #[test]
        fn methods_and_aliases_hand_their_errors_on() {
            type Answer<T> = Result<T, Refused>;
            static GATE: Gate<u32> = Gate::new();
            prepare();
            #[lru_cache(scope = $scope, single_flight = true)]
            async fn aliased(x: u32) -> Answer<u32> {
                Err(refused(GATE.passed().await + x))
            }
            struct Store<T>(T);
            impl<T: Sync + 'static> Store<T> {
                #[lru_cache(scope = $scope, single_flight = true, skip(self))]
                async fn get(&self, x: u32) -> Result<u32, Refused> {
                    Err(refused(GATE.passed().await + x))
                }
            }
            let store = Store(1_u8);
            let (mut first, mut second) = (pin!(store.get(1)), pin!(store.get_with_outcome(1)));
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            GATE.open(5);
            assert_eq!((block_on(first), block_on(second)), (Err(refused(6)), (Err(refused(6)), Waited)));
            let (mut first, mut second) = (pin!(aliased(1)), pin!(aliased_with_outcome(1)));
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            GATE.open(6);
            assert_eq!((block_on(first), block_on(second)), (Err(refused(7)), (Err(refused(7)), Waited)));
            assert_eq!((store.0, GATE.runs()), (1, 2));
        }

        #[test]
        fn a_generic_error_has_the_next_one_run() {
            prepare();
            struct Store;
            impl Store {
                #[lru_cache(scope = $scope, single_flight = true, skip(self, error))]
                fn get<E: Clone + Send>(&self, error: &E, x: u32) -> Result<u32, E> {
                    if x == 0 { Err(error.clone()) } else { Ok(x) }
                }
            }
            assert_eq!((Store.get(&'a', 0), Store.get(&'a', 1)), (Err('a'), Ok(1)));
        }
    };
}

/// What a companion of an `async fn` returns; with `scope = shared`, it is awaited.
macro_rules! finished {
    (shared: $companion:expr) => {
        block_on($companion)
    };
    ($scope:ident: $companion:expr) => {
        $companion
    };
}

mod in_the_process {
    errors!(process);
}

mod in_a_thread {
    errors!(thread);
}

#[cfg(feature = "shared")]
mod in_all_processes {
    errors!(shared);
}

#[test]
fn those_who_wait_on_an_object_s_cache_get_the_error() {
    static GATE: Gate<u32> = Gate::new();
    struct Store(Memo);
    impl Store {
        #[lru_cache(scope = self.0, single_flight = true)]
        async fn tenant(&self, name: &str) -> Result<u32, Refused> {
            Err(refused(GATE.passed().await + name.len() as u32))
        }
    }
    let store = Store(Memo::new());
    let (mut first, mut second) = (pin!(store.tenant("a")), pin!(store.tenant("a")));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    GATE.open(1);
    assert_eq!((block_on(first), block_on(second), GATE.runs()), (Err(refused(2)), Err(refused(2)), 1));
}

macro_rules! threads {
    ($($name:ident: $scope:ident;)*) => {$(
        #[test]
        fn $name() {
            static RUNS: AtomicU32 = AtomicU32::new(0);
            #[lru_cache(scope = $scope, single_flight = true)]
            fn f(x: u32) -> Result<u32, String> {
                RUNS.fetch_add(1, SeqCst);
                thread::yield_now();
                if x % 2 == 0 { Err(format!("error {x}")) } else { Ok(x) }
            }
            prepare();
            without_hanging(|| "threads".to_owned(), || {
                let outcomes: Vec<_> = thread::scope(|scope| {
                    let calls = move || (0..200).map(|n| (n / 10, f_with_outcome(n / 10))).collect::<Vec<_>>();
                    let threads: Vec<_> = (0..8).map(|_| scope.spawn(calls)).collect();
                    threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
                });
                for (x, (result, _)) in &outcomes {
                    assert_eq!(*result, if x % 2 == 0 { Err(format!("error {x}")) } else { Ok(*x) });
                }
                let misses = outcomes.iter().filter(|(_, (_, outcome))| *outcome == Miss).count();
                let waited = outcomes.iter().filter(|(_, (result, outcome))| result.is_err() && *outcome == Waited);
                assert_eq!(misses as u32, RUNS.load(SeqCst));
                assert_eq!(f_cache_info().misses, (misses + waited.count()) as u64);
            });
        }
    )*};
}

threads! {
    threads_of_a_process_get_errors_and_the_counters_agree: process;
}

#[cfg(feature = "shared")]
threads! {
    threads_on_a_store_get_errors_and_the_counters_agree: shared;
}
