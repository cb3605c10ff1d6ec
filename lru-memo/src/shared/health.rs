//! How the store is doing, for people and for metrics.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::configured;
use super::error::{Error, Kind};

static ERRORS: Mutex<(Vec<(Kind, u64)>, Option<Error>)> = Mutex::new((Vec::new(), None));
static REJECTED: AtomicU64 = AtomicU64::new(0);
static REBUILT: AtomicU64 = AtomicU64::new(0);

/// How the store of this process is doing, since the process began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Health {
    /// The store's URL, without password.
    pub store: String,
    /// How many calls had to do without the store, for each kind of error that there was.
    pub errors: Vec<(Kind, u64)>,
    /// The last of these errors.
    pub last_error: Option<String>,
    /// Entries that turned out to be truncated, foreign, or undecodable, and were removed.
    pub rejected: u64,
    /// How often the store was found broken, and made anew, by this process.
    pub rebuilt: u64,
}

/// How the store is doing.
///
/// ```
/// let health = lru_memo::shared::health();
/// assert_eq!(health.last_error, None);
/// ```
#[must_use]
pub fn health() -> Health {
    let store = configured::name();
    let (errors, last) = &*ERRORS.lock();
    Health {
        store,
        errors: errors.to_owned(),
        last_error: last.as_ref().map(ToString::to_string),
        rejected: REJECTED.load(Ordering::Relaxed),
        rebuilt: REBUILT.load(Ordering::Relaxed),
    }
}

/// Counts an error that a caller was spared.
pub fn note(error: &Error) {
    // Never waits: after a fork, the thread that holds the lock may not exist.
    let Some(mut state) = ERRORS.try_lock() else { return };
    match state.0.iter_mut().find(|(kind, _)| *kind == error.kind()) {
        Some((_, count)) => *count += 1,
        None => state.0.push((error.kind(), 1)),
    }
    state.1 = Some(error.clone());
}

/// Counts an entry that could not be understood.
pub(crate) fn note_rejected() {
    REJECTED.fetch_add(1, Ordering::Relaxed);
}

/// Counts a store that was made anew.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is stored in files"))]
pub(crate) fn note_rebuilt() {
    REBUILT.fetch_add(1, Ordering::Relaxed);
}
