//! Random operations on a cache bounded in number, weight and age, beside a naive model of it. The first bound
//! changes.

use std::time::{Duration, Instant};

use lru_memo::lru_cache;
use lru_memo_tests::model::{Body, Ending, Model, Operation, Outcome, is_wanted, weight};
use lru_memo_tests::subject::{Subject, run};
use proptest::prelude::*;

#[lru_cache(maxsize = 4, max_weight = 12, weigh = |_, value| weight(*value), ttl = "10s")]
fn function(_: u8) -> Outcome {
    run()
}

#[lru_cache(
    maxsize = 4,
    max_weight = 12,
    weigh = |_, value| weight(*value),
    ttl = "10s",
    ttl_of = |value| Duration::from_secs(own_ttl(*value)),
)]
fn with_ttl_of(_: u8) -> Outcome {
    run()
}

#[lru_cache(maxsize = 4, max_weight = 20, weigh = |_, value| weight(*value), ttl = "25s", idle = "9s")]
fn with_idle(_: u8) -> Outcome {
    run()
}

#[lru_cache(maxsize = 50, idle = "9s", scope = thread)]
fn with_idle_alone(_: u8) -> Outcome {
    run()
}

#[lru_cache(
    maxsize = 4,
    max_weight = 20,
    weigh = |_, value| weight(*value),
    cache_if = |value: &u32| is_wanted(*value),
    ttl = "10s",
    ttl_of = |value| Duration::from_secs(own_ttl(*value)),
    stale = "20s",
)]
fn with_stale(_: u8) -> Outcome {
    run()
}

#[lru_cache(maxsize = 50, ttl = "5s", stale = "20s", idle = "9s", single_flight = true, scope = thread)]
fn with_stale_and_idle(_: u8) -> Outcome {
    run()
}

/// From nothing to more than `ttl`, in seconds.
fn own_ttl(value: u32) -> u64 {
    u64::from(value) * 7 % 13
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

const WITH_TTL_OF: Subject = Subject {
    call: with_ttl_of,
    info: with_ttl_of_cache_info,
    clear: with_ttl_of_cache_clear,
    parameters: with_ttl_of_cache_parameters,
    peek: with_ttl_of_cache_peek,
    put: with_ttl_of_cache_put,
    refresh: with_ttl_of_cache_refresh,
    invalidate: with_ttl_of_cache_invalidate,
    resize: with_ttl_of_cache_resize,
    ..SUBJECT
};

const WITH_IDLE: Subject = Subject {
    call: with_idle,
    info: with_idle_cache_info,
    clear: with_idle_cache_clear,
    parameters: with_idle_cache_parameters,
    peek: with_idle_cache_peek,
    put: with_idle_cache_put,
    refresh: with_idle_cache_refresh,
    invalidate: with_idle_cache_invalidate,
    resize: with_idle_cache_resize,
    ..SUBJECT
};

const WITH_IDLE_ALONE: Subject = Subject {
    call: with_idle_alone,
    info: with_idle_alone_cache_info,
    clear: with_idle_alone_cache_clear,
    parameters: with_idle_alone_cache_parameters,
    peek: with_idle_alone_cache_peek,
    put: with_idle_alone_cache_put,
    refresh: with_idle_alone_cache_refresh,
    invalidate: with_idle_alone_cache_invalidate,
    resize: with_idle_alone_cache_resize,
    ..SUBJECT
};

const WITH_STALE: Subject = Subject {
    call: with_stale,
    info: with_stale_cache_info,
    clear: with_stale_cache_clear,
    parameters: with_stale_cache_parameters,
    peek: with_stale_cache_peek,
    put: with_stale_cache_put,
    refresh: with_stale_cache_refresh,
    invalidate: with_stale_cache_invalidate,
    resize: with_stale_cache_resize,
    admits: is_wanted,
};

const WITH_STALE_AND_IDLE: Subject = Subject {
    call: with_stale_and_idle,
    info: with_stale_and_idle_cache_info,
    clear: with_stale_and_idle_cache_clear,
    parameters: with_stale_and_idle_cache_parameters,
    peek: with_stale_and_idle_cache_peek,
    put: with_stale_and_idle_cache_put,
    refresh: with_stale_and_idle_cache_refresh,
    invalidate: with_stale_and_idle_cache_invalidate,
    resize: with_stale_and_idle_cache_resize,
    ..SUBJECT
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

/// Operations of which some fail, and some run others meanwhile.
fn operation_that_may_fail() -> impl Strategy<Value = Operation> {
    let ending = prop_oneof![4 => Just(Ending::Returns), 2 => Just(Ending::Fails), 1 => Just(Ending::Panics)];
    let body = (prop::collection::vec(operation(), 0..3), ending)
        .prop_map(|(meanwhile, ending)| Body { meanwhile, ending });
    prop_oneof![
        2 => operation(),
        3 => (0..6_u8, body).prop_map(|(key, body)| Operation::Call(key, body)),
    ]
}

fn compare(subject: Subject, mut model: Model, operations: &[Operation]) -> Result<(), TestCaseError> {
    let _clock = lru_memo_tests::clock_for_me_alone();
    (subject.resize)(4);
    model.resize(4);
    for operation in operations {
        model.apply(operation);
    }
    let start = Instant::now();
    let seen = subject.trace(operations);
    // The model counts in seconds and knows only of those it was told.
    prop_assume!(start.elapsed() < Duration::from_secs(1));
    prop_assert_eq!(seen, model.trace);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_bounded_in_number_weight_and_age_does_what_the_model_does(
        operations in prop::collection::vec(operation(), 1..200),
    ) {
        compare(SUBJECT, SUBJECT.model(), &operations)?;
        compare(WITH_TTL_OF, WITH_TTL_OF.model().with_ttl_of(own_ttl), &operations)?;
        // Uses within a millisecond count as one.
        let ticking: Vec<Operation> =
            operations.into_iter().flat_map(|operation| [Operation::Advance(1), operation]).collect();
        compare(WITH_IDLE, WITH_IDLE.model(), &ticking)?;
        compare(WITH_IDLE_ALONE, WITH_IDLE_ALONE.model(), &ticking)?;
    }

    #[test]
    fn a_cache_that_serves_old_values_does_what_the_model_does(
        operations in prop::collection::vec(operation_that_may_fail(), 1..100),
    ) {
        compare(WITH_STALE, WITH_STALE.model().with_ttl_of(own_ttl), &operations)?;
        let ticking: Vec<Operation> =
            operations.into_iter().flat_map(|operation| [Operation::Advance(1), operation]).collect();
        compare(WITH_STALE_AND_IDLE, WITH_STALE_AND_IDLE.model(), &ticking)?;
    }
}
