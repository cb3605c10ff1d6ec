//! Errors and other events of the store, which are counted.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use super::error::{Error, Kind};
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

/// The errors of this process. The child of a fork begins without any.
fn all() -> &'static Mutex<Errors> {
    ERRORS.get_or_make(Mutex::default)
}

/// Counts an error of the store, which the caller of the function does not see.
pub fn note(error: &Error) {
    let mut errors = all().lock();
    match errors.counts.iter_mut().find(|(kind, _)| *kind == error.kind()) {
        Some((_, count)) => *count += 1,
        None => errors.counts.push((error.kind(), 1)),
    }
    errors.last = Some(error.clone());
}

/// Returns the number of errors of each kind, and the last error.
pub(super) fn errors() -> (Vec<(Kind, u64)>, Option<Error>) {
    let errors = all().lock();
    (errors.counts.clone(), errors.last.clone())
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

/// Returns how many entries could not be decoded.
pub(super) fn rejected() -> u64 {
    REJECTED.load(Ordering::Relaxed)
}

/// Returns how many stores were replaced.
pub(super) fn rebuilt() -> u64 {
    REBUILT.load(Ordering::Relaxed)
}
