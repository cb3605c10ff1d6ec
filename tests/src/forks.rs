//! Children of forks, and fresh processes to fork them from.
//!
//! The standard library holds a lock while a thread starts or ends. A child that is forked at that moment cannot start a
//! thread. So no thread of a test starts or ends while another one forks a child that starts threads.

use std::env;
use std::panic::catch_unwind;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::assert_one_passed;

/// Far longer than a child takes, so that only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(20);

/// Set for the process that is to run a test itself.
const FRESH: &str = "LRU_MEMO_TEST_IN_A_FRESH_PROCESS";

/// Runs a function in a child.
///
/// # Errors
/// When the child panics or hangs, or ends another way.
pub fn in_child(function: impl FnOnce()) -> Result<(), String> {
    // SAFETY: the child runs what is tested, which is to work there, and never returns.
    in_child_of(|| unsafe { libc::fork() }, function)
}

/// As [`in_child`], with a fork that runs no handlers.
///
/// # Errors
/// When the child panics or hangs, or ends another way.
pub fn in_child_without_handlers(function: impl FnOnce()) -> Result<(), String> {
    let clone = || {
        // SAFETY: without a stack and other flags it is what `fork` is.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        libc::pid_t::try_from(child).expect("a process")
    };
    in_child_of(clone, function)
}

fn in_child_of(fork: impl FnOnce() -> libc::pid_t, function: impl FnOnce()) -> Result<(), String> {
    match fork() {
        -1 => Err("cannot fork".to_owned()),
        0 => {
            let status = i32::from(catch_unwind(std::panic::AssertUnwindSafe(function)).is_err());
            // SAFETY: it runs nothing of the process whose copy this is.
            unsafe { libc::_exit(status) }
        }
        child => wait_for(child),
    }
}

fn wait_for(child: libc::pid_t) -> Result<(), String> {
    let end = Instant::now() + LIMIT;
    let mut status = 0;
    loop {
        // SAFETY: it is a child that nobody else waits for.
        match unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } {
            0 if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
            0 => {
                // SAFETY: it is a child that has not been waited for yet.
                unsafe {
                    libc::kill(child, libc::SIGKILL);
                    libc::waitpid(child, &raw mut status, 0);
                }
                return Err("the child hangs".to_owned());
            }
            _ if status == 0 => return Ok(()),
            _ => return Err(format!("the child ended with wait status {status}")),
        }
    }
}

/// Runs the test of this name in so many processes of its own, one after the other, with this shared store.
///
/// # Panics
/// When it fails in one of them.
pub fn in_fresh_processes(number: u32, name: &str, store: &str, test: impl FnOnce()) {
    if env::var_os(FRESH).is_some() {
        return test();
    }
    for number in 0..number {
        let mut again = Command::new("/proc/self/exe");
        again.args([name, "--exact", "--nocapture"]).env(FRESH, "yes").env("LRU_MEMO_STORE", store);
        let output = again.output().expect("it starts");
        assert_one_passed(&output, format_args!("process {number} of `{name}` with {store}"));
    }
}
