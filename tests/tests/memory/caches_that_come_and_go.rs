//! Caches that are made at run time, used by many threads, and dropped while these live on.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lru_memo::__private::{CacheParameters, Is, Scope};
use lru_memo::__private::{DefaultHasher, Kept, Leaf, OfObject, admit_all, no_own_ttl, part, weigh_nothing};
use lru_memo_tests::counting::{IN_USE, alone};

type Cache<V> = lru_memo::__private::Cache<OfObject, Kept<false, false>, (u32, ()), V, DefaultHasher>;

fn cache<V>(maxsize: usize) -> Cache<V> {
    Cache::new(CacheParameters::new(Some(maxsize), false, Scope::Process))
}

/// A call of a function that is memoized in this cache.
fn call<V: Clone>(cache: &Cache<V>, argument: u32, function: impl FnOnce() -> V) -> V {
    let key = (part::<Leaf<_>, u32, u32, _>(&argument), ());
    match cache.get(key, V::clone) {
        Ok(value) => value,
        Err(unseen) => match cache.look(&unseen, key, V::clone) {
            Ok(value) => value,
            Err(mut miss) => {
                miss.complete::<Is<false>, V>(function(), V::clone, admit_all, weigh_nothing, no_own_ttl)
            }
        },
    }
}

/// A thread that does what it is told, and lives on.
struct Helper(Option<Sender<Box<dyn FnOnce() + Send>>>, Receiver<()>, Option<thread::JoinHandle<()>>);

impl Helper {
    fn new() -> Self {
        let (sender, jobs) = channel::<Box<dyn FnOnce() + Send>>();
        let (done, ends) = channel();
        let thread = thread::spawn(move || {
            for job in jobs {
                job();
                let _ = done.send(());
            }
        });
        Self(Some(sender), ends, Some(thread))
    }

    fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.0.as_ref().expect("it lives").send(Box::new(job)).expect("it lives");
        self.1.recv().expect("it lives");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.0 = None;
        self.2.take().expect("it is ended once").join().expect("it does not panic");
    }
}

#[test]
fn a_cache_that_is_dropped_frees_everything_while_its_threads_live_on() {
    let _alone = alone();
    let helper = Helper::new();
    let round = |entries: u32| {
        let cache = Arc::new(cache::<String>(1 << 20));
        for number in 0..entries {
            call(&cache, number, || number.to_string());
        }
        let shared = Arc::clone(&cache);
        helper.run(move || {
            for number in 0..entries {
                assert_eq!(call(&shared, number, || unreachable!("it is there")), number.to_string());
            }
            drop(shared);
        });
        assert_eq!(cache.info().hits, u64::from(entries));
    };
    round(10);
    let before = IN_USE.load(Relaxed);
    round(10_000);
    let after = IN_USE.load(Relaxed);
    assert!(after <= before + 1024, "{} bytes are left", after - before);
}

#[test]
fn memory_stays_the_same_over_a_million_caches() {
    const ROUNDS: u32 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let _alone = alone();
    let helper = Helper::new();
    let permanent = Arc::new(cache::<u64>(4));
    let round = |number: u32| {
        let cache = Arc::new(cache::<u64>(4));
        for argument in [1, 2, 1, number] {
            assert_eq!(call(&cache, argument, || u64::from(argument)), u64::from(argument));
        }
        if number % 64 == 0 {
            let (cache, permanent) = (Arc::clone(&cache), Arc::clone(&permanent));
            helper.run(move || {
                assert_eq!(call(&cache, 1, || 0), 1);
                call(&permanent, 1, || 1);
            });
        }
        call(&permanent, 1, || 1);
    };
    (1..10_000).for_each(round);
    let before = IN_USE.load(Relaxed);
    (10_000..ROUNDS).for_each(round);
    let after = IN_USE.load(Relaxed);
    assert!(after <= before + 4096, "{} bytes more", after - before);
    assert_eq!(permanent.info().misses, 1);
}

#[test]
fn a_cache_is_made_in_few_bytes() {
    let _alone = alone();
    // The test harness allocates now and then, too: the round with the fewest bytes is undisturbed.
    let made_and_left = |_| {
        let before = IN_USE.load(Relaxed);
        let cache = Box::new(cache::<u64>(1 << 30));
        let made = IN_USE.load(Relaxed) - before;
        drop(cache);
        (made, IN_USE.load(Relaxed) - before)
    };
    let (bytes, left) = (0..64).map(made_and_left).min_by_key(|&(made, left)| (left.abs(), made)).unwrap();
    assert!(bytes <= 320, "{bytes} bytes");
    assert_eq!(left, 0);
}

