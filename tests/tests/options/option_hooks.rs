//! The closures and expressions in options, and a hasher's `default()`, are the user's code: each of them panics, or
//! calls the memoized function and its companions again, on every operation that reaches it.
//!
//! A case is an operation on a full cache of two, a hook, and what happens there, once. The cache must stay usable.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::without_hanging;

/// A memoized function and its companions; what it returns for `x` is `10 * x`.
struct Subject {
    call: fn(u32) -> u32,
    refresh: fn(u32) -> u32,
    put: fn(u32),
    peek: fn(u32) -> Option<u32>,
    invalidate: fn(u32) -> bool,
    info: fn() -> CacheInfo,
    clear: fn(),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hook {
    Key,
    CacheIf,
    Weigh,
    MakeHasher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Call(u32),
    Refresh(u32),
    Put(u32),
    Peek(u32),
    Invalidate(u32),
    Info,
    Clear,
}
use Operation::{Call, Clear, Info, Invalidate, Peek, Put, Refresh};

/// With 1 and 2 in the cache: what is there, and what is not.
const OPERATIONS: [Operation; 12] = [
    Call(1),
    Call(3),
    Refresh(1),
    Refresh(3),
    Put(1),
    Put(3),
    Peek(1),
    Peek(3),
    Invalidate(1),
    Invalidate(3),
    Info,
    Clear,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Panic,
    Run(Operation),
    RunInAnotherThread(Operation),
}

/// What the trap's panic carries, to tell it from every other.
struct Sprung;

thread_local!(static TRAP: Cell<Option<(Hook, Action, &'static Subject)>> = const { Cell::new(None) });

/// Springs the trap of this thread if it waits here.
fn reach(hook: Hook) {
    if let Some((at, action, subject)) = TRAP.get() {
        if at == hook {
            TRAP.set(None);
            action.run(subject);
        }
    }
}

impl Operation {
    fn run(self, subject: &Subject) {
        match self {
            Call(x) => assert_eq!((subject.call)(x), 10 * x),
            Refresh(x) => assert_eq!((subject.refresh)(x), 10 * x),
            Put(x) => (subject.put)(x),
            Peek(x) => assert!((subject.peek)(x).is_none_or(|value| value == 10 * x)),
            Invalidate(x) => _ = (subject.invalidate)(x),
            Info => _ = (subject.info)(),
            Clear => (subject.clear)(),
        }
    }

    /// Whether it comes by a hook.
    fn reaches(self, hook: Hook) -> bool {
        match hook {
            Hook::Key => !matches!(self, Info | Clear),
            Hook::CacheIf => matches!(self, Call(3) | Refresh(_)),
            Hook::Weigh => matches!(self, Call(3) | Refresh(_) | Put(_)),
            Hook::MakeHasher => false,
        }
    }
}

impl Action {
    fn all() -> impl Iterator<Item = Self> {
        let runs =
            OPERATIONS.into_iter().flat_map(|other| [Self::Run(other), Self::RunInAnotherThread(other)]);
        std::iter::once(Self::Panic).chain(runs)
    }

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

/// Runs an operation with a trap; says whether that was sprung.
fn run_trapped(subject: &'static Subject, hook: Hook, operation: Operation, action: Action) -> bool {
    TRAP.set(Some((hook, action, subject)));
    let outcome = catch_unwind(AssertUnwindSafe(|| operation.run(subject)));
    let sprung = TRAP.take().is_none();
    match outcome {
        Ok(()) => assert!(!(sprung && action == Action::Panic), "the panic was swallowed"),
        Err(panic) if panic.is::<Sprung>() => {}
        Err(panic) => resume_unwind(panic),
    }
    sprung
}

fn is_consistent(subject: &Subject) {
    let present = (0..9).filter(|&x| (subject.peek)(x).is_some_and(|value| value == 10 * x)).count();
    let info = (subject.info)();
    assert!(present == info.currsize && present <= 2, "{present} entries found of {info}");
}

fn is_usable(subject: &Subject) {
    is_consistent(subject);
    for x in [1, 3, 5, 5, 7] {
        assert_eq!((subject.call)(x), 10 * x);
    }
    is_consistent(subject);
    (subject.clear)();
    assert_eq!(((subject.call)(5), (subject.call)(5)), (50, 50));
    let info = (subject.info)();
    assert_eq!((info.hits, info.misses, info.currsize), (1, 1, 1));
}

fn run_case(subject: &'static Subject, hook: Hook, operation: Operation, action: Action) {
    (subject.clear)();
    assert_eq!(((subject.call)(1), (subject.call)(2)), (10, 20));
    let sprung = run_trapped(subject, hook, operation, action);
    assert_eq!(sprung, operation.reaches(hook));
    let forgets = matches!(action, Action::Run(Clear | Invalidate(3)));
    if forgets && hook != Hook::Key && matches!(operation, Call(3) | Refresh(3)) {
        assert_eq!((subject.peek)(3), None, "computed before it was cleared or invalidated");
    }
    if action == Action::Panic && sprung {
        assert_eq!((subject.peek)(3), None, "nothing is stored when a hook panics");
        assert_eq!(((subject.peek)(1), (subject.peek)(2)), (Some(10), Some(20)), "nothing is evicted either");
    }
    is_usable(subject);
}

/// Whether a call waits for another thread's call of the same key: with single flight, that one waits for the first.
fn is_a_wait_for_oneself(operation: Operation, action: Action) -> bool {
    matches!(operation, Call(3)) && action == Action::RunInAnotherThread(Call(3))
}

/// All cases of one kind of function.
fn run_all_cases(hooks: &'static [Hook], subject: &'static Subject) {
    let case = Arc::new(Mutex::new(String::new()));
    let stage = Arc::clone(&case);
    without_hanging(
        move || stage.lock().map(|case| case.clone()).unwrap_or_default(),
        move || {
            for &hook in hooks {
                for operation in OPERATIONS {
                    for action in Action::all() {
                        if is_a_wait_for_oneself(operation, action) {
                            continue;
                        }
                        let name = format!("{operation:?}: {action:?} in {hook:?}");
                        case.lock().expect("no panic while locked").clone_from(&name);
                        let run = || run_case(subject, hook, operation, action);
                        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
                            eprintln!("in the case {name}");
                            resume_unwind(panic);
                        });
                    }
                }
            }
        },
    );
}

/// The options with a hook in each of them.
macro_rules! hooked {
    ($scope:ident, [$($option:tt)*], $($async:ident)? [$($generics:tt)*] $f:ident) => {
        #[lru_cache(
            maxsize = 2,
            scope = $scope,
            key = { reach(Hook::Key); x },
            cache_if = |_| { reach(Hook::CacheIf); true },
            max_weight = 2,
            weigh = |_, _| { reach(Hook::Weigh); 1 },
            $($option)*
        )]
        $($async)? fn $f $($generics)* (x: u32) -> u32 {
            10 * x
        }
    };
}

