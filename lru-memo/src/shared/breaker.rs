//! A circuit breaker: after a failure, a server or a lock is not tried for a while, and longer each time.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use once_cell::race::OnceBox;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// Admits all calls until one fails. Then it admits no call for an interval, and one call after it. If that call fails,
/// the next interval is twice as long.
pub(super) struct Breaker {
    /// The end of the interval, in nanoseconds; 0 while all calls are admitted.
    until: AtomicU64,
    failures: AtomicU32,
}

/// How a call was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// With all other calls.
    AsAll,
    /// As the one call after an interval.
    AsTheOne,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { until: AtomicU64::new(0), failures: AtomicU32::new(0) }
    }

    pub(super) fn admit(&self) -> Option<Admitted> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return Some(Admitted::AsAll);
        }
        let now = now();
        // The admitted call may never report back: then another one is admitted after the same interval.
        let next = now + self.interval();
        let is_mine = now >= until
            && self.until.compare_exchange(until, next, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        is_mine.then_some(Admitted::AsTheOne)
    }

    /// Whether all calls are admitted.
    #[cfg(all(feature = "shared", target_os = "linux"))]
    #[inline]
    pub(super) fn is_at_rest(&self) -> bool {
        self.until.load(Ordering::Acquire) == 0
    }

    pub(super) fn succeeded(&self) {
        if self.until.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.until.store(0, Ordering::Release);
        }
    }

    pub(super) fn failed(&self, admitted: Admitted) {
        match admitted {
            Admitted::AsAll => {
                // Of calls that fail at the same time, only the first counts.
                let next = now() + nanos(FIRST);
                if self.until.compare_exchange(0, next, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                    self.failures.store(1, Ordering::Relaxed);
                }
            }
            Admitted::AsTheOne => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                self.until.store(now() + self.interval(), Ordering::Release);
            }
        }
    }

    fn interval(&self) -> u64 {
        let doublings = self.failures.load(Ordering::Relaxed).saturating_sub(1).min(16);
        nanos((FIRST * (1 << doublings)).min(LONGEST))
    }
}

/// Returns the nanoseconds since the first call in this process, plus one.
fn now() -> u64 {
    static START: OnceBox<Instant> = OnceBox::new();
    nanos(START.get_or_init(|| Box::new(Instant::now())).elapsed()) + 1
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if that much time had passed.
    fn pass(breaker: &Breaker, time: Duration) {
        let until = breaker.until.load(Ordering::Relaxed);
        breaker.until.store(until.saturating_sub(nanos(time)).max(1), Ordering::Relaxed);
    }

    #[test]
    fn after_a_failure_one_call_per_interval_is_let_through_and_intervals_double() {
        let breaker = Breaker::new();
        assert_eq!([breaker.admit(), breaker.admit()], [Some(Admitted::AsAll); 2]);
        (0..5).for_each(|_| breaker.failed(Admitted::AsAll));
        for seconds in [1, 2, 4, 8, 10, 10] {
            assert_eq!(breaker.interval(), nanos(Duration::from_secs(seconds)));
            assert_eq!(breaker.admit(), None);
            pass(&breaker, Duration::from_secs(seconds));
            assert_eq!([breaker.admit(), breaker.admit()], [Some(Admitted::AsTheOne), None]);
            breaker.failed(Admitted::AsTheOne);
        }
        pass(&breaker, LONGEST);
        assert_eq!(breaker.admit(), Some(Admitted::AsTheOne));
        breaker.succeeded();
        assert_eq!([breaker.admit(), breaker.admit()], [Some(Admitted::AsAll); 2]);
        breaker.failed(Admitted::AsAll);
        assert_eq!(breaker.interval(), nanos(FIRST));
    }
}
