//! How a tag is told what to mirror where, and how what it mirrors is found again.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::template::{Captured, Pattern, Template};
use super::{
    EncryptedPiccData, Identity, Mirror, Mode, PiccData, Piece, Placeholder, Reading, SdmMac, Tamper, TamperStatus,
};
use crate::url::{self, MalformedUrl};
use crate::{ReadCounter, Uid, hexadecimal};

/// A tag's SDM settings: its mode and a template of the URL that it answers with.
///
/// The template is a URL in which these stand for what is mirrored there:
///
/// | placeholder | what the tag mirrors | characters |
/// |---|---|---|
/// | `{picc_data}` | UID and read counter, encrypted; `{picc_data:uid}` and `{picc_data:counter}` only one of them | 32, in LRP mode 48 |
/// | `{uid}`, `{counter}` | in the clear | 14, 6 |
/// | `{tamper}` | TagTamper's status, in the clear | 2 |
/// | `{file_data:64}` | that many digits of encrypted file data: half as many bytes | as it says, a multiple of 32 |
/// | `{file_data:64,tamper:3}` | the same, TagTamper's status from the decrypted byte 3 on | |
/// | `{mac}` | the SDMMAC | 16 |
/// | `{mac_input}` | nothing: the MAC covers the text from here on. Without it the MAC covers no text | 0 |
///
/// So `https://pay.example/t?e={picc_data}&c={mac}` is a tag of this platform.
///
/// A URL fits if its path ends as the template's does, and if it has the template's parameters, once each and in any
/// order; what is mirrored between other text must have that text around it. Scheme, host, the path before, other
/// parameters and a fragment may be anything that RFC 3986 allows, because proxies and analytics change them. In a
/// parameter without a name, and in a fragment, mirrors are found by their places. What the MAC covers is taken from the
/// template, so where a template has text behind its host, a URL that verifies has the text that the tag has signed.
#[derive(Clone, Debug)]
pub struct Settings {
    mode: Mode,
    counter_limit: ReadCounter,
    template: Template,
    path: Pattern,
    query: Query,
    fragment: Option<Pattern>,
}

#[derive(Clone, Debug)]
enum Query {
    None,
    Parameters(Vec<(Box<str>, Pattern)>),
    /// The mirrors have no names: the query begins like this.
    Places(Pattern),
}

impl Settings {
    /// Reads a template for tags in that mode.
    ///
    /// # Errors
    /// [`SettingsError`] if no tag can be told this, or if what it said would prove less than it seems to.
    pub fn parse(mode: Mode, template: &str) -> Result<Self, SettingsError> {
        let parts = Template::parse(mode, template)?;
        let blank = blank(&parts.pieces);
        url::check_characters(&blank)?;
        check(&parts)?;
        let template = template.replace("{mac_input}", "");
        let (rest, fragment) = split_off(&template, '#');
        let (address, query) = split_off(rest, '?');
        let (host, path) = url::split_address(address)?;
        if Pattern::parse(mode, host)?.first_mirror().is_some() {
            return Err(SettingsError::MirrorInHost);
        }
        let settings = Self {
            mode,
            counter_limit: ReadCounter::MAX,
            path: Pattern::parse(mode, path)?,
            query: query.map_or(Ok(Query::None), |query| Query::parse(mode, query))?,
            fragment: fragment.filter(|text| text.contains('{')).map(|text| Pattern::parse(mode, text)).transpose()?,
            template: parts,
        };
        // What is mirrored must be found again: two parameters of one name would hide it, for example.
        settings.capture(&blank)?;
        Ok(settings)
    }

    /// The settings of this platform's tags: `https://host/t?e={picc_data}&c={mac}` on any host.
    #[must_use]
    pub fn of_platform(mode: Mode) -> Self {
        Self::parse(mode, "https://pay.example/t?e={picc_data}&c={mac}").expect("the template is one")
    }

