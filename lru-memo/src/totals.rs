//! Totals: the counts of a cache since it was made, and the time that its function took.
//!
//! Measuring a run reads a clock twice. The first runs are all measured. If they are short, one run in many is measured from
//! then on, and counts for all of these, so that the clock adds little to a miss.

use crate::sys::clock::{self, Instant};
use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

/// The counts of a cache since it was made, as `f_cache_totals()` returns them.
///
/// No field ever becomes smaller: a clear does not lower them. All but `compute_time` count calls or entries.
///
/// With [`Scope::Shared`](crate::Scope::Shared), they are those of [all processes](crate::machines#totals-of-all-processes).
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
    /// Calls that found an entry.
    pub hits: u64,
    /// Calls that found no entry.
    pub misses: u64,
    /// Entries that were removed to make room for others.
    pub evictions: u64,
    /// Entries that were removed because they had expired.
    pub expirations: u64,
    /// Hits that returned a value older than its `ttl`; they are among `hits`.
    pub stale_hits: u64,
    /// Runs of the function that returned an `Err` which is not cached, panicked, or were cancelled.
    pub errors: u64,
    /// Calls that waited for another call's run.
    pub waits: u64,
    /// The time that runs of the function took. For short runs, it is an estimate from samples.
    pub compute_time: Duration,
    /// The number of runs in `compute_time`.
    pub(crate) runs: u64,
}

/// How many numbers the totals are.
#[cfg(feature = "_stores")]
pub(crate) const NUMBERS: usize = 9;

#[cfg(feature = "_stores")]
impl CacheTotals {
    /// Returns the totals as numbers: the fields in their order, the time in nanoseconds.
    pub(crate) fn numbers(&self) -> [u64; NUMBERS] {
        let Self { hits, misses, evictions, expirations, stale_hits, errors, waits, compute_time, runs } =
            *self;
        let nanoseconds = u64::try_from(compute_time.as_nanos()).unwrap_or(u64::MAX);
        [hits, misses, evictions, expirations, stale_hits, errors, waits, nanoseconds, runs]
    }

    pub(crate) fn of_numbers(numbers: [u64; NUMBERS]) -> Self {
        let [hits, misses, evictions, expirations, stale_hits, errors, waits, nanoseconds, runs] = numbers;
        let compute_time = Duration::from_nanos(nanoseconds);
        Self { hits, misses, evictions, expirations, stale_hits, errors, waits, compute_time, runs }
    }

    /// Combines each number with that of other totals.
    pub(crate) fn with(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let (mut numbers, others) = (self.numbers(), other.numbers());
        numbers.iter_mut().zip(others).for_each(|(number, other)| *number = combine(*number, other));
        Self::of_numbers(numbers)
    }
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

/// The number of first runs, which are all measured.
const FIRST: u64 = 16;
/// One in this number of short runs is measured.
const SAMPLED: u32 = 64;
/// Runs are short if their mean is below this. Reading a clock twice takes some 50 ns.
const SHORT: Duration = Duration::from_micros(2);

/// The counters of a function's runs.
pub(crate) struct Runs {
    /// The name of the function.
    name: fn() -> &'static str,
    /// The number of runs in `nanoseconds`.
    measured: AtomicU64,
    nanoseconds: AtomicU64,
    errors: AtomicU64,
}

/// A run of the function. Its owner [drops](Self::drop_in) it in the counters of its function.
#[must_use]
pub(crate) struct Stopwatch {
    /// The beginning of a measured run.
    begun: Option<Instant>,
    /// Whether the run counts for [`SAMPLED`] runs.
    is_sample: bool,
    has_value: bool,
}

impl Stopwatch {
    /// Notes that the function has returned, and whether there is a value.
    #[inline]
    pub(crate) fn end_in(&mut self, runs: &Runs, has_value: bool) {
        self.has_value = has_value;
        if let Some(since) = self.begun.take() {
            let duration = since.elapsed();
            #[cfg(feature = "tracing")]
            tracing::debug!(cache = (runs.name)(), ?duration, ok = has_value, "miss");
            let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            let counts = if self.is_sample { u64::from(SAMPLED) } else { 1 };
            runs.nanoseconds.fetch_add(nanoseconds.saturating_mul(counts), Relaxed);
            runs.measured.fetch_add(counts, Relaxed);
        }
    }

    /// Counts a run that has ended without a value as failed.
    #[inline]
    pub(crate) fn drop_in(&self, runs: &Runs) {
        if !self.has_value {
            runs.errors.fetch_add(1, Relaxed);
        }
    }
}

impl Runs {
    /// Returns the counters of a function with this name.
    pub(crate) fn of(name: fn() -> &'static str) -> Self {
        let zero = || AtomicU64::new(0);
        Self { name, measured: zero(), nanoseconds: zero(), errors: zero() }
    }

    pub(crate) fn name(&self) -> &'static str {
        (self.name)()
    }

    /// Notes that a run begins.
    #[inline]
    pub(crate) fn begin(&self) -> Stopwatch {
        std::thread_local! {
            static RUNS: Cell<u64> = const { Cell::new(0) };
        }
        RUNS.set(RUNS.get() + 1);
        self.begin_numbered(RUNS.get())
    }

    /// Notes that a run begins. It has this number among the runs of its thread.
    #[inline]
    pub(crate) fn begin_numbered(&self, number: u64) -> Stopwatch {
        let (begun, is_sample) = self.measure(number);
        Stopwatch { begun, is_sample, has_value: false }
    }

    /// Reads the clock, if a run that begins now is to be measured. Also returns whether it counts for [`SAMPLED`] runs.
    #[inline]
    fn measure(&self, number: u64) -> (Option<Instant>, bool) {
        if !clock::EXISTS {
            return (None, false);
        }
        #[cfg(feature = "tracing")]
        if tracing::enabled!(tracing::Level::DEBUG) {
            return (Some(Instant::now()), false);
        }
        let (measured, nanoseconds) = (self.measured.load(Relaxed), self.nanoseconds.load(Relaxed));
        let are_short = measured >= FIRST && nanoseconds < measured.saturating_mul(SHORT.as_nanos() as u64);
        match (are_short, number % u64::from(SAMPLED)) {
            (false, _) => (Some(Instant::now()), false),
            (true, 0) => (Some(Instant::now()), true),
            (true, _) => (None, false),
        }
    }

    /// Returns the totals that are counted here.
    pub(crate) fn totals(&self) -> CacheTotals {
        CacheTotals {
            errors: self.errors.load(Relaxed),
            compute_time: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
            runs: self.measured.load(Relaxed),
            ..CacheTotals::default()
        }
    }
}
