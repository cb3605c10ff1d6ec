//! What a cache has done since it was made, and how long its function took.
//!
//! The time of a run is measured by reading a clock twice. The first runs are all measured. If they are short, only one of
//! many is measured from then on, and counts for all of them, so that reading the clock adds little to a miss.

use crate::sys::clock::{self, Instant};
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

/// What a cache has done since it was made, as `f_cache_totals()` returns it.
///
/// No field ever becomes smaller: a clear does not lower them. All but `compute_time` count calls or entries.
///
/// ```
/// use lru_memo::lru_cache;
///
/// #[lru_cache(maxsize = 2)]
/// fn double(x: u32) -> Result<u32, String> {
///     x.checked_mul(2).ok_or_else(|| "too large".to_owned())
/// }
///
/// for x in [1, 2, 1, 3] {
///     assert!(double(x).is_ok());
/// }
/// assert!(double(u32::MAX).is_err());
/// double_cache_clear();
///
/// let totals = double_cache_totals();
/// assert_eq!((totals.hits, totals.misses, totals.evictions, totals.errors), (1, 4, 1, 1));
/// println!("{:?} spent, {:?} saved", totals.compute_time, totals.saved_time());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheTotals {
    /// Calls that were answered from the cache.
    pub hits: u64,
    /// Calls that found nothing.
    pub misses: u64,
    /// Entries that left to make room for others.
    pub evictions: u64,
    /// Entries that left because they were too old.
    pub expirations: u64,
    /// Hits that returned a value older than its `ttl`; they are among `hits`.
    pub stale_hits: u64,
    /// Runs of the function that returned an `Err` which is not cached, panicked, or were cancelled.
    pub errors: u64,
    /// Calls that waited for another call's run.
    pub waits: u64,
    /// The time that runs of the function took; of short runs it is an estimate from samples.
    pub compute_time: Duration,
    /// How many runs `compute_time` is about.
    pub(crate) runs: u64,
}

impl CacheTotals {
    /// Returns the time that hits saved: their number times the mean time of a run.
    #[must_use]
    pub fn saved_time(&self) -> Duration {
        let nanoseconds = self.compute_time.as_nanos().saturating_mul(self.hits.into());
        let saved = nanoseconds.checked_div(self.runs.into()).unwrap_or(0);
        Duration::from_nanos(u64::try_from(saved).unwrap_or(u64::MAX))
    }
}

/// So many runs are measured in any case.
const FIRST: u64 = 16;
/// One of so many short runs is measured.
const SAMPLED: u32 = 64;
/// A run is short if it takes less. Reading a clock twice takes some 50 ns.
const SHORT: Duration = Duration::from_micros(2);

/// The counters of runs.
#[derive(Default)]
pub(crate) struct Runs {
    /// The name of the function, for events.
    #[cfg(feature = "tracing")]
    name: &'static str,
    /// The runs that `nanoseconds` is about.
    measured: AtomicU64,
    nanoseconds: AtomicU64,
    errors: AtomicU64,
}

/// A run of the function. One that is dropped before its end has failed.
#[must_use]
pub(crate) struct Stopwatch<'r> {
    runs: &'r Runs,
    /// When it began, if it is measured, and for how many runs it counts.
    begun: Option<(Instant, u32)>,
    is_over: bool,
}

impl Stopwatch<'_> {
    /// Notes that the function has returned, and whether there is a value.
    #[inline]
    pub(crate) fn end(&mut self, has_value: bool) {
        self.is_over = has_value;
        if let Some((since, counts)) = self.begun.take() {
            let duration = since.elapsed();
            #[cfg(feature = "tracing")]
            tracing::debug!(cache = self.runs.name, ?duration, ok = has_value, "miss");
            let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            self.runs.nanoseconds.fetch_add(nanoseconds.saturating_mul(counts.into()), Relaxed);
            self.runs.measured.fetch_add(counts.into(), Relaxed);
        }
    }
}

impl Drop for Stopwatch<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_over {
            self.runs.errors.fetch_add(1, Relaxed);
        }
    }
}

impl Runs {
    /// Those of a function with this name.
    #[cfg_attr(not(feature = "tracing"), allow(unused_variables, reason = "events alone need it"))]
    pub(crate) fn of(name: impl FnOnce() -> &'static str) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            name: name(),
            ..Self::default()
        }
    }

    /// Notes that a run begins.
    #[inline]
    pub(crate) fn begin(&self) -> Stopwatch<'_> {
        std::thread_local! {
            static RUNS: Cell<u64> = const { Cell::new(0) };
        }
        RUNS.set(RUNS.get() + 1);
        self.begin_numbered(RUNS.get())
    }

    /// Notes that a run begins, which has this number among those of its thread.
    #[inline]
    pub(crate) fn begin_numbered(&self, number: u64) -> Stopwatch<'_> {
        Stopwatch { runs: self, begun: self.measure(number), is_over: false }
    }

    /// Reads the clock, if a run that begins now is to be measured.
    #[inline]
    fn measure(&self, number: u64) -> Option<(Instant, u32)> {
        if !clock::EXISTS {
            return None;
        }
        #[cfg(feature = "tracing")]
        if tracing::enabled!(tracing::Level::DEBUG) {
            return Some((Instant::now(), 1));
        }
        let (measured, nanoseconds) = (self.measured.load(Relaxed), self.nanoseconds.load(Relaxed));
        let are_short = measured >= FIRST && nanoseconds < measured.saturating_mul(SHORT.as_nanos() as u64);
        match (are_short, number % u64::from(SAMPLED)) {
            (false, _) => Some((Instant::now(), 1)),
            (true, 0) => Some((Instant::now(), SAMPLED)),
            (true, _) => None,
        }
    }

    /// What there is of the totals here.
    pub(crate) fn totals(&self) -> CacheTotals {
        CacheTotals {
            errors: self.errors.load(Relaxed),
            compute_time: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
            runs: self.measured.load(Relaxed),
            ..CacheTotals::default()
        }
    }
}
