//! Operations by several threads, one after the other: all is as if one thread had done them.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;

use lru_memo::lru_cache;
use lru_memo_tests::model::{Body, Ending, Operation, Outcome};
use lru_memo_tests::subject::{Subject, keeps_its_bound};
use lru_memo_tests::without_hanging;
use proptest::prelude::*;

use crate::stage::{Baton, Stage, run};

/// More than the largest `maxsize` here.
const KEYS: u8 = 10;

fn call(key: u8) -> Operation {
    Operation::Call(key, Body { meanwhile: Vec::new(), ending: Ending::Returns })
}

/// Operations of all kinds, of which some are done while a function runs, ...
fn mixed() -> impl Strategy<Value = Vec<Operation>> {
    let key = || 0..KEYS;
    let simple = prop_oneof![
        12 => key().prop_map(call),
        2 => key().prop_map(Operation::Peek),
        2 => key().prop_map(Operation::Put),
        2 => key().prop_map(Operation::Invalidate),
        1 => Just(Operation::Clear),
    ];
    let ending =
        || prop_oneof![8 => Just(Ending::Returns), 1 => Just(Ending::Fails), 1 => Just(Ending::Panics)];
    let operation = simple.prop_recursive(2, 8, 3, move |operation| {
        let body = (prop::collection::vec(operation, 0..3), ending())
            .prop_map(|(meanwhile, ending)| Body { meanwhile, ending });
        prop_oneof![
            2 => (key(), body.clone()).prop_map(|(key, body)| Operation::Call(key, body)),
            1 => (key(), body).prop_map(|(key, body)| Operation::Refresh(key, body)),
        ]
    });
    prop::collection::vec(operation, 1..40)
}

/// ... and calls on few keys, which hit again and again: more often than a log is long, and sometimes by ever other
/// threads.
fn hits() -> impl Strategy<Value = Vec<Operation>> {
    (0..KEYS, 1..8_u8, prop::collection::vec(any::<u8>(), 1..150)).prop_map(|(first, width, numbers)| {
        numbers.into_iter().map(|number| call((first + number % width) % KEYS)).collect()
    })
}

/// What is done, and by which threads in turn.
fn scripts() -> impl Strategy<Value = (Vec<Operation>, Vec<usize>)> {
    let phases = prop::collection::vec(prop_oneof![mixed(), hits()], 1..6);
    (phases.prop_map(|phases| phases.concat()), prop::collection::vec(0..12_usize, 1..24))
}

/// Does the operations, then looks what is left, and compares with the model.
fn agrees(subject: Subject, baton: Baton, threads: usize, plan: &[usize], mut operations: Vec<Operation>) {
    operations.extend((0..KEYS).map(Operation::Peek));
    let mut model = subject.model();
    operations.iter().for_each(|operation| model.apply(operation));
    let seen = Stage::seen(subject, baton, threads, plan, &operations);
    assert_eq!(seen.len(), model.trace.len());
    for (number, ((given, info), (given_by_model, info_of_model))) in
        seen.iter().zip(&model.trace).enumerate()
    {
        assert_eq!(given, given_by_model, "what operation {number} gave");
        assert!(
            info.is_none_or(|info| info == *info_of_model),
            "{info:?} after {number}, not {info_of_model:?}"
        );
    }
}

fn agrees_with_the_model(subject: Subject) {
    let test = move || {
        for threads in 2..=4 {
            let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
            proptest!(config, |((operations, plan) in scripts(), spins in any::<bool>())| {
                let baton = if spins { Baton::spinning() } else { Baton::channels(threads) };
                agrees(subject, baton, threads, &plan, operations);
            });
        }
    };
    without_hanging(|| "threads that take turns".to_owned(), test);
}

/// All orders in which two threads hit three entries four times: what is evicted next is what the model evicts.
fn evicts_what_was_hit_least_recently(subject: Subject) {
    let test = move || {
        for number in 0..6_usize.pow(4) {
            let hits = (0..4).map(|at| number / 6_usize.pow(at) % 6);
            let mut operations = Vec::from([0, 1, 2].map(call));
            let mut plan = vec![0; 3];
            for hit in hits {
                operations.push(call(hit as u8 % 3));
                plan.push(hit / 3);
            }
            for key in 3..6 {
                operations.push(call(key));
                operations.extend((0..KEYS).map(Operation::Peek));
            }
            plan.resize(operations.len() + usize::from(KEYS), 0);
            let baton = if number % 2 == 0 { Baton::spinning() } else { Baton::channels(2) };
            agrees(subject, baton, 2, &plan, operations);
        }
    };
    without_hanging(|| "two threads that hit in turn".to_owned(), test);
}

/// A user's type, as key and as value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct User<T>(T);

fn users_run() -> Result<User<u32>, User<u32>> {
    run().map(User).map_err(User)
}

