//! `single_flight`: a call that begins after an invalidation or a clear gets nothing that was begun before, in every
//! scope and on every store, whatever process invalidates.

use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use lru_memo::shared::{Found, Memory, Store};
use lru_memo::{clear_all, lru_cache};
use lru_memo_tests::forks::in_child;
use lru_memo_tests::{again_with_store, in_memory_or_chosen, without_hanging};

/// What a function computes, one value after the other, and where it stops.
struct Row {
    value: AtomicU32,
    runs: AtomicU32,
    stop: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Row {
    const fn new() -> Self {
        Self { value: AtomicU32::new(1), runs: AtomicU32::new(0), stop: Mutex::new(None) }
    }

    /// Has the next run stop after it has read the value: when it has, and what lets it go on.
    fn next_run_stops(&self) -> (Receiver<()>, Sender<()>) {
        let ((entered, has_entered), (go, go_on)) = (channel(), channel());
        *self.stop.lock().unwrap() = Some((entered, go_on));
        (has_entered, go)
    }

    fn read(&self) -> u32 {
        self.runs.fetch_add(1, SeqCst);
        let value = self.value.load(SeqCst);
        let stop = self.stop.lock().unwrap().take();
        if let Some((entered, go_on)) = stop {
            entered.send(()).unwrap();
            go_on.recv().unwrap();
        }
        value
    }
}

/// Calls while a run is under way, changes the value, forgets, and calls again.
fn a_later_call_sees_what_has_changed(row: &'static Row, call: fn() -> u32, forgets: [fn(); 3]) {
    in_memory_or_chosen();
    without_hanging(
        || "a call after an invalidation".to_owned(),
        move || {
            for forget in forgets {
                let before = row.value.load(SeqCst);
                let (has_entered, go) = row.next_run_stops();
                thread::scope(|scope| {
                    let first = scope.spawn(call);
                    has_entered.recv().unwrap();
                    row.value.store(before + 1, SeqCst);
                    forget();
                    // While the first one still runs.
                    assert_eq!(call(), before + 1);
                    assert_eq!(thread::scope(|scope| scope.spawn(call).join().unwrap()), before + 1);
                    go.send(()).unwrap();
                    assert_eq!(first.join().unwrap(), before);
                });
                assert_eq!(call(), before + 1);
                forget();
            }
        },
    );
}

#[test]
fn a_thread_that_calls_after_an_invalidation_gets_what_is_computed_after_it() {
    static ROW: Row = Row::new();
    #[lru_cache(scope = shared, single_flight = true)]
    fn row(_id: u32) -> u32 {
        ROW.read()
    }
    let forgets: [fn(); 3] =
        [|| _ = row_cache_invalidate(1), row_cache_clear, || _ = row_cache_invalidate(1)];
    a_later_call_sees_what_has_changed(&ROW, || row(1), forgets);
}

#[test]
fn a_task_that_calls_after_an_invalidation_gets_what_is_computed_after_it() {
    static ROW: Row = Row::new();
    #[lru_cache(scope = shared, single_flight = true)]
    async fn row(_id: u32) -> u32 {
        ROW.read()
    }
    let forgets: [fn(); 3] = [
        || _ = pollster::block_on(row_cache_invalidate(1)),
        || pollster::block_on(row_cache_clear()),
        || _ = pollster::block_on(row_cache_invalidate(1)),
    ];
    a_later_call_sees_what_has_changed(&ROW, || pollster::block_on(row(1)), forgets);
}

#[test]
fn a_thread_of_one_process_gets_what_is_computed_after_an_invalidation() {
    static ROW: Row = Row::new();
    #[lru_cache(single_flight = true)]
    fn row(_id: u32) -> u32 {
        ROW.read()
    }
    let forgets: [fn(); 3] =
        [|| _ = row_cache_invalidate(1), row_cache_clear, || _ = row_cache_invalidate(1)];
    a_later_call_sees_what_has_changed(&ROW, || row(1), forgets);
}

#[test]
fn a_function_that_invalidates_its_own_key_and_calls_itself_does_not_wait_for_itself() {
    static DEPTH: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(scope = shared, single_flight = true)]
    fn again(x: u32) -> u32 {
        if DEPTH.fetch_add(1, SeqCst) == 3 {
            return x;
        }
        again_cache_invalidate(x);
        again(x) + 1
    }
    in_memory_or_chosen();
    without_hanging(|| "a recursive call".to_owned(), || assert_eq!(again(1), 4));
}

#[test]
fn a_recursive_call_in_an_outdated_run_does_not_wait_for_the_run_after_its_invalidation() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    static ENDED: AtomicBool = AtomicBool::new(false);
    #[lru_cache(scope = shared, single_flight = true)]
    fn again(x: u32) -> u32 {
        match RUNS.fetch_add(1, SeqCst) {
            0 => {
                again_cache_invalidate(x);
                let other = thread::spawn(move || again(x));
                while RUNS.load(SeqCst) < 2 {
                    thread::yield_now();
                }
                let inner = again(x);
                ENDED.store(true, SeqCst);
                inner + other.join().unwrap()
            }
            1 => {
                while !ENDED.load(SeqCst) {
                    thread::yield_now();
                }
                20
            }
            _ => 300,
        }
    }
    in_memory_or_chosen();
    without_hanging(|| "a recursive call".to_owned(), || assert_eq!(again(1), 320));
}

