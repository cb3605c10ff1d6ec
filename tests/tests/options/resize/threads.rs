//! A bound that changes while several threads use the cache, or caches of their own.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

use lru_memo::lru_cache;
use lru_memo_tests::without_hanging;

/// A thread that does what it is told, and answers.
struct Told<A> {
    tell: std::sync::mpsc::Sender<u32>,
    answers: std::sync::mpsc::Receiver<A>,
}

impl<A: Send + 'static> Told<A> {
    fn new(act: fn(u32) -> A) -> Self {
        let ((tell, told), (answer, answers)) = (channel(), channel());
        thread::spawn(move || told.into_iter().try_for_each(|number| answer.send(act(number))));
        Self { tell, answers }
    }

    fn act(&self, number: u32) -> A {
        self.tell.send(number).expect("it lives");
        self.answers.recv().expect("it lives")
    }
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[lru_cache(maxsize = 8, scope = thread)]
fn of_thread(x: u32) -> Rc<u32> {
    RUNS.fetch_add(1, SeqCst);
    Rc::new(x)
}

#[test]
fn the_caches_of_other_threads_follow_at_their_next_call() {
    without_hanging(
        || "threads that are told".to_owned(),
        || {
            let call = |x| *of_thread(x);
            let others: Vec<Told<u32>> = (0..3).map(|_| Told::new(call)).collect();
            for other in &others {
                (0..8).chain(0..8).for_each(|x| _ = other.act(x));
            }
            (0..8).for_each(|x| _ = call(x));
            assert_eq!(RUNS.load(SeqCst), 4 * 8);
            of_thread_cache_resize(1);
            assert_eq!(
                of_thread_cache_info().to_string(),
                "CacheInfo(hits=0, misses=8, maxsize=1, currsize=1)"
            );
            // Their next call would be a hit on the shortest way, if they had not followed.
            others.iter().for_each(|other| _ = other.act(0));
            assert_eq!(RUNS.load(SeqCst), 4 * 8 + 3);
            others.iter().for_each(|other| _ = other.act(0));
            assert_eq!(RUNS.load(SeqCst), 4 * 8 + 3, "they hit again");
            of_thread_cache_resize(3);
            for other in &others {
                (0..3).chain(0..3).for_each(|x| _ = other.act(x));
            }
            assert_eq!(RUNS.load(SeqCst), 4 * 8 + 3 + 3 * 2);
            drop(others);
        },
    );
}

#[test]
fn whatever_a_thread_asks_next_it_sees_the_new_bound() {
    #[lru_cache(maxsize = 4, scope = thread)]
    fn typed(x: u32) -> u32 {
        x
    }
    #[lru_cache(maxsize = 4, scope = thread)]
    fn generic<T: Copy + Into<u64> + std::hash::Hash + Eq + 'static>(x: T) -> T {
        x
    }
    #[lru_cache(maxsize = 4, scope = thread, single_flight = true)]
    fn flight(x: u32) -> String {
        x.to_string()
    }
    fn fill() {
        for x in 0..4 {
            let _ = (typed(x), generic(x), flight(x));
        }
    }
    fn info(_: u32) -> [(Option<usize>, usize); 3] {
        [typed_cache_info(), generic_cache_info::<u32>(), flight_cache_info()]
            .map(|info| (info.maxsize, info.currsize))
    }
    fn peeked(_: u32) -> [bool; 3] {
        [typed_cache_peek(0).is_some(), generic_cache_peek(0_u32).is_some(), flight_cache_peek(0).is_some()]
    }
    fn removed(_: u32) -> [bool; 3] {
        [typed_cache_invalidate(0), generic_cache_invalidate(0_u32), flight_cache_invalidate(0)]
    }
    fn put(_: u32) -> [(Option<usize>, usize); 3] {
        typed_cache_put(9, 9);
        generic_cache_put(9_u32, 9);
        flight_cache_put(9, "9".to_owned());
        info(0)
    }
    fn evictions(_: u32) -> [u64; 3] {
        [typed_cache_totals(), generic_cache_totals::<u32>(), flight_cache_totals()]
            .map(|totals| totals.evictions)
    }
    fn removed_if(_: u32) -> [usize; 3] {
        [
            typed_cache_invalidate_if(|_, _| true),
            generic_cache_invalidate_if::<u32>(|_, _| true),
            flight_cache_invalidate_if(|_, _| true),
        ]
    }
    fn after<A: Send + std::fmt::Debug + 'static>(ask: fn(u32) -> A) -> A {
        let other = Told::new(ask);
        // The thread fills its caches, waits for the resize, and then asks.
        let ((tell, told), (answer, answers)) = (channel(), channel());
        drop(other);
        let thread = thread::spawn(move || {
            fill();
            answer.send(None).expect("somebody waits");
            let () = told.recv().expect("it is told");
            answer.send(Some(ask(0))).expect("somebody waits");
        });
        for maxsize in [4, 2] {
            typed_cache_resize(maxsize);
            generic_cache_resize::<u32>(maxsize);
            flight_cache_resize(maxsize);
            if maxsize == 4 {
                assert!(answers.recv().expect("it is filled").is_none());
            }
        }
        tell.send(()).expect("it waits");
        let answer = answers.recv().expect("it answers").expect("as told");
        thread.join().expect("no panic");
        answer
    }
    without_hanging(
        || "a thread that follows".to_owned(),
        || {
            assert_eq!(after(info), [(Some(2), 2); 3]);
            assert_eq!(after(peeked), [false; 3]);
            assert_eq!(after(removed), [false; 3]);
            assert_eq!(after(put), [(Some(2), 2); 3]);
            assert_eq!(after(evictions), [2; 3]);
            assert_eq!(after(removed_if), [2; 3]);
        },
    );
}