macro_rules! subject {
    ($call:expr, $refresh:expr, $put:expr, $peek:expr, $invalidate:expr, $info:expr, $clear:expr) => {
        &const {
            Subject {
                call: $call,
                refresh: $refresh,
                put: |x| $put(x, 10 * x),
                peek: $peek,
                invalidate: $invalidate,
                info: $info,
                clear: $clear,
            }
        }
    };
}

macro_rules! in_each_kind {
    ($($kind:ident: $scope:ident, [$($option:tt)*];)*) => {$(mod $kind {
        use super::*;

        #[test]
        fn the_hooks_of_a_function_may_panic_and_call_it_again() {
            hooked!($scope, [$($option)*], [] f);
            run_all_cases(&[Hook::Key, Hook::CacheIf, Hook::Weigh], subject!(
                f, f_cache_refresh, f_cache_put, f_cache_peek, f_cache_invalidate, f_cache_info, f_cache_clear
            ));
        }

        #[test]
        fn the_hooks_of_a_generic_function_may_panic_and_call_it_again() {
            hooked!($scope, [$($option)*], [<const N: usize>] f);
            run_all_cases(&[Hook::Key, Hook::CacheIf, Hook::Weigh], subject!(
                f::<1>, f_cache_refresh::<1>, f_cache_put::<1>, f_cache_peek::<1>, f_cache_invalidate::<1>,
                f_cache_info::<1>, f_cache_clear::<1>
            ));
        }

        /// Without `key = ..`, where the cache is found in another way.
        #[test]
        fn the_hooks_of_a_function_with_its_arguments_as_key_may_panic_and_call_it_again() {
            #[lru_cache(
                maxsize = 2,
                scope = $scope,
                cache_if = |_| { reach(Hook::CacheIf); true },
                max_weight = 2,
                weigh = |_, _| { reach(Hook::Weigh); 1 },
                $($option)*
            )]
            fn f(x: u32) -> u32 {
                10 * x
            }
            run_all_cases(&[Hook::CacheIf, Hook::Weigh], subject!(
                f, f_cache_refresh, f_cache_put, f_cache_peek, f_cache_invalidate, f_cache_info, f_cache_clear
            ));
        }

        #[test]
        fn the_hooks_of_an_async_function_may_panic_and_call_it_again() {
            hooked!($scope, [$($option)*], async [] f);
            fn call(x: u32) -> u32 {
                pollster::block_on(f(x))
            }
            fn refresh(x: u32) -> u32 {
                pollster::block_on(f_cache_refresh(x))
            }
            run_all_cases(&[Hook::Key, Hook::CacheIf, Hook::Weigh], subject!(
                call, refresh, f_cache_put, f_cache_peek, f_cache_invalidate, f_cache_info, f_cache_clear
            ));
        }
    })*};
}