fn plain(outcome: Result<User<u32>, User<u32>>) -> Outcome {
    outcome.map(|value| value.0).map_err(|error| error.0)
}

macro_rules! tests {
    ($($name:ident: $check:ident, $maxsize:tt;)*) => {
        mod with_plain_keys {
            use super::*;
            $(#[test]
            fn $name() {
                #[lru_cache(maxsize = $maxsize)]
                fn function(_: u8) -> Outcome {
                    run()
                }
                $check(Subject {
                    call: function,
                    info: function_cache_info,
                    clear: function_cache_clear,
                    parameters: function_cache_parameters,
                    peek: function_cache_peek,
                    put: function_cache_put,
                    refresh: function_cache_refresh,
                    invalidate: function_cache_invalidate,
                    resize: keeps_its_bound,
                    admits: |_| true,
                });
            })*
        }

        mod with_the_users_types {
            use super::*;
            $(#[test]
            fn $name() {
                #[lru_cache(maxsize = $maxsize)]
                fn function(_: User<u8>) -> Result<User<u32>, User<u32>> {
                    users_run()
                }
                $check(Subject {
                    call: |n| plain(function(User(n))),
                    info: function_cache_info,
                    clear: function_cache_clear,
                    parameters: function_cache_parameters,
                    peek: |n| Some(function_cache_peek(User(n))?.0),
                    put: |n, value| function_cache_put(User(n), User(value)),
                    refresh: |n| plain(function_cache_refresh(User(n))),
                    invalidate: |n| function_cache_invalidate(User(n)),
                    resize: keeps_its_bound,
                    admits: |_| true,
                });
            })*
        }
    };
}

tests! {
    turns_at_one_entry: agrees_with_the_model, 1;
    turns_at_two_entries: agrees_with_the_model, 2;
    turns_at_three_entries: agrees_with_the_model, 3;
    turns_at_seven_entries: agrees_with_the_model, 7;
    turns_without_a_bound: agrees_with_the_model, None;
    the_order_of_hits_by_two_threads_decides_who_is_evicted: evicts_what_was_hit_least_recently, 3;
}

#[test]
fn threads_take_turns_while_the_bound_changes() {
    #[lru_cache(maxsize = 1)]
    fn function(_: u8) -> Outcome {
        run()
    }
    const SUBJECT: Subject = Subject {
        call: function,
        info: function_cache_info,
        clear: function_cache_clear,
        parameters: function_cache_parameters,
        peek: function_cache_peek,
        put: function_cache_put,
        refresh: function_cache_refresh,
        invalidate: function_cache_invalidate,
        resize: function_cache_resize,
        admits: |_| true,
    };
    let test = || {
        for threads in 1..=3 {
            let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
            let bounds = prop::collection::vec(0..KEYS, 1..20);
            proptest!(config, |((operations, plan) in scripts(), bounds in bounds, spins in any::<bool>())| {
                // One after each few operations.
                let chunks = operations.chunks(operations.len().div_ceil(bounds.len()));
                let resized = chunks.zip(bounds).flat_map(|(chunk, bound)| {
                    [chunk, &[Operation::Resize(bound)]].concat()
                });
                let baton = if spins { Baton::spinning() } else { Baton::channels(threads) };
                function_cache_resize(1);
                agrees(SUBJECT, baton, threads, &plan, resized.collect());
            });
        }
    };
    without_hanging(|| "threads that take turns and resize".to_owned(), test);
}

/// So long that logs are full many times, and in such quick turns that the threads count as many at once.
#[test]
fn the_order_of_very_many_hits_in_turn_decides_who_is_evicted() {
    #[lru_cache(maxsize = 100)]
    fn number(x: u32) -> u32 {
        x
    }
    /// The number of the next turn.
    static TURN: AtomicU32 = AtomicU32::new(0);
    const TURNS: u32 = 30_000;
    let test = || {
        (0..100).for_each(|x| _ = number(x));
        // Each turn hits another key; the sequence passes them in no simple order.
        let key = |turn: u32| turn * 37 % 100;
        thread::scope(|scope| {
            for mine in 0..2 {
                scope.spawn(move || {
                    for turn in (0..TURNS).filter(|turn| turn % 2 == mine) {
                        while TURN.load(Acquire) != turn {
                            thread::yield_now();
                        }
                        assert_eq!(number(key(turn)), key(turn));
                        TURN.store(turn + 1, Release);
                    }
                });
            }
        });
        for turn in TURNS - 100..TURNS {
            assert_eq!(number_cache_peek(key(turn)), Some(key(turn)), "it was not the least recent");
            _ = number(1_000 + turn);
            assert_eq!(number_cache_peek(key(turn)), None, "it was the least recent");
        }
        let info = number_cache_info();
        assert_eq!((info.hits, info.misses, info.currsize), (u64::from(TURNS), 200, 100));
    };
    without_hanging(|| "very many turns".to_owned(), test);
}
