//! The health of the store of this process, for people and for metrics.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::Kind;
use super::{configured, events, undelivered};

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
    let (errors, last) = events::errors();
    Health {
        store,
        errors,
        last_error: last.as_ref().map(ToString::to_string),
        rejected: events::rejected(),
        undelivered,
        rebuilt: events::rebuilt(),
    }
}
