//! Random operations against a naive model: a `Vec` in order of use.
//!
//! An operation that runs the function may run others while the function runs, so the model also says what
//! becomes of a value whose key was stored, cleared or invalidated meanwhile. Keys are of a type the cache knows
//! to be harmless, of a user's type, of one whose hashes are all the same, and borrowed.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};

use lru_memo::{CacheInfo, lru_cache};
use proptest::prelude::*;

/// The error of a failing run: its number.
type Outcome = Result<u32, u32>;

#[derive(Debug, Clone)]
enum Operation {
    Call(u8, Body),
    Refresh(u8, Body),
    Peek(u8),
    Put(u8),
    Invalidate(u8),
    Clear,
}

/// What the function does when it runs: other operations first, then it returns or fails.
#[derive(Debug, Clone)]
struct Body {
    meanwhile: Vec<Operation>,
    fails: bool,
}

/// What an operation gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Outcome(Outcome),
    Peeked(Option<u32>),
    Invalidated(bool),
    Nothing,
}

/// What is compared: what each operation gave, and the counters after it.
type Trace = Vec<(Given, CacheInfo)>;

/// The model. Every value is the number of the run or put it came from.
struct Model {
    maxsize: Option<usize>,
    /// The most recent last.
    entries: Vec<(u8, u32)>,
    hits: u64,
    misses: u64,
    /// The invalidations and clears so far, as the key or `None`.
    forgotten: Vec<Option<u8>>,
    numbers: u32,
    trace: Trace,
}

impl Model {
    fn new(maxsize: Option<usize>) -> Self {
        let (entries, forgotten, trace) = (Vec::new(), Vec::new(), Vec::new());
        Self { maxsize, entries, hits: 0, misses: 0, forgotten, numbers: 0, trace }
    }

    fn apply(&mut self, operation: &Operation) {
        let given = match operation {
            Operation::Call(key, body) => Given::Outcome(self.call(*key, body)),
            Operation::Refresh(key, body) => Given::Outcome(self.run(*key, body, true)),
            Operation::Peek(key) => {
                Given::Peeked(self.position(*key).map(|position| self.entries[position].1))
            }
            Operation::Put(key) => {
                self.numbers += 1;
                self.store(*key, self.numbers, true);
                Given::Nothing
            }
            Operation::Invalidate(key) => {
                self.forgotten.push(Some(*key));
                let position = self.position(*key);
                Given::Invalidated(position.map(|position| self.entries.remove(position)).is_some())
            }
            Operation::Clear => {
                self.forgotten.push(None);
                self.entries.clear();
                (self.hits, self.misses) = (0, 0);
                Given::Nothing
            }
        };
        let currsize = self.entries.len();
        let info = CacheInfo { hits: self.hits, misses: self.misses, maxsize: self.maxsize, currsize };
        self.trace.push((given, info));
    }

    fn call(&mut self, key: u8, body: &Body) -> Outcome {
        if let Some(position) = self.position(key) {
            self.hits += 1;
            let entry = self.entries.remove(position);
            self.entries.push(entry);
            return Ok(entry.1);
        }
        self.misses += 1;
        self.run(key, body, self.maxsize.is_none())
    }

    fn run(&mut self, key: u8, body: &Body, replace: bool) -> Outcome {
        self.numbers += 1;
        let number = self.numbers;
        let before = self.forgotten.len();
        for operation in &body.meanwhile {
            self.apply(operation);
        }
        if body.fails {
            return Err(number);
        }
        let concerns = |forgotten: &Option<u8>| forgotten.is_none_or(|forgotten| forgotten == key);
        if !self.forgotten[before..].iter().any(concerns) {
            self.store(key, number, replace);
        }
        Ok(number)
    }

    fn store(&mut self, key: u8, value: u32, replace: bool) {
        match self.position(key) {
            Some(_) if !replace => return,
            Some(position) => _ = self.entries.remove(position),
            None if self.maxsize == Some(0) => return,
            None if self.maxsize == Some(self.entries.len()) => _ = self.entries.remove(0),
            None => {}
        }
        self.entries.push((key, value));
    }

    fn position(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|entry| entry.0 == key)
    }
}

/// A memoized function and its companions.
#[derive(Clone, Copy)]
struct Subject {
    call: fn(u8) -> Outcome,
    info: fn() -> CacheInfo,
    clear: fn(),
    peek: fn(u8) -> Option<u32>,
    put: fn(u8, u32),
    refresh: fn(u8) -> Outcome,
    invalidate: fn(u8) -> bool,
}

