//! `ttl_of`, `jitter` and `idle` of caches that belong to an object.
//!
//! A program of its own, in which one test at a time runs: the clock is the process's.

use std::hash::Hash;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use lru_memo::{Memo, clock, lru_cache};
use lru_memo_tests::clock_for_me_alone;
use pollster::block_on;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn days_later(days: u32) {
    clock::advance(DAY * days);
}

struct Owner<T> {
    longest: Duration,
    shortened: Duration,
    unused: Duration,
    value: T,
    memo: Memo,
}

impl<T: Clone + Eq + Hash + Send + Sync + 'static> Owner<T> {
    fn new(longest: u32, shortened: u32, unused: u32, value: T) -> Self {
        let [longest, shortened, unused] = [longest, shortened, unused].map(|days| DAY * days);
        Self { longest, shortened, unused, value, memo: Memo::new() }
    }

    #[lru_cache(ttl = self.longest, ttl_of = |(_, days)| DAY * *days, jitter = self.shortened, scope = self.memo)]
    fn own(&self, days: u32) -> (T, u32) {
        (self.value.clone(), days)
    }

    #[lru_cache(ttl = self.longest, idle = self.unused, scope = self.memo)]
    async fn idle(self: Arc<Self>, x: u32) -> (T, u32) {
        (self.value.clone(), x)
    }

    #[lru_cache(idle = self.unused, single_flight = true, scope = self.memo)]
    async fn awaited(&self, x: u32) -> u32 {
        let mut polls = 0;
        std::future::poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls == 1 { Poll::Pending } else { Poll::Ready(x) }
        })
        .await
    }
}

#[test]
fn ages_are_those_of_the_value_under_the_limits_of_the_object() {
    let _clock = clock_for_me_alone();
    let (short, long) = (Owner::new(5, 0, 1, "short"), Owner::new(50, 0, 1, String::from("long")));
    for days in [20, 3] {
        short.own(days);
        long.own(days);
    }
    days_later(3);
    assert_eq!((short.own_cache_peek(3), long.own_cache_peek(3)), (None, None));
    days_later(10);
    assert_eq!((short.own_cache_peek(20), long.own_cache_peek(20)), (None, Some(("long".to_owned(), 20))));
    assert_eq!(long.own_cache_parameters().jitter, Some(Duration::ZERO));
    let nothing = Owner::new(5, 5_000_000, 1, 0);
    nothing.own(5);
    assert_eq!(nothing.own_cache_info().currsize, 0, "shortened by far more than there is");
}

#[test]
fn what_is_not_used_expires_and_a_hit_puts_it_off() {
    let _clock = clock_for_me_alone();
    let owner = Arc::new(Owner::new(10, 0, 4, 'a'));
    let call = || block_on(Arc::clone(&owner).idle(1));
    for _ in 0..3 {
        call();
        days_later(3);
    }
    assert_eq!((owner.idle_cache_info().hits, owner.idle_cache_peek(1)), (2, Some(('a', 1))));
    assert_eq!(owner.idle_cache_parameters().idle, Some(DAY * 4));
    days_later(1);
    assert_eq!(owner.idle_cache_peek(1), None, "`ttl` is over");
    call();
    days_later(4);
    assert_eq!(owner.idle_cache_peek(1), None, "not used for four days");
}

#[test]
fn a_waiter_that_gets_its_value_late_has_used_the_entry() {
    let _clock = clock_for_me_alone();
    let owner = Owner::new(1, 0, 4, ());
    let (mut leader, mut waiter) = (pin!(owner.awaited(1)), pin!(owner.awaited(1)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(leader.as_mut().poll(&mut context).is_pending());
    assert!(waiter.as_mut().poll(&mut context).is_pending());
    assert_eq!(leader.as_mut().poll(&mut context), Poll::Ready(1));
    days_later(3);
    assert_eq!(waiter.as_mut().poll(&mut context), Poll::Ready(1));
    days_later(3);
    assert_eq!(owner.awaited_cache_peek(1), Some(1));
    days_later(1);
    assert_eq!(owner.awaited_cache_peek(1), None);
}

#[test]
fn a_use_by_any_thread_is_one_for_all() {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 100;
    let _clock = clock_for_me_alone();
    let (owner, round) = (Owner::new(1, 0, 4, ()), Barrier::new(THREADS as usize));
    let call = |x| block_on(owner.awaited(x));
    (0..THREADS).for_each(|x| _ = call(x));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (round, call) = (&round, &call);
            scope.spawn(move || {
                for number in 0..ROUNDS {
                    // In each round an entry is used by another thread, and by several if they come at the same time.
                    call((thread + number) % THREADS);
                    call(0);
                    if round.wait().is_leader() {
                        days_later(3);
                    }
                    round.wait();
                }
            });
        }
    });
    let info = owner.awaited_cache_info();
    assert_eq!((info.hits, info.misses), (u64::from(2 * THREADS * ROUNDS), u64::from(THREADS)));
    days_later(4);
    assert_eq!(owner.awaited_cache_peek(0), None);
}