#[test]
fn many_caches_at_one_time_are_told_apart() {
    let _alone = alone();
    let caches: Vec<Arc<Cache<u32>>> = (0..1_000).map(|_| Arc::new(cache(2))).collect();
    let ask = |caches: &[Arc<Cache<u32>>]| {
        for (number, cache) in (0..).zip(caches) {
            assert_eq!(call(cache, 0, || number), number);
        }
    };
    ask(&caches);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..10).for_each(|_| ask(&caches)));
        }
    });
    let every_third: Vec<_> = caches.iter().step_by(3).cloned().collect();
    drop(caches);
    let new: Vec<Arc<Cache<u32>>> = (0..1_000).map(|_| Arc::new(cache(2))).collect();
    for (number, cache) in (0..).step_by(3).zip(&every_third) {
        assert_eq!(call(cache, 0, || unreachable!("it is there")), number);
        assert_eq!(cache.info().misses, 1);
        assert_eq!(cache.info().hits, 21);
    }
    ask(&new);
    assert!(new.iter().all(|cache| cache.info().misses == 1));
}

/// How long a miss takes; of several rounds the shortest.
fn time_of_a_miss(cache: &Cache<u64>, keys: &mut std::ops::RangeFrom<u32>) -> Duration {
    let round = |_| {
        let begin = Instant::now();
        for argument in keys.take(1_000) {
            black_box(call(cache, argument, || u64::from(argument)));
        }
        begin.elapsed()
    };
    (0..20).map(round).min().expect("there are some")
}

#[test]
fn threads_that_have_ended_slow_no_miss_and_leave_no_memory() {
    let _alone = alone();
    let cache = cache::<u64>(16);
    let mut keys = 0..;
    let quick = time_of_a_miss(&cache, &mut keys);
    let before = IN_USE.load(Relaxed);
    thread::scope(|scope| {
        // All of them at one time, so that none goes on with what another has left.
        let barrier = Arc::new(std::sync::Barrier::new(500));
        for number in 0..500 {
            let (cache, barrier) = (&cache, Arc::clone(&barrier));
            let work = move || {
                call(cache, number % 8, || u64::from(number % 8));
                barrier.wait();
            };
            thread::Builder::new().stack_size(1 << 16).spawn_scoped(scope, work).expect("it starts");
        }
    });
    let slow = time_of_a_miss(&cache, &mut keys);
    assert!(slow < quick * 3 + Duration::from_micros(500), "{quick:?}, and {slow:?} after");
    let after = IN_USE.load(Relaxed);
    assert!(after < before + 64 * 1024, "{} bytes are left", after - before);
    let info = cache.info();
    assert_eq!(info.hits + info.misses, 2 * 20_000 + 500);
}

#[test]
fn an_unlisted_cache_is_not_among_the_caches() {
    let _alone = alone();
    let listed = || lru_memo::caches().count();
    let before = listed();
    let cache = cache::<u64>(4);
    call(&cache, 1, || 1);
    assert_eq!(listed(), before);
}

#[cfg(all(target_os = "linux", feature = "libc", not(miri)))]
#[test]
fn the_child_of_a_fork_begins_with_an_empty_cache_and_may_drop_it() {
    use lru_memo_tests::forks::in_child;

    let _alone = alone();
    let cache = Arc::new(cache::<String>(64));
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let hammer = {
        let (cache, is_over) = (Arc::clone(&cache), Arc::clone(&is_over));
        thread::spawn(move || {
            for argument in (0_u32..).take_while(|_| !is_over.load(Relaxed)) {
                call(&cache, argument % 200, || argument.to_string());
            }
        })
    };
    for _ in 0..20 {
        let mut own = Some(Arc::clone(&cache));
        in_child(|| {
            let cache = own.take().expect("it runs once");
            // Not known to any thread here.
            assert_eq!(call(&cache, 1_000, || "child".to_owned()), "child");
            assert_eq!(call(&cache, 1_000, || unreachable!("it is there")), "child");
            assert_eq!((cache.info().hits, cache.info().misses), (1, 1));
            // The hammer's reference is one of a thread that does not exist here.
            // SAFETY: the counter counts the one that was forgotten.
            unsafe { Arc::decrement_strong_count(Arc::as_ptr(&cache)) };
            drop(cache);
        })
        .unwrap();
    }
    is_over.store(true, Relaxed);
    hammer.join().unwrap();
}
