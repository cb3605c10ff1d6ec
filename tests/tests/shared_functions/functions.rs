//! `scope = shared` through the macro: in one process on `memory://`, and in worker processes on an embedded store.

mod builds;
mod keys;
mod lifetimes;
mod namesakes;
mod processes;
mod strict;
mod values;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use lru_memo::shared::health;
use lru_memo::{CacheInfo, Scope, clock, lru_cache};
use lru_memo_tests::{clock_for_me_alone, without_hanging};
use pollster::block_on;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shared::Scratch;

fn info(hits: u64, misses: u64, maxsize: impl Into<Option<usize>>, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: maxsize.into(), currsize }
}

/// The store of this process, whichever test comes first.
fn in_memory() {
    lru_memo_tests::in_memory_or_chosen();
}

#[test]
fn each_companion_does_what_it_says() {
    #[lru_cache(maxsize = 2, scope = shared)]
    fn greeting(name: &str, times: u32) -> String {
        format!("{name} ").repeat(times as usize)
    }
    in_memory();
    assert_eq!((greeting("Bo", 2), greeting("Bo", 2)), ("Bo Bo ".to_owned(), "Bo Bo ".to_owned()));
    assert_eq!(greeting_cache_info(), info(1, 1, 2, 1));
    assert_eq!(greeting_cache_peek("Bo", 2), Some("Bo Bo ".to_owned()));
    assert!(greeting_cache_invalidate("Bo", 2) && !greeting_cache_invalidate("Bo", 2));
    greeting_cache_put("Bo", 2, "put".to_owned());
    assert_eq!(greeting("Bo", 2), "put");
    assert_eq!(greeting_cache_refresh("Bo", 2), "Bo Bo ");
    assert_eq!(greeting("Bo", 2), "Bo Bo ");
    assert_eq!(greeting_uncached("Bo", 1), "Bo ");
    assert_eq!(greeting_cache_info(), info(3, 1, 2, 1));
    greeting_cache_clear();
    assert_eq!(greeting_cache_info(), info(0, 0, 2, 0));
    let parameters = greeting_cache_parameters();
    assert_eq!((parameters.scope, parameters.maxsize, parameters.version), (Scope::Shared, Some(2), 0));
}

#[test]
fn the_registry_knows_it_and_clears_it() {
    #[lru_cache(scope = shared, version = 3)]
    fn known(x: u32) -> u32 {
        x
    }
    in_memory();
    known(1);
    let mut found = lru_memo::caches().filter(|cache| cache.name().ends_with("::known"));
    let (cache, none) = (found.next().expect("it was used"), found.next());
    assert!(none.is_none());
    assert_eq!((cache.info(), cache.parameters().version), (info(0, 1, 128, 1), 3));
    cache.clear();
    assert_eq!(known_cache_info(), info(0, 0, 128, 0));
}

#[test]
fn what_failed_or_was_not_admitted_is_not_stored() {
    #[lru_cache(scope = shared)]
    fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
        text.parse()
    }
    #[lru_cache(scope = shared, cache_if = |value: &u32| *value > 9)]
    fn large(x: u32) -> u32 {
        x
    }
    #[lru_cache(scope = shared, cache_err = true)]
    fn remembered(x: u32) -> Result<u32, String> {
        x.checked_sub(1).ok_or("zero".to_owned())
    }
    in_memory();
    assert!(parsed("a").is_err() && parsed("a").is_err());
    assert_eq!((parsed("1"), parsed("1")), (Ok(1), Ok(1)));
    assert_eq!(parsed_cache_info(), info(1, 3, 128, 1));
    assert_eq!((large(1), large(1), large(10), large(10)), (1, 1, 10, 10));
    assert_eq!(large_cache_info(), info(1, 3, 128, 1));
    assert_eq!((remembered(0), remembered(0)), (Err("zero".to_owned()), Err("zero".to_owned())));
    assert_eq!(remembered_cache_info(), info(1, 1, 128, 1));
}

#[test]
fn a_panic_leaves_the_miss_counted_and_nothing_stored() {
    #[lru_cache(scope = shared)]
    fn panics(x: u32) -> u32 {
        std::panic::resume_unwind(Box::new(x))
    }
    in_memory();
    assert!(std::panic::catch_unwind(|| panics(1)).is_err());
    assert_eq!(panics_cache_info(), info(0, 1, 128, 0));
}

