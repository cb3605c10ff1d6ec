//! Starting a thread, in a process that may fork.

use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, Thread};

use super::Process;

/// How long a thread may take until it runs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process in which a thread did not start in time, if there is one.
static STUCK: AtomicU32 = AtomicU32::new(0);

/// Whether a new thread has come to its body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Awaited,
    Runs,
    GivenUp,
}

/// Starts a thread of this name, and returns once the thread runs.
///
/// The standard library holds a lock while a thread starts or ends. A fork at that moment leaves the lock locked in the child,
/// which can then start no thread. A caller does not know that its call starts a thread, and may fork right after the call.
///
/// A channel must not be waited for here: it would take the one token of `thread::park`, by which an executor may be waking the
/// calling thread.
///
/// # Errors
/// If the system starts no thread, or if the new thread does not run in time, as in such a child. The first caller in such a
/// child waits for a few seconds; later callers do not wait.
pub(crate) fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let too_late = || io::Error::from(io::ErrorKind::TimedOut);
    if STUCK.load(Relaxed) == Process::here().number() {
        return Err(too_late());
    }
    let both = Arc::new((Mutex::new(Start::Awaited), Condvar::new()));
    let theirs = Arc::clone(&both);
    let run = move || {
        if comes(&theirs) {
            drop(theirs);
            body();
        }
    };
    let thread = Builder::new().name(String::from(name)).spawn(run)?.thread().clone();
    has_come(&both).then_some(thread).ok_or_else(too_late)
}

/// Tells the caller that the new thread runs. Returns whether the caller has waited for it.
fn comes((start, changed): &(Mutex<Start>, Condvar)) -> bool {
    let mut start = start.lock().unwrap_or_else(PoisonError::into_inner);
    if *start == Start::GivenUp {
        // This thread runs, so the process is not stuck.
        STUCK.store(0, Relaxed);
        return false;
    }
    *start = Start::Runs;
    changed.notify_one();
    true
}

/// Waits until the new thread runs. Returns false if that takes too long.
fn has_come((start, changed): &(Mutex<Start>, Condvar)) -> bool {
    let start = start.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = changed.wait_timeout_while(start, PATIENCE, |start| *start == Start::Awaited);
    let (mut start, _) = waited.unwrap_or_else(PoisonError::into_inner);
    if *start == Start::Awaited {
        *start = Start::GivenUp;
        STUCK.store(Process::here().number(), Relaxed);
    }
    *start == Start::Runs
}

/// For x86-64 alone: elsewhere tests may be run by a loader or an emulator, and a test cannot start its own program again.
#[cfg(all(test, target_os = "linux", target_arch = "x86_64", not(loom), not(miri)))]
mod tests {
    use alloc::vec::Vec;
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};
    use std::{env, fs, thread};

    use super::*;

    /// Returns whether the system has a running thread of this name. A thread takes its name while it starts.
    fn runs(name: &str) -> bool {
        let threads = fs::read_dir("/proc/self/task").expect("a list of threads");
        threads.flatten().any(|thread| {
            fs::read_to_string(thread.path().join("comm")).is_ok_and(|found| found.trim_end() == name)
        })
    }

    /// In a process of its own: a list of threads may lack some of them while others end.
    #[test]
    fn a_thread_that_was_started_runs() {
        const ALONE: &str = "LRU_MEMO_TEST_ALONE";
        if env::var_os(ALONE).is_none() {
            let program = env::current_exe().expect("the path of the tests");
            let name = "sys::fork::start::tests::a_thread_that_was_started_runs";
            let output = Command::new(program).args(["--exact", name]).env(ALONE, "1").output();
            let output = output.expect("it starts");
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
            return;
        }
        let mut running = Vec::new();
        for round in 0..200 {
            let name = format!("started {round}");
            let (end, ended) = mpsc::channel::<()>();
            start_thread(&name, move || _ = ended.recv()).expect("the thread starts");
            assert!(runs(&name), "{name}");
            running.push(end);
        }
    }

    #[test]
    fn the_wait_for_a_thread_takes_no_wake_up_that_is_for_the_caller() {
        for _ in 0..200 {
            let (begin, long) = (Instant::now(), Duration::from_secs(60));
            thread::current().unpark();
            start_thread("started", || ()).expect("the thread starts");
            thread::park_timeout(long);
            assert!(begin.elapsed() < long, "the wake-up is lost");
        }
    }
}