    /// The same with an SDMReadCtrLimit: readings beyond it are refused.
    #[must_use]
    pub fn with_counter_limit(self, counter_limit: ReadCounter) -> Self {
        Self { counter_limit, ..self }
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The URL with zeros for all that is mirrored, as it is written into the chip's file.
    #[must_use]
    pub fn blank_url(&self) -> String {
        blank(&self.template.pieces)
    }

    /// What is mirrored, and where in the URL, counted in characters from its beginning.
    pub fn placeholders(&self) -> impl Iterator<Item = (Placeholder, Range<usize>)> {
        self.template.pieces.iter().zip(starts(&self.template.pieces)).filter_map(|(piece, start)| match piece {
            Piece::Placeholder(placeholder) => Some((*placeholder, start..start + placeholder.width)),
            Piece::Text(_) | Piece::MacInput => None,
        })
    }

    /// The part of the URL that the MAC covers: empty at the MAC's own place if it covers none.
    #[must_use]
    pub fn mac_input(&self) -> Range<usize> {
        let place = |wanted: fn(&Piece) -> bool| {
            let mut pieces = self.template.pieces.iter().zip(starts(&self.template.pieces));
            pieces.find(|(piece, _)| wanted(piece)).map(|(_, start)| start)
        };
        let end = place(is_mac).unwrap_or(0);
        place(|piece| matches!(piece, Piece::MacInput)).unwrap_or(end)..end
    }

    /// Whether encrypted PICC data has the UID, and whether it has the counter.
    pub(crate) fn picc_data_has(&self) -> (bool, bool) {
        self.template.picc_data_has
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.template.pieces
    }

    pub(crate) fn tamper_in_file_data(&self) -> Option<usize> {
        self.template.tamper_in_file_data
    }

    /// Takes the URL of a touch apart.
    ///
    /// # Errors
    /// [`MalformedUrl`] says how it differs from the template.
    pub fn read(&self, url: &str) -> Result<Reading, MalformedUrl> {
        url::check_characters(url)?;
        self.reading(&self.capture(url)?)
    }

    fn capture<'a>(&self, url: &'a str) -> Result<Captured<'a>, MalformedUrl> {
        let (rest, fragment) = split_off(url, '#');
        let (address, query) = split_off(rest, '?');
        let mut captured = Captured::default();
        self.read_path(url::split_address(address)?.1, &mut captured)?;
        self.query.read(query, &mut captured)?;
        if let Some(pattern) = &self.fragment {
            pattern.capture(fragment.ok_or(MalformedUrl::NoFragment)?, &mut captured)?;
        }
        Ok(captured)
    }

    fn read_path<'a>(&self, path: &'a str, captured: &mut Captured<'a>) -> Result<(), MalformedUrl> {
        let start = path.len().checked_sub(self.path.width()).ok_or(MalformedUrl::WrongPath)?;
        let end = path.get(start..).ok_or(MalformedUrl::WrongPath)?;
        self.path.capture(end, captured).map_err(|_| MalformedUrl::WrongPath)
    }

    fn reading(&self, captured: &Captured<'_>) -> Result<Reading, MalformedUrl> {
        let identity = match captured.get(Mirror::PiccData) {
            Some(digits) => Identity::Encrypted(match self.mode {
                Mode::Aes => EncryptedPiccData::Aes(bytes(digits, Mirror::PiccData)?),
                Mode::Lrp => EncryptedPiccData::Lrp(bytes(digits, Mirror::PiccData)?),
            }),
            None => Identity::Plain(self.mode, plain(captured)?),
        };
        let mac = captured.get(Mirror::Mac).ok_or(MalformedUrl::Missing(Mirror::Mac))?;
        let file_data = captured.get(Mirror::FileData).map(hexadecimal::decode_any);
        let file_data = file_data.unwrap_or_else(|| Some(Vec::new()));
        let tamper = match (captured.get(Mirror::Tamper), self.template.tamper_in_file_data) {
            (Some(letters), _) => Tamper::Plain(tamper_status(letters)?),
            (None, Some(place)) => Tamper::InFileData(place),
            (None, None) => Tamper::None,
        };
        Ok(Reading {
            identity,
            mac_input: self.covered(captured),
            mac: SdmMac::new(bytes(mac, Mirror::Mac)?),
            file_data: file_data.ok_or(MalformedUrl::NotHexadecimal(Mirror::FileData))?,
            tamper,
            counter_limit: self.counter_limit,
        })
    }

    /// What the MAC covers: the template's text with what was found in its places, in the chip's upper case.
    fn covered(&self, captured: &Captured<'_>) -> Vec<u8> {
        let from_input = self.template.pieces.iter().skip_while(|piece| !matches!(piece, Piece::MacInput));
        let mut covered = Vec::new();
        for piece in from_input.take_while(|piece| !is_mac(piece)) {
            match piece {
                Piece::Text(text) => covered.extend_from_slice(text.as_bytes()),
                Piece::Placeholder(placeholder) => {
                    let text = captured.get(placeholder.mirror).unwrap_or_default();
                    covered.extend(text.bytes().map(|byte| byte.to_ascii_uppercase()));
                }
                Piece::MacInput => {}
            }
        }
        covered
    }
}

