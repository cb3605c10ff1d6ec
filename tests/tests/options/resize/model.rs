//! Random operations, changes of the bound among them, against the naive model.

use lru_memo::{Memo, lru_cache};
use lru_memo_tests::model::{Body, Ending, Operation, Outcome};
use lru_memo_tests::subject::{Subject, run};
use proptest::prelude::*;

/// Operations of which some run, and change the bound, while the function runs.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let key = || 0_u8..8;
    let returns = |key| Operation::Call(key, Body { meanwhile: Vec::new(), ending: Ending::Returns });
    let simple = prop_oneof![
        12 => key().prop_map(returns),
        1 => key().prop_map(Operation::Peek),
        2 => key().prop_map(Operation::Put),
        1 => key().prop_map(Operation::Invalidate),
        1 => Just(Operation::Clear),
        4 => (0..8_u8).prop_map(Operation::Resize),
    ];
    let operation = simple.prop_recursive(2, 8, 3, move |operation| {
        let ending = prop_oneof![4 => Just(Ending::Returns), 1 => Just(Ending::Fails)];
        let body = (prop::collection::vec(operation, 0..3), ending)
            .prop_map(|(meanwhile, ending)| Body { meanwhile, ending });
        prop_oneof![
            2 => (key(), body.clone()).prop_map(|(key, body)| Operation::Call(key, body)),
            1 => (key(), body).prop_map(|(key, body)| Operation::Refresh(key, body)),
        ]
    });
    prop::collection::vec(operation, 1..80)
}

fn agrees_with_the_model(subject: Subject, maxsize: usize) {
    let config = ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(operations in operations())| {
        (subject.resize)(maxsize);
        let mut model = subject.model();
        for operation in &operations {
            model.apply(operation);
        }
        prop_assert_eq!(subject.trace(&operations), model.trace);
    });
}

/// The object of the tests whose functions have one.
static OWNER: Memo = Memo::new();

macro_rules! subjects {
    ($($test:ident: $maxsize:tt, [$($options:tt)*], ($($parameter:ident: $of:ty, $object:expr)?), |$n:ident| $key:ty, $make:expr;)*) => {$(
        #[test]
        fn $test() {
            #[lru_cache(maxsize = $maxsize, $($options)*)]
            fn function($($parameter: $of,)? _: $key) -> Outcome {
                run()
            }
            agrees_with_the_model(Subject {
                call: |$n| function($($object,)? $make),
                info: || function_cache_info($($object)?),
                clear: || function_cache_clear($($object)?),
                parameters: || function_cache_parameters($($object)?),
                peek: |$n| function_cache_peek($($object,)? $make),
                put: |$n, value| function_cache_put($($object,)? $make, value),
                refresh: |$n| function_cache_refresh($($object,)? $make),
                invalidate: |$n| function_cache_invalidate($($object,)? $make),
                resize: |maxsize| function_cache_resize($($object,)? maxsize),
                admits: |_| true,
            }, $maxsize);
        }
    )*};
}

const WORDS: [&str; 8] = ["", "a", "b", "ab", "ba", "abc", "c", "ca"];

subjects! {
    from_zero: 0, [], (), |n| u8, n;
    from_one: 1, [], (), |n| u8, n;
    from_four: 4, [], (), |n| u8, n;
    from_four_with_words: 4, [], (), |n| &str, WORDS[usize::from(n)];
    from_four_with_texts: 4, [], (), |n| String, WORDS[usize::from(n)].to_owned();
    from_one_with_texts: 1, [single_flight = true], (), |n| String, WORDS[usize::from(n)].to_owned();
    from_zero_in_a_thread: 0, [scope = thread], (), |n| u8, n;
    from_four_in_a_thread: 4, [scope = thread], (), |n| u8, n;
    from_four_in_a_thread_with_texts: 4, [scope = thread], (), |n| String, WORDS[usize::from(n)].to_owned();
    from_one_in_an_object: 1, [scope = owner], (owner: &Memo, &OWNER), |n| u8, n;
    from_four_in_an_object: 4, [scope = owner], (owner: &Memo, &OWNER), |n| String, WORDS[usize::from(n)].to_owned();
}
