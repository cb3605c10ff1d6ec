//! Holds the integration tests of lru-memo, see `tests/`, and what several of them need.

pub mod counting;
#[cfg(feature = "libc")]
pub mod forks;
pub mod history;
pub mod model;
pub mod polled;
pub mod subject;
pub mod totals;

use std::env;
use std::fmt::Display;
use std::panic::resume_unwind;
use std::process::{Command, Output};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Far longer than any test takes, also on a busy machine, so that only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs `test` in a thread of its own and turns a hang into a failure that says what hung.
///
/// # Panics
/// When `test` panics, with its panic, and when it has not ended after five minutes.
pub fn without_hanging<R: Send + 'static>(
    stage: impl FnOnce() -> String,
    test: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (ended, end) = channel::<()>();
    let thread = thread::spawn(move || {
        // Dropped when the test ends, also by a panic.
        let _ended = ended;
        test()
    });
    match end.recv_timeout(LIMIT) {
        Err(RecvTimeoutError::Timeout) => panic!("hangs: {}", stage()),
        _ => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
    }
}

/// Lets nobody else move the driven clock, which belongs to the whole process, or rely on it.
pub fn clock_for_me_alone() -> MutexGuard<'static, ()> {
    static CLOCK: Mutex<()> = Mutex::new(());
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a process of its own run the tests of the calling program whose names have one of these parts in them, with
/// this shared store.
///
/// # Panics
/// When one of them fails, or there is none.
pub fn again_with_store(url: &str, parts: &[&str]) {
    let program = env::current_exe().expect("the path of the tests");
    let output = Command::new(program).args(parts).env("LRU_MEMO_STORE", url).output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "with {url}: {printed}");
    assert!(!printed.contains(" 0 passed"), "no tests are called {parts:?}");
}

/// Asserts that a program of tests has run one test, and that it passed.
///
/// # Panics
/// When it failed, or there is no test of this name.
#[track_caller]
pub fn assert_one_passed(output: &Output, what: impl Display) {
    let [printed, errors] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{what}: {}: {printed}{errors}", output.status);
    assert!(printed.contains("1 passed"), "{what}: there is no such test: {printed}");
}

/// Chooses the store in memory, unless the environment has chosen another one; whichever test comes first.
#[cfg(feature = "shared")]
pub fn in_memory_or_chosen() {
    if env::var_os("LRU_MEMO_STORE").is_none() {
        let _ = lru_memo::shared::configure("memory://");
    }
}

/// Chooses the store as [`in_memory_or_chosen`] does, and opens it: a task that has to open the store is ready later.
#[cfg(feature = "shared")]
pub fn open_store() {
    #[lru_memo::lru_cache(scope = shared)]
    fn opens_the_store(x: u32) -> u32 {
        x
    }
    in_memory_or_chosen();
    opens_the_store(1);
}
