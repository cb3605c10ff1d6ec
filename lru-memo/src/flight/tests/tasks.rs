//! Many tasks on one thread, cancelled wherever they can be.

use super::one_key::OneKey;
use super::*;

#[test]
fn many_tasks_share_one_run() {
    let key = OneKey::default();
    let tasks = (0..100).map(|value| Box::pin(key.call_async(value)) as Task<'_>);
    assert_eq!(run_all(tasks.collect()), vec![0; 100]);
    assert_eq!(key.runs.load(SeqCst), 1);
}

#[test]
fn tasks_and_threads_wait_for_each_other() {
    let key = OneKey::default();
    let (mut runner, runs_now) = (pin!(key.call_async(3)), Waker::noop());
    assert!(runner.as_mut().poll(&mut Context::from_waker(runs_now)).is_pending());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| key.call(|_| Some(4)));
        assert_eq!(block_on(runner), 3);
        let value = waiter.join().unwrap().unwrap();
        assert!(value == 3 || value == 4, "4 only when it came after the landing");
    });
}

#[test]
fn a_runner_cancelled_at_any_point_hands_over() {
    for polls in 0..4 {
        let key = OneKey::default();
        let mut runner = Box::pin(key.call_async(0));
        assert!(poll(&mut runner).is_pending());
        let mut waiters: Vec<Task<'_>> = Vec::new();
        for value in 1..4 {
            let mut waiter = Box::pin(key.call_async(value));
            assert!(poll(&mut waiter).is_pending());
            waiters.push(waiter);
        }
        let landed = cancel_after(polls, runner);
        assert_eq!(landed, (polls == 3).then_some(0), "there are three steps");
        assert_eq!(run_all(waiters), [landed.unwrap_or(1); 3]);
        assert_eq!(key.runs.load(SeqCst), if landed.is_some() { 1 } else { 2 });
        assert!(key.table.lock().unwrap().is_none());
    }
}

#[test]
fn a_waiter_cancelled_at_any_point_hands_over() {
    for polled_before in [false, true] {
        for polls in 0..5 {
            let key = OneKey::default();
            let mut runner = Box::pin(key.call_async(0));
            assert!(poll(&mut runner).is_pending());
            let mut waiter = Box::pin(key.call_async(1));
            if polled_before {
                assert!(poll(&mut waiter).is_pending());
            }
            let mut last = Box::pin(key.call_async(2));
            assert!(poll(&mut last).is_pending());
            if polled_before {
                drop(runner);
                let landed = cancel_after(polls, waiter);
                assert_eq!(landed, (polls == 4).then_some(1), "one poll and three steps");
                assert_eq!(run_all(vec![last]), [landed.unwrap_or(2)]);
            } else {
                assert_eq!(cancel_after(polls, waiter), None);
                assert_eq!(run_all(vec![last, runner]), [0, 0]);
            }
            assert!(key.table.lock().unwrap().is_none());
            assert_eq!(key.running.load(SeqCst), 0);
        }
    }
}

#[test]
fn tasks_cancelled_at_random_lose_nothing() {
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for _ in 0..500 {
        let key = OneKey::default();
        let mut tasks: Vec<Pin<Box<_>>> = (0..6).map(|value| Box::pin(key.call_async(value))).collect();
        for _ in 0..random(20) {
            let at = random(tasks.len() as u64) as usize;
            if poll(&mut tasks[at]).is_ready() || random(4) == 0 {
                drop(tasks.remove(at));
            }
            if tasks.len() == 1 {
                break;
            }
        }
        let left = tasks.into_iter().map(|task| task as Task<'_>).collect::<Vec<_>>();
        let count = left.len();
        assert_eq!(run_all(left).len(), count);
        assert!(key.table.lock().unwrap().is_none());
        assert_eq!(key.running.load(SeqCst), 0);
    }
}
