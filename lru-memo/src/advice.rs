//! `advise = true`: the hit ratios that other sizes would have had.
//!
//! LRU has the inclusion property: a cache of some size holds all that a smaller one holds. So one measurement, of how
//! deep in the LRU stack keys are found, is right for all sizes (Mattson et al., 1970). The [`Sampler`](sampler::Sampler) takes notes of
//! uses, the [`Model`](model::Model) counts them, and the [`Curve`] is what comes of it.

mod curve;
#[cfg(feature = "_stores")]
pub(crate) mod fleet;
mod model;
pub(crate) mod record;
pub(crate) mod sampler;
mod stack;
pub(crate) mod watch;

use core::fmt;

use self::curve::Curve;

/// The hit ratios that a cache would have had with any other bound, as `f_cache_advice()` returns it.
///
/// The function needs the option `advise = true`.
///
/// ```
/// use lru_memo::lru_cache;
///
/// #[lru_cache(maxsize = 2, advise = true)]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// for x in [1, 2, 3, 1, 2, 3, 3, 1] {
///     square(x);
/// }
/// let advice = square_cache_advice();
/// assert_eq!(advice.hit_ratio(2), 0.125);
/// assert_eq!(advice.hit_ratio(3), 0.625);
/// assert_eq!(advice.smallest(0.01), 3);
/// println!("{advice}");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CacheAdvice {
    maxsize: Option<usize>,
    observed: u64,
    curve: Curve,
}

impl CacheAdvice {
    /// Of a cache with this bound, after so many calls.
    pub(crate) fn new(maxsize: Option<usize>, observed: u64, curve: Curve) -> Self {
        Self { maxsize, observed, curve }
    }

    /// Of a cache that has not been used.
    #[doc(hidden)]
    #[must_use]
    pub fn unused(maxsize: Option<usize>) -> Self {
        Self { maxsize, observed: 0, curve: Curve::default() }
    }

    /// Returns the share of calls that would have been hits with this bound, from 0 to 1.
    #[must_use]
    pub fn hit_ratio(&self, maxsize: usize) -> f64 {
        self.curve.at(maxsize)
    }

    /// Returns the smallest bound whose hit ratio is at most this much less than that of an unbounded cache: 0.01 for one
    /// percentage point.
    #[must_use]
    pub fn smallest(&self, within: f64) -> usize {
        self.curve.smallest(within)
    }

    /// Returns the number of calls since the cache was made.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.observed
    }

    fn unbounded(&self) -> f64 {
        self.curve.unbounded()
    }

    /// Returns the bounds of the table: half, the same, 2, 4 and 8 times. Of an unbounded cache, and one that is off, those
    /// around the smallest that is about as good.
    fn bounds(&self) -> [usize; 5] {
        let middle = self.maxsize.filter(|&maxsize| maxsize > 0);
        let first = match middle {
            Some(maxsize) => maxsize.div_ceil(2),
            None => self.smallest(0.01).div_ceil(4).max(1),
        };
        let middle = middle.unwrap_or(first.saturating_mul(2));
        [first, middle, middle.saturating_mul(2), middle.saturating_mul(4), middle.saturating_mul(8)]
    }
}

/// A table of bounds, with a bar for each hit ratio.
impl fmt::Display for CacheAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDTH: usize = 40;
        let bounds = self.bounds();
        let digits = bounds.map(|bound| bound.to_string().len()).into_iter().max().unwrap_or(0).max(7);
        let mut row = |bound: &dyn fmt::Display, ratio: f64, note: &str| {
            let bar = "#".repeat((ratio.clamp(0.0, 1.0) * WIDTH as f64).round() as usize);
            let line = format!("{bound:>digits$} {:>6.1} % {bar:<WIDTH$}{note}", 100.0 * ratio);
            writeln!(f, "{}", line.trim_end())
        };
        for bound in bounds {
            let note = if self.maxsize == Some(bound) { " now" } else { "" };
            row(&bound, self.hit_ratio(bound), note)?;
        }
        row(&"None", self.unbounded(), if self.maxsize.is_none() { " now" } else { "" })?;
        write!(
            f,
            "{} calls; maxsize = {} is within 1 % of an unbounded cache",
            self.observed,
            self.smallest(0.01)
        )
    }
}
