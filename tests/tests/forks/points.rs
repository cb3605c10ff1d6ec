//! Forks at each point of a call: before the first one, inside of the function, while others wait for its value, and as
//! a task waits or moves to another thread.

use std::hint::spin_loop;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;

use lru_memo::{cache, caches, clear_all, lru_cache};
use lru_memo_tests::forks::{in_child, in_child_without_handlers, in_fresh_processes};
use lru_memo_tests::without_hanging;

/// Runs it with a deadline.
fn in_time(test: impl FnOnce() + Send + 'static) {
    without_hanging(|| "a process that forks".to_owned(), test);
}

#[test]
fn children_of_threads_that_fork_while_others_make_their_first_calls_go_on() {
    #[lru_cache(maxsize = 4, single_flight = true)]
    fn slow(x: u32) -> String {
        thread::yield_now();
        x.to_string()
    }
    #[lru_cache(maxsize = 4)]
    fn square(x: u32) -> u32 {
        x * x
    }
    #[cache]
    fn doubled<T: Into<u64> + Copy + Eq + std::hash::Hash + Send + Sync + 'static>(x: T) -> u64 {
        2 * x.into()
    }
    fn calls() {
        for x in (0..6).chain(0..6) {
            assert_eq!((slow(x), square(x)), (x.to_string(), x * x));
            assert_eq!((doubled(x), doubled(x as u8)), (2 * u64::from(x), 2 * u64::from(x)));
        }
    }
    fn child() {
        calls();
        assert!(!slow_cache_invalidate(0));
        assert_eq!(slow_cache_info().currsize, 4);
        assert!(caches().any(|cache| cache.name().ends_with("square")));
        clear_all();
        assert_eq!(square_cache_info().currsize, 0);
        calls();
        thread::scope(|scope| (0..3).for_each(|_| _ = scope.spawn(calls)));
    }
    fn scene() {
        let (start, end) = (Barrier::new(5), Barrier::new(5));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    calls();
                    end.wait();
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    (0..5).for_each(|_| in_child(child).unwrap());
                    end.wait();
                });
            }
        });
        child();
    }
    let name = "points::children_of_threads_that_fork_while_others_make_their_first_calls_go_on";
    in_fresh_processes(20, name, "", scene);
}

/// The instantiations 0 to 63 of a function.
macro_rules! instantiations {
    ($function:ident) => { instantiations!(@ $function 0 8 16 24 32 40 48 56) };
    (@ $function:ident $($n:literal)*) => {[$(
        $function::<$n>, $function::<{ $n + 1 }>, $function::<{ $n + 2 }>, $function::<{ $n + 3 }>,
        $function::<{ $n + 4 }>, $function::<{ $n + 5 }>, $function::<{ $n + 6 }>, $function::<{ $n + 7 }>,
    )*]};
}

/// Forks soon after the first call of each function has begun in another thread. The child calls it, and lists it.
fn expect_children_that_list(functions: [fn(usize) -> usize; 64], name: &str) {
    let (begun, forked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wait = |count: &AtomicUsize, number| while count.load(SeqCst) <= number {};
    thread::scope(|scope| {
        scope.spawn(|| {
            for (number, function) in functions.iter().enumerate() {
                begun.fetch_add(1, SeqCst);
                function(1);
                wait(&forked, number);
            }
        });
        for (number, function) in functions.iter().enumerate() {
            wait(&begun, number);
            (0..number * 60).for_each(|_| spin_loop());
            let child = || {
                function(1);
                let name = format!("::{name}::<{number}>");
                assert!(caches().any(|cache| cache.name().ends_with(&name)), "{name} is not listed");
            };
            let outcome = in_child(child);
            // After a failure, the other thread waits for nothing.
            forked.store(if outcome.is_ok() { number + 1 } else { usize::MAX }, SeqCst);
            outcome.unwrap();
        }
    });
}

#[test]
fn a_child_lists_the_functions_that_it_calls_wherever_the_fork_found_their_first_calls() {
    #[lru_cache]
    fn numbered<const N: usize>(x: usize) -> usize {
        x + N
    }
    expect_children_that_list(instantiations!(numbered), "numbered");
}

#[cfg(feature = "shared")]
#[test]
fn a_child_lists_the_shared_functions_that_it_calls_wherever_the_fork_found_their_first_calls() {
    #[lru_cache(scope = shared)]
    fn shared<const N: usize>(x: usize) -> usize {
        x + N
    }
    lru_memo::shared::configure("memory://").unwrap();
    expect_children_that_list(instantiations!(shared), "shared");
}

/// What a thread does that runs a function until it is told to go on.
struct Stop {
    entered: Sender<()>,
    go_on: Receiver<()>,
}

static STOP: Mutex<Option<Stop>> = Mutex::new(None);

/// Stops the thread that comes first.
fn stop_here() {
    let stop = STOP.lock().unwrap().take();
    if let Some(stop) = stop {
        stop.entered.send(()).unwrap();
        stop.go_on.recv().unwrap();
    }
}

/// Has the next thread that comes to [`stop_here`] stop there: when it has, and what lets it go on.
fn next_one_stops() -> (Receiver<()>, Sender<()>) {
    let ((entered, has_entered), (go, go_on)) = (channel(), channel());
    *STOP.lock().unwrap() = Some(Stop { entered, go_on });
    (has_entered, go)
}

#[lru_cache(maxsize = 4, single_flight = true)]
fn stops(x: u32) -> String {
    stop_here();
    x.to_string()
}

/// What works in a child in which a thread of the parent was computing `stops(1)`.
fn uses_what_another_thread_computes() {
    assert_eq!((stops(1), stops(1), stops(2)), ("1".to_owned(), "1".to_owned(), "2".to_owned()));
    assert_eq!(stops_cache_info().currsize, 2);
    assert!(stops_cache_invalidate(1));
    assert_eq!(stops_cache_peek(1), None);
    (0..100).for_each(|x| assert_eq!(stops(x % 6), (x % 6).to_string()));
    stops_cache_clear();
    assert_eq!(stops_cache_info().currsize, 0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..300).for_each(|x| assert_eq!(stops(x % 6), (x % 6).to_string())));
        }
    });
    assert_eq!(stops_cache_info().currsize, 4);
}

