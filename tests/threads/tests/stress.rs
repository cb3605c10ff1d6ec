//! Many threads on shared caches with everything going on at once. Small by itself, for it also runs under
//! AddressSanitizer, LeakSanitizer and valgrind; `LRU_MEMO_STRESS` multiplies the work.

#[path = "stress/objects.rs"]
mod objects;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use lru_memo::lru_cache;
use lru_memo_tests::without_hanging;

const THREADS: u64 = 4;

/// Calls of each thread in each test.
fn calls() -> u64 {
    let factor = std::env::var("LRU_MEMO_STRESS").ok().and_then(|factor| factor.parse().ok());
    300 * factor.unwrap_or(1_u64)
}

/// Runs `call` with the numbers of threads and calls, in all threads at once.
fn in_threads(call: fn(u64, u64)) {
    without_hanging(
        || "a stress test".to_owned(),
        move || {
            thread::scope(|scope| {
                for number in 0..THREADS {
                    scope.spawn(move || (0..calls()).for_each(|at| call(number, at)));
                }
            });
        },
    );
}

/// Counts how many of it there are.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Counted(u64);

static ALIVE: AtomicI64 = AtomicI64::new(0);

impl Counted {
    fn new(x: u64) -> Self {
        ALIVE.fetch_add(1, SeqCst);
        Self(x)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
    }
}

#[test]
fn counters_add_up_when_threads_hit_and_miss_at_once() {
    #[lru_cache(maxsize = 8)]
    fn double(x: u64) -> u64 {
        2 * x
    }
    in_threads(|number, at| {
        let x = (number * 7 + at * 13) % 20;
        assert_eq!(double(x), 2 * x);
        assert!(double_cache_info().currsize <= 8);
    });
    let info = double_cache_info();
    assert_eq!(info.hits + info.misses, THREADS * calls());
    assert_eq!(info.currsize, 8);
}

#[test]
fn nothing_leaks_when_entries_come_and_go_in_every_way() {
    #[lru_cache(maxsize = 4)]
    fn own(key: &Counted, text: &str) -> Arc<Counted> {
        assert!(!(key.0 == 5 && text.is_empty()), "a body that panics");
        Arc::new(key.clone())
    }
    in_threads(|number, at| {
        let key = Counted::new((number + at) % 9);
        let text = if at % 3 == 0 { "" } else { "text" };
        match at % 17 {
            0 => drop(own_cache_invalidate(&key, text)),
            1 => own_cache_put(&key, text, Arc::new(key.clone())),
            2 => drop(catch_unwind(AssertUnwindSafe(|| own_cache_refresh(&key, text)))),
            3 => assert!(own_cache_peek(&key, text).is_none_or(|value| *value == key)),
            4 => own_cache_clear(),
            _ => {
                if let Ok(value) = catch_unwind(AssertUnwindSafe(|| own(&key, text))) {
                    assert_eq!(*value, key);
                }
            }
        }
    });
    own_cache_clear();
    assert_eq!(ALIVE.load(SeqCst), 0);
}

#[test]
fn instantiations_are_made_by_many_threads_at_once() {
    #[lru_cache(maxsize = None, single_flight = true, ttl = Duration::from_secs(3600))]
    fn pair<T, const N: usize>(x: T) -> (T, usize)
    where
        T: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    {
        (x, N)
    }
    in_threads(|_, at| {
        let x = at % 5;
        assert_eq!(pair::<_, 1>(x), (x, 1));
        assert_eq!(pair::<_, 2>(x.to_string()), (x.to_string(), 2));
    });
    assert_eq!(pair_cache_info::<u64, 1>().misses, 5);
    assert_eq!(pair_cache_info::<String, 2>().misses, 5);
    assert_eq!(pair_cache_info::<String, 2>().hits, THREADS * calls() - 5);
}

#[test]
fn short_lived_threads_take_their_caches_with_them() {
    static IN_THREADS: AtomicI64 = AtomicI64::new(0);
    #[derive(Clone)]
    struct Held(#[expect(dead_code, reason = "dropped with the cache")] std::rc::Rc<Dropped>);
    struct Dropped;
    impl Drop for Dropped {
        fn drop(&mut self) {
            IN_THREADS.fetch_sub(1, SeqCst);
        }
    }
    #[lru_cache(scope = thread)]
    fn hold(_x: u64) -> Held {
        IN_THREADS.fetch_add(1, SeqCst);
        Held(std::rc::Rc::new(Dropped))
    }
    for _ in 0..calls() / 10 {
        thread::spawn(|| (0..5).for_each(|x| drop(hold(x)))).join().expect("no panic");
    }
    assert_eq!(IN_THREADS.load(SeqCst), 0);
}