#[test]
fn the_key_may_be_an_expression_and_arguments_left_out() {
    #[lru_cache(scope = shared, key = (a.min(b), a.max(b)))]
    fn sum(a: u32, b: u32) -> u32 {
        a + b
    }
    #[derive(Clone)]
    struct NotForKeys;
    #[lru_cache(scope = shared, skip(_log))]
    fn logged(_log: &NotForKeys, x: u32) -> u32 {
        x
    }
    in_memory();
    assert_eq!((sum(1, 2), sum(2, 1), sum(2, 2)), (3, 3, 4));
    assert_eq!(sum_cache_info(), info(1, 2, 128, 2));
    assert_eq!((logged(&NotForKeys, 1), logged(&NotForKeys, 1)), (1, 1));
    assert_eq!(logged_cache_info(), info(1, 1, 128, 1));
}

#[test]
fn zeros_are_one_key_and_a_nan_equals_itself_at_any_depth() {
    #[derive(Serialize)]
    struct Point {
        x: f64,
        others: Vec<Option<f32>>,
    }
    #[lru_cache(scope = shared)]
    fn shown(point: Point, z: f32) -> String {
        format!("{} {:?} {z}", point.x, point.others)
    }
    in_memory();
    let call = |x: f64| shown(Point { x, others: vec![None, Some(x as f32)] }, x as f32);
    assert_eq!((call(0.0), call(-0.0)), ("0 [None, Some(0.0)] 0".to_owned(), call(0.0)));
    assert_eq!(call(f64::NAN), call(f64::NAN));
    assert_ne!(call(1.0), call(-1.0));
    assert_eq!(shown_cache_info(), info(3, 4, 128, 4));
}

#[test]
fn values_of_untagged_and_skipping_types_are_keys_of_their_own() {
    #[derive(Serialize, Debug, Clone)]
    #[serde(untagged)]
    enum Any {
        Small(u8),
        Large(u64),
        Text(String),
        Pair(u8, u8),
        X { x: u8 },
        Y { y: u8 },
        Nothing,
    }
    #[derive(Serialize, Debug, Clone)]
    struct Skipping {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        b: Option<u8>,
    }
    #[lru_cache(scope = shared)]
    fn any(value: Any, list: &[Any]) -> String {
        format!("{value:?} {list:?}")
    }
    #[lru_cache(scope = shared)]
    fn skipping(value: Skipping) -> String {
        format!("{value:?}")
    }
    in_memory();
    let values = [
        Any::Small(1),
        Any::Large(1),
        Any::Text("\u{1}".to_owned()),
        Any::Pair(1, 1),
        Any::X { x: 1 },
        Any::Y { y: 1 },
        Any::Nothing,
    ];
    for value in &values {
        for list in [&values[..], &values[..1], &[]] {
            assert_eq!(any(value.clone(), list), format!("{value:?} {list:?}"));
        }
    }
    assert_eq!(any_cache_info(), info(0, 21, 128, 21));
    for (a, b) in [(None, None), (Some(1), None), (None, Some(1)), (Some(1), Some(1))] {
        let value = Skipping { a, b };
        assert_eq!(skipping(value.clone()), format!("{value:?}"));
    }
    assert_eq!(skipping_cache_info(), info(0, 4, 128, 4));
}

#[test]
fn values_may_be_of_any_type_that_serde_can_read_back() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct Inner {
        text: String,
        #[serde(flatten)]
        others: BTreeMap<String, u8>,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    #[serde(tag = "kind")]
    enum Value {
        Unit,
        Numbers { big: i64, float: f64, list: Vec<u16> },
        Nested(Inner),
    }
    #[lru_cache(scope = shared)]
    fn value(which: u8) -> Option<(Value, char, (), i128)> {
        let value = match which {
            0 => return None,
            1 => Value::Unit,
            2 => Value::Numbers { big: i64::MIN, float: -0.0, list: vec![0, u16::MAX] },
            _ => Value::Nested(Inner { text: "é".to_owned(), others: [("a".to_owned(), 1)].into() }),
        };
        Some((value, '\u{10ffff}', (), i128::MIN))
    }
    in_memory();
    for which in 0..4 {
        assert_eq!((value(which), value(which)), (value_uncached(which), value_uncached(which)));
    }
    // What could not be read back would be a miss.
    assert_eq!(value_cache_info(), info(4, 4, 128, 4));
}

#[test]
fn entries_expire() {
    #[lru_cache(scope = shared, ttl = "1h")]
    fn aging(x: u32) -> u32 {
        x
    }
    in_memory();
    let _alone = clock_for_me_alone();
    aging(1);
    clock::advance(Duration::from_secs(3_599));
    aging(1);
    clock::advance(Duration::from_secs(1));
    aging(1);
    assert_eq!(aging_cache_info(), info(1, 2, 128, 1));
}

