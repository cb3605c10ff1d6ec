//! Errors and other events of the store, for people and for metrics.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use super::configured;
use super::error::{Error, Kind};
use super::undelivered;
use crate::sys::fork::Own;
use crate::sys::sync::Mutex;

static ERRORS: Own<Mutex<Errors>> = Own::none();
static REJECTED: AtomicU64 = AtomicU64::new(0);
static REBUILT: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Errors {
    counts: Vec<(Kind, u64)>,
    last: Option<Error>,
}

/// What has happened to the store of this process since the process began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Health {
    /// The store's URL, without a password.
    pub store: String,
    /// The number of errors of each kind. After a failure, the store is not asked for a while; calls during that time
    /// run the function and need not count as errors.
    pub errors: Vec<(Kind, u64)>,
    /// The last error.
    pub last_error: Option<String>,
    /// Entries that were truncated, foreign or undecodable, and were removed.
    pub rejected: u64,
    /// Invalidations, clears and overwritten entries that have failed and are not delivered yet. Until then, the
    /// functions concerned run, and read nothing from the store.
    pub undelivered: u64,
    /// How often this process has found the store broken and replaced it.
    pub rebuilt: u64,
}

/// Returns what has happened to the store of this process.
///
/// ```
/// let health = lru_memo::shared::health();
/// assert_eq!(health.last_error, None);
/// ```
#[must_use]
pub fn health() -> Health {
    let store = configured::name();
    let undelivered = undelivered::count();
    let errors = errors().lock();
    Health {
        store,
        errors: errors.counts.clone(),
        last_error: errors.last.as_ref().map(ToString::to_string),
        rejected: REJECTED.load(Ordering::Relaxed),
        undelivered,
        rebuilt: REBUILT.load(Ordering::Relaxed),
    }
}

/// The errors of this process. The child of a fork begins without any.
fn errors() -> &'static Mutex<Errors> {
    ERRORS.get_or_make(Mutex::default)
}

/// Counts an error of the store, which the caller of the function does not see.
pub fn note(error: &Error) {
    let mut errors = errors().lock();
    match errors.counts.iter_mut().find(|(kind, _)| *kind == error.kind()) {
        Some((_, count)) => *count += 1,
        None => errors.counts.push((error.kind(), 1)),
    }
    errors.last = Some(error.clone());
}

/// Counts an entry that could not be decoded.
pub(crate) fn note_rejected() {
    REJECTED.fetch_add(1, Ordering::Relaxed);
}

/// Counts a store that was replaced.
#[cfg(all(feature = "shared", target_os = "linux"))]
pub(crate) fn note_rebuilt() {
    REBUILT.fetch_add(1, Ordering::Relaxed);
}
