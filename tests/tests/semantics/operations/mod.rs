//! Random operations on a memoized function, and keys of several kinds.

use std::hash::{Hash, Hasher};

use lru_memo_tests::model::{Body, Ending, Operation};
use proptest::prelude::*;
use serde::Serialize;

/// Operations, most of them calls, on few enough keys to meet again.
pub fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let key = || 0_u8..6;
    let returns = |key| Operation::Call(key, Body { meanwhile: Vec::new(), ending: Ending::Returns });
    let simple = prop_oneof![
        10 => key().prop_map(returns),
        2 => key().prop_map(Operation::Peek),
        2 => key().prop_map(Operation::Put),
        2 => key().prop_map(Operation::Invalidate),
        1 => Just(Operation::Clear),
    ];
    let ending =
        || prop_oneof![8 => Just(Ending::Returns), 1 => Just(Ending::Fails), 1 => Just(Ending::Panics)];
    let operation = simple.prop_recursive(3, 16, 4, move |operation| {
        let body = (prop::collection::vec(operation, 0..4), ending())
            .prop_map(|(meanwhile, ending)| Body { meanwhile, ending });
        prop_oneof![
            2 => (key(), body.clone()).prop_map(|(key, body)| Operation::Call(key, body)),
            1 => (key(), body).prop_map(|(key, body)| Operation::Refresh(key, body)),
        ]
    });
    prop::collection::vec(operation, 1..60)
}

/// A user's type; with `SAME_HASH` all of its values have one hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User<const SAME_HASH: bool>(pub u8);

impl<const SAME_HASH: bool> Hash for User<SAME_HASH> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !SAME_HASH {
            self.0.hash(state);
        }
    }
}

/// Keys that are borrowed.
pub const WORDS: [&str; 6] = ["", "a", "b", "ab", "ba", "abc"];
