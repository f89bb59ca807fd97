//! Text on its way to the page: which font has which character, and how wide it becomes.
//!
//! A text is cut into runs of one font each, and each run is shaped (ligatures, marks, right-to-left scripts within the
//! run). Runs follow one another from left to right; texts that mix writing directions are not reordered.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Face, UnicodeBuffer};

use crate::fonts::Fonts;

/// Stands for a character that no font has.
const MISSING: char = '?';

/// How heavy text is. Only our own font has two weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// Shapes text with the fonts at hand.
pub(crate) struct Typesetter<'a> {
    fonts: &'a Fonts,
    /// For each font: not looked at yet, or what the shaper makes of it.
    faces: Vec<Option<Option<Face<'a>>>>,
    missing: bool,
}

/// A text that can be drawn.
pub(crate) struct Shaped {
    pub(crate) runs: Vec<Run>,
}

/// A piece of text in one font.
pub(crate) struct Run {
    pub(crate) font: Font,
    pub(crate) text: String,
    /// With advances and offsets in fractions of the font size.
    pub(crate) glyphs: Vec<KrillaGlyph>,
    /// The sum of the advances, in the font's own units.
    advance: i64,
    units_per_em: i64,
}

impl Shaped {
    /// How wide the text is at a font size, in the unit of the size.
    pub(crate) fn width(&self, size: i32) -> i32 {
        self.runs.iter().map(|run| run.width(size)).sum()
    }
}

impl Run {
    pub(crate) fn width(&self, size: i32) -> i32 {
        i32::try_from(self.advance * i64::from(size) / self.units_per_em).unwrap_or(i32::MAX / 1024)
    }
}

impl<'a> Typesetter<'a> {
    pub(crate) fn new(fonts: &'a Fonts) -> Self {
        Self { fonts, faces: (0..fonts.count()).map(|_| None).collect(), missing: false }
    }

    /// Whether a character was asked for that no font has.
    pub(crate) fn has_missed(&self) -> bool {
        self.missing
    }

    /// Whether every character of the text can be printed.
    pub(crate) fn can_print(&mut self, text: &str) -> bool {
        text.chars().all(|character| self.font_of(printable(character), Weight::Regular, None).is_some())
    }

    /// The text, ready to be drawn.
    pub(crate) fn shape(&mut self, text: &str, weight: Weight) -> Shaped {
        let mut runs: Vec<(usize, String)> = Vec::new();
        for character in text.chars().map(printable) {
            let current = runs.last().map(|(font, _)| *font);
            let (font, character) = match self.font_of(character, weight, current) {
                Some(font) => (font, character),
                None => {
                    self.missing = true;
                    (own(weight), MISSING)
                }
            };
            match runs.last_mut() {
                Some((last, text)) if *last == font => text.push(character),
                _ => runs.push((font, character.to_string())),
            }
        }
        Shaped { runs: runs.into_iter().filter_map(|(font, text)| self.shape_run(font, text)).collect() }
    }

    /// The font for a character: our own for what it has, except that spaces and the like stay in the run where they
    /// stand; else the first of the system's that has it.
    fn font_of(&mut self, character: char, weight: Weight, current: Option<usize>) -> Option<usize> {
        let staying = current.filter(|_| !character.is_alphanumeric());
        let others = Fonts::BOLD + 1..self.fonts.count();
        staying.into_iter().chain([own(weight)]).chain(others).find(|font| self.has(*font, character))
    }

    fn has(&mut self, font: usize, character: char) -> bool {
        self.face(font).is_some_and(|face| face.glyph_index(character).is_some())
    }

    fn face(&mut self, font: usize) -> Option<&Face<'a>> {
        let fonts = self.fonts;
        let load = || fonts.get(font).and_then(|loaded| Face::from_slice(loaded.data.as_ref(), loaded.index));
        self.faces.get_mut(font)?.get_or_insert_with(load).as_ref()
    }

    fn shape_run(&mut self, font: usize, text: String) -> Option<Run> {
        let fonts = self.fonts;
        let loaded = fonts.get(font)?;
        let face = self.face(font)?;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text);
        let units_per_em = face.units_per_em().max(1);
        let shaped = rustybuzz::shape(face, &[], buffer);
        let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|glyph| glyph.cluster as usize).collect();
        starts.sort_unstable();
        let mut glyphs = Vec::with_capacity(shaped.len());
        let mut advance = 0;
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let start = info.cluster as usize;
            let end = starts.get(starts.partition_point(|other| *other <= start)).copied().unwrap_or(text.len());
            let fraction = |value| fraction_of_size(value, units_per_em);
            glyphs.push(KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                fraction(position.x_advance),
                fraction(position.x_offset),
                fraction(position.y_offset),
                fraction(position.y_advance),
                start..end,
                None,
            ));
            advance += i64::from(position.x_advance);
        }
        Some(Run { font: loaded.font.clone(), text, glyphs, advance, units_per_em: i64::from(units_per_em) })
    }
}

fn own(weight: Weight) -> usize {
    match weight {
        Weight::Regular => Fonts::REGULAR,
        Weight::Bold => Fonts::BOLD,
    }
}

/// Line breaks, tabs and other control characters have no glyph.
fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

#[expect(clippy::float_arithmetic, reason = "a place on paper, not money")]
fn fraction_of_size(value: i32, units_per_em: i32) -> f32 {
    value as f32 / units_per_em as f32
}
