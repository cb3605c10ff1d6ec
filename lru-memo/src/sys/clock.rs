//! The clock of `ttl`: monotonic, and movable by tests.
//!
//! WebAssembly in a browser has no clock of its own: there the feature `web-time` asks the browser.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

#[cfg(not(all(target_family = "wasm", target_os = "unknown", feature = "web-time")))]
pub(crate) use std::time::Instant;
#[cfg(all(target_family = "wasm", target_os = "unknown", feature = "web-time"))]
pub(crate) use web_time::Instant;

/// Whether there is a clock. Without one, what needs the time panics, and runs are not measured.
pub(crate) const EXISTS: bool =
    cfg!(any(not(all(target_family = "wasm", target_os = "unknown")), feature = "web-time"));

/// How far tests have moved the clock, in nanoseconds.
static AHEAD: AtomicU64 = AtomicU64::new(0);

/// Moves the clock of every `ttl` in this process forward, so that a test need not sleep.
///
/// The clock never goes back. It can move by 584 years in all.
///
/// ```
/// use std::time::Duration;
/// use lru_memo::{clock, lru_cache};
///
/// #[lru_cache(ttl = "90s")]
/// fn fetch(page: u32) -> u32 {
///     page
/// }
///
/// fetch(1);
/// clock::advance(Duration::from_secs(89));
/// assert_eq!(fetch_cache_peek(1), Some(1));
/// clock::advance(Duration::from_secs(1));
/// assert_eq!(fetch_cache_peek(1), None);
/// ```
pub fn advance(by: Duration) {
    let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
    // Relaxed: a read that happens after the move sees the moved clock, as with any write.
    let _ = AHEAD.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |ahead| Some(ahead.saturating_add(by)));
}

/// Returns how far tests have moved the clock.
pub(crate) fn ahead() -> Duration {
    Duration::from_nanos(AHEAD.load(Ordering::Relaxed))
}

// Not inlined: caches without a `ttl` never come here.
#[inline(never)]
pub(crate) fn now() -> Instant {
    if !EXISTS {
        panic!("this target has no clock: build lru-memo with its feature `web-time`");
    }
    let now = Instant::now();
    now.checked_add(ahead()).unwrap_or(now)
}
