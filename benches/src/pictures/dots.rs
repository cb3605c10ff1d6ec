//! A dot for each contender on a logarithmic axis of nanoseconds: filled for one thread, a ring for two.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::scale::Scale;
use super::style::{Area, INK, Look, WIDTH, anchored, grid, picture, show, text};

pub(super) struct Panel {
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) look: Look,
    /// Nanoseconds, with one thread.
    pub(super) one: f64,
    /// Nanoseconds, with two threads.
    pub(super) two: Option<f64>,
}

const LEFT: i32 = 250;
const RIGHT: i32 = WIDTH as i32 - 60;
const STEP: i32 = 23;
const FOOT: i32 = 46;

pub(super) fn draw(path: &str, caption: &str, panels: &[Panel]) -> Result<(), String> {
    // All panels share one scale, so that they can be compared.
    let rows = panels.iter().flat_map(|panel| &panel.rows);
    let scale = Scale::around(rows.flat_map(|row| [row.one, row.two.unwrap_or(row.one)]), (LEFT, RIGHT));
    let height = |panel: &Panel| (bottom(panel) + FOOT) as u32;
    let title = |panel: &Panel| panel.title.clone();
    picture(path, caption, panels, height, title, |area, panel| {
        draw_axis(area, &scale, bottom(panel))?;
        for (index, row) in panel.rows.iter().enumerate() {
            draw_row(area, row, &scale, index as i32 * STEP + STEP / 2)?;
        }
        Ok(())
    })
}

fn bottom(panel: &Panel) -> i32 {
    panel.rows.len() as i32 * STEP
}

fn draw_axis(area: &Area<'_>, scale: &Scale, bottom: i32) -> Result<(), String> {
    let style = anchored(text(14.0), HPos::Center);
    for &tick in &scale.ticks {
        let x = scale.at(tick);
        area.draw(&PathElement::new([(x, 0), (x, bottom)], grid())).map_err(show)?;
        area.draw_text(&tick.to_string(), &style, (x, bottom + 12)).map_err(show)?;
    }
    area.draw(&PathElement::new([(LEFT, bottom), (RIGHT, bottom)], INK)).map_err(show)?;
    let name = "ns per call; dot: one thread, ring: two threads";
    area.draw_text(name, &style, (i32::midpoint(LEFT, RIGHT), bottom + 32)).map_err(show)
}

fn draw_row(area: &Area<'_>, row: &Row, scale: &Scale, y: i32) -> Result<(), String> {
    let (color, width) = (row.look.color, row.look.width);
    let (one, two) = (scale.at(row.one), scale.at(row.two.unwrap_or(row.one)));
    area.draw_text(&row.name, &anchored(row.look.text(), HPos::Right), (LEFT - 12, y)).map_err(show)?;
    area.draw(&PathElement::new([(one, y), (two, y)], color.stroke_width(width))).map_err(show)?;
    if row.two.is_some() {
        area.draw(&Circle::new((two, y), 5, color.stroke_width(2))).map_err(show)?;
    }
    area.draw(&Circle::new((one, y), 5, color.filled())).map_err(show)?;
    let number = format!("{:.1}", row.one);
    area.draw_text(&number, &anchored(text(13.0), HPos::Left), (one.max(two) + 11, y)).map_err(show)
}
