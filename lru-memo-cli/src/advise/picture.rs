//! The hit ratio against the size, as an SVG picture: a chart for each function.

use std::fmt::Display;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::advice::{Advised, Point};
use crate::failure::Failure;

const WIDTH: u32 = 720;
const HEIGHT: u32 = 320;
const FONT: &str = "sans-serif";
const LINE: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
const NOW: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes the picture to a file.
pub(super) fn draw(path: &Path, all: &[Advised]) -> Result<(), Failure> {
    let height = HEIGHT * u32::try_from(all.len()).unwrap_or(1);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        for (area, advised) in root.split_evenly((all.len(), 1)).iter().zip(all) {
            draw_one(area, advised)?;
        }
        root.present().map_err(failed)?;
    }
    std::fs::write(path, text).map_err(|error| Failure::output(&format!("{error} ({})", path.display())))
}

fn failed(error: impl Display) -> Failure {
    Failure::output(&error)
}

fn draw_one(area: &Area<'_>, advised: &Advised) -> Result<(), Failure> {
    let last = advised.curve.last().map_or(8, |point| point.maxsize) as f64;
    let title = format!("{}: hit ratio by maxsize, of {} calls", advised.title, advised.advice.observed);
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 17).into_font().color(&INK))
        .margin(14)
        .x_label_area_size(34)
        .y_label_area_size(48)
        .build_cartesian_2d((1.0..last).log_scale(), 0.0..1.0)
        .map_err(failed)?;
    let label = (FONT, 13).into_font().color(&INK);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_desc("maxsize")
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|size| format!("{size:.0}"))
        .y_label_formatter(&|ratio| format!("{:.0} %", 100.0 * ratio))
        .label_style(label)
        .draw()
        .map_err(failed)?;
    let points = advised.curve.iter().map(|point| (point.maxsize as f64, point.hit_ratio));
    chart.draw_series(LineSeries::new(points, LINE.stroke_width(2))).map_err(failed)?;
    let mut mark = |point: Point, color: RGBColor, note: &str, below: bool| {
        let Point { maxsize, hit_ratio } = point;
        let at = (maxsize.max(1) as f64, hit_ratio);
        let text = format!("{note}{maxsize}: {:.1} %", 100.0 * hit_ratio);
        // The curve rises: there is room above it at the left, and below it at the right.
        let across = at.0.ln() / last.ln();
        let is_left = across > if below { 0.75 } else { 0.25 };
        let side = if is_left { HPos::Right } else { HPos::Left };
        let (vertical, dy) = if below { (VPos::Top, 8) } else { (VPos::Bottom, -8) };
        let dx = if is_left { -6 } else { 6 };
        let style = (FONT, 14).into_font().color(&color).pos(Pos::new(side, vertical));
        let line = PathElement::new([(at.0, 0.0), at], color.mix(0.5));
        chart.draw_series([line]).map_err(failed)?;
        let dot =
            EmptyElement::at(at) + Circle::new((0, 0), 4, color.filled()) + Text::new(text, (dx, dy), style);
        chart.draw_series([dot]).map_err(failed).map(|_| ())
    };
    let at = |maxsize: usize| {
        let before = advised.curve.partition_point(|point| point.maxsize <= maxsize);
        let hit_ratio = before.checked_sub(1).map_or(0.0, |at| advised.curve[at].hit_ratio);
        Point { maxsize, hit_ratio }
    };
    let smallest = advised.advice.smallest;
    if let Some(now) = advised.maxsize {
        mark(at(now), NOW, "now ", true)?;
    }
    if advised.maxsize != Some(smallest) && smallest > 0 {
        mark(at(smallest), INK, "within 1 %: ", false)?;
    }
    Ok(())
}
