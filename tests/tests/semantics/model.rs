//! Random operations against a naive model: a `Vec` in order of use.
//!
//! An operation that runs the function may run others while the function runs. Keys are of a type the cache knows
//! to be harmless, of a user's type, of one whose hashes are all the same, and borrowed.

use lru_memo::lru_cache;
use lru_memo_tests::model::Outcome;
use lru_memo_tests::subject::{Subject, keeps_its_bound, run};
use proptest::prelude::*;

use crate::operations::{User, WORDS, operations};

fn agrees_with_the_model(subject: Subject) {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(operations in operations())| {
        let mut model = subject.model();
        for operation in &operations {
            model.apply(operation);
        }
        prop_assert_eq!(subject.trace(&operations), model.trace);
    });
}

/// A test of each `maxsize` in each scope, for each way to make a key of `n`.
macro_rules! subjects {
    ($($name:ident: $key:ty, |$n:ident| $make:expr;)*) => {$(
        mod $name {
            use super::*;
            subjects! { @ $key, |$n| $make;
                with_no_bound: None, process;
                with_no_bound_in_a_thread: None, thread;
                with_nothing_cached: 0, process;
                with_nothing_cached_in_a_thread: 0, thread;
                with_one_entry: 1, process;
                with_one_entry_in_a_thread: 1, thread;
                with_two_entries: 2, process;
                with_two_entries_in_a_thread: 2, thread;
                with_four_entries: 4, process;
                with_four_entries_in_a_thread: 4, thread;
            }

            #[cfg(feature = "shared")]
            mod on_a_store {
                use super::*;
                subjects! { @ $key, |$n| $make;
                    with_no_bound: None, shared;
                    with_nothing_cached: 0, shared;
                    with_one_entry: 1, shared;
                    with_two_entries: 2, shared;
                    with_four_entries: 4, shared;
                }
            }
        }
    )*};
    (@ $key:ty, |$n:ident| $make:expr; $($test:ident: $maxsize:tt, $scope:ident;)*) => {$(
        #[test]
        fn $test() {
            #[cfg(feature = "shared")]
            let _ = lru_memo::shared::configure("memory://");
            #[lru_cache(maxsize = $maxsize, scope = $scope)]
            fn function(_: $key) -> Outcome {
                run()
            }
            agrees_with_the_model(Subject {
                call: |$n| function($make),
                info: function_cache_info,
                clear: function_cache_clear,
                parameters: function_cache_parameters,
                peek: |$n| function_cache_peek($make),
                put: |$n, value| function_cache_put($make, value),
                refresh: |$n| function_cache_refresh($make),
                invalidate: |$n| function_cache_invalidate($make),
                resize: keeps_its_bound,
                admits: |_| true,
            });
        }
    )*};
}

subjects! {
    plain_keys: u8, |n| n;
    the_users_keys: User<false>, |n| User(n);
    keys_with_one_hash: User<true>, |n| User(n);
    borrowed_keys: &str, |n| WORDS[usize::from(n)];
}
