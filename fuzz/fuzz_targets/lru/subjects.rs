//! The memoized functions that programs are run on.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use lru_memo::lru_cache;
use lru_memo_tests::model::{Outcome, is_wanted, weight};
use lru_memo_tests::subject::{Subject, keeps_its_bound, run};

use crate::program::KEYS;
use crate::trap::{Key, Value};

/// A hasher under which there are two hashes in all.
#[derive(Default)]
struct OddOrEven;

impl BuildHasher for OddOrEven {
    type Hasher = LastBit;

    fn build_hasher(&self) -> LastBit {
        LastBit(0)
    }
}

struct LastBit(u64);

impl Hasher for LastBit {
    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= bytes.iter().fold(0, |sum, byte| sum ^ u64::from(byte & 1));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

const WORDS: [&str; KEYS as usize] = ["", "a", "b", "ab", "ba", "abc", "a longer word"];

/// Names of functions, in groups with a way to make a key and a value, each with its options.
macro_rules! subjects {
    (
        $($key:ty, |$n:ident| $make:expr, $value:ty, |$number:ident| $make_value:expr, |$read:ident| $number_of:expr,
            counted: $counts:expr;
            { $($name:ident: [$($options:tt)*] $(, admits: $admits:expr)?;)* })*
    ) => {
        $($(
            mod $name {
                use super::*;

                #[lru_cache($($options)*)]
                pub(super) fn function(_: $key) -> Result<$value, u32> {
                    run().map(|$number| $make_value)
                }

                pub(super) const SUBJECT: Subject = Subject {
                    call: |$n| outcome(function($make)),
                    info: function_cache_info,
                    clear: function_cache_clear,
                    parameters: function_cache_parameters,
                    peek: |$n| function_cache_peek($make).map(number_of),
                    put: |$n, $number| function_cache_put($make, $make_value),
                    refresh: |$n| outcome(function_cache_refresh($make)),
                    invalidate: |$n| function_cache_invalidate($make),
                    resize: keeps_its_bound,
                    admits: admits!($($admits)?),
                };

                fn number_of($read: $value) -> u32 {
                    $number_of
                }

                fn outcome(outcome: Result<$value, u32>) -> Outcome {
                    outcome.map(number_of)
                }
            }
        )*)*
        /// All functions, and whether their keys and values are [counted](crate::trap::alive).
        pub(crate) const SUBJECTS: &[(Subject, bool)] = &[$($(($name::SUBJECT, $counts),)*)*];
    };
}

macro_rules! admits {
    () => {
        |_| true
    };
    ($admits:expr) => {
        $admits
    };
}

subjects! {
    u8, |n| n, u32, |number| number, |value| value, counted: false; {
        plain_none: [maxsize = 0];
        plain_one: [maxsize = 1];
        plain_two: [maxsize = 2];
        plain_three: [maxsize = 3, scope = thread];
        plain_five: [maxsize = 5];
        plain_unbounded: [maxsize = None];
        plain_unbounded_of_thread: [maxsize = None, scope = thread];
        plain_colliding: [maxsize = 4, hasher = OddOrEven];
        plain_colliding_of_thread: [maxsize = 3, hasher = OddOrEven, scope = thread];
        plain_expiring: [maxsize = 3, ttl = "10s"];
        plain_expiring_unbounded: [maxsize = None, ttl = "10s", hasher = OddOrEven];
        plain_expiring_of_thread: [maxsize = 2, ttl = "10s", scope = thread];
        plain_weighed: [maxsize = None, max_weight = 20, weigh = |_, value| weight(*value)];
        plain_weighed_expiring: [maxsize = 4, max_weight = 12, weigh = |_, value| weight(*value), ttl = "10s"];
        plain_nothing_weighs: [maxsize = 3, max_weight = 0, weigh = |_, value| weight(*value)];
        plain_some: [maxsize = 3, cache_if = |value| is_wanted(*value)], admits: is_wanted;
        plain_flight: [maxsize = 3, single_flight = true];
        plain_flight_unbounded: [maxsize = None, single_flight = true, ttl = "10s"];
    }
    &str, |n| WORDS[usize::from(n)], Arc<u32>, |number| Arc::new(number), |value| *value, counted: false; {
        text_two: [maxsize = 2];
        text_five_colliding: [maxsize = 5, hasher = OddOrEven];
        text_unbounded_of_thread: [maxsize = None, scope = thread];
        text_weighed_expiring: [maxsize = 4, max_weight = 15, weigh = |_, value| weight(**value), ttl = "10s"];
        text_flight: [maxsize = 2, single_flight = true, cache_if = |value| is_wanted(**value)], admits: is_wanted;
    }
    Key<false>, |n| Key::new(n.into()), Value, |number| Value::of(number), |value| value.id(), counted: true; {
        user_none: [maxsize = 0];
        user_one: [maxsize = 1];
        user_two: [maxsize = 2];
        user_four_of_thread: [maxsize = 4, scope = thread];
        user_unbounded: [maxsize = None];
        user_colliding: [maxsize = 5, hasher = OddOrEven];
        user_expiring: [maxsize = 3, ttl = "10s"];
        user_weighed: [maxsize = 4, max_weight = 12, weigh = |_, value| weight(value.id())];
        user_flight: [maxsize = 3, single_flight = true];
        user_flight_of_thread: [maxsize = None, single_flight = true, scope = thread];
    }
    Key<true>, |n| Key::new(n.into()), Value, |number| Value::of(number), |value| value.id(), counted: true; {
        same_three: [maxsize = 3];
        same_unbounded: [maxsize = None];
        same_of_thread: [maxsize = 4, scope = thread];
        same_weighed_expiring: [maxsize = None, max_weight = 30, weigh = |_, value| weight(value.id()), ttl = "10s"];
        same_flight: [maxsize = 3, single_flight = true, cache_if = |value| is_wanted(value.id())], admits: is_wanted;
    }
    &Key<true>, |n| &Key::new(n.into()), Value, |number| Value::of(number), |value| value.id(), counted: true; {
        same_by_reference: [maxsize = 3];
        same_by_reference_unbounded: [maxsize = None, cache_if = |value| is_wanted(value.id())], admits: is_wanted;
    }
}
