//! What tests of totals have in common.

use std::time::Duration;

use lru_memo::{CacheTotals, clock};

use crate::clock_for_me_alone;

/// Hits, misses, evictions, expirations, errors and waits.
#[must_use]
pub fn counts(totals: CacheTotals) -> [u64; 6] {
    [totals.hits, totals.misses, totals.evictions, totals.expirations, totals.errors, totals.waits]
}

/// Calls an unused function with room for two entries, some of them after so long that the former ones have expired.
///
/// # Panics
/// When an expired entry counts as an eviction, or an evicted one as an expiration.
pub fn expirations_are_no_evictions(call: fn(u32) -> u32, totals: fn() -> CacheTotals, ttl: Duration) {
    let _clock = clock_for_me_alone();
    call(1);
    call(2);
    clock::advance(ttl + Duration::from_secs(1));
    call(1);
    assert_eq!(counts(totals()), [0, 3, 0, 1, 0, 0]);
    call(3);
    assert_eq!(counts(totals()), [0, 4, 0, 2, 0, 0], "an expired one makes room");
    call(4);
    assert_eq!(counts(totals()), [0, 5, 1, 2, 0, 0]);
}
