//! The clock that processes share: wall time. Tests move it by [`clock::advance`](crate::sys::clock::advance).

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sys::clock;

/// Returns the nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    nanoseconds(since_1970() + clock::ahead())
}

/// Like [`now`], for what processes are to agree upon that do not move their clocks alike.
pub(crate) fn unmoved() -> u64 {
    nanoseconds(since_1970())
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the time at which an entry was stored that counts as `age` old at the time `now`.
#[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
pub(crate) fn since(now: u64, age: Duration) -> u64 {
    now.saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX))
}

/// Whether an entry stored at `since` has expired. An entry from the future has expired, too: the clock was set back,
/// so its age is unknown.
#[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
pub(crate) fn is_expired(since: u64, now: u64, ttl: Duration) -> bool {
    now.checked_sub(since).is_none_or(|age| u128::from(age) >= ttl.as_nanos())
}

/// Whether an entry that was used at `seen` has been unused for too long. Another process may have used it just after
/// `now`, or by a clock that is a little ahead.
#[cfg(any(feature = "memcached", all(feature = "shared", target_os = "linux")))]
pub(crate) fn is_unused(seen: u64, now: u64, idle: Duration) -> bool {
    u128::from(now.abs_diff(seen)) >= idle.as_nanos()
}
