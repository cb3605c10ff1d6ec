//! Colours that are visible on white and on black, and the common frame of all pictures.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::contenders::Kind;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) const WIDTH: u32 = 780;
pub(super) const INK: RGBColor = RGBColor(118, 124, 133);
const OURS: RGBColor = RGBColor(226, 88, 16);
const PEERS: [(&str, RGBColor); 8] = [
    ("schnellru", RGBColor(52, 128, 200)),
    ("lru ", RGBColor(20, 150, 150)),
    ("quick_cache", RGBColor(58, 155, 90)),
    ("cached", RGBColor(146, 100, 190)),
    ("memoize, S", RGBColor(205, 95, 150)),
    ("memoize, C", RGBColor(150, 115, 80)),
    ("dashmap", RGBColor(150, 140, 30)),
    ("moka", RGBColor(170, 90, 90)),
];
const TITLE_HEIGHT: u32 = 30;
const CAPTION_HEIGHT: u32 = 28;

/// The style of a contender.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) color: RGBColor,
    pub(super) width: u32,
    pub(super) emphasised: bool,
}

impl Look {
    pub(super) fn of(contender: &str, kind: Kind) -> Self {
        let peer =
            PEERS.iter().find(|(name, _)| contender.starts_with(name)).map_or(INK, |(_, color)| *color);
        let (color, width) = match kind {
            Kind::Ours => (OURS, 3),
            Kind::Floor => (INK, 2),
            _ => (peer, 1),
        };
        Self { color, width, emphasised: kind == Kind::Ours }
    }

    pub(super) fn text(self) -> TextStyle<'static> {
        let style = if self.emphasised { FontStyle::Bold } else { FontStyle::Normal };
        FontDesc::new(FontFamily::SansSerif, 15.0, style).color(&self.color)
    }
}

/// Text that belongs to no contender.
pub(super) fn text(size: f64) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, size, FontStyle::Normal).color(&INK)
}

pub(super) fn anchored(text: TextStyle<'_>, horizontal: HPos) -> TextStyle<'_> {
    text.pos(Pos::new(horizontal, VPos::Center))
}

/// Lines behind everything.
pub(super) fn grid() -> ShapeStyle {
    INK.mix(0.25).stroke_width(1)
}

/// Draws panels of these heights one above the other, each below its title, and a caption.
pub(super) fn picture<P>(
    path: &str,
    caption: &str,
    panels: &[P],
    height: impl Fn(&P) -> u32,
    title: impl Fn(&P) -> String,
    draw: impl Fn(&Area<'_>, &P) -> Result<(), String>,
) -> Result<(), String> {
    let whole: u32 = panels.iter().map(|panel| TITLE_HEIGHT + height(panel)).sum();
    let root = SVGBackend::new(path, (WIDTH, whole + CAPTION_HEIGHT)).into_drawing_area();
    let mut rest = root.clone();
    for panel in panels {
        let (head, below) = rest.split_vertically(TITLE_HEIGHT);
        head.draw_text(&title(panel), &anchored(text(19.0), HPos::Left), (8, 18)).map_err(show)?;
        let (area, below) = below.split_vertically(height(panel));
        draw(&area, panel)?;
        rest = below;
    }
    rest.draw_text(caption, &anchored(text(14.0), HPos::Left), (8, 14)).map_err(show)?;
    root.present().map_err(show)
}

pub(super) fn show(error: impl std::fmt::Display) -> String {
    format!("a picture could not be drawn: {error}")
}
