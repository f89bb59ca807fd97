//! Text with placeholders where a chip mirrors what it has to say.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::{Mode, SettingsError};
use crate::MalformedUrl;
use crate::url::MAX_LENGTH;

/// What a tag can mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// PICCENCData, hexadecimal.
    PiccData,
    /// The UID in the clear, 14 hexadecimal digits.
    Uid,
    /// SDMReadCtr in the clear, 6 hexadecimal digits.
    Counter,
    /// SDMENCFileData, hexadecimal.
    FileData,
    /// TTStatus in the clear, two letters.
    Tamper,
    /// SDMMAC, 16 hexadecimal digits.
    Mac,
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PiccData => "PICC data",
            Self::Uid => "UID",
            Self::Counter => "read counter",
            Self::FileData => "file data",
            Self::Tamper => "tamper status",
            Self::Mac => "SDMMAC",
        })
    }
}

/// Room for what is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// What comes here.
    pub mirror: Mirror,
    /// How many characters it has.
    pub width: usize,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// The same at each reading.
    Text(Box<str>),
    Placeholder(Placeholder),
    /// No character; where the MAC's input begins.
    MacInput,
}

impl Piece {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Placeholder(placeholder) => placeholder.width,
            Self::MacInput => 0,
        }
    }
}

/// A template, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) pieces: Vec<Piece>,
    /// Whether encrypted PICC data has the UID and the counter.
    pub(super) picc_data_has: (bool, bool),
    /// Where in the decrypted file data the tamper status is.
    pub(super) tamper_in_file_data: Option<usize>,
}

impl Template {
    pub(super) fn parse(mode: Mode, text: &str) -> Result<Self, SettingsError> {
        let mut template = Self { pieces: Vec::new(), picc_data_has: (true, true), tamper_in_file_data: None };
        let mut rest = text;
        while !rest.is_empty() {
            let (before, after) = rest.split_once('{').unwrap_or((rest, ""));
            if before.contains('}') {
                return Err(SettingsError::Unclosed);
            }
            if !before.is_empty() {
                template.pieces.push(Piece::Text(before.into()));
            }
            if before.len() == rest.len() {
                break;
            }
            let (placeholder, after) = after.split_once('}').ok_or(SettingsError::Unclosed)?;
            let piece = template.placeholder(mode, placeholder)?;
            template.pieces.push(piece);
            rest = after;
        }
        Ok(template)
    }

    /// The pieces in which this is mirrored.
    pub(super) fn places(&self, mirror: Mirror) -> impl Iterator<Item = usize> {
        let is_it = move |piece: &Piece| matches!(piece, Piece::Placeholder(found) if found.mirror == mirror);
        self.pieces.iter().enumerate().filter(move |(_, piece)| is_it(piece)).map(|(place, _)| place)
    }

    fn placeholder(&mut self, mode: Mode, text: &str) -> Result<Piece, SettingsError> {
        let of = |mirror, width| Ok(Piece::Placeholder(Placeholder { mirror, width }));
        let picc_data_width = match mode {
            Mode::Aes => 32,
            Mode::Lrp => 48,
        };
        match text {
            "uid" => return of(Mirror::Uid, 14),
            "counter" => return of(Mirror::Counter, 6),
            "tamper" => return of(Mirror::Tamper, 2),
            "mac" => return of(Mirror::Mac, 16),
            "mac_input" => return Ok(Piece::MacInput),
            "picc_data" => {}
            "picc_data:uid" => self.picc_data_has = (true, false),
            "picc_data:counter" => self.picc_data_has = (false, true),
            _ => {
                let width = text.strip_prefix("file_data:").ok_or(SettingsError::Unknown)?;
                let (width, tamper) = match width.split_once(",tamper:") {
                    Some((width, place)) => (width, Some(place)),
                    None => (width, None),
                };
                let number = |digits: &str| digits.parse().map_err(|_| SettingsError::Unknown);
                self.tamper_in_file_data = tamper.map(number).transpose()?;
                let width = number(width)?;
                return if width <= MAX_LENGTH {
                    of(Mirror::FileData, width)
                } else {
                    Err(SettingsError::FileDataLength)
                };
            }
        }
        of(Mirror::PiccData, picc_data_width)
    }
}

/// What a URL was found to have.
#[derive(Clone, Copy, Default)]
pub(super) struct Captured<'a>([Option<&'a str>; 6]);

impl<'a> Captured<'a> {
    pub(super) fn get(&self, mirror: Mirror) -> Option<&'a str> {
        self.0[mirror as usize]
    }
}

/// A part of a template that text is held against.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    width: usize,
}

impl Pattern {
    pub(super) fn parse(mode: Mode, text: &str) -> Result<Self, SettingsError> {
        let pieces = Template::parse(mode, text)?.pieces;
        let width = pieces.iter().map(Piece::width).sum();
        Ok(Self { pieces, width })
    }

    /// How many characters text has that fits.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The first thing that is mirrored here.
    pub(super) fn first_mirror(&self) -> Option<Mirror> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(placeholder.mirror),
            Piece::Text(_) | Piece::MacInput => None,
        })
    }

    /// Takes from text what is mirrored in it.
    pub(super) fn capture<'a>(&self, text: &'a str, captured: &mut Captured<'a>) -> Result<(), MalformedUrl> {
        if text.len() != self.width {
            let wrong = |mirror| MalformedUrl::WrongLength { mirror, expected: self.width, found: text.len() };
            return Err(self.first_mirror().map_or(MalformedUrl::OtherText, wrong));
        }
        let mut rest = text;
        for piece in &self.pieces {
            let (part, after) = rest.split_at_checked(piece.width()).ok_or(MalformedUrl::IllegalCharacter)?;
            match piece {
                Piece::Text(text) if **text != *part => return Err(MalformedUrl::OtherText),
                Piece::Text(_) | Piece::MacInput => {}
                Piece::Placeholder(placeholder) => captured.0[placeholder.mirror as usize] = Some(part),
            }
            rest = after;
        }
        Ok(())
    }
}
