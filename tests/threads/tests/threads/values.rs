//! When values are dropped that other threads have used, or are just using.

use std::cell::RefCell;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use lru_memo::lru_cache;
use lru_memo_tests::without_hanging;

use crate::Counted;

/// Runs a test while so many threads are idle that have done something before.
fn with_idle_threads(threads: u32, before: fn(), test: impl FnOnce()) {
    thread::scope(|scope| {
        // Dropping it, also when the test panics, ends the threads.
        let _gates: Vec<Sender<()>> = (0..threads)
            .map(|_| {
                let (gate, closed) = channel();
                let (done, is_done) = channel();
                scope.spawn(move || {
                    before();
                    done.send(()).unwrap();
                    let _ = closed.recv();
                });
                is_done.recv().unwrap();
                gate
            })
            .collect();
        test();
    });
}

macro_rules! values_are_dropped_at_once {
    ($($name:ident: $threads:literal;)*) => {$(
        #[test]
        fn $name() {
            #[lru_cache(maxsize = 3)]
            fn value(x: u32) -> Arc<u32> {
                Arc::new(x)
            }
            let calls = || (0..4).for_each(|x| drop(value(x)));
            with_idle_threads($threads, calls, || {
                for _ in 0..100 {
                    let (evicted, invalidated, cleared) = (value(1), value(2), value(3));
                    let _ = value(4);
                    assert_eq!(Arc::strong_count(&evicted), 1, "evicted");
                    assert!(value_cache_invalidate(2));
                    assert_eq!(Arc::strong_count(&invalidated), 1, "invalidated");
                    let replaced = value(5);
                    value_cache_put(5, Arc::new(6));
                    assert_eq!(Arc::strong_count(&replaced), 1, "replaced");
                    let refreshed = value(5);
                    let fresh = value_cache_refresh(5);
                    assert_eq!(Arc::strong_count(&refreshed), 1, "refreshed");
                    assert_eq!(Arc::strong_count(&fresh), 2, "there");
                    value_cache_clear();
                    assert_eq!([&fresh, &cleared].map(Arc::strong_count), [1, 1], "cleared");
                }
            });
        }
    )*};
}

values_are_dropped_at_once! {
    values_are_dropped_at_once_in_a_single_thread: 0;
    values_are_dropped_at_once_when_three_other_threads_are_idle: 3;
    values_are_dropped_at_once_when_twenty_other_threads_are_idle: 20;
}

/// A place where two threads wait for each other without sleeping, so that both go on at the same moment.
struct Meeting(AtomicUsize);

impl Meeting {
    fn meet(&self) {
        let number = self.0.fetch_add(1, SeqCst) / 2;
        let mut spins = 0_u32;
        while self.0.load(SeqCst) / 2 == number {
            spins += 1;
            if spins % 1024 == 0 { thread::yield_now() } else { spin_loop() }
        }
    }
}

#[test]
fn a_value_is_dropped_at_once_when_it_is_removed_just_while_it_is_hit() {
    const ROUNDS: u32 = 20_000;
    #[lru_cache(maxsize = 3)]
    fn value(x: u32) -> Arc<u32> {
        Arc::new(x)
    }
    let test = || {
        let meeting = &Meeting(AtomicUsize::new(0));
        let rounds = || 0..ROUNDS * stress();
        let hold = |spins: u32| (0..spins % 40).for_each(|_| spin_loop());
        let mut outlived = 0;
        thread::scope(|scope| {
            scope.spawn(move || {
                for round in rounds() {
                    meeting.meet();
                    hold(round);
                    let _ = value(1);
                    meeting.meet();
                }
            });
            for round in rounds() {
                let removed = value(1);
                meeting.meet();
                hold(round / 40);
                value_cache_clear();
                meeting.meet();
                // Nobody is in a call, and nobody will be before this thread has called again.
                outlived += u32::from(Arc::strong_count(&removed) > 1);
            }
        });
        assert_eq!(outlived, 0, "values outlived all calls that used them");
    };
    without_hanging(|| "a thread that clears".to_owned(), test);
}

