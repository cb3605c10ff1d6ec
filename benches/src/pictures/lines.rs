//! Lines on two logarithmic axes, each named at its end.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::scale::Scale;
use super::style::{Area, INK, Look, WIDTH, anchored, grid, picture, show, text};

pub(super) struct Panel {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
}

pub(super) struct Axis {
    pub(super) name: &'static str,
    /// The positions of grid lines and numbers. If there are none, they are chosen by the values.
    pub(super) ticks: Vec<f64>,
    pub(super) show: fn(f64) -> String,
}

pub(super) struct Series {
    pub(super) name: String,
    pub(super) look: Look,
    pub(super) dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
}

const TOP: i32 = 8;
const BOTTOM: i32 = 320;
const LEFT: i32 = 68;
const RIGHT: i32 = WIDTH as i32 - 275;
const FOOT: i32 = 46;
const NAME_HEIGHT: i32 = 16;

pub(super) fn draw(path: &str, caption: &str, panels: &[Panel]) -> Result<(), String> {
    let height = |_: &Panel| (BOTTOM + FOOT) as u32;
    picture(path, caption, panels, height, |panel| panel.title.clone(), draw_panel)
}

fn draw_panel(area: &Area<'_>, panel: &Panel) -> Result<(), String> {
    let points = panel.series.iter().flat_map(|series| &series.points);
    let x = panel.x.scale(points.clone().map(|point| point.0), (LEFT, RIGHT));
    let y = panel.y.scale(points.map(|point| point.1), (BOTTOM, TOP));
    draw_axes(area, panel, &x, &y)?;
    let mut ends = Vec::new();
    for series in &panel.series {
        let points: Vec<(i32, i32)> =
            series.points.iter().map(|point| (x.at(point.0), y.at(point.1))).collect();
        draw_line(area, series, &points)?;
        ends.push(*points.last().ok_or("a line has no points")?);
    }
    let heights: Vec<i32> = ends.iter().map(|end| end.1).collect();
    for ((series, end), height) in panel.series.iter().zip(ends).zip(spread(&heights, NAME_HEIGHT)) {
        let leader = [(end.0 + 6, end.1), (RIGHT + 19, height)];
        area.draw(&PathElement::new(leader, series.look.color.mix(0.5))).map_err(show)?;
        let style = anchored(series.look.text(), HPos::Left);
        area.draw_text(&series.name, &style, (RIGHT + 22, height)).map_err(show)?;
    }
    Ok(())
}

fn draw_axes(area: &Area<'_>, panel: &Panel, x: &Scale, y: &Scale) -> Result<(), String> {
    let (center, right) = (anchored(text(14.0), HPos::Center), anchored(text(14.0), HPos::Right));
    for &tick in &x.ticks {
        let x = x.at(tick);
        area.draw(&PathElement::new([(x, TOP), (x, BOTTOM)], grid())).map_err(show)?;
        area.draw_text(&(panel.x.show)(tick), &center, (x, BOTTOM + 13)).map_err(show)?;
    }
    for &tick in &y.ticks {
        let y = y.at(tick);
        area.draw(&PathElement::new([(LEFT, y), (RIGHT, y)], grid())).map_err(show)?;
        area.draw_text(&(panel.y.show)(tick), &right, (LEFT - 8, y)).map_err(show)?;
    }
    area.draw(&PathElement::new([(LEFT, TOP), (LEFT, BOTTOM), (RIGHT, BOTTOM)], INK)).map_err(show)?;
    area.draw_text(panel.x.name, &center, (i32::midpoint(LEFT, RIGHT), BOTTOM + 33)).map_err(show)?;
    let upwards = center.transform(FontTransform::Rotate270);
    area.draw_text(panel.y.name, &upwards, (14, i32::midpoint(TOP, BOTTOM))).map_err(show)
}

fn draw_line(area: &Area<'_>, series: &Series, points: &[(i32, i32)]) -> Result<(), String> {
    let style = series.look.color.stroke_width(series.look.width);
    if series.dashed {
        area.draw(&plotters::element::DashedPathElement::new(points.iter().copied(), 6, 4, style))
            .map_err(show)?;
    } else {
        area.draw(&PathElement::new(points.to_vec(), style)).map_err(show)?;
    }
    let size = if series.look.emphasised { 4 } else { 3 };
    for &point in points {
        area.draw(&Circle::new(point, size, series.look.color.filled())).map_err(show)?;
    }
    Ok(())
}

impl Axis {
    fn scale(&self, values: impl Iterator<Item = f64> + Clone, pixels: (i32, i32)) -> Scale {
        match &self.ticks[..] {
            [] => Scale::around(values, pixels),
            ticks => Scale::new(ticks.to_vec(), pixels),
        }
    }
}

/// Moves heights apart until all distances are at least `gap`. Keeps their order.
fn spread(heights: &[i32], gap: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by_key(|&index| heights[index]);
    let mut moved = heights.to_vec();
    // Each step halves the overlap, so after enough steps a reader sees none.
    for _ in 0..200 {
        for pair in order.windows(2) {
            let overlap = gap - (moved[pair[1]] - moved[pair[0]]);
            if overlap > 0 {
                moved[pair[0]] -= overlap / 2;
                moved[pair[1]] += overlap - overlap / 2;
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_apart_in_their_order() {
        let moved = spread(&[100, 101, 300, 99], 16);
        assert_eq!(moved[2], 300);
        assert!(moved[3] + 16 <= moved[0] && moved[0] + 16 <= moved[1], "{moved:?}");
        assert!((moved[0] - 100).abs() <= 3, "{moved:?}");
    }
}
