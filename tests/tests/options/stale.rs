//! `stale = "1h"`: an entry older than `ttl` is served while one caller recomputes it, and when that fails. By the driven
//! clock.

use std::cell::Cell;
use std::sync::MutexGuard;
use std::time::Duration;

use lru_memo::{CacheInfo, CacheTotals, clock};

mod calls;
#[cfg(all(target_os = "linux", feature = "libc"))]
mod forks;
mod others;
#[cfg(feature = "shared")]
mod stores;
mod tasks;
mod threads;

/// What the backend of a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Works,
    Fails,
    Panics,
}

thread_local! {
    static BACKEND: Cell<Backend> = const { Cell::new(Backend::Works) };
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// Asks the backend of this thread. Returns the number of the run.
fn ask() -> Result<u32, String> {
    RUNS.set(RUNS.get() + 1);
    match BACKEND.get() {
        Backend::Works => Ok(RUNS.get()),
        Backend::Fails => Err("the backend is down".to_owned()),
        // Without the panic hook, which would print.
        Backend::Panics => std::panic::resume_unwind(Box::new("the backend is down")),
    }
}

/// Begins a test: the clock is its own, and the backend works.
fn begin() -> MutexGuard<'static, ()> {
    let clock = lru_memo_tests::clock_for_me_alone();
    BACKEND.set(Backend::Works);
    RUNS.set(0);
    #[cfg(feature = "shared")]
    lru_memo_tests::open_store();
    clock
}

/// Minutes, so that no test is slow enough to see one pass.
fn minutes_later(minutes: u64) {
    clock::advance(Duration::from_secs(60 * minutes));
}

fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

/// Hits, misses, hits of old values, and errors.
fn totals(totals: CacheTotals) -> (u64, u64, u64, u64) {
    (totals.hits, totals.misses, totals.stale_hits, totals.errors)
}