#[test]
fn threads_that_begin_later_have_the_present_bound() {
    #[lru_cache(maxsize = 8, scope = thread)]
    fn number(x: u32) -> u32 {
        x
    }
    number_cache_resize(2);
    let thread = thread::spawn(|| {
        (0..8).for_each(|x| _ = number(x));
        number_cache_info().to_string()
    });
    assert_eq!(thread.join().expect("no panic"), "CacheInfo(hits=0, misses=8, maxsize=2, currsize=2)");
}

#[test]
fn threads_come_and_go_while_the_bound_changes() {
    #[lru_cache(maxsize = 8, scope = thread)]
    fn number(x: u32) -> u32 {
        x
    }
    let test = || {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let bounds = scope.spawn(|| {
                for maxsize in (0..9).cycle() {
                    number_cache_resize(maxsize);
                    if is_over.load(SeqCst) {
                        return;
                    }
                }
            });
            for _ in 0..200 {
                let threads: Vec<_> = (0..2)
                    .map(|_| {
                        scope.spawn(|| {
                            for x in 0..50 {
                                assert_eq!(number(x % 10), x % 10);
                                let info = number_cache_info();
                                assert!(
                                    info.maxsize.is_some_and(|maxsize| info.currsize <= maxsize),
                                    "{info}"
                                );
                            }
                        })
                    })
                    .collect();
                threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
            }
            is_over.store(true, SeqCst);
            bounds.join().expect("no panic");
        });
    };
    without_hanging(|| "threads that come and go".to_owned(), test);
}

/// Threads that hit and miss while others shrink and grow the cache, and look.
fn holds_no_more_than_it_says(call: fn(u32), info: fn() -> lru_memo::CacheInfo, resize: fn(usize)) {
    let test = move || {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for first in 0..2 {
                let is_over = &is_over;
                scope.spawn(move || {
                    for x in (first..).step_by(3) {
                        if is_over.load(SeqCst) {
                            return;
                        }
                        call(x % 700);
                        call(x % 7);
                    }
                });
            }
            scope.spawn(|| {
                while !is_over.load(SeqCst) {
                    let info = info();
                    assert!(info.maxsize.is_some_and(|maxsize| info.currsize <= maxsize), "{info}");
                }
            });
            for maxsize in [1, 500, 0, 2, 1000, 3, 64, 1].into_iter().cycle().take(400) {
                resize(maxsize);
                assert_eq!(info().maxsize, Some(maxsize));
            }
            is_over.store(true, SeqCst);
        });
        resize(5);
        (0..100).for_each(call);
        let before = info();
        assert_eq!((before.maxsize, before.currsize), (Some(5), 5));
        (95..100).for_each(call);
        assert_eq!(info().hits - before.hits, 5, "the last five are there");
    };
    without_hanging(|| "threads that use a cache while it is resized".to_owned(), test);
}

#[test]
fn threads_hit_numbers_while_another_shrinks_and_grows() {
    #[lru_cache(maxsize = 1)]
    fn number(x: u32) -> u32 {
        x
    }
    holds_no_more_than_it_says(|x| assert_eq!(number(x), x), number_cache_info, number_cache_resize);
}

#[test]
fn threads_hit_texts_while_another_shrinks_and_grows() {
    #[lru_cache(maxsize = 100)]
    fn text(x: &str) -> String {
        x.to_owned()
    }
    fn call(x: u32) {
        let x = x.to_string();
        assert_eq!(text(&x), x);
    }
    holds_no_more_than_it_says(call, text_cache_info, text_cache_resize);
}

#[test]
fn of_several_that_change_the_bound_the_last_one_decides() {
    #[lru_cache(maxsize = 500)]
    fn number(x: u32) -> u32 {
        x
    }
    let test = || {
        for round in 0..50 {
            thread::scope(|scope| {
                for maxsize in [10, 300, 70] {
                    scope.spawn(move || number_cache_resize(maxsize + round));
                }
                (0..500).for_each(|x| _ = number(x));
            });
            let info = number_cache_info();
            assert!([10, 300, 70].contains(&(info.maxsize.unwrap() - round)), "{info}");
            assert_eq!(number_cache_parameters().maxsize, info.maxsize);
            number_cache_resize(500);
        }
    };
    without_hanging(|| "several that change a bound".to_owned(), test);
}

#[test]
fn a_run_that_others_wait_for_goes_on_while_the_bound_changes() {
    static IS_RUNNING: AtomicBool = AtomicBool::new(false);
    static GO_ON: AtomicBool = AtomicBool::new(false);
    #[lru_cache(maxsize = 4, single_flight = true)]
    fn slow(x: u32) -> u32 {
        if x == 0 {
            IS_RUNNING.store(true, SeqCst);
            while !GO_ON.load(SeqCst) {
                thread::yield_now();
            }
        }
        x
    }
    let test = || {
        (1..5).for_each(|x| _ = slow(x));
        let calls: Vec<_> = (0..3).map(|_| thread::spawn(|| slow(0))).collect();
        while !IS_RUNNING.load(SeqCst) || slow_cache_totals().waits < 2 {
            thread::yield_now();
        }
        slow_cache_resize(0);
        slow_cache_resize(2);
        GO_ON.store(true, SeqCst);
        calls.into_iter().for_each(|call| assert_eq!(call.join().expect("no panic"), 0));
        assert_eq!(slow_cache_info().to_string(), "CacheInfo(hits=2, misses=5, maxsize=2, currsize=1)");
        assert_eq!(slow_cache_peek(0), Some(0), "a resize is no clear");
    };
    without_hanging(|| "callers that wait".to_owned(), test);
}
