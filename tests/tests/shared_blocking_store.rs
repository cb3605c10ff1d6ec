//! A store of the user's own whose methods block: threads wait for it, tasks leave it to other threads.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use lru_memo::shared::{
    Counts, Entry, Error, Found, Lease, Memory, Namespace, Store, Summary, Ticket, configure_store,
};
use lru_memo::{CacheInfo, lru_cache};
use lru_memo_tests::forks::in_child;
use tokio::runtime;

thread_local! {
    /// Whether this thread executes tasks, and must never wait.
    static IS_EXECUTOR: Cell<bool> = const { Cell::new(false) };
}

/// Whether the store answers nobody for now.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// As [`Memory`], and slow. It must not be asked by a thread that executes tasks.
struct Slow(Memory);

impl Slow {
    fn memory(&self) -> &Memory {
        assert!(!IS_EXECUTOR.get(), "a thread that executes tasks asks the store");
        thread::sleep(Duration::from_millis(1));
        while IS_SILENT.load(SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        &self.0
    }
}

impl Store for Slow {
    fn get(&self, space: &Namespace, key: &[u8]) -> Result<Found, Error> {
        self.memory().get(space, key)
    }
    fn get_if_present(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.memory().get_if_present(space, key)
    }
    fn count_hit(&self, space: &Namespace) -> Result<(), Error> {
        self.memory().count_hit(space)
    }
    fn reject(&self, space: &Namespace, key: &[u8]) -> Result<Ticket, Error> {
        self.memory().reject(space, key)
    }
    fn ticket(&self, space: &Namespace) -> Result<Ticket, Error> {
        self.memory().ticket(space)
    }
    fn store(&self, space: &Namespace, key: &[u8], entry: Entry<'_>) -> Result<bool, Error> {
        assert!(!space.name().ends_with("breaks_the_store"), "the store is broken");
        self.memory().store(space, key, entry)
    }
    fn peek(&self, space: &Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.memory().peek(space, key)
    }
    fn invalidate(&self, space: &Namespace, key: &[u8]) -> Result<bool, Error> {
        self.memory().invalidate(space, key)
    }
    fn clear(&self, space: &Namespace) -> Result<(), Error> {
        self.memory().clear(space)
    }
    fn info(&self, space: &Namespace) -> Result<Counts, Error> {
        self.memory().info(space)
    }
    fn lease(&self, space: &Namespace, key: &[u8]) -> Result<Lease, Error> {
        let lease = self.memory().lease(space, key)?;
        Ok(Lease::new(EndsSlowly { _lease: lease }))
    }
    fn try_lease(&self, space: &Namespace, key: &[u8]) -> Result<Option<Lease>, Error> {
        let lease = self.memory().try_lease(space, key)?;
        Ok(lease.map(|lease| Lease::new(EndsSlowly { _lease: lease })))
    }
    fn blocks(&self) -> bool {
        true
    }
    fn namespaces(&self) -> Result<Vec<Summary>, Error> {
        self.memory().namespaces()
    }
}

struct EndsSlowly {
    _lease: Lease,
}

impl Drop for EndsSlowly {
    fn drop(&mut self) {
        assert!(!IS_EXECUTOR.get(), "a thread that executes tasks ends a lease");
    }
}

/// Chooses the store; as long as what is returned is kept, no other test uses it.
fn configured() -> MutexGuard<'static, ()> {
    static ONCE: Once = Once::new();
    static ALONE: Mutex<()> = Mutex::new(());
    ONCE.call_once(|| configure_store(Slow(Memory::new())).expect("it is the first choice"));
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs it on a runtime whose threads must not wait.
fn as_task<R>(task: impl Future<Output = R>) -> R {
    let _alone = configured();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(|| IS_EXECUTOR.set(true))
        .build()
        .expect("a runtime");
    // The thread that blocks on it polls it, too.
    IS_EXECUTOR.set(true);
    let result = runtime.block_on(task);
    IS_EXECUTOR.set(false);
    result
}

#[lru_cache(maxsize = 2, scope = shared)]
async fn square(x: u64) -> u64 {
    x * x
}

#[lru_cache(maxsize = 2, scope = shared)]
fn square_of_threads(x: u64) -> u64 {
    x * x
}

fn info(hits: u64, misses: u64, currsize: usize) -> CacheInfo {
    CacheInfo { hits, misses, maxsize: Some(2), currsize }
}

#[test]
fn tasks_leave_the_store_to_other_threads_in_calls_and_companions() {
    as_task(async {
        square_cache_clear().await;
        assert_eq!((square(3).await, square(3).await, square(4).await), (9, 9, 16));
        assert_eq!(square_cache_info().await, info(1, 2, 2));
        assert_eq!(square_cache_peek(3).await, Some(9));
        assert!(square_cache_invalidate(3).await);
        square_cache_put(5, 1).await;
        assert_eq!((square(5).await, square_cache_refresh(5).await, square(5).await), (1, 25, 25));
        assert_eq!(square_cache_info().await, info(3, 2, 2));
    });
}

#[test]
fn threads_ask_the_store_themselves() {
    let _alone = configured();
    assert_eq!((square_of_threads(3), square_of_threads(3)), (9, 9));
    assert_eq!(square_of_threads_cache_info(), info(1, 1, 1));
    // All caches of the program are looked at by threads.
    assert!(
        lru_memo::caches().any(|cache| cache.name().ends_with("square_of_threads") && cache.info().hits == 1)
    );
}

#[test]
fn many_tasks_of_one_key_run_it_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[lru_cache(maxsize = 2, scope = shared, single_flight = true)]
    async fn once(x: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        x
    }
    as_task(async {
        let tasks: Vec<_> = (0..300).map(|_| tokio::spawn(once(7))).collect();
        for task in tasks {
            assert_eq!(task.await.expect("it does not panic"), 7);
        }
        assert_eq!(once_cache_info().await, info(299, 1, 1));
    });
    assert_eq!(RUNS.load(SeqCst), 1);
}