#[test]
fn a_fork_that_began_before_the_first_call_of_all_does_not_wait_for_that_call() {
    type Begins = Mutex<Option<Box<dyn FnOnce() + Send>>>;
    static BEGINS: OnceLock<Begins> = OnceLock::new();
    extern "C" fn before() {
        let begins = BEGINS.get().and_then(|begins| begins.lock().unwrap().take());
        begins.into_iter().for_each(|begins| begins());
    }
    fn scene() {
        let (has_entered, go) = next_one_stops();
        let (thread, threads) = channel();
        let begins = move || {
            // The handlers of this crate are not among those that this fork runs.
            thread.send(thread::spawn(|| assert_eq!(stops(1), "1"))).unwrap();
            has_entered.recv().unwrap();
        };
        BEGINS.get_or_init(|| Mutex::new(Some(Box::new(begins))));
        // SAFETY: the handler is that above, which may do what it does.
        assert_eq!(unsafe { libc::pthread_atfork(Some(before), None, None) }, 0);
        in_child(|| {
            uses_what_another_thread_computes();
            // Children of the child are as those of others.
            in_child(uses_what_another_thread_computes).unwrap();
        })
        .unwrap();
        go.send(()).unwrap();
        threads.recv().unwrap().join().unwrap();
    }
    let name = "points::a_fork_that_began_before_the_first_call_of_all_does_not_wait_for_that_call";
    in_fresh_processes(3, name, "", || in_time(scene));
}

#[test]
fn a_child_of_a_fork_without_handlers_does_not_wait_for_threads_that_it_does_not_have() {
    fn scene() {
        (0..6).for_each(|x| assert_eq!(stops(x), x.to_string()));
        stops_cache_invalidate(1);
        let (has_entered, go) = next_one_stops();
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(stops(1), "1"));
            has_entered.recv().unwrap();
            in_child_without_handlers(|| {
                // Hits are what they were, until something is changed.
                assert_eq!(stops(5), "5");
                stops_cache_clear();
                uses_what_another_thread_computes();
                in_child(uses_what_another_thread_computes).unwrap();
                in_child_without_handlers(uses_what_another_thread_computes).unwrap();
            })
            .unwrap();
            go.send(()).unwrap();
        });
    }
    let name = "points::a_child_of_a_fork_without_handlers_does_not_wait_for_threads_that_it_does_not_have";
    in_fresh_processes(1, name, "", || in_time(scene));
}

#[test]
fn a_child_that_is_forked_in_the_function_goes_on_while_others_wait_for_it() {
    static FORKED: AtomicU32 = AtomicU32::new(0);
    static WAITING: AtomicU32 = AtomicU32::new(0);
    static IS_CHILD: AtomicBool = AtomicBool::new(false);
    #[lru_cache(maxsize = 4, single_flight = true)]
    fn forks(x: u32) -> String {
        if IS_CHILD.load(SeqCst) {
            return format!("child {x}");
        }
        in_child(|| {
            IS_CHILD.store(true, SeqCst);
            // The same key, as in a recursive call, and one that no other thread may have computed before the fork.
            assert_eq!((forks(x), forks(x + 100)), (format!("child {x}"), format!("child {}", x + 100)));
            assert_eq!(forks(x), format!("child {x}"));
            assert!(forks_cache_invalidate(x));
            assert_eq!(forks(x), format!("child {x}"));
            forks_cache_clear();
            let threads = || (0..50).for_each(|x| assert_eq!(forks(x % 6), format!("child {}", x % 6)));
            thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(threads)));
        })
        .unwrap();
        FORKED.fetch_add(1, SeqCst);
        x.to_string()
    }
    fn scene() {
        let (start, end) = (&Barrier::new(4), &Barrier::new(4));
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    start.wait();
                    for x in 0..20 {
                        WAITING.fetch_add(1, SeqCst);
                        assert_eq!(forks(x), x.to_string());
                        if thread == 0 {
                            forks_cache_invalidate(x);
                        }
                    }
                    end.wait();
                });
            }
        });
        assert!(FORKED.load(SeqCst) >= 20 && WAITING.load(SeqCst) == 80);
    }
    in_time(scene);
}

