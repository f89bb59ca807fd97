//! A sheet of paper: A4, measured in hundredths of a point from its upper left corner.

use krilla::color::luma;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;

use crate::text::{Shaped, Typesetter, Weight};

/// A4 is 595.28 by 841.89 points.
pub(crate) const WIDTH: i32 = 59_528;
/// The height of the sheet.
pub(crate) const HEIGHT: i32 = 84_189;
/// The margin on all sides.
pub(crate) const MARGIN: i32 = 4_200;

/// How dark text and rules are: 0 is black.
const INK: u8 = 20;
const GREY: u8 = 105;
const HAIR: u8 = 205;

/// More characters than fit on a line, however narrow they are.
const LONGEST: usize = 400;

/// No number is set smaller than this, however long it is.
const SMALLEST: i32 = 300;

/// The size of the paper.
pub(crate) fn settings() -> PageSettings {
    PageSettings::from_wh(points(WIDTH), points(HEIGHT)).unwrap_or_default()
}

/// How a piece of text looks.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    size: i32,
    weight: Weight,
    lightness: u8,
}

impl Style {
    /// Plain text of a size.
    pub(crate) const fn plain(size: i32) -> Self {
        Self { size, weight: Weight::Regular, lightness: INK }
    }

    /// Bold text of a size.
    pub(crate) const fn bold(size: i32) -> Self {
        Self { size, weight: Weight::Bold, lightness: INK }
    }

    /// Text of a size that explains.
    pub(crate) const fn grey(size: i32) -> Self {
        Self { size, weight: Weight::Regular, lightness: GREY }
    }
}

/// A page that is being written.
pub(crate) struct Sheet<'a, 'b, 'c> {
    pub(crate) surface: Surface<'a>,
    pub(crate) typesetter: &'b mut Typesetter<'c>,
}

impl Sheet<'_, '_, '_> {
    /// Text that begins at `x` and stands on the line at `y`; what does not fit into `room` is cut off, with an ellipsis.
    pub(crate) fn left(&mut self, text: &str, x: i32, y: i32, room: i32, style: Style) {
        let text: String = text.chars().take(LONGEST).collect();
        let mut shaped = self.typesetter.shape(&text, style.weight);
        let mut characters = text.chars().count();
        while shaped.width(style.size) > room && characters > 0 {
            // What is far too long is halved, the rest goes by single characters.
            characters = if shaped.width(style.size) / 2 > room { characters / 2 } else { characters - 1 };
            let kept: String = text.chars().take(characters).chain(['…']).collect();
            shaped = self.typesetter.shape(&kept, style.weight);
        }
        self.draw(shaped, x, y, style.size, style.lightness);
    }

    /// Text that ends at `x`. It is never cut, for it is a number: it becomes smaller until it fits into `room`.
    pub(crate) fn right(&mut self, text: &str, x: i32, y: i32, room: i32, style: Style) {
        let shaped = self.typesetter.shape(text, style.weight);
        let mut size = style.size;
        while shaped.width(size) > room && size > SMALLEST {
            size -= 25;
        }
        let start = x - shaped.width(size);
        self.draw(shaped, start, y, size, style.lightness);
    }

    /// A thin line across the page.
    pub(crate) fn rule(&mut self, x: i32, y: i32, width: i32) {
        let mut path = PathBuilder::new();
        if let Some(rectangle) = Rect::from_xywh(points(x), points(y), points(width), points(50)) {
            path.push_rect(rectangle);
        }
        if let Some(path) = path.finish() {
            self.ink(HAIR);
            self.surface.draw_path(&path);
        }
    }

    fn draw(&mut self, shaped: Shaped, x: i32, y: i32, size: i32, lightness: u8) {
        self.ink(lightness);
        let mut x = x;
        for run in shaped.runs {
            let start = Point::from_xy(points(x), points(y));
            x += run.width(size);
            self.surface.draw_glyphs(start, &run.glyphs, run.font, &run.text, points(size), false);
        }
    }

    fn ink(&mut self, lightness: u8) {
        self.surface.set_fill(Some(Fill { paint: luma::Color::new(lightness).into(), ..Fill::default() }));
    }
}

#[expect(clippy::float_arithmetic, reason = "a place on paper, not money")]
fn points(hundredths: i32) -> f32 {
    hundredths as f32 / 100.0
}