#[test]
fn a_panic_of_the_store_reaches_the_task_that_asked() {
    #[lru_cache(maxsize = 2, scope = shared)]
    async fn breaks_the_store(x: u64) -> u64 {
        x
    }
    as_task(async {
        let failed = tokio::spawn(breaks_the_store(1)).await.expect_err("the store panics");
        let message = failed.into_panic();
        assert_eq!(message.downcast_ref::<&str>(), Some(&"the store is broken"));
        // Others are not concerned.
        assert_eq!(square_cache_peek(12).await, None);
    });
}

#[test]
fn tasks_in_the_child_of_a_fork_have_threads_of_their_own() {
    // The threads that ask the store are there, and idle.
    as_task(async { _ = square_cache_peek(1).await });
    let _alone = configured();
    in_child(|| assert_eq!(pollster::block_on(square_cache_peek(1)), None)).unwrap();
}

#[test]
fn a_task_that_waits_for_the_store_while_the_process_forks_goes_on_in_the_child() {
    #[lru_cache(maxsize = 2, scope = shared, single_flight = true)]
    async fn once(x: u64) -> u64 {
        x
    }
    let _alone = configured();
    let mut tasks = [(); 3].map(|()| (Box::pin(square(5)), Box::pin(once(5))));
    let mut context = Context::from_waker(Waker::noop());
    IS_SILENT.store(true, SeqCst);
    for (square, once) in &mut tasks {
        assert!(square.as_mut().poll(&mut context).is_pending());
        assert!(once.as_mut().poll(&mut context).is_pending());
    }
    in_child(|| {
        IS_SILENT.store(false, SeqCst);
        assert_eq!(
            together(tasks.iter_mut().map(|(square, once)| async { (square.await, once.await) })),
            [(25, 5); 3]
        );
        assert_eq!(pollster::block_on(async { (square(5).await, once(5).await) }), (25, 5));
    })
    .unwrap();
    IS_SILENT.store(false, SeqCst);
    assert_eq!(
        together(tasks.iter_mut().map(|(square, once)| async { (square.await, once.await) })),
        [(25, 5); 3]
    );
}

/// Runs tasks until all have ended. None is left alone meanwhile, because the others may be waiting for its value.
fn together<R>(tasks: impl Iterator<Item = impl Future<Output = R>>) -> Vec<R> {
    let mut tasks: Vec<_> = tasks.map(|task| (Box::pin(task), None)).collect();
    pollster::block_on(std::future::poll_fn(|context| {
        for (task, result) in tasks.iter_mut().filter(|(_, result)| result.is_none()) {
            if let Poll::Ready(value) = task.as_mut().poll(context) {
                *result = Some(value);
            }
        }
        if tasks.iter().all(|(_, result)| result.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    }));
    tasks.into_iter().filter_map(|(_, result)| result).collect()
}