#[test]
fn a_child_goes_on_with_the_call_in_which_it_was_forked() {
    static IS_CHILD: AtomicBool = AtomicBool::new(false);
    #[lru_cache(maxsize = None, single_flight = true)]
    fn forks(x: u32) -> String {
        // SAFETY: the child does what is tested, and ends after the call.
        match unsafe { libc::fork() } {
            0 => IS_CHILD.store(true, SeqCst),
            child => {
                let mut status = 0;
                // SAFETY: it is a child that nobody else waits for.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                assert_eq!(status, 0, "the child has found what it should");
            }
        }
        x.to_string()
    }
    fn call(x: u32) {
        let value = forks(x);
        if IS_CHILD.load(SeqCst) {
            let is_stored = forks_cache_peek(x).is_some() && forks(x) == value;
            let is_right = value == x.to_string() && is_stored && forks_cache_invalidate(x);
            // SAFETY: it runs nothing of the process whose copy this is.
            unsafe { libc::_exit(i32::from(!is_right)) }
        }
        assert_eq!(value, x.to_string());
    }
    in_time(|| {
        thread::scope(|scope| (0..4).for_each(|_| _ = scope.spawn(|| (0..20).for_each(call))));
        assert_eq!(forks_cache_info().misses, 20, "each value is computed once");
    });
}

/// A future that is ready the second time, or when it is told.
struct Twice(bool);

impl Future for Twice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_task_that_waits_while_the_process_forks_goes_on_in_the_child() {
    #[lru_cache(maxsize = 4, single_flight = true)]
    async fn stops_once(x: u32) -> String {
        stop_here_once();
        x.to_string()
    }
    fn stop_here_once() {
        let stop = STOP_TASK.lock().unwrap().take();
        if let Some(stop) = stop {
            stop.entered.send(()).unwrap();
            stop.go_on.recv().unwrap();
        }
    }
    static STOP_TASK: Mutex<Option<Stop>> = Mutex::new(None);
    in_time(|| {
        let ((entered, has_entered), (go, go_on)) = (channel(), channel());
        *STOP_TASK.lock().unwrap() = Some(Stop { entered, go_on });
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(pollster::block_on(stops_once(1)), "1"));
            has_entered.recv().unwrap();
            let mut waits = pin!(stops_once(1));
            let mut is_given_up = Box::pin(stops_once(1));
            assert!(poll(waits.as_mut()).is_pending());
            assert!(poll(is_given_up.as_mut()).is_pending());
            in_child(|| {
                drop(is_given_up);
                assert_eq!(pollster::block_on(waits.as_mut()), "1");
                assert_eq!(pollster::block_on(stops_once(1)), "1");
                assert_eq!(stops_once_cache_info().currsize, 1);
            })
            .unwrap();
            go.send(()).unwrap();
            assert_eq!(pollster::block_on(waits), "1");
        });
    });
}

#[test]
fn a_task_that_moved_to_another_thread_leaves_nothing_running_in_a_child() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Key(u32, Arc<()>);
    #[lru_cache(maxsize = 4)]
    async fn pauses(_key: Key) -> u32 {
        Twice(false).await;
        1
    }
    in_time(|| {
        let key = Key(1, Arc::new(()));
        // This thread and the other one have called it before.
        assert_eq!(pollster::block_on(pauses(key.clone())), 1);
        thread::scope(|scope| {
            let (task, tasks) = channel();
            let key = &key;
            let other = scope.spawn(move || {
                assert_eq!(pollster::block_on(pauses(key.clone())), 1);
                for task in tasks {
                    assert_eq!(pollster::block_on::<Pin<Box<dyn Future<Output = u32> + Send>>>(task), 1);
                }
            });
            // Begun here, ended there.
            let mut moves = Box::pin(pauses(Key(2, Arc::new(()))));
            assert!(poll(moves.as_mut()).is_pending());
            task.send(moves as Pin<Box<dyn Future<Output = u32> + Send>>).unwrap();
            drop(task);
            other.join().unwrap();
        });
        in_child(move || {
            // Nothing runs, so that nobody has to remember what was invalidated.
            assert!(pauses_cache_invalidate(key.clone()));
            assert_eq!(Arc::strong_count(&key.1), 1);
            // And while something runs, it is remembered, and forgotten then.
            let mut runs = Box::pin(pauses(Key(3, Arc::new(()))));
            assert!(poll(runs.as_mut()).is_pending());
            assert!(!pauses_cache_invalidate(key.clone()));
            assert_eq!(Arc::strong_count(&key.1), 2);
            assert!(poll(runs.as_mut()).is_ready());
            drop(runs);
            assert_eq!(Arc::strong_count(&key.1), 1);
        })
        .unwrap();
    });
}