/// How many times longer than usual tests are to last that look for what happens rarely.
fn stress() -> u32 {
    std::env::var("LRU_MEMO_STRESS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

thread_local! {
    /// Where the thread's next clone says that it has begun, and waits until it may end.
    static BLOCKS: RefCell<Option<(Sender<()>, Receiver<()>)>> = const { RefCell::new(None) };
}

/// Blocks in `clone`, when the thread asks for it.
#[derive(Debug)]
struct Blocking(Counted);

impl Clone for Blocking {
    fn clone(&self) -> Self {
        if let Some((begun, end)) = BLOCKS.take() {
            begun.send(()).unwrap();
            // The other end is dropped when it may go on.
            let _ = end.recv();
        }
        Self(self.0.clone())
    }
}

/// Runs `test` while a thread is in the clone that `reads` makes, then gives what it has read.
fn while_reading<R: Send>(reads: impl FnOnce() -> R + Send, test: impl FnOnce()) -> R {
    let (begun, has_begun) = channel();
    let (may_end, end) = channel();
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            BLOCKS.set(Some((begun, end)));
            reads()
        });
        has_begun.recv().unwrap();
        // Should this panic, `may_end` is dropped as well.
        test();
        drop(may_end);
        reader.join().unwrap()
    })
}

#[test]
fn a_reader_in_the_users_clone_keeps_nobody_from_anything() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(maxsize = 3)]
    fn value(x: u32) -> Blocking {
        Blocking(Counted::new(x, &ALIVE))
    }
    fn others() {
        let before = value_cache_info();
        assert_eq!([value(1), value(2)].map(|value| value.0.number), [1, 2]);
        assert_eq!(value_cache_info().hits, before.hits + 2, "others hit");
        let _ = [value(3), value(4)];
        assert_eq!(value_cache_info().misses, before.misses + 2, "others miss");
        assert!(value_cache_peek(1).is_none(), "others evict");
        assert!(ALIVE.load(SeqCst) <= 3 + 1);
        value_cache_put(1, Blocking(Counted::new(7, &ALIVE)));
        assert_eq!(value(1).0.number, 7, "others put");
        assert_eq!(value_cache_refresh(1).0.number, 1, "others refresh");
        assert!(value_cache_invalidate(1) && value_cache_peek(1).is_none(), "others invalidate");
        value_cache_clear();
        assert_eq!(value_cache_info().currsize, 0, "others clear");
        assert!(ALIVE.load(SeqCst) <= 1);
        let _ = [value(1), value(2)];
    }
    let hit = || value(1).0.number;
    let miss = || value(9).0.number;
    let peek = || value_cache_peek(1).expect("it is there").0.number;
    let test = move || {
        for (reads, expected) in [(hit as fn() -> u32, 1), (miss, 9), (peek, 1)] {
            value_cache_clear();
            let _ = [value(1), value(2)];
            let read = while_reading(reads, || {
                others();
                thread::spawn(others).join().unwrap();
            });
            assert_eq!(read, expected);
            assert_eq!(ALIVE.load(SeqCst), value_cache_info().currsize, "what was read has been dropped");
        }
    };
    without_hanging(|| "others than a reader in `clone`".to_owned(), test);
}

#[test]
fn few_values_are_alive_while_a_reader_is_in_the_users_clone_and_another_thread_evicts() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(maxsize = 3)]
    fn value(x: u32) -> Blocking {
        Blocking(Counted::new(x, &ALIVE))
    }
    let hit = || value(1).0.number;
    let miss = || value(9).0.number;
    let peek = || value_cache_peek(1).expect("it is there").0.number;
    let test = move || {
        for reads in [hit as fn() -> u32, miss, peek] {
            value_cache_clear();
            let _ = value(1);
            while_reading(reads, || {
                for x in 100..20_100 {
                    let _ = value(x);
                    let alive = ALIVE.load(SeqCst);
                    assert!(alive <= 3 + 1, "{alive} are alive after {x}");
                }
            });
            assert_eq!(ALIVE.load(SeqCst), value_cache_info().currsize);
        }
    };
    without_hanging(|| "a thread that evicts".to_owned(), test);
}

#[test]
fn few_values_are_alive_while_twenty_readers_are_in_the_users_clone_and_another_thread_evicts() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    #[lru_cache(maxsize = 30)]
    fn value(x: u32) -> Blocking {
        Blocking(Counted::new(x, &ALIVE))
    }
    fn with_readers(first: u32, test: fn()) {
        if first == 20 {
            return test();
        }
        while_reading(move || value(first).0.number, || with_readers(first + 1, test));
    }
    let test = || {
        (0..20).for_each(|x| drop(value(x)));
        with_readers(0, || {
            for x in 100..20_100 {
                let _ = value(x);
                let alive = ALIVE.load(SeqCst);
                assert!(alive <= 30 + 20 + 64, "{alive} are alive after {x}");
            }
        });
        value_cache_clear();
        assert_eq!(ALIVE.load(SeqCst), 0);
    };
    without_hanging(|| "a thread that evicts".to_owned(), test);
}
