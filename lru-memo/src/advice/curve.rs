//! The hit ratio as a function of the size.

use alloc::vec::Vec;

/// Hit ratios, where they change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve {
    /// By size, and so by ratio.
    pub(super) points: Vec<Point>,
    /// The largest size that was measured.
    pub(super) covered: usize,
}

/// From this size on, the hit ratio is this.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) size: usize,
    pub(super) ratio: f64,
}

impl Curve {
    pub(super) fn at(&self, size: usize) -> f64 {
        let after = self.points.partition_point(|point| point.size <= size);
        self.points[..after].last().map_or(0.0, |point| point.ratio)
    }

    pub(super) fn unbounded(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.ratio)
    }

    /// Returns the smallest size whose ratio is at most this much smaller than the largest one.
    pub(super) fn smallest(&self, within: f64) -> usize {
        let (unbounded, within) = (self.unbounded(), within.max(0.0));
        if unbounded <= within {
            return 0;
        }
        let before = self.points.partition_point(|point| unbounded - point.ratio > within);
        self.points[before].size
    }
}
