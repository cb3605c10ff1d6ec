//! Pictures of a run's results, for benches/README.md and README.md. They suit light and dark backgrounds; this crate
//! is in front.

mod dots;
mod lines;
mod scale;
mod style;

use std::path::Path;

use crate::contenders::{L0, PROCESS, SCHNELLRU, THREAD};
use crate::results::{Figures, Measured, Results, missing};
use crate::rows;
use dots::Row;
use lines::{Axis, Panel, Series};
use style::Look;

const DIRECTORY: &str = "benches/pictures";

pub(crate) fn draw(results: &Results) -> Result<(), String> {
    std::fs::create_dir_all(DIRECTORY).map_err(|error| format!("{DIRECTORY}: {error}"))?;
    let machine = results.machine.to_string();
    let caption = |about: &str| format!("{machine}. {about}");
    let of_calls = caption("u64 -> u64, room for 1024 entries; medians.");
    dots::draw(&path("latency"), &of_calls, &[latency(results, rows::HIT)?, latency(results, rows::MISS)?])?;
    lines::draw(&path("threads"), &of_calls, &[threads(results, rows::HIT)?, threads(results, rows::MISS)?])?;
    let of_sizes = caption("u64 -> u64, keys in random order; medians.");
    lines::draw(&path("size"), &of_sizes, &[sizes(results)?])
}

fn path(name: &str) -> String {
    let path = Path::new(DIRECTORY).join(name).with_extension("svg");
    println!("{}", path.display());
    path.display().to_string()
}

/// Draws the times of one and of two threads, by contender.
fn latency(results: &Results, row: &str) -> Result<dots::Panel, String> {
    let (one, two) = (results.measured(row, 1)?, results.measured(row, 2)?);
    let row_of = |figures: &Figures| Row {
        name: figures.contender.clone(),
        look: Look::of(&figures.contender, figures.kind),
        one: figures.ns_per_call,
        two: two.of(&figures.contender).map(|it| it.ns_per_call),
    };
    let mut rows: Vec<Row> = one.figures.iter().map(row_of).collect();
    rows.sort_by(|a, b| a.one.total_cmp(&b.one));
    Ok(dots::Panel { title: row.to_owned(), rows })
}

/// Draws the number of calls by all threads together.
fn threads(results: &Results, row: &str) -> Result<Panel, String> {
    let all: Vec<&Measured> = results.rows.iter().filter(|it| it.row == row).collect();
    let first = all.first().ok_or_else(|| missing(row))?;
    let mut counts: Vec<f64> = all.iter().map(|it| it.threads as f64).collect();
    counts.sort_by(f64::total_cmp);
    let series = first.figures.iter().map(|figures| {
        let point = |measured: &&Measured| {
            let ns = measured.of(&figures.contender)?.ns_per_call;
            let cpus = measured.threads.min(results.machine.cpus) as f64;
            Some((measured.threads as f64, cpus / ns * 1e3))
        };
        let points: Vec<(f64, f64)> = all.iter().filter_map(point).collect();
        let look = Look::of(&figures.contender, figures.kind);
        Series { name: figures.contender.clone(), look, dashed: figures.contender == THREAD, points }
    });
    Ok(Panel {
        title: row.to_owned(),
        x: Axis { name: "threads", ticks: counts, show: |threads| threads.to_string() },
        y: Axis { name: "million calls per second", ticks: vec![], show: |rate| rate.to_string() },
        // CPython was measured with one thread only.
        series: series.filter(|series| series.points.len() > 1).collect(),
    })
}

/// Draws the time of a call while the cache grows.
fn sizes(results: &Results) -> Result<Panel, String> {
    let kinds = [(rows::GROWING_HIT, "hit", false), (rows::GROWING_MISS, "miss", true)];
    let mut series = Vec::new();
    for (rows, work, dashed) in kinds {
        for contender in [L0, PROCESS, SCHNELLRU] {
            let of_kind = results.rows.iter().filter(|row| row.threads == 1 && row.row.starts_with(rows));
            let found = of_kind.filter_map(|row| Some((row, row.of(contender)?)));
            let points: Vec<(f64, f64)> =
                found.clone().map(|(row, it)| (row.capacity as f64, it.ns_per_call)).collect();
            if let Some((_, figures)) = found.clone().next() {
                let look = Look::of(contender, figures.kind);
                series.push(Series { name: format!("{contender}, {work}"), look, dashed, points });
            }
        }
    }
    let sizes = series.first().ok_or_else(|| missing(rows::GROWING_HIT))?;
    let ticks = sizes.points.iter().map(|(size, _)| *size).collect();
    Ok(Panel {
        title: "hit and miss on a full cache".to_owned(),
        x: Axis { name: "entries", ticks, show: power_of_ten },
        y: Axis { name: "ns per call", ticks: vec![], show: |ns| ns.to_string() },
        series,
    })
}

fn power_of_ten(number: f64) -> String {
    let digits = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    format!("10{}", digits[number.log10().round() as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_written_small() {
        assert_eq!(power_of_ten(100.0), "10²");
        assert_eq!(power_of_ten(10_000_000.0), "10⁷");
    }
}
