//! `Hash`, `Eq`, `Clone`, `Drop` and the function are the user's code: each of them panics, or calls the memoized
//! function and its companions from the same or from another thread, at every point where the cache runs it.
//!
//! A case is: a cache with entries, an operation on it, a hook, how often the hook is passed first, and what
//! happens there. All combinations are run; the passes go up until the operation no longer reaches the hook.

mod endless;
pub(crate) mod trap;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::without_hanging;
use trap::{Hook, Key, Value, alive, arm, disarm, excuse_one_leak, reach};

/// A memoized function and its companions, by the number that makes their keys.
struct Subject {
    call: fn(u32) -> Value,
    info: fn() -> CacheInfo,
    clear: fn(),
    peek: fn(u32) -> Option<Value>,
    put: fn(u32),
    refresh: fn(u32) -> Value,
    invalidate: fn(u32) -> bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Call(u32),
    Info,
    Clear,
    Peek(u32),
    Put(u32),
    Refresh(u32),
    Invalidate(u32),
}
use Operation::{Call, Clear, Info, Invalidate, Peek, Put, Refresh};

/// With 1 and 2 in a cache of two: the oldest, the newest, one that is not there, one that nobody else asks for.
const OPERATIONS: [Operation; 18] = [
    Call(1),
    Call(2),
    Call(3),
    Call(4),
    Info,
    Clear,
    Peek(1),
    Peek(3),
    Put(1),
    Put(2),
    Put(3),
    Put(4),
    Refresh(1),
    Refresh(3),
    Refresh(4),
    Invalidate(1),
    Invalidate(3),
    Invalidate(4),
];

/// One of each that touches what is there.
const ONE_OF_EACH: [Operation; 7] = [Call(1), Info, Clear, Peek(1), Put(1), Refresh(1), Invalidate(1)];

/// What is in the cache before the operation, oldest first.
const CONTENTS: [&[u32]; 3] = [&[], &[1], &[1, 2]];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Panic,
    Run(Operation),
    RunInAnotherThread(Operation),
}

#[derive(Debug, Clone, Copy)]
struct Case {
    contents: &'static [u32],
    operation: Operation,
    hook: Hook,
    passes: u32,
    action: Action,
}

/// What the trap's panic carries, to tell it from every other.
struct Sprung;

impl Operation {
    fn run(self, subject: &Subject) {
        match self {
            Call(id) => assert_eq!((subject.call)(id).id(), id),
            Info => _ = (subject.info)(),
            Clear => (subject.clear)(),
            Peek(id) => assert!((subject.peek)(id).is_none_or(|value| value.id() == id)),
            Put(id) => (subject.put)(id),
            Refresh(id) => assert_eq!((subject.refresh)(id).id(), id),
            Invalidate(id) => _ = (subject.invalidate)(id),
        }
    }
}

impl Action {
    fn run(self, subject: &'static Subject) {
        match self {
            // Does not run the panic hook, which would print.
            Self::Panic => resume_unwind(Box::new(Sprung)),
            Self::Run(operation) => operation.run(subject),
            Self::RunInAnotherThread(operation) => {
                let thread = thread::spawn(move || operation.run(subject));
                thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        }
    }
}

impl Case {
    /// Runs the case and checks what it left behind; says whether the hook was reached.
    fn run(self, subject: &'static Subject) -> bool {
        (subject.clear)();
        assert_eq!(alive(), (0, 0), "a cleared cache keeps something alive");
        for &id in self.contents {
            Call(id).run(subject);
        }
        arm(self.hook, self.passes, move || self.action.run(subject));
        let outcome = catch_unwind(AssertUnwindSafe(|| self.operation.run(subject)));
        let sprung = disarm();
        match outcome {
            Ok(()) => assert!(!(sprung && self.action == Action::Panic), "the panic was swallowed"),
            Err(panic) if panic.is::<Sprung>() => {}
            Err(panic) => resume_unwind(panic),
        }
        self.counters_add_up(subject, sprung);
        if self.action == Action::Panic && matches!(self.hook, Hook::DropKey | Hook::DropValue) {
            // When dropping an argument panics, Rust itself leaks what the function returns.
            excuse_one_leak((subject.info)().currsize as isize);
        }
        is_consistent(subject);
        is_usable(subject);
        sprung
    }