#[test]
fn weights_are_bytes() {
    #[lru_cache(scope = shared, max_weight = 1_000)]
    fn bytes(length: u16) -> String {
        "x".repeat(length.into())
    }
    in_memory();
    for length in [400, 300, 2_000, 200] {
        assert_eq!(bytes(length).len(), usize::from(length));
    }
    assert_eq!(bytes_cache_info(), info(0, 4, 128, 3), "what is too large is not stored");
    bytes(500);
    assert_eq!(bytes_cache_peek(400), None, "the least recent made room");
    assert_eq!(bytes_cache_info().currsize, 2);
}

/// A part of a key, and a value, whose serialization does what a test says.
#[derive(Clone, Debug)]
struct Hooked(u32);

static HOOK: Mutex<Option<fn()>> = Mutex::new(None);

fn hook() {
    let hook = HOOK.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(hook) = hook {
        hook();
    }
}

impl Serialize for Hooked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hook();
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Hooked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hook();
        let number = u32::deserialize(deserializer)?;
        if number == 7 { Err(D::Error::custom("an unlucky number")) } else { Ok(Self(number)) }
    }
}

#[lru_cache(scope = shared, single_flight = true)]
fn hooked(key: Hooked) -> Hooked {
    hook();
    key
}

#[test]
fn the_users_serialization_may_panic_or_call_the_function_again() {
    in_memory();
    without_hanging(
        || "hooks".to_owned(),
        || {
            let operations: [fn(); 5] = [
                || _ = hooked(Hooked(1)),
                || _ = hooked_cache_peek(Hooked(1)),
                || hooked_cache_put(Hooked(1), Hooked(1)),
                || _ = hooked_cache_refresh(Hooked(1)),
                || _ = hooked_cache_invalidate(Hooked(1)),
            ];
            let actions: [fn(); 4] = [
                || std::panic::resume_unwind(Box::new("asked")),
                || _ = hooked(Hooked(1)),
                || _ = hooked(Hooked(2)),
                || hooked_cache_clear(),
            ];
            for is_there in [false, true] {
                for operation in operations {
                    for action in actions {
                        hooked_cache_clear();
                        if is_there {
                            hooked(Hooked(1));
                        }
                        *HOOK.lock().unwrap_or_else(PoisonError::into_inner) = Some(action);
                        let _ = std::panic::catch_unwind(operation);
                        assert_eq!(hooked(Hooked(1)).0, 1);
                        assert_eq!(hooked(Hooked(2)).0, 2);
                    }
                }
            }
            *HOOK.lock().unwrap_or_else(PoisonError::into_inner) = None;
        },
    );
}

#[test]
fn what_cannot_be_read_back_is_a_miss_and_goes() {
    #[lru_cache(scope = shared)]
    fn unlucky(x: u32) -> Unlucky {
        Unlucky(x)
    }
    #[derive(Serialize)]
    struct Unlucky(u32);
    impl<'de> Deserialize<'de> for Unlucky {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(D::Error::custom("never"))
        }
    }
    in_memory();
    let before = health().rejected;
    assert_eq!((unlucky(7).0, unlucky(7).0), (7, 7));
    assert_eq!(unlucky_cache_info(), info(0, 2, 128, 1));
    assert_eq!(health().rejected, before + 1, "the second call alone found something");
}

#[test]
fn a_key_that_cannot_be_serialized_runs_the_function() {
    struct Unfit;
    impl Serialize for Unfit {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    #[lru_cache(scope = shared)]
    fn unfit(_x: &Unfit) -> u32 {
        1
    }
    in_memory();
    assert_eq!((unfit(&Unfit), unfit(&Unfit), unfit_cache_peek(&Unfit)), (1, 1, None));
    assert!(!unfit_cache_invalidate(&Unfit));
    assert_eq!(unfit_cache_info(), info(0, 0, 128, 0));
    let errors = health().errors;
    assert!(errors.iter().any(|(kind, _)| *kind == lru_memo::shared::Kind::Value), "{errors:?}");
}

#[test]
fn threads_and_tasks_on_one_key_make_one_run() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static CALLERS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, single_flight = true)]
    fn slow(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        while CALLERS.load(SeqCst) < 100 {
            thread::sleep(Duration::from_millis(1));
        }
        x
    }
    #[lru_cache(scope = shared, single_flight = true)]
    async fn slow_task(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        while CALLERS.load(SeqCst) < 1_000 {
            tokio::task::yield_now().await;
        }
        x
    }
    in_memory();
    without_hanging(
        || "single flight".to_owned(),
        || {
            thread::scope(|scope| {
                for _ in 0..100 {
                    scope.spawn(|| {
                        CALLERS.fetch_add(1, SeqCst);
                        assert_eq!(slow(1), 1);
                    });
                }
            });
            assert_eq!((RUNS.swap(0, SeqCst), CALLERS.swap(0, SeqCst)), (1, 100));
            assert_eq!(slow_cache_info(), info(99, 1, 128, 1));
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
            runtime.expect("a runtime").block_on(async {
                let task = || async {
                    CALLERS.fetch_add(1, SeqCst);
                    slow_task(1).await
                };
                let tasks: Vec<_> = (0..1_000).map(|_| tokio::spawn(task())).collect();
                for task in tasks {
                    assert_eq!(task.await.expect("a task"), 1);
                }
            });
            assert_eq!(RUNS.load(SeqCst), 1);
            assert_eq!(block_on(slow_task_cache_info()), info(999, 1, 128, 1));
        },
    );
}