thread_local! {
    static NUMBERS: Cell<u32> = const { Cell::new(0) };
    static TRACE: RefCell<Trace> = const { RefCell::new(Vec::new()) };
    /// The subject, and what its next run does.
    static NEXT: RefCell<Option<(Subject, Body)>> = const { RefCell::new(None) };
}

fn number() -> u32 {
    NUMBERS.set(NUMBERS.get() + 1);
    NUMBERS.get()
}

/// The function that is memoized.
fn run() -> Outcome {
    let number = number();
    let (subject, body) = NEXT.take().expect("a run that an operation asked for");
    for operation in &body.meanwhile {
        subject.apply(operation);
    }
    if body.fails { Err(number) } else { Ok(number) }
}

impl Subject {
    fn apply(self, operation: &Operation) {
        let with_body = |body: &Body, function: fn(u8) -> Outcome, key: u8| {
            NEXT.set(Some((self, body.clone())));
            let outcome = function(key);
            NEXT.set(None);
            Given::Outcome(outcome)
        };
        let given = match operation {
            Operation::Call(key, body) => with_body(body, self.call, *key),
            Operation::Refresh(key, body) => with_body(body, self.refresh, *key),
            Operation::Peek(key) => Given::Peeked((self.peek)(*key)),
            Operation::Put(key) => {
                (self.put)(*key, number());
                Given::Nothing
            }
            Operation::Invalidate(key) => Given::Invalidated((self.invalidate)(*key)),
            Operation::Clear => {
                (self.clear)();
                Given::Nothing
            }
        };
        TRACE.with_borrow_mut(|trace| trace.push((given, (self.info)())));
    }

    /// Applies the operations and returns what was seen.
    fn trace(self, operations: &[Operation]) -> Trace {
        (self.clear)();
        NUMBERS.set(0);
        TRACE.take();
        for operation in operations {
            self.apply(operation);
        }
        TRACE.take()
    }
}

/// Operations, most of them calls, on few enough keys to meet again.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let key = || 0_u8..6;
    let returns = |key| Operation::Call(key, Body { meanwhile: Vec::new(), fails: false });
    let simple = prop_oneof![
        10 => key().prop_map(returns),
        2 => key().prop_map(Operation::Peek),
        2 => key().prop_map(Operation::Put),
        2 => key().prop_map(Operation::Invalidate),
        1 => Just(Operation::Clear),
    ];
    let operation = simple.prop_recursive(3, 16, 4, move |operation| {
        let body = (prop::collection::vec(operation, 0..4), prop::bool::weighted(0.2))
            .prop_map(|(meanwhile, fails)| Body { meanwhile, fails });
        prop_oneof![
            2 => (key(), body.clone()).prop_map(|(key, body)| Operation::Call(key, body)),
            1 => (key(), body).prop_map(|(key, body)| Operation::Refresh(key, body)),
        ]
    });
    prop::collection::vec(operation, 1..60)
}

fn agrees_with_the_model(subject: Subject) {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(operations in operations())| {
        let mut model = Model::new((subject.info)().maxsize);
        for operation in &operations {
            model.apply(operation);
        }
        prop_assert_eq!(subject.trace(&operations), model.trace);
    });
}

/// A user's type; with `SAME_HASH` all of its values have one hash.
#[derive(Debug, Clone, PartialEq, Eq)]
struct User<const SAME_HASH: bool>(u8);

impl<const SAME_HASH: bool> Hash for User<SAME_HASH> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if !SAME_HASH {
            self.0.hash(state);
        }
    }
}

const WORDS: [&str; 6] = ["", "a", "b", "ab", "ba", "abc"];

/// A test of each `maxsize` in both scopes, for each way to make a key of `n`.
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
        }
    )*};
    (@ $key:ty, |$n:ident| $make:expr; $($test:ident: $maxsize:tt, $scope:ident;)*) => {$(
        #[test]
        fn $test() {
            #[lru_cache(maxsize = $maxsize, scope = $scope)]
            fn function(_: $key) -> Outcome {
                run()
            }
            agrees_with_the_model(Subject {
                call: |$n| function($make),
                info: function_cache_info,
                clear: function_cache_clear,
                peek: |$n| function_cache_peek($make),
                put: |$n, value| function_cache_put($make, value),
                refresh: |$n| function_cache_refresh($make),
                invalidate: |$n| function_cache_invalidate($make),
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
