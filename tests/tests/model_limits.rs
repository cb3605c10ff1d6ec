//! Random operations on a cache bounded in number, weight and age, beside a naive model of it.
//!
//! One test in a program of its own: the clock is the process's.

use std::time::Duration;

use lru_memo::{clock, lru_cache};
use proptest::prelude::*;

const MAXSIZE: usize = 4;
const MAX_WEIGHT: usize = 12;
const TTL: u64 = 10;

/// From 0 to 14: some weigh more than a cache may hold.
fn weight(key: u64) -> usize {
    key as usize % 15
}

#[lru_cache(maxsize = MAXSIZE, max_weight = MAX_WEIGHT, weigh = |key, _| weight(*key), ttl = Duration::from_secs(TTL))]
fn double(key: u64) -> u64 {
    2 * key
}

struct Entry {
    key: u64,
    value: u64,
    stored: u64,
    /// How many were stored before it.
    number: u64,
}

/// What the cache should be: the most recent entry is the last.
#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    now: u64,
    stores: u64,
    hits: u64,
    misses: u64,
}

impl Model {
    fn weight(&self) -> usize {
        self.entries.iter().map(|entry| weight(entry.key)).sum()
    }

    /// Where an entry is; an expired one goes when it is met.
    fn find(&mut self, key: u64) -> Option<usize> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        if self.now - self.entries[at].stored >= TTL {
            self.entries.remove(at);
            return None;
        }
        Some(at)
    }

    fn store(&mut self, key: u64, value: u64) {
        self.entries.retain(|entry| entry.key != key);
        if weight(key) > MAX_WEIGHT {
            return;
        }
        while self.entries.len() + 1 > MAXSIZE || self.weight() + weight(key) > MAX_WEIGHT {
            let oldest =
                (0..self.entries.len()).min_by_key(|&at| self.entries[at].number).expect("not empty");
            let expired = self.now - self.entries[oldest].stored >= TTL;
            self.entries.remove(if expired { oldest } else { 0 });
        }
        self.stores += 1;
        self.entries.push(Entry { key, value, stored: self.now, number: self.stores });
    }

    fn call(&mut self, key: u64) -> u64 {
        if let Some(at) = self.find(key) {
            self.hits += 1;
            let entry = self.entries.remove(at);
            let value = entry.value;
            self.entries.push(entry);
            return value;
        }
        self.misses += 1;
        self.store(key, 2 * key);
        2 * key
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Call(u64),
    Put(u64, u64),
    Peek(u64),
    Invalidate(u64),
    Refresh(u64),
    Advance(u64),
    Clear,
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = 0..20_u64;
    prop_oneof![
        10 => key.clone().prop_map(Operation::Call),
        3 => (key.clone(), 0..100_u64).prop_map(|(key, value)| Operation::Put(key, value)),
        3 => key.clone().prop_map(Operation::Peek),
        2 => key.clone().prop_map(Operation::Invalidate),
        2 => key.prop_map(Operation::Refresh),
        // Seconds, so that the time the test itself takes makes no difference.
        3 => (0..7_u64).prop_map(Operation::Advance),
        1 => Just(Operation::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_bounded_in_number_weight_and_age_does_what_the_model_does(
        operations in prop::collection::vec(operation(), 1..200),
    ) {
        double_cache_clear();
        let mut model = Model::default();
        for operation in operations {
            match operation {
                Operation::Call(key) => prop_assert_eq!(double(key), model.call(key)),
                Operation::Put(key, value) => {
                    double_cache_put(key, value);
                    model.find(key);
                    model.store(key, value);
                }
                Operation::Peek(key) => {
                    let expected = model.find(key).map(|at| model.entries[at].value);
                    prop_assert_eq!(double_cache_peek(key), expected);
                }
                Operation::Invalidate(key) => {
                    let expected = model.find(key).map(|at| model.entries.remove(at)).is_some();
                    prop_assert_eq!(double_cache_invalidate(key), expected);
                }
                Operation::Refresh(key) => {
                    prop_assert_eq!(double_cache_refresh(key), 2 * key);
                    model.find(key);
                    model.store(key, 2 * key);
                }
                Operation::Advance(seconds) => {
                    clock::advance(Duration::from_secs(seconds));
                    model.now += seconds;
                }
                Operation::Clear => {
                    double_cache_clear();
                    model = Model { now: model.now, ..Model::default() };
                }
            }
            let info = double_cache_info();
            prop_assert_eq!((info.hits, info.misses), (model.hits, model.misses));
            prop_assert_eq!(info.currsize, model.entries.len());
            prop_assert!(model.weight() <= MAX_WEIGHT && info.currsize <= MAXSIZE);
        }
    }
}