impl Query {
    fn parse(mode: Mode, text: &str) -> Result<Self, SettingsError> {
        if pairs(text).any(|(name, _)| name.contains('{')) {
            return Ok(Self::Places(Pattern::parse(mode, text)?));
        }
        let parameters = pairs(text).filter(|(name, value)| !name.is_empty() || !value.is_empty());
        let parameters = parameters.map(|(name, value)| Ok((name.into(), Pattern::parse(mode, value)?)));
        Ok(Self::Parameters(parameters.collect::<Result<_, SettingsError>>()?))
    }

    fn read<'a>(&self, query: Option<&'a str>, captured: &mut Captured<'a>) -> Result<(), MalformedUrl> {
        match self {
            Self::None => Ok(()),
            Self::Parameters(parameters) => {
                let query = query.ok_or(MalformedUrl::NoQuery)?;
                if pairs(query).any(|(name, _)| name.contains('%')) {
                    return Err(MalformedUrl::EscapedName);
                }
                parameters.iter().try_for_each(|(name, value)| value.capture(only(query, name, value)?, captured))
            }
            Self::Places(pattern) => {
                let query = query.ok_or(MalformedUrl::NoQuery)?;
                let (beginning, rest) = query.split_at_checked(pattern.width()).unwrap_or((query, ""));
                pattern.capture(beginning, captured)?;
                if rest.is_empty() || rest.starts_with('&') { Ok(()) } else { Err(MalformedUrl::OtherText) }
            }
        }
    }
}

/// The value of the one parameter of that name.
fn only<'a>(query: &'a str, name: &str, value: &Pattern) -> Result<&'a str, MalformedUrl> {
    let problem = |of: fn(Mirror) -> MalformedUrl| value.first_mirror().map_or(MalformedUrl::OtherText, of);
    let mut values = pairs(query).filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (Some(_), Some(_)) => Err(problem(MalformedUrl::Duplicated)),
        (None, _) => Err(problem(MalformedUrl::Missing)),
    }
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn split_off(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn plain(captured: &Captured<'_>) -> Result<PiccData, MalformedUrl> {
    let uid = captured.get(Mirror::Uid).map(|digits| bytes(digits, Mirror::Uid)).transpose()?;
    let counter = captured.get(Mirror::Counter).map(|digits| bytes(digits, Mirror::Counter)).transpose()?;
    // In the clear the counter is mirrored with its highest byte first.
    let counter = counter.map(|[high, middle, low]: [u8; 3]| ReadCounter::from_little_endian([low, middle, high]));
    Ok(PiccData { uid: uid.map(Uid), counter })
}

fn bytes<const N: usize>(digits: &str, mirror: Mirror) -> Result<[u8; N], MalformedUrl> {
    hexadecimal::decode(digits).ok_or(MalformedUrl::NotHexadecimal(mirror))
}

fn tamper_status(letters: &str) -> Result<TamperStatus, MalformedUrl> {
    let letters = letters.as_bytes().try_into().map_err(|_| MalformedUrl::NoTamperStatus)?;
    TamperStatus::parse(letters).map_err(|_| MalformedUrl::NoTamperStatus)
}

fn is_mac(piece: &Piece) -> bool {
    matches!(piece, Piece::Placeholder(Placeholder { mirror: Mirror::Mac, .. }))
}

fn blank(pieces: &[Piece]) -> String {
    let mut url = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => url.push_str(text),
            Piece::Placeholder(placeholder) => url.extend(core::iter::repeat_n('0', placeholder.width)),
            Piece::MacInput => {}
        }
    }
    url
}

fn starts(pieces: &[Piece]) -> impl Iterator<Item = usize> {
    pieces.iter().scan(0, |end, piece| {
        let start = *end;
        *end += piece.width();
        Some(start)
    })
}

/// Whether a tag can be told this, and whether it proves what it seems to (NT4H2421Gx sections 9.3.3 to 9.3.8).
fn check(template: &Template) -> Result<(), SettingsError> {
    let all = [Mirror::PiccData, Mirror::Uid, Mirror::Counter, Mirror::FileData, Mirror::Tamper, Mirror::Mac];
    if let Some(twice) = all.into_iter().find(|mirror| template.places(*mirror).count() > 1) {
        return Err(SettingsError::Twice(twice));
    }
    let covered = check_mac(template)?;
    let has_both = check_identity(template)?;
    for mirror in [Mirror::FileData, Mirror::Tamper] {
        if template.places(mirror).any(|place| !covered.contains(&place)) {
            return Err(SettingsError::Uncovered(mirror));
        }
    }
    check_file_data(template, has_both)
}