    fn counters_add_up(self, subject: &Subject, sprung: bool) {
        let mut operations = vec![self.operation];
        if let (true, Action::Run(second) | Action::RunInAnotherThread(second)) = (sprung, self.action) {
            operations.push(second);
        }
        if operations.contains(&Clear) {
            return;
        }
        let calls = operations.iter().filter(|operation| matches!(operation, Call(_)));
        let calls = (self.contents.len() + calls.count()) as u64;
        let info = (subject.info)();
        let counted = info.hits + info.misses;
        if sprung && self.action == Action::Panic {
            // A call that did not get as far as the lookup is not counted.
            assert!(counted == calls || counted + 1 == calls, "{calls} calls, {info}");
        } else {
            assert_eq!(counted, calls, "{calls} calls, {info}");
        }
    }
}

/// The entries are as many as the cache says, of the right keys, and nothing else is kept.
fn is_consistent(subject: &Subject) {
    let info = (subject.info)();
    let present = (0..10).filter(|&id| (subject.peek)(id).is_some_and(|value| value.id() == id));
    assert_eq!(present.count(), info.currsize);
    assert!(info.maxsize.is_none_or(|maxsize| info.currsize <= maxsize), "{info}");
    let entries = info.currsize as isize;
    assert_eq!(alive(), (entries, entries), "keys and values alive, {info}");
}

/// Fresh keys are stored, evict exactly, and hit.
fn is_usable(subject: &Subject) {
    let before = (subject.info)();
    for id in [100, 101, 100, 102, 100, 101] {
        Call(id).run(subject);
    }
    let after = (subject.info)();
    let (hits, currsize) = match before.maxsize {
        Some(_) => (2, 2),
        None => (3, before.currsize + 3),
    };
    let grown = (after.hits - before.hits, after.misses - before.misses);
    assert_eq!((grown, after.currsize), ((hits, 6 - hits), currsize));
    (subject.clear)();
    let cleared = CacheInfo { hits: 0, misses: 0, currsize: 0, ..before };
    assert_eq!((subject.info)(), cleared);
    assert_eq!(alive(), (0, 0), "a cleared cache keeps something alive");
}

/// One test at a time: the trap and the counters of what is alive are the process's.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The case that is running, for the message when it hangs or fails.
static RUNNING: Mutex<Option<Case>> = Mutex::new(None);

fn running() -> impl std::ops::DerefMut<Target = Option<Case>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs all combinations with these actions.
fn try_everything(subject: &'static Subject, actions: impl IntoIterator<Item = Action>) {
    let _alone = alone();
    let cases: Vec<Case> = actions.into_iter().flat_map(cases).collect();
    let stage = || format!("{:?}", *running());
    let outcome = without_hanging(stage, move || {
        catch_unwind(|| {
            let reached = cases.into_iter().filter(|&first| passes(subject, first) > 0);
            reached.count()
        })
    });
    match outcome {
        // A table that springs no trap tests nothing.
        Ok(reached) => assert!(reached > 50, "only {reached} combinations reach a hook"),
        Err(panic) => {
            eprintln!("failed: {}", stage());
            resume_unwind(panic);
        }
    }
}

/// All combinations with this action, nothing being passed.
fn cases(action: Action) -> impl Iterator<Item = Case> {
    let operations =
        CONTENTS.into_iter().flat_map(|contents| OPERATIONS.map(|operation| (contents, operation)));
    operations.flat_map(move |(contents, operation)| {
        Hook::ALL.map(|hook| Case { contents, operation, hook, passes: 0, action })
    })
}

/// Runs a case, passing its hook more and more often until it is not reached; says how often it was.
fn passes(subject: &'static Subject, first: Case) -> u32 {
    let reached = |passes: &u32| {
        let case = Case { passes: *passes, ..first };
        *running() = Some(case);
        case.run(subject)
    };
    (0..).take_while(reached).count() as u32
}

/// The tests of each configuration: scope, maxsize, how the key is passed, whether all keys have one hash.
macro_rules! configurations {
    ($($name:ident: $scope:ident, $maxsize:tt, ($($by:tt)?) Key<$same_hash:literal>;)*) => {$(
        mod $name {
            use super::*;

            #[lru_cache(maxsize = $maxsize, scope = $scope)]
            fn function(key: $($by)? Key<$same_hash>) -> Value {
                reach(Hook::Function);
                Value::of(key.id())
            }

            static SUBJECT: Subject = Subject {
                call: |id| function($($by)? Key::new(id)),
                info: function_cache_info,
                clear: function_cache_clear,
                peek: |id| function_cache_peek($($by)? Key::new(id)),
                put: |id| function_cache_put($($by)? Key::new(id), Value::of(id)),
                refresh: |id| function_cache_refresh($($by)? Key::new(id)),
                invalidate: |id| function_cache_invalidate($($by)? Key::new(id)),
            };

            #[test]
            fn a_panic_anywhere_leaves_the_cache_whole() {
                try_everything(&SUBJECT, [Action::Panic]);
            }

            #[test]
            fn everything_can_be_called_from_anywhere() {
                try_everything(&SUBJECT, OPERATIONS.map(Action::Run));
            }

            configurations!(@$scope);
        }
    )*};
    (@process) => {
        #[test]
        fn another_thread_is_never_locked_out() {
            try_everything(&SUBJECT, ONE_OF_EACH.map(Action::RunInAnotherThread));
        }
    };
    (@thread) => {};
}

configurations! {
    process_bounded: process, 2, () Key<false>;
    process_bounded_by_reference: process, 2, (&) Key<false>;
    process_bounded_one_hash: process, 2, () Key<true>;
    process_unbounded: process, None, () Key<false>;
    process_unbounded_one_hash: process, None, (&) Key<true>;
    thread_bounded: thread, 2, () Key<false>;
    thread_bounded_by_reference: thread, 2, (&) Key<false>;
    thread_bounded_one_hash: thread, 2, () Key<true>;
    thread_unbounded: thread, None, () Key<false>;
    thread_unbounded_one_hash: thread, None, (&) Key<true>;
}

/// Sequences whose first element holds no user type, so that a look at it alone says nothing about the others.
macro_rules! sequences {
    ($($name:ident: $scope:ident, $ty:ty, |$key:ident| $argument:expr;)*) => {$(
        #[test]
        fn $name() {
            #[lru_cache(maxsize = 2, scope = $scope)]
            fn length(keys: $ty) -> usize {
                keys.len()
            }
            fn call() {
                let $key = &Key::<false>::new(1);
                assert_eq!(length($argument), 2);
            }

            let _alone = alone();
            without_hanging(
                || "`Eq` calls the function that compares".to_owned(),
                || {
                    call();
                    arm(Hook::Eq, 0, call);
                    call();
                    assert!(disarm(), "`Eq` was not reached");
                    assert_eq!((length_cache_info().hits, length_cache_info().misses), (2, 1));
                    length_cache_clear();
                },
            );
        }
    )*};
}

sequences! {
    a_slice_that_begins_with_none_is_compared_outside_of_the_lock:
        process, &[Option<&Key<false>>], |key| &[None, Some(key)];
    a_slice_that_begins_with_none_is_compared_outside_of_the_borrow:
        thread, &[Option<&Key<false>>], |key| &[None, Some(key)];
    a_slice_that_begins_with_an_empty_one_is_compared_outside_of_the_lock:
        process, &[&[&Key<false>]], |key| &[&[], &[key]];
}
