//! How the store is doing, for people and for metrics.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use super::configured;
use super::error::{Error, Kind};
use super::undelivered;
use crate::fork::Own;
use crate::sync::Mutex;

static ERRORS: Own<Mutex<Errors>> = Own::none();
static REJECTED: AtomicU64 = AtomicU64::new(0);
static REBUILT: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Errors {
    counts: Vec<(Kind, u64)>,
    last: Option<Error>,
}

/// How the store of this process is doing, since the process began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Health {
    /// The store's URL, without password.
    pub store: String,
    /// How often the store could not be opened or did not do what it was asked, for each kind of error that there was.
    /// While it cannot be opened, or is left alone after a failure, not every call that does without it is an error.
    pub errors: Vec<(Kind, u64)>,
    /// The last of these errors.
    pub last_error: Option<String>,
    /// Entries that turned out to be truncated, foreign, or undecodable, and were removed.
    pub rejected: u64,
    /// Invalidations, clears and overwritten entries that the store could not be told of yet. Until it is, the functions
    /// concerned run, and read nothing from it.
    pub undelivered: u64,
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

/// Those of this process.
fn errors() -> &'static Mutex<Errors> {
    ERRORS.get_or_make(Mutex::default)
}

/// Counts an error that a caller was spared.
pub fn note(error: &Error) {
    let mut errors = errors().lock();
    match errors.counts.iter_mut().find(|(kind, _)| *kind == error.kind()) {
        Some((_, count)) => *count += 1,
        None => errors.counts.push((error.kind(), 1)),
    }
    errors.last = Some(error.clone());
}

/// Counts an entry that could not be understood.
pub(crate) fn note_rejected() {
    REJECTED.fetch_add(1, Ordering::Relaxed);
}

/// Counts a store that was made anew.
#[cfg(all(feature = "shared", target_os = "linux"))]
pub(crate) fn note_rebuilt() {
    REBUILT.fetch_add(1, Ordering::Relaxed);
}
