//! Watches another process's lease, and finds out whether it is renewed.
//!
//! The server tells the remaining time in whole seconds, and the lease may have no expiry at all. So a waiter compares
//! the remaining time with its own clock: a lease was renewed if more time is left than there could be without a
//! renewal.

use std::time::Instant;

/// The remaining time of an item that never expires.
pub(super) const FOR_EVER: u64 = u64::MAX;

pub(super) struct Watched {
    /// The number of the item, different for each lease of the key.
    pub(super) number: u64,
    /// The remaining seconds at `since`, which later answers are compared with.
    left: u64,
    since: Instant,
    /// When the last renewal was noticed.
    pub(super) kept: Instant,
}

impl Watched {
    pub(super) fn new(number: u64, left: u64, answered: Instant) -> Self {
        Self { number, left, since: answered, kept: answered }
    }

    /// Compares an answer of the server with the ones before.
    pub(super) fn see(&mut self, number: u64, left: u64, asked: Instant, answered: Instant) {
        let passed = asked.saturating_duration_since(self.since).as_secs();
        if number != self.number || left.saturating_add(passed) > self.left {
            *self = Self::new(number, left, answered);
        } else if left != self.left {
            *self = Self { kept: self.kept, ..Self::new(number, left, answered) };
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    /// For how long, in milliseconds, one is found not to be kept that asks every 50 ms, at most within a minute;
    /// `left` tells what the server says.
    fn longest_doubt(left: impl Fn(u64) -> u64) -> u64 {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut watched = Watched::new(7, left(0), at(1));
        let doubts = (50..60_000).step_by(50).map(|millis| {
            watched.see(7, left(millis), at(millis), at(millis + 1));
            at(millis).saturating_duration_since(watched.kept).as_millis() as u64
        });
        doubts.max().unwrap_or_default()
    }

    #[test]
    fn a_lease_that_is_kept_is_known_to_be_within_two_seconds_whenever_the_server_counts() {
        for (lease, every) in [(2, 500), (3, 750), (4, 1000)] {
            for (tick, phase) in
                (0..1000).step_by(50).flat_map(|tick| [0, 1, 333, 499].map(|phase| (tick, phase)))
            {
                let second = |millis| (millis + tick) / 1000;
                let left = |millis: u64| {
                    let kept = millis.saturating_sub(phase) / every * every + phase;
                    lease + second(kept) - second(millis.max(kept))
                };
                let doubt = longest_doubt(left);
                assert!(doubt < 1000 + every + 100, "{doubt} ms, {lease} s, {tick}, {phase}");
            }
        }
    }

    #[test]
    fn a_lease_that_nobody_keeps_is_never_taken_for_one_that_is_kept() {
        for tick in 0..1000 {
            assert!(longest_doubt(|millis| 100_000 - (millis + tick) / 1000) > 59_000);
        }
        assert!(longest_doubt(|_| FOR_EVER) > 59_000);
    }

    #[test]
    fn another_lease_is_not_the_one_that_was_seen() {
        let begun = Instant::now();
        let later = begun + Duration::from_secs(1);
        let mut watched = Watched::new(7, 3, begun);
        watched.see(8, 2, later, later);
        assert_eq!((watched.number, watched.kept), (8, later));
    }
}
