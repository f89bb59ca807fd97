//! Which scheme a code belongs to.

use super::contents::is_country;
use super::objects::{Object, Objects};
use crate::emv::id::Id;

/// The schemes known by name. Where a code names several, the first of this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Brazil, Banco Central do Brasil.
    Pix,
    /// Singapore, Association of Banks in Singapore.
    PayNow,
    /// Thailand, Bank of Thailand.
    PromptPay,
    /// Vietnam, NAPAS.
    VietQr,
    /// Indonesia, Bank Indonesia.
    Qris,
    /// Malaysia, PayNet.
    DuitNow,
    /// Cambodia, National Bank of Cambodia.
    Khqr,
    /// West African Economic and Monetary Union, BCEAO.
    PiUemoa,
    /// Hong Kong's Faster Payment System, HKICL.
    HongKongFps,
    /// Japan, Payments Japan Association.
    Jpqr,
    /// Laos, Lao National Payment Network.
    LaoQr,
    /// India, NPCI with the card schemes.
    BharatQr,
    /// Sri Lanka, Central Bank of Sri Lanka.
    LankaQr,
    /// The identifiers that EMVCo's own specification uses in its examples.
    EmvCoExample,
    /// EMVCo's format without a scheme known here.
    Emv,
}

/// Globally unique identifiers by their beginning, without regard to case.
const IDENTIFIERS: [(&str, Scheme); 13] = [
    ("br.gov.bcb.pix", Scheme::Pix),
    ("sg.paynow", Scheme::PayNow),
    ("a000000677", Scheme::PromptPay),
    ("a000000727", Scheme::VietQr),
    ("id.co.qris", Scheme::Qris),
    ("a000000615", Scheme::DuitNow),
    ("int.bceao.pi", Scheme::PiUemoa),
    ("hk.com.hkicl", Scheme::HongKongFps),
    ("jp.or.paymentsjapan", Scheme::Jpqr),
    ("a005266284662577", Scheme::LaoQr),
    ("a000000524", Scheme::BharatQr),
    ("d156000000", Scheme::EmvCoExample),
    ("bcel", Scheme::LaoQr),
];

const IDENTIFIER: Id = Id::of(0);
const COUNTRY: Id = Id::of(58);
/// Where KHQR has a person's account, and a merchant's.
const KHQR_ACCOUNTS: [Id; 2] = [Id::of(29), Id::of(30)];

impl Scheme {
    /// The scheme's word in the field `scheme`. Codes of Laos carry the common one, as decoders without a profile of theirs
    /// have it; [`Scheme::name`] tells them apart.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pix => "PIX",
            Self::HongKongFps => "FPS",
            Self::BharatQr => "BharatQR",
            Self::LankaQr => "LankaQR",
            Self::LaoQr => "EMV",
            _ => self.name(),
        }
    }

    /// The scheme's name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pix => "Pix",
            Self::PayNow => "PayNow",
            Self::PromptPay => "PromptPay",
            Self::VietQr => "VietQR",
            Self::Qris => "QRIS",
            Self::DuitNow => "DuitNow",
            Self::Khqr => "KHQR",
            Self::PiUemoa => "PI-UEMOA",
            Self::HongKongFps => "Hong Kong FPS",
            Self::Jpqr => "JPQR",
            Self::LaoQr => "Lao QR",
            Self::BharatQr => "Bharat QR",
            Self::LankaQr => "LankaQR",
            Self::EmvCoExample => "EMVCo-spec",
            Self::Emv => "EMV",
        }
    }

    /// The scheme of a code's templates, else of its country; of a broken code, that of the identifiers that its text has
    /// somewhere.
    pub(crate) fn of(objects: &Objects<'_>, text: &str, is_broken: bool) -> Self {
        let accounts =
            objects.roots().iter().filter(|object| object.id().is_account_template() || object.id().is_unreserved());
        let named = accounts.filter_map(|object| Self::of_identifier(identifier_of(objects, object)?));
        let found = named.min().unwrap_or(Self::Emv).min(Self::of_place(objects));
        if found == Self::Emv && is_broken { Self::mentioned(text) } else { found }
    }

    /// Whether a template of this code is this scheme's.
    pub(super) fn owns<'a>(self, objects: &Objects<'a>, template: &Object<'a>) -> bool {
        let is_named = template.id().is_account_template() || template.id().is_unreserved();
        is_named && objects.part_of(template, IDENTIFIER).and_then(Self::of_identifier) == Some(self)
    }

    fn of_identifier(identifier: &str) -> Option<Self> {
        let begins = |known: &str| {
            identifier.as_bytes().get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known.as_bytes()))
        };
        IDENTIFIERS.iter().find(|(known, _)| begins(known)).map(|(_, scheme)| *scheme)
    }

    /// Schemes whose identifiers are a payee's own: told by where they stand, and by the country.
    fn of_place(objects: &Objects<'_>) -> Self {
        let accounts = KHQR_ACCOUNTS.iter().filter_map(|id| objects.get(*id));
        let country = objects.value(COUNTRY);
        let mut accounts = accounts.map(|account| identifier_of(objects, account));
        let is_khqr = match country {
            Some("KH") => accounts.next().is_some(),
            Some(other) if is_country(other) => false,
            _ => accounts.any(|identifier| identifier.is_some_and(is_bank_account)),
        };
        let has_account = |mut ids: std::ops::RangeInclusive<u8>| ids.any(|id| objects.get(Id::of(id)).is_some());
        match country {
            _ if is_khqr => Self::Khqr,
            Some("LK") if has_account(26..=51) => Self::LankaQr,
            Some("IN") if has_account(2..=8) => Self::BharatQr,
            _ => Self::Emv,
        }
    }

    /// The scheme whose identifier a text contains.
    fn mentioned(text: &str) -> Self {
        let bytes = text.as_bytes();
        let contains = |known: &str| bytes.windows(known.len()).any(|part| part.eq_ignore_ascii_case(known.as_bytes()));
        // Four letters may stand anywhere.
        let known = IDENTIFIERS.iter().filter(|(known, _)| known.len() > 4);
        let named = known.filter(|(known, _)| contains(known)).map(|(_, scheme)| *scheme).min();
        named.unwrap_or(if mentions_bank_account(text) { Self::Khqr } else { Self::Emv })
    }
}

/// A template's identifier; of one whose objects do not add up, what it begins with.
fn identifier_of<'a>(objects: &Objects<'a>, template: &Object<'a>) -> Option<&'a str> {
    let begins_with = || {
        let (length, rest) = template.value().strip_prefix("00")?.split_at_checked(2)?;
        rest.get(..length.parse().ok()?)
    };
    objects.part_of(template, IDENTIFIER).or_else(begins_with)
}

/// Whether this is an account of Bakong: a name, `@` and the bank's word.
fn is_bank_account(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, bank)| !name.is_empty() && !bank.is_empty())
}

/// Whether an object 00 that holds such an account begins anywhere in a text.
fn mentions_bank_account(text: &str) -> bool {
    text.match_indices("00").any(|(place, head)| {
        let rest = text.get(place + head.len()..).unwrap_or_default();
        let object = rest.split_at_checked(2).and_then(|(length, rest)| rest.get(..length.parse().ok()?));
        object.is_some_and(is_bank_account)
    })
}
