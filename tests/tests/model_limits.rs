//! Random operations on a cache bounded in number, weight and age, whose first bound changes, beside a naive model of it.
//!
//! One test in a program of its own: the clock is the process's.

use std::time::{Duration, Instant};

use lru_memo::lru_cache;
use lru_memo_tests::model::{Body, Ending, Operation, Outcome, weight};
use lru_memo_tests::subject::{Subject, run};
use proptest::prelude::*;

#[lru_cache(maxsize = 4, max_weight = 12, weigh = |_, value| weight(*value), ttl = "10s")]
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

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..20_u8;
    let returns = || Body { meanwhile: Vec::new(), ending: Ending::Returns };
    prop_oneof![
        10 => key().prop_map(move |key| Operation::Call(key, returns())),
        3 => key().prop_map(Operation::Put),
        3 => key().prop_map(Operation::Peek),
        2 => key().prop_map(Operation::Invalidate),
        2 => key().prop_map(move |key| Operation::Refresh(key, returns())),
        3 => (0..7_u8).prop_map(Operation::Advance),
        1 => Just(Operation::Clear),
        2 => (0..7_u8).prop_map(Operation::Resize),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_bounded_in_number_weight_and_age_does_what_the_model_does(
        operations in prop::collection::vec(operation(), 1..200),
    ) {
        function_cache_resize(4);
        let mut model = SUBJECT.model();
        for operation in &operations {
            model.apply(operation);
        }
        let start = Instant::now();
        let seen = SUBJECT.trace(&operations);
        // The model counts in seconds and knows only of those it was told.
        prop_assume!(start.elapsed() < Duration::from_secs(1));
        prop_assert_eq!(seen, model.trace);
    }
}
