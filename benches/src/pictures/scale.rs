//! Logarithmic scales.

/// Maps values to pixels.
pub(super) struct Scale {
    pub(super) ticks: Vec<f64>,
    /// The pixels of the first and the last tick.
    pixels: (i32, i32),
}

impl Scale {
    pub(super) fn new(ticks: Vec<f64>, pixels: (i32, i32)) -> Self {
        Self { ticks, pixels }
    }

    /// Makes a scale that includes all values.
    pub(super) fn around(values: impl Iterator<Item = f64> + Clone, pixels: (i32, i32)) -> Self {
        Self::new(ticks(values), pixels)
    }

    pub(super) fn at(&self, value: f64) -> i32 {
        let (first, last) = (self.ticks[0].ln(), self.ticks[self.ticks.len() - 1].ln());
        let length = f64::from(self.pixels.1 - self.pixels.0);
        self.pixels.0 + ((value.ln() - first) / (last - first) * length).round() as i32
    }
}

/// Returns the ticks around all values: 1, 2, 5, 10, 20, ...
fn ticks(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(0.0, f64::max);
    let digits = |power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power));
    let all: Vec<f64> = (-3..9).flat_map(digits).collect();
    let first = all.iter().rposition(|tick| *tick <= least).unwrap_or_default();
    let last = all.iter().position(|tick| *tick >= most).unwrap_or(all.len() - 1);
    all[first..=last].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_around_all_values() {
        assert_eq!(ticks([1.3, 17.0].into_iter()), [1.0, 2.0, 5.0, 10.0, 20.0]);
        assert_eq!(ticks([2.0, 5.0].into_iter()), [2.0, 5.0]);
    }

    #[test]
    fn equal_ratios_are_equally_long() {
        let scale = Scale::new(vec![1.0, 10.0, 100.0], (500, 100));
        assert_eq!([1.0, 10.0, 100.0].map(|value| scale.at(value)), [500, 300, 100]);
    }
}