#[test]
fn who_waits_for_a_value_that_is_not_stored_gets_it_when_other_keys_are_invalidated() {
    static ROW: Row = Row::new();
    #[lru_cache(scope = shared, single_flight = true, cache_if = |_: &u32| false)]
    async fn row(_id: u32) -> u32 {
        ROW.read()
    }
    if std::env::var_os("LRU_MEMO_STORE").is_some_and(|store| !store.to_string_lossy().contains("file:")) {
        // Servers are asked by other threads, so that one cannot see whether the task waits already.
        return;
    }
    in_memory_or_chosen();
    without_hanging(
        || "a task that waits".to_owned(),
        || {
            // A store that is busy is asked by another thread. Then the task may come after the run.
            let gets_it = (1..=20).any(|id| {
                let before = ROW.runs.load(SeqCst);
                let (has_entered, go) = ROW.next_run_stops();
                thread::scope(|scope| {
                    let first = scope.spawn(|| pollster::block_on(row(id)));
                    has_entered.recv().unwrap();
                    let mut waits = pin!(row(id));
                    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                    pollster::block_on(row_cache_invalidate(100));
                    go.send(()).unwrap();
                    assert_eq!((first.join().unwrap(), pollster::block_on(waits)), (1, 1));
                });
                ROW.runs.load(SeqCst) == before + 1
            });
            assert!(gets_it);
        },
    );
}

/// On stores that processes share.
#[test]
fn a_call_after_another_process_has_invalidated_gets_what_is_computed_after_that() {
    static ROW: Row = Row::new();
    #[lru_cache(scope = shared, single_flight = true)]
    fn row(_id: u32) -> u32 {
        ROW.read()
    }
    if std::env::var_os("LRU_MEMO_STORE").is_none() {
        return;
    }
    let forgets: [fn(); 3] = [|| _ = row_cache_invalidate(1), row_cache_clear, clear_all];
    without_hanging(
        || "a call after another process has invalidated".to_owned(),
        move || {
            for forget in forgets {
                let before = ROW.value.load(SeqCst);
                let (has_entered, go) = ROW.next_run_stops();
                thread::scope(|scope| {
                    let first = scope.spawn(|| row(1));
                    has_entered.recv().unwrap();
                    in_child(forget).unwrap();
                    ROW.value.store(before + 1, SeqCst);
                    let later: Vec<_> = (0..3).map(|_| scope.spawn(|| row(1))).collect();
                    // So that they have joined the first one, if they do.
                    thread::sleep(Duration::from_millis(100));
                    go.send(()).unwrap();
                    assert_eq!(first.join().unwrap(), before);
                    for later in later {
                        assert_eq!(later.join().unwrap(), before + 1);
                    }
                });
                assert_eq!(row(1), before + 1);
                row_cache_clear();
            }
            assert_eq!(ROW.runs.load(SeqCst), 6, "those that came later had one run together");
        },
    );
}

/// A ticket is current until its key is invalidated, or everything cleared.
fn tells_what_is_current(store: &dyn Store) {
    for maxsize in [None, Some(8)] {
        let (space, ours, other) = (crate::shared::space("tickets", maxsize), &b"ours"[..], &b"other"[..]);
        let miss = |key| match store.get(&space, key) {
            Ok(Found::Miss(ticket)) => ticket,
            other => panic!("a miss rather than {other:?}"),
        };
        let is_current = |key, ticket| store.is_current(&space, key, ticket).expect("the store works");
        let ticket = miss(ours);
        assert!(is_current(ours, ticket));
        store.invalidate(&space, other).expect("the store works");
        assert_eq!((is_current(ours, ticket), is_current(other, ticket)), (true, false));
        store.invalidate(&space, ours).expect("the store works");
        assert!(!is_current(ours, ticket) && is_current(ours, miss(ours)));
        let ticket = miss(ours);
        store.clear(&space).expect("the store works");
        assert!(!is_current(ours, ticket) && is_current(ours, miss(ours)));
    }
}

#[test]
fn stores_tell_what_is_current() {
    tells_what_is_current(&Memory::new());
    tells_what_is_current(&crate::shared::Scratch::new().store());
}

/// The tests of this file that take a store of the environment.
const ON_STORES: [&str; 5] = ["outdated_runs::", "--skip", "stores_tell", "--skip", "it_is_so"];

#[test]
fn it_is_so_on_the_embedded_store() {
    let scratch = crate::shared::Scratch::new();
    again_with_store(&format!("file://{}", scratch.path().display()), &ON_STORES);
}

#[cfg(feature = "redis")]
#[test]
fn it_is_so_on_redis() {
    let server = crate::shared::RedisServer::start();
    tells_what_is_current(&server.store());
    again_with_store(&server.url(), &ON_STORES);
}

#[cfg(feature = "memcached")]
#[test]
fn it_is_so_on_memcached() {
    let scratch = crate::shared::Scratch::new();
    let server = crate::shared::memcached_server::Server::on_socket(&scratch, &[]);
    tells_what_is_current(&server.store());
    again_with_store(&server.patient_url(), &ON_STORES);
}
