//! What threads see of a cache that they use at once is what they would see if one thread had done all of it, step by
//! step. Of operations that overlap, some may be done in several steps: [`Allowed`] says which, and nothing else is.

#[path = "linearizable/checker.rs"]
mod checker;

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::thread;

use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::history::{Allowed, Did, Event, History};
use lru_memo_tests::without_hanging;

/// Histories of each test, with two threads and with three.
const HISTORIES: u64 = 250;

/// How many times more there are to be.
fn stress() -> u64 {
    std::env::var("LRU_MEMO_STRESS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

/// Keys that nobody uses before the end of a history.
const OTHER_KEYS: u8 = 100;

/// A memoized function and its companions.
#[derive(Clone, Copy)]
struct Function {
    maxsize: usize,
    call: fn(u8) -> u32,
    put: fn(u8, u32),
    peek: fn(u8) -> Option<u32>,
    invalidate: fn(u8) -> bool,
    clear: fn(),
    info: fn() -> CacheInfo,
}

/// What a thread is to do.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Call(u8),
    Put(u8),
    Peek(u8),
    Invalidate(u8),
    Clear,
    Info,
}

thread_local! {
    /// When the function ran that the thread has called.
    static RAN: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The next moment.
fn moment() -> u64 {
    static MOMENTS: AtomicU64 = AtomicU64::new(0);
    MOMENTS.fetch_add(1, SeqCst)
}

/// A number that was never given before.
fn number() -> u32 {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    NUMBERS.fetch_add(1, SeqCst)
}

/// The body of the memoized functions.
fn run() -> u32 {
    RAN.set(Some(moment()));
    number()
}

impl Function {
    fn does(self, thread: usize, operation: Operation) -> Event {
        let fresh = number();
        let begun = moment();
        let did = match operation {
            Operation::Call(key) => {
                let value = (self.call)(key);
                RAN.take().map_or(Did::Hit(key, value), |ran| Did::Missed(key, value, ran))
            }
            Operation::Put(key) => {
                (self.put)(key, fresh);
                Did::Put(key, fresh)
            }
            Operation::Peek(key) => Did::Peeked(key, (self.peek)(key)),
            Operation::Invalidate(key) => Did::Invalidated(key, (self.invalidate)(key)),
            Operation::Clear => {
                (self.clear)();
                Did::Cleared
            }
            Operation::Info => {
                let CacheInfo { hits, misses, currsize, .. } = (self.info)();
                Did::Counted(hits, misses, currsize)
            }
        };
        Event { thread, begun, over: moment(), did }
    }

    /// What is done after all else, by one thread: it shows the counters, what is left, and in which order that is
    /// evicted.
    fn looks(self, keys: u8) -> Vec<Event> {
        let peeks = || (0..keys).map(Operation::Peek);
        let mut operations: Vec<Operation> = peeks().chain([Operation::Info]).collect();
        for other in 0..self.maxsize as u8 {
            operations.push(Operation::Put(OTHER_KEYS + other));
            operations.extend(peeks());
        }
        operations.into_iter().map(|operation| self.does(0, operation)).collect()
    }
}

/// What is done in one history.
struct Plan {
    keys: u8,
    /// First, by one thread.
    before: Vec<Operation>,
    /// Then by several at once, each of which waits a little before each operation.
    threads: Vec<Vec<(u32, Operation)>>,
}

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    /// One of so many.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

impl Plan {
    fn new(threads: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let keys = 3 + random.below(2) as u8;
        let operation = |random: &mut Random| {
            let key = random.below(keys.into()) as u8;
            match random.below(16) {
                0..10 => Operation::Call(key),
                10 | 11 => Operation::Put(key),
                12 => Operation::Peek(key),
                13 | 14 => Operation::Invalidate(key),
                _ => Operation::Clear,
            }
        };
        let before = (0..random.below(4)).map(|_| operation(&mut random)).collect();
        let longest = [1, 30, 300][random.below(3) as usize];
        let threads = (0..threads)
            .map(|_| {
                (0..4 + random.below(3))
                    .map(|_| (random.below(longest) as u32, operation(&mut random)))
                    .collect()
            })
            .collect();
        Self { keys, before, threads }
    }
}

/// Where threads wait for each other without sleeping, so that all go on at the same moment.
struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
}

impl Meeting {
    fn meet(&self) {
        let round = self.arrived.fetch_add(1, SeqCst) / self.threads;
        let mut spins = 0_u32;
        while self.arrived.load(SeqCst) / self.threads == round {
            spins += 1;
            if spins % 1024 == 0 { thread::yield_now() } else { spin_loop() }
        }
    }
}

/// What is shared by the threads of one test.
struct Stage {
    function: Function,
    meeting: Meeting,
    /// The current plan; none at the end.
    plan: Mutex<Option<Arc<Plan>>>,
    /// What was done of it.
    events: Mutex<Vec<Event>>,
}

impl Stage {
    fn act(&self, thread: usize, plan: &Plan) {
        let mut events = Vec::new();
        for &(spins, operation) in &plan.threads[thread] {
            (0..spins).for_each(|_| spin_loop());
            events.push(self.function.does(thread, operation));
        }
        self.events.lock().unwrap().append(&mut events);
    }

    /// What a thread does that is not the first.
    fn follow(&self, thread: usize) {
        loop {
            self.meeting.meet();
            let Some(plan) = self.plan.lock().unwrap().clone() else { return };
            self.act(thread, &plan);
            self.meeting.meet();
        }
    }

    /// What the first thread does: everything that others do not see.
    fn lead(&self, plan: Plan) -> History {
        let Function { maxsize, clear, .. } = self.function;
        clear();
        let mut events: Vec<Event> =
            plan.before.iter().map(|&operation| self.function.does(0, operation)).collect();
        let plan = Arc::new(plan);
        *self.plan.lock().unwrap() = Some(plan.clone());
        self.meeting.meet();
        self.act(0, &plan);
        self.meeting.meet();
        events.append(&mut self.events.lock().unwrap());
        events.extend(self.function.looks(plan.keys));
        History { maxsize, events }
    }
}

/// What is wrong with a history of so many threads, if anything is.
fn histories_of(function: Function, allowed: Allowed, threads: usize) -> Result<(), String> {
    let stage = &Stage {
        function,
        meeting: Meeting { threads, arrived: AtomicUsize::new(0) },
        plan: Mutex::new(None),
        events: Mutex::new(Vec::new()),
    };
    thread::scope(|scope| {
        for thread in 1..threads {
            scope.spawn(move || stage.follow(thread));
        }
        let outcome = (0..HISTORIES * stress()).try_for_each(|seed| {
            let history = stage.lead(Plan::new(threads, seed));
            let is_right = history.is_linearizable(allowed);
            is_right.then_some(()).ok_or_else(|| format!("{threads} threads, seed {seed}: {history}"))
        });
        *stage.plan.lock().unwrap() = None;
        stage.meeting.meet();
        outcome
    })
}

fn is_linearizable(function: Function, allowed: Allowed) {
    let test = move || (2..=3).try_for_each(|threads| histories_of(function, allowed, threads));
    without_hanging(|| "threads that use a cache at once".to_owned(), test)
        .unwrap_or_else(|wrong| panic!("no order of steps explains this\n{wrong}"));
}

/// A user's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct User(u8);

macro_rules! tests {
    ($($name:ident: $maxsize:literal, $key:ty, |$x:ident| $make:expr;)*) => {$(
        mod $name {
            use super::*;

            tests! { @ $maxsize, $key, |$x| $make;
                what_threads_see_has_an_order_of_steps: Allowed::ALL;
            }
        }
    )*};
    (@ $maxsize:literal, $key:ty, |$x:ident| $make:expr; $($test:ident: $allowed:expr;)*) => {$(
        #[test]
        fn $test() {
            #[lru_cache(maxsize = $maxsize)]
            fn function(_: $key) -> u32 {
                run()
            }
            let function = Function {
                maxsize: $maxsize,
                call: |$x| function($make),
                put: |$x, value| function_cache_put($make, value),
                peek: |$x| function_cache_peek($make),
                invalidate: |$x| function_cache_invalidate($make),
                clear: function_cache_clear,
                info: function_cache_info,
            };
            is_linearizable(function, $allowed);
        }
    )*};
}

tests! {
    one_entry_with_plain_keys: 1, u8, |x| x;
    two_entries_with_plain_keys: 2, u8, |x| x;
    three_entries_with_plain_keys: 3, u8, |x| x;
    one_entry_with_the_users_keys: 1, User, |x| User(x);
    two_entries_with_the_users_keys: 2, User, |x| User(x);
    three_entries_with_the_users_keys: 3, User, |x| User(x);
}
