//! The clock that processes share: wall time, moved by [`clock::advance`](crate::clock::advance) in tests.

use core::time::Duration;
use std::time::Instant;
#[cfg(any(feature = "memcached", feature = "redis", all(feature = "shared", target_os = "linux")))]
use std::time::{SystemTime, UNIX_EPOCH};

use crate::clock;

/// Nanoseconds since 1970.
#[cfg(any(feature = "memcached", feature = "redis", all(feature = "shared", target_os = "linux")))]
pub(crate) fn now() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from((wall + ahead()).as_nanos()).unwrap_or(u64::MAX)
}

/// How far the clock was moved.
pub(crate) fn ahead() -> Duration {
    // In this order, so that it comes to zero as long as the clock has not been moved, and that time never runs
    // backwards because of it.
    let moved = clock::now();
    moved.saturating_duration_since(Instant::now())
}

/// When an entry was stored that counts as so old now.
#[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
pub(crate) fn since(now: u64, age: Duration) -> u64 {
    now.saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX))
}

/// Whether an entry stored at `since` has expired: when it has reached that age, and when it is from the future, for
/// then the clock was set and its age is unknown.
#[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
pub(crate) fn is_expired(since: u64, now: u64, ttl: Duration) -> bool {
    now.checked_sub(since).is_none_or(|age| u128::from(age) >= ttl.as_nanos())
}
