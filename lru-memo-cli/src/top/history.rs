//! The calls of all functions over time.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::row::{FullId, Row};

/// The number of updates to keep: as many as the widest sparkline shows.
pub(super) const LOOKS: usize = 60;

/// The history of each namespace's counters.
#[derive(Default)]
pub(super) struct History {
    at: Option<Instant>,
    namespaces: HashMap<FullId, Past>,
}

struct Past {
    hits: u64,
    misses: u64,
    /// Hits and misses per second. `None` after the first update.
    rates: Option<(f64, f64)>,
    /// The hit ratio between updates, or `None` without calls.
    ratios: VecDeque<Option<f64>>,
}

impl History {
    pub(super) fn update(&mut self, rows: &[Row], now: Instant) {
        let passed = self.at.map(|at| now.duration_since(at).as_secs_f64().max(f64::EPSILON));
        let mut before = std::mem::take(&mut self.namespaces);
        for row in rows.iter().filter(|row| row.error.is_none()) {
            let full_id = row.full_id();
            let mut past = Past { hits: row.hits, misses: row.misses, rates: None, ratios: VecDeque::new() };
            if let (Some(passed), Some(then)) = (passed, before.remove(&full_id)) {
                // A clear makes the counters smaller.
                let hits = row.hits.saturating_sub(then.hits) as f64;
                let misses = row.misses.saturating_sub(then.misses) as f64;
                past.rates = Some((hits / passed, misses / passed));
                past.ratios = then.ratios;
                past.ratios.push_back((hits + misses > 0.0).then(|| hits / (hits + misses)));
                while past.ratios.len() > LOOKS {
                    past.ratios.pop_front();
                }
            }
            self.namespaces.insert(full_id, past);
        }
        self.at = Some(now);
    }

    /// Returns hits and misses per second.
    pub(super) fn rates(&self, row: &Row) -> Option<(f64, f64)> {
        self.namespaces.get(&row.full_id())?.rates
    }

    /// Returns calls per second.
    pub(super) fn calls(&self, row: &Row) -> f64 {
        self.rates(row).map_or(0.0, |(hits, misses)| hits + misses)
    }

    /// Returns the last hit ratios as bars, with a dot if there was no call.
    pub(super) fn sparkline(&self, row: &Row) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let bar = |ratio: &Option<f64>| ratio.map_or('·', |ratio| BARS[(ratio * 7.0).round() as usize]);
        let bars: String = self
            .namespaces
            .get(&row.full_id())
            .map(|past| past.ratios.iter().map(bar).collect())
            .unwrap_or_default();
        // Filled up, so that the column keeps its width.
        format!("{bars:>LOOKS$}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rates_are_those_since_the_last_look_and_none_for_what_was_not_there() {
        let mut history = History::default();
        let then = Instant::now();
        history.update(&[Row::named("used", 10, 4), Row::named("cleared", 7, 7)], then);
        assert_eq!(history.rates(&Row::named("used", 10, 4)), None);
        let rows = [Row::named("used", 30, 4), Row::named("cleared", 1, 0), Row::named("new", 1, 1)];
        history.update(&rows, then + Duration::from_secs(2));
        let rates = rows.each_ref().map(|row| history.rates(row));
        assert_eq!(rates, [Some((10.0, 0.0)), Some((0.0, 0.0)), None]);
    }

    #[test]
    fn the_sparkline_shows_the_hit_ratio_of_the_last_looks() {
        let mut history = History::default();
        let mut now = Instant::now();
        let mut counters = (0, 0);
        for (hits, misses) in [(0, 0), (0, 8), (4, 4), (0, 0), (8, 0)] {
            counters = (counters.0 + hits, counters.1 + misses);
            now += Duration::from_secs(1);
            history.update(&[Row::named("f", counters.0, counters.1)], now);
        }
        let row = Row::named("f", counters.0, counters.1);
        assert_eq!(history.sparkline(&row).trim_start(), "▁▅·█");
        for _ in 0..100 {
            now += Duration::from_secs(1);
            history.update(&[Row::named("f", counters.0, counters.1)], now);
        }
        assert_eq!(history.sparkline(&row), "·".repeat(LOOKS));
    }
}