/// There is one MAC, and its input does not begin behind it. Which pieces it covers.
fn check_mac(template: &Template) -> Result<Range<usize>, SettingsError> {
    let mut inputs = template.pieces.iter().enumerate().filter(|(_, piece)| matches!(piece, Piece::MacInput));
    let (input, second) = (inputs.next().map(|(place, _)| place), inputs.next());
    if second.is_some() {
        return Err(SettingsError::TwoMacInputs);
    }
    let mac = template.places(Mirror::Mac).next().ok_or(SettingsError::NoMac)?;
    match input {
        Some(input) if input > mac => Err(SettingsError::MacInputAfterMac),
        Some(input) => Ok(input..mac),
        None => Ok(mac..mac),
    }
}

/// Somebody is named, in one way. Whether by UID and counter both.
fn check_identity(template: &Template) -> Result<bool, SettingsError> {
    let has = |mirror| template.places(mirror).next().is_some();
    match (has(Mirror::PiccData), has(Mirror::Uid), has(Mirror::Counter)) {
        (true, false, false) => Ok(template.picc_data_has == (true, true)),
        (true, _, _) => Err(SettingsError::TwoIdentities),
        (false, false, false) => Err(SettingsError::NoIdentity),
        (false, has_uid, has_counter) => Ok(has_uid && has_counter),
    }
}

fn check_file_data(template: &Template, has_both: bool) -> Result<(), SettingsError> {
    let file_data = template.places(Mirror::FileData).next().and_then(|place| template.pieces.get(place));
    let Some(width) = file_data.map(Piece::width) else { return Ok(()) };
    if width == 0 || !width.is_multiple_of(32) {
        return Err(SettingsError::FileDataLength);
    }
    if !has_both {
        return Err(SettingsError::FileDataOfNobody);
    }
    match template.tamper_in_file_data {
        Some(_) if template.places(Mirror::Tamper).next().is_some() => Err(SettingsError::Twice(Mirror::Tamper)),
        Some(place) if place >= width / 2 - 1 => Err(SettingsError::TamperBeyondFileData),
        _ => Ok(()),
    }
}

/// Why a template is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It would make no URL.
    #[error("the template makes no URL: {0}")]
    Url(#[from] MalformedUrl),
    /// A brace without its other half.
    #[error("the template has a brace without its other half")]
    Unclosed,
    /// Braces around something else than a placeholder.
    #[error(
        "the template has an unknown placeholder: there are picc_data, uid, counter, tamper, file_data:32, mac and mac_input"
    )]
    Unknown,
    /// The chip mirrors each thing once.
    #[error("the template has two places for the {0}")]
    Twice(Mirror),
    /// The MAC's input begins at one place.
    #[error("the template has {{mac_input}} twice")]
    TwoMacInputs,
    /// Nothing would be proven.
    #[error("the template has no {{mac}}")]
    NoMac,
    /// The MAC covers what is before it.
    #[error("the template has {{mac_input}} after {{mac}}")]
    MacInputAfterMac,
    /// The chip mirrors its identity either encrypted or in the clear.
    #[error("the template has {{picc_data}} and a UID or read counter in the clear")]
    TwoIdentities,
    /// Nobody would be named.
    #[error("the template has neither {{picc_data}} nor {{uid}} nor {{counter}}")]
    NoIdentity,
    /// Hosts have no case, and are decided before a tag is asked.
    #[error("the template mirrors something in the host")]
    MirrorInHost,
    /// It could be changed by anyone.
    #[error(
        "the template has the {0} where the MAC does not cover it: put {{mac_input}} before it and {{mac}} behind it"
    )]
    Uncovered(Mirror),
    /// Whole blocks are encrypted.
    #[error("the template's file data must have a multiple of 32 digits")]
    FileDataLength,
    /// Its keys follow from both.
    #[error("the template has file data, and so must have UID and read counter")]
    FileDataOfNobody,
    /// The tamper status has two bytes.
    #[error("the template has the tamper status beyond the end of the file data")]
    TamperBeyondFileData,
}