in_each_kind! {
    in_the_process: process, [];
    in_a_thread: thread, [];
    in_single_flight: process, [single_flight = true];
    in_single_flight_of_a_thread: thread, [single_flight = true];
    with_a_ttl: process, [ttl = "10000h"];
}

/// A hasher whose `default()` is a hook.
struct Hooked(RandomState);

impl Default for Hooked {
    fn default() -> Self {
        reach(Hook::MakeHasher);
        Self(RandomState::default())
    }
}

impl BuildHasher for Hooked {
    type Hasher = <RandomState as BuildHasher>::Hasher;
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

/// A test each on functions whose cache is not made yet: what is called first, and what happens in `default()`.
macro_rules! unused_functions {
    ($scope:ident; $($name:ident: $operation:expr, $action:expr;)*) => {$(
        #[test]
        fn $name() {
            #[lru_cache(maxsize = 2, scope = $scope, hasher = Hooked)]
            fn f(x: u32) -> u32 {
                10 * x
            }
            #[lru_cache(maxsize = 2, scope = $scope, hasher = Hooked)]
            fn g<const N: usize>(x: u32) -> u32 {
                10 * x
            }
            let plain: &'static Subject = subject!(
                f, f_cache_refresh, f_cache_put, f_cache_peek, f_cache_invalidate, f_cache_info, f_cache_clear
            );
            let generic: &'static Subject = subject!(
                g::<1>, g_cache_refresh::<1>, g_cache_put::<1>, g_cache_peek::<1>, g_cache_invalidate::<1>,
                g_cache_info::<1>, g_cache_clear::<1>
            );
            for subject in [plain, generic] {
                without_hanging(|| "a cache that is being made".to_owned(), move || {
                    assert!(run_trapped(subject, Hook::MakeHasher, $operation, $action), "no hasher was made");
                    if let (Call(_), Action::Run(Call(_))) = ($operation, $action) {
                        let info = (subject.info)();
                        assert_eq!(info.hits + info.misses, 2, "of two calls: {info}");
                    }
                    is_usable(subject);
                });
            }
        }
    )*};
}

macro_rules! all_unused_functions {
    ($($kind:ident: $scope:ident;)*) => {$(mod $kind {
        use super::*;
        unused_functions! { $scope;
            a_hasher_that_cannot_be_made_for_a_call_can_be_made_later: Call(1), Action::Panic;
            a_hasher_that_cannot_be_made_for_a_put_can_be_made_later: Put(1), Action::Panic;
            a_hasher_that_cannot_be_made_for_a_refresh_can_be_made_later: Refresh(1), Action::Panic;
            a_hasher_may_be_made_by_a_call_of_the_function: Call(1), Action::Run(Call(1));
            a_hasher_may_be_made_by_a_call_with_another_key: Call(1), Action::Run(Call(2));
            a_hasher_may_be_made_by_a_call_within_a_put: Put(1), Action::Run(Call(1));
            a_hasher_may_be_made_by_a_call_within_a_refresh: Refresh(1), Action::Run(Call(1));
            a_hasher_may_be_made_by_a_put: Call(1), Action::Run(Put(1));
            a_hasher_may_be_made_by_a_refresh: Call(1), Action::Run(Refresh(1));
            a_hasher_may_be_made_by_a_peek: Call(1), Action::Run(Peek(1));
            a_hasher_may_be_made_by_an_invalidation: Call(1), Action::Run(Invalidate(1));
            a_hasher_may_be_made_by_asking_for_the_counters: Call(1), Action::Run(Info);
            a_hasher_may_be_made_by_a_clear: Call(1), Action::Run(Clear);
            a_hasher_may_be_made_by_a_call_in_another_thread: Call(1), Action::RunInAnotherThread(Call(1));
        }
    })*};
}
all_unused_functions! {
    unused_in_the_process: process;
    unused_in_a_thread: thread;
}