#[test]
fn what_runs_while_the_process_forks_ends_in_the_child_as_well() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Key(u32, Arc<()>);
    #[lru_cache(maxsize = 4)]
    async fn pauses(_key: Key) -> u32 {
        Twice(false).await;
        1
    }
    in_time(|| {
        let mut runs = Box::pin(pauses(Key(1, Arc::new(()))));
        assert!(poll(runs.as_mut()).is_pending());
        in_child(move || {
            let (key, first) = (Key(2, Arc::new(())), Key(1, Arc::new(())));
            // What is invalidated while it runs is not stored.
            assert!(!pauses_cache_invalidate(first));
            assert!(poll(runs.as_mut()).is_ready());
            drop(runs);
            assert_eq!(pauses_cache_info().currsize, 0);
            assert!(!pauses_cache_invalidate(key.clone()));
            assert_eq!(Arc::strong_count(&key.1), 1);
            assert_eq!(pollster::block_on(pauses(key.clone())), 1);
            assert_eq!(pauses_cache_info().currsize, 1);
        })
        .unwrap();
    });
}

/// Ends the child of a fork in the middle of tasks, and waits for it in the parent. Says whether this is the child.
fn fork_within_tasks() -> bool {
    // SAFETY: the child goes on with the tasks of this thread, and ends after them.
    match unsafe { libc::fork() } {
        0 => true,
        child => {
            let mut status = 0;
            // SAFETY: it is a child that nobody else waits for.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(status, 0, "the child has found what it should");
            false
        }
    }
}

#[test]
fn the_tasks_of_the_thread_that_forks_go_on_in_the_child() {
    static IS_CHILD: AtomicBool = AtomicBool::new(false);
    #[lru_cache(maxsize = 4, single_flight = true)]
    async fn forks(x: u32) -> String {
        Twice(false).await;
        IS_CHILD.store(fork_within_tasks(), SeqCst);
        Twice(false).await;
        x.to_string()
    }
    #[lru_cache(maxsize = 4, single_flight = true, scope = thread)]
    async fn forks_of_thread(x: u32) -> String {
        Twice(false).await;
        IS_CHILD.store(IS_CHILD.load(SeqCst) || fork_within_tasks(), SeqCst);
        Twice(false).await;
        x.to_string()
    }
    in_time(|| {
        let executor = async_executor::LocalExecutor::new();
        let tasks: Vec<_> = (0..4).map(|_| executor.spawn(forks(1))).collect();
        let of_thread: Vec<_> = (0..4).map(|_| executor.spawn(forks_of_thread(1))).collect();
        pollster::block_on(executor.run(async {
            for task in tasks.into_iter().chain(of_thread) {
                assert_eq!(task.await, "1");
            }
        }));
        assert_eq!((forks_cache_info().currsize, forks_of_thread_cache_info().currsize), (1, 1));
        if IS_CHILD.load(SeqCst) {
            // SAFETY: it runs nothing of the process whose copy this is.
            unsafe { libc::_exit(0) }
        }
    });
}

#[test]
fn a_child_goes_on_with_its_call_while_others_ask_for_the_value_without_pause() {
    static IS_CHILD: AtomicBool = AtomicBool::new(false);
    static ENTERED: AtomicBool = AtomicBool::new(false);
    #[lru_cache(maxsize = 4, single_flight = true)]
    async fn forks(x: u32) -> String {
        ENTERED.store(true, SeqCst);
        let is_child = (0..30).any(|_| fork_within_tasks());
        IS_CHILD.store(is_child, SeqCst);
        x.to_string()
    }
    in_time(|| {
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(pollster::block_on(forks(1)), "1");
                if IS_CHILD.load(SeqCst) {
                    let is_right = forks_cache_invalidate(1);
                    // SAFETY: it runs nothing of the process whose copy this is.
                    unsafe { libc::_exit(i32::from(!is_right)) }
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ENTERED.load(SeqCst) {
                        thread::yield_now();
                    }
                    let mut waits = pin!(forks(1));
                    while poll(waits.as_mut()).is_pending() {}
                });
            }
        });
    });
}
