//! Backoff: how long a thread waits for the lock of a table that another thread holds.
//!
//! Threads that do little but miss hold the lock most of the time. If they alternate, each miss moves the cache lines of its
//! entries from one processor to the other, which takes longer than the miss itself. So the backoff is long: while one
//! thread works with the lines of its own processor for a *slice* of time, the others sleep. Threads that run slow functions
//! between their misses seldom meet, and sleeping would cost them the time of their functions. For them the backoff is short.
//!
//! Each thread that had to wait decides how the next one waits. It compares two times: the time since the last decision, and
//! the time in which threads that do nothing else make as many calls. Exactly one thread has the lock either way: the
//! backoff changes no result.

use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use crate::sys::sync::AtomicU32;
use crate::table::counter;

/// The slice of each thread: enough for a thousand misses. A thread sleeps for as many slices as threads wait.
const SLICE: Duration = Duration::from_micros(100);
/// The largest number of slices that a thread sleeps.
const MOST_SLICES: u32 = 16;
/// Ticks of the counter for each miss and each hit: some 300 ns and 30 ns. If calls take less, the long backoff pays. This
/// was measured with two processors, and functions of several lengths.
const MISS: u64 = 750;
const HIT: u64 = 80;
/// Times are kept in units of so many ticks, as a power of two.
const UNIT: u32 = 10;
/// The bit of [`Backoff::waiting`] that says that the backoff is long.
const LONG: u32 = 1 << 31;

/// How threads wait for the lock.
pub(super) struct Backoff {
    /// The number of threads that sleep, and whether the backoff is long.
    waiting: AtomicU32,
    /// The time of the last decision. The lock's holder writes it.
    decided_at: AtomicU32,
    /// The time in which threads that do nothing else make all calls up to then. The lock's holder writes it.
    work: AtomicU32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { waiting: AtomicU32::new(0), decided_at: AtomicU32::new(0), work: AtomicU32::new(0) }
    }

    /// Sleeps for the slices of other threads, if the backoff is long.
    pub(super) fn wait(&self) {
        if self.is_long() {
            let others = self.waiting.fetch_add(1, Relaxed) & !LONG;
            std::thread::sleep(SLICE * (others + 1).min(MOST_SLICES));
            self.waiting.fetch_sub(1, Relaxed);
        }
    }

    fn is_long(&self) -> bool {
        self.waiting.load(Relaxed) & LONG != 0
    }

    /// Decides how the next thread waits, given the number of all hits, and that of all misses.
    pub(super) fn decide(&self, (hits, misses): (u64, u64)) {
        // No model has so many calls.
        if cfg!(all(test, loom)) || !counter::exists() {
            return;
        }
        let work = hits.wrapping_mul(HIT).wrapping_add(misses.wrapping_mul(MISS));
        self.decide_at(counter::now(), work);
    }

    fn decide_at(&self, now: u64, work: u64) {
        let since = |before: &AtomicU32, ticks: u64| {
            let units = (ticks >> UNIT) as u32;
            units.wrapping_sub(before.swap(units, Relaxed))
        };
        if since(&self.decided_at, now) < since(&self.work, work) {
            self.waiting.fetch_or(LONG, Relaxed);
        } else {
            self.waiting.fetch_and(!LONG, Relaxed);
        }
    }

    /// Forgets the threads that wait, in a child that has no other thread.
    #[cfg(unix)]
    pub(super) fn forget_others(&self) {
        self.waiting.store(0, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Returns the backoff after a first decision and a second one, between which so many ticks have passed and so many
    /// misses were counted.
    fn backoff_after(ticks: u64, misses: u64) -> Backoff {
        let backoff = Backoff::new();
        backoff.decide_at(1 << 45, 1 << 50);
        backoff.decide_at((1 << 45) + ticks, (1 << 50) + MISS * misses);
        backoff
    }

    #[test]
    fn the_backoff_is_long_while_threads_do_nothing_but_miss() {
        assert!(backoff_after(500_000, 1_000).is_long());
        assert!(!backoff_after(500_000, 10).is_long());
        assert!(!backoff_after(0, 0).is_long());
    }

    #[test]
    fn the_backoff_becomes_short_again_when_misses_are_rare() {
        let backoff = backoff_after(0, 1_000);
        backoff.decide_at((1 << 45) + 500_000, (1 << 50) + MISS * 1_001);
        assert!(!backoff.is_long());
    }

    #[test]
    fn a_thread_sleeps_for_a_slice_while_the_backoff_is_long() {
        let backoff = backoff_after(0, 1_000);
        let begin = Instant::now();
        backoff.wait();
        assert!(begin.elapsed() >= SLICE);
        assert_eq!(backoff.waiting.load(Relaxed), LONG, "nobody waits any more");
    }

    #[cfg(unix)]
    #[test]
    fn a_child_does_not_wait_for_the_threads_of_its_parent() {
        let backoff = backoff_after(0, 1_000);
        backoff.waiting.fetch_add(3, Relaxed);
        backoff.forget_others();
        assert_eq!(backoff.waiting.load(Relaxed), 0);
    }
}
