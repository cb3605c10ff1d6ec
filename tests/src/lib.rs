//! Holds the integration tests of lru-memo, see `tests/`, and what several of them need.

pub mod history;
pub mod model;
pub mod subject;

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Far longer than any test takes, so that only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `test` in a thread of its own and turns a hang into a failure that says what hung.
///
/// # Panics
/// When `test` panics, with its panic, and when it has not ended after a minute.
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
