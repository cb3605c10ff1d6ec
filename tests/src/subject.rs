//! A memoized function whose runs do what a test says, to be compared with the [model](crate::model).

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use lru_memo::{CacheInfo, CacheParameters, clock};

use crate::model::{Body, Ending, Given, Model, Operation, Outcome, Trace};

/// A memoized function and its companions, by the number that makes their keys.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Subject {
    pub call: fn(u8) -> Outcome,
    pub info: fn() -> CacheInfo,
    pub clear: fn(),
    pub parameters: fn() -> CacheParameters,
    pub peek: fn(u8) -> Option<u32>,
    pub put: fn(u8, u32),
    pub refresh: fn(u8) -> Outcome,
    pub invalidate: fn(u8) -> bool,
    pub resize: fn(usize),
    /// What its `cache_if` says.
    pub admits: fn(u32) -> bool,
}

/// The panic of a function or hook that was asked to panic, to tell it from every other.
#[derive(Debug)]
pub struct Asked;

thread_local! {
    static NUMBERS: Cell<u32> = const { Cell::new(0) };
    static TRACE: RefCell<Trace> = const { RefCell::new(Vec::new()) };
    /// The subject, and what its next run does.
    static NEXT: RefCell<Option<(Subject, Body)>> = const { RefCell::new(None) };
}

/// The number of the last run or put.
#[must_use]
pub fn numbers() -> u32 {
    NUMBERS.get()
}

fn next_number() -> u32 {
    NUMBERS.set(NUMBERS.get() + 1);
    NUMBERS.get()
}

/// The body of every function that is a subject.
///
/// # Errors
/// When the operation asks for it.
///
/// # Panics
/// When the operation asks for it, and when the function runs that should not.
pub fn run() -> Outcome {
    let number = next_number();
    let (subject, body) = NEXT.take().expect("a run that an operation asked for");
    for operation in &body.meanwhile {
        subject.apply(operation);
    }
    match body.ending {
        Ending::Returns => Ok(number),
        Ending::Fails => Err(number),
        Ending::Panics => panic(),
    }
}

/// The `resize` of a subject that no operation resizes.
///
/// # Panics
/// Always.
pub fn keeps_its_bound(_: usize) {
    panic!("no operation resizes it")
}

/// Panics as a function or hook that was asked to.
///
/// # Panics
/// Always; the panic hook, which would print, is not run.
pub fn panic() -> ! {
    resume_unwind(Box::new(Asked))
}

impl Subject {
    /// The model of it when it is empty.
    #[must_use]
    pub fn model(self) -> Model {
        Model::new((self.parameters)(), self.admits)
    }

    /// Applies an operation and adds what is seen to the trace.
    pub fn apply(self, operation: &Operation) {
        let given = catch_unwind(AssertUnwindSafe(|| self.give(operation))).unwrap_or_else(asked);
        NEXT.set(None);
        TRACE.with_borrow_mut(|trace| trace.push((given, (self.info)())));
    }

    fn give(self, operation: &Operation) -> Given {
        let with_body = |body: &Body, function: fn(u8) -> Outcome, key: u8| {
            NEXT.set(Some((self, body.clone())));
            Given::Outcome(function(key))
        };
        match operation {
            Operation::Call(key, body) => return with_body(body, self.call, *key),
            Operation::Refresh(key, body) => return with_body(body, self.refresh, *key),
            Operation::Peek(key) => return Given::Peeked((self.peek)(*key)),
            Operation::Invalidate(key) => return Given::Invalidated((self.invalidate)(*key)),
            Operation::Put(key) => (self.put)(*key, next_number()),
            Operation::Clear => (self.clear)(),
            Operation::Resize(maxsize) => (self.resize)(usize::from(*maxsize)),
            Operation::Advance(seconds) => clock::advance(Duration::from_secs((*seconds).into())),
        }
        Given::Nothing
    }

    /// Empties the cache and forgets what was seen.
    pub fn reset(self) {
        (self.clear)();
        NUMBERS.set(0);
        TRACE.take();
    }

    /// Applies the operations to an empty cache and returns what was seen.
    #[must_use]
    pub fn trace(self, operations: &[Operation]) -> Trace {
        self.reset();
        for operation in operations {
            self.apply(operation);
        }
        seen()
    }
}

/// What was seen since this was last asked.
#[must_use]
pub fn seen() -> Trace {
    TRACE.take()
}

fn asked(panic: Box<dyn Any + Send>) -> Given {
    if panic.is::<Asked>() { Given::Panic } else { resume_unwind(panic) }
}