#[test]
fn who_has_waited_for_a_value_that_is_not_stored_gets_it_and_counts_as_a_hit() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static CALLERS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, single_flight = true, cache_if = |_: &u32| false)]
    fn unstored(x: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        while CALLERS.load(SeqCst) < 8 {
            thread::yield_now();
        }
        // Those who have not yet asked find nobody to wait for, and run: whether they do is nothing to rely on.
        thread::sleep(Duration::from_millis(100));
        x
    }
    in_memory();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                CALLERS.fetch_add(1, SeqCst);
                assert_eq!(unstored(1), 1);
            });
        }
    });
    let runs = u64::from(RUNS.load(SeqCst));
    assert!(runs < 8, "nobody has waited");
    assert_eq!(unstored_cache_info(), info(8 - runs, runs, 128, 0));
}

#[test]
fn a_recursive_call_on_the_same_key_runs_through() {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, single_flight = true)]
    fn again(x: u32) -> u32 {
        if DEPTH.fetch_add(1, SeqCst) < 3 { again(x) + 1 } else { x }
    }
    #[lru_cache(scope = shared, single_flight = true)]
    async fn again_task(x: u32) -> u32 {
        if DEPTH.fetch_add(1, SeqCst) < 3 { Box::pin(again_task(x)).await + 1 } else { x }
    }
    in_memory();
    without_hanging(
        || "recursion".to_owned(),
        || {
            assert_eq!(again(1), 4);
            assert_eq!(again_cache_info(), info(0, 4, 128, 1));
            DEPTH.store(0, SeqCst);
            assert_eq!(block_on(again_task(1)), 4);
        },
    );
}

#[test]
fn the_turn_of_one_who_fails_passes_on() {
    /// Those who wait for a run cannot get a copy of its error.
    #[derive(Debug, PartialEq)]
    struct Failed;
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, single_flight = true)]
    fn third_time(x: u32) -> Result<u32, Failed> {
        thread::sleep(Duration::from_millis(5));
        match RUNS.fetch_add(1, SeqCst) {
            0 => Err(Failed),
            1 => std::panic::resume_unwind(Box::new("asked")),
            _ => Ok(x),
        }
    }
    in_memory();
    without_hanging(
        || "turns".to_owned(),
        || {
            let results: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..10).map(|_| scope.spawn(|| third_time(1))).collect();
                threads.into_iter().map(|thread| thread.join().ok()).collect()
            });
            assert_eq!(results.iter().filter(|result| **result == Some(Ok(1))).count(), 8);
            assert_eq!(RUNS.load(SeqCst), 3);
        },
    );
}

#[test]
fn futures_can_be_sent_and_dropped() {
    #[lru_cache(scope = shared, single_flight = true)]
    async fn sleepy(x: &str) -> usize {
        HAS_BEGUN.store(true, SeqCst);
        tokio::task::yield_now().await;
        x.len()
    }
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    in_memory();
    let mut dropped = Box::pin(sleepy("a"));
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    while !HAS_BEGUN.load(SeqCst) {
        assert!(dropped.as_mut().poll(context).is_pending());
        thread::yield_now();
    }
    drop(dropped);
    assert_eq!(block_on(assert_send(sleepy("a"))), 1);
    assert_eq!(block_on(sleepy_cache_info()), info(0, 2, 128, 1));
}

/// Runs all of the tests in this file again that have no store of their own.
#[cfg(any(feature = "memcached", feature = "redis"))]
fn again_on(url: &str) {
    let own = ["on_redis", "on_memcached", "workers", "without_a_store", "processes"];
    let skipped = own.map(|name| ["--skip", name]).concat();
    lru_memo_tests::again_with_store(url, &[&["functions::"], &skipped[..]].concat());
}

#[cfg(feature = "redis")]
#[test]
fn functions_do_the_same_on_redis() {
    let server = crate::shared::RedisServer::start();
    again_on(&server.url());
}

#[cfg(feature = "memcached")]
#[test]
fn functions_do_the_same_on_memcached() {
    let scratch = Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &["-m", "256"]);
    let url = server.patient_url();
    again_on(&url);
}
