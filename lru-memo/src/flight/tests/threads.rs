//! Many threads, and one run.

use super::one_key::OneKey;
use super::*;

#[test]
fn many_threads_share_one_run() {
    let key = OneKey::default();
    let landing = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let runner = scope.spawn(|| {
            key.call(|_| {
                landing.wait();
                Some(7)
            })
        });
        while key.runs.load(SeqCst) == 0 {
            thread::yield_now();
        }
        let waiters: Vec<_> = (0..32).map(|_| scope.spawn(|| key.call(|_| Some(8)))).collect();
        let flight = key.table.lock().unwrap().clone().unwrap();
        while flight.state.lock().queue.len() < 32 {
            thread::yield_now();
        }
        landing.wait();
        assert_eq!(runner.join().unwrap(), Ok(7));
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(7));
        }
    });
    assert_eq!(key.runs.load(SeqCst), 1);
}

#[test]
fn failing_runs_follow_each_other_until_one_lands() {
    let key = OneKey::default();
    let body = |run| (run >= 9).then_some(5);
    let results = thread::scope(|scope| {
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(|| key.call(body))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    });
    let mut failed: Vec<_> = results.iter().copied().filter_map(Result::err).collect();
    failed.sort_unstable();
    assert_eq!(failed, (0..9).collect::<Vec<_>>());
    assert!(results.iter().flatten().all(|&value| value == 5));
    assert!(key.table.lock().unwrap().is_none());
}

#[test]
fn threads_that_panic_fail_and_land_at_random_lose_nothing() {
    const CALLS: usize = 400;
    let key = OneKey::default();
    let ended = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    let call = catch_unwind(AssertUnwindSafe(|| {
                        key.call(|run| match run % 3 {
                            0 => {
                                thread::yield_now();
                                Some(1)
                            }
                            1 => None,
                            _ => {
                                key.running.fetch_sub(1, SeqCst);
                                std::panic::resume_unwind(Box::new("no value"))
                            }
                        })
                    }));
                    if let Ok(Ok(value)) = call {
                        assert_eq!(value, 1);
                    }
                    ended.fetch_add(1, SeqCst);
                }
            });
        }
    });
    assert_eq!(ended.load(SeqCst), 4 * CALLS);
    assert!(key.table.lock().unwrap().is_none(), "no flight is left behind");
}

#[test]
fn a_blocked_thread_neither_takes_nor_leaves_a_token_of_unpark() {
    let first = Flight::begin();
    let waiting = first.flight().join();
    let waiter = thread::spawn(move || {
        let landed = waiting.block(None).expect("there is no deadline");
        // Returns at once, by the token from before; were that used up, this would hang.
        thread::park();
        matches!(landed, Landed::Value(value) if *value == 1)
    });
    waiter.thread().unpark();
    while first.flight().state.lock().queue[0].waker.is_none() {
        thread::yield_now();
    }
    first.land(Arc::new(1));
    assert!(waiter.join().unwrap());
}

#[test]
fn futures_move_between_threads_when_their_values_may() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    fn shared<T: Sync>(_: &T) {}
    let mut first = sent(Flight::<String>::begin());
    shared(&first);
    shared(first.flight());
    let waiting = sent(first.flight().join());
    shared(&waiting);
    assert_eq!(block_on(sent(Turn::inside(Some(&mut first), async { 1 }))), 1);
    first.land(Arc::new(String::from("sent")));
    let landed = thread::spawn(move || block_on(waiting)).join().unwrap();
    assert!(matches!(landed, Landed::Value(value) if *value == "sent"));
}
