//! Who is paid, how much, for what and until when, in each scheme's own terms.

use std::borrow::Cow;

use money::Money;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::contents::{ADDITIONAL, NAME};
use super::objects::{Objects, find_in};
use super::payload::amount_of;
use super::scheme::Scheme;
use crate::emv::id::Id;

/// What kind of name a payee has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayeeKind {
    /// A key or alias that the scheme knows: a Pix key, an alias of PI, a Bakong account, a UPI address, an id of FPS.
    Alias,
    /// An address from which the payment's data are fetched.
    Location,
    /// A mobile number.
    Mobile,
    /// An e-mail address.
    Email,
    /// A business registration, tax or national number.
    NationalNumber,
    /// An electronic wallet's number.
    Wallet,
    /// A bank account: the bank's number, then the account's, parted by a slash where both are given.
    Account,
    /// A merchant's or biller's number.
    Merchant,
}

impl PayeeKind {
    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Location => "location",
            Self::Mobile => "mobile",
            Self::Email => "email",
            Self::NationalNumber => "national_number",
            Self::Wallet => "wallet",
            Self::Account => "account",
            Self::Merchant => "merchant",
        }
    }
}

/// Who is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee<'a> {
    /// What kind of name it is.
    pub kind: PayeeKind,
    /// The name, as the scheme writes it.
    pub id: Cow<'a, str>,
}

/// The moment after which a code is not to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_milliseconds: u64,
}

/// A code in its scheme's own terms.
///
/// Serialises as `{"profile":"PayNow","payee":{"kind":"mobile","id":"+6591234567"},"name":…,"amount":{"amount":2550,"currency":"SGD"},
/// "reference":…,"expires_at_ms":…}` with `null` for what is not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// Who is paid.
    pub payee: Option<Payee<'a>>,
    /// The merchant's name.
    pub name: Option<&'a str>,
    /// How much; `None` if the payer enters it, or if what is written is no amount.
    pub amount: Option<Money>,
    /// What the payee knows the payment by.
    pub reference: Option<&'a str>,
    /// Until when.
    pub expiry: Option<Expiry>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(objects: &Objects<'a>, scheme: Scheme) -> Self {
        let profile = Profile { objects, scheme };
        Self {
            scheme,
            payee: profile.payee(),
            name: objects.value(NAME).filter(|name| !name.is_empty()),
            amount: amount_of(objects).ok().flatten(),
            reference: profile.reference(),
            expiry: profile.expiry(),
        }
    }
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = serializer.serialize_struct("Summary", 6)?;
        summary.serialize_field("profile", self.scheme.name())?;
        summary.serialize_field("payee", &self.payee)?;
        summary.serialize_field("name", &self.name)?;
        summary.serialize_field("amount", &self.amount)?;
        summary.serialize_field("reference", &self.reference)?;
        summary.serialize_field("expires_at_ms", &self.expiry.map(|expiry| expiry.unix_milliseconds))?;
        summary.end()
    }
}

impl Serialize for Payee<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut payee = serializer.serialize_struct("Payee", 2)?;
        payee.serialize_field("kind", self.kind.as_str())?;
        payee.serialize_field("id", &self.id)?;
        payee.end()
    }
}

/// Singapore and Hong Kong are so many hours ahead of UTC, and never change their clocks.
const HOURS_AHEAD: u64 = 8;

const IDENTIFIER: Id = Id::of(0);
const BILL_NUMBER: Id = Id::of(1);
const REFERENCE: Id = Id::of(5);
const PURPOSE: Id = Id::of(8);
/// Where KHQR has its times.
const KHQR_TIMES: Id = Id::of(99);

struct Profile<'o, 'a> {
    objects: &'o Objects<'a>,
    scheme: Scheme,
}

impl<'a> Profile<'_, 'a> {
    fn payee(&self) -> Option<Payee<'a>> {
        use PayeeKind::{Account, Alias, Email, Location, Merchant, Mobile};
        match self.scheme {
            // Manual de Padrões para Iniciação do Pix: 01 is the key, 25 where a dynamic code's data are.
            Scheme::Pix => self.first(&[(1, Alias), (25, Location)]),
            Scheme::PiUemoa => self.first(&[(1, Alias), (2, Location)]),
            Scheme::PayNow => self.pay_now(),
            Scheme::PromptPay => self.prompt_pay(),
            Scheme::VietQr => self.viet_qr(),
            // The national merchant id before that of one provider.
            Scheme::Qris | Scheme::DuitNow => self.first(&[(2, Merchant), (1, Merchant)]),
            Scheme::Khqr => self.khqr(),
            Scheme::HongKongFps => self.first(&[(2, Alias), (3, Mobile), (4, Email)]),
            Scheme::Jpqr => self.first(&[(1, Merchant)]),
            Scheme::LaoQr => self.first(&[(3, Merchant), (2, Merchant)]),
            Scheme::BharatQr => self.first(&[(1, Alias)]).or_else(|| self.primitive(&[(8, Account), (6, Merchant)])),
            Scheme::LankaQr => self.part_of_accounts(IDENTIFIER).map(|id| payee(Merchant, id)),
            Scheme::EmvCoExample | Scheme::Emv => None,
        }
        .or_else(|| self.primitive(&[(2, Merchant), (4, Merchant), (15, Merchant)]))
    }

    /// The first of these parts that the scheme's templates have.
    fn first(&self, parts: &[(u8, PayeeKind)]) -> Option<Payee<'a>> {
        parts.iter().find_map(|(id, kind)| Some(payee(*kind, self.part(Id::of(*id))?)))
    }

    /// A part of the scheme's own templates.
    fn part(&self, id: Id) -> Option<&'a str> {
        let own = self.objects.roots().iter().filter(|template| self.scheme.owns(self.objects, template));
        own.filter_map(|template| self.objects.part_of(template, id)).find(|value| !value.is_empty())
    }

    /// A part of any merchant account.
    fn part_of_accounts(&self, id: Id) -> Option<&'a str> {
        let accounts = self.objects.roots().iter().filter(|object| object.id().is_account_template());
        accounts.filter_map(|account| self.objects.part_of(account, id)).find(|value| !value.is_empty())
    }

    /// The first of these merchant accounts that are text.
    fn primitive(&self, accounts: &[(u8, PayeeKind)]) -> Option<Payee<'a>> {
        let value = |id: u8| self.objects.value(Id::of(id)).filter(|value| !value.is_empty());
        accounts.iter().find_map(|(id, kind)| Some(payee(*kind, value(*id)?)))
    }

    /// PayNow: 01 says what 02 is.
    fn pay_now(&self) -> Option<Payee<'a>> {
        let kind = match self.part(Id::of(1)) {
            Some("0") => PayeeKind::Mobile,
            Some("2") => PayeeKind::NationalNumber,
            _ => PayeeKind::Alias,
        };
        self.part(Id::of(2)).map(|id| payee(kind, id))
    }

    /// PromptPay: transfers name the payee in one of four parts, bills the biller in 01.
    fn prompt_pay(&self) -> Option<Payee<'a>> {
        use PayeeKind::{Account, Merchant, Mobile, NationalNumber, Wallet};
        if self.is_bill() {
            return self.first(&[(1, Merchant)]);
        }
        self.first(&[(1, Mobile), (2, NationalNumber), (3, Wallet), (4, Account)])
    }

    fn is_bill(&self) -> bool {
        self.part(IDENTIFIER).is_some_and(|identifier| identifier.ends_with("0112") || identifier.ends_with("0113"))
    }

    /// VietQR: within 01, objects have the bank's number (00) and the account's (01).
    fn viet_qr(&self) -> Option<Payee<'a>> {
        let beneficiary = self.part(Id::of(1))?;
        let id = match (find_in(beneficiary, Id::of(0)), find_in(beneficiary, Id::of(1))) {
            (Some(bank), Some(account)) => Cow::Owned(format!("{bank}/{account}")),
            _ => Cow::Borrowed(beneficiary),
        };
        Some(Payee { kind: PayeeKind::Account, id })
    }

    fn khqr(&self) -> Option<Payee<'a>> {
        let accounts = [Id::of(29), Id::of(30)].into_iter();
        let mut accounts = accounts.filter_map(|account| self.objects.part(account, IDENTIFIER));
        accounts.find(|account| account.contains('@')).map(|account| payee(PayeeKind::Alias, account))
    }

    fn reference(&self) -> Option<&'a str> {
        let additional = |id| self.objects.part(ADDITIONAL, id);
        let reference = match self.scheme {
            Scheme::PromptPay if self.is_bill() => self.part(Id::of(2)),
            Scheme::BharatQr => self.bharat_reference(),
            Scheme::PayNow | Scheme::Khqr | Scheme::PiUemoa => additional(BILL_NUMBER),
            Scheme::VietQr => additional(BILL_NUMBER).or_else(|| additional(REFERENCE)).or_else(|| additional(PURPOSE)),
            _ => None,
        };
        let reference = reference.or_else(|| additional(REFERENCE)).or_else(|| additional(BILL_NUMBER));
        // Three asterisks: there is none, or the payer is to be asked.
        reference.filter(|reference| !reference.is_empty() && *reference != "***")
    }

    /// Bharat QR: the template 27 is the transaction's.
    fn bharat_reference(&self) -> Option<&'a str> {
        self.objects.part(Id::of(27), Id::of(1))
    }

    fn expiry(&self) -> Option<Expiry> {
        let unix_milliseconds = match self.scheme {
            Scheme::PayNow => local_moment(self.part(Id::of(4))?)?,
            Scheme::HongKongFps => local_moment(self.part(Id::of(5))?)?,
            Scheme::Khqr => {
                let written = self.objects.part(KHQR_TIMES, Id::of(1))?;
                written.bytes().all(|digit| digit.is_ascii_digit()).then(|| written.parse().ok())??
            }
            _ => return None,
        };
        Some(Expiry { unix_milliseconds })
    }
}

fn payee(kind: PayeeKind, id: &str) -> Payee<'_> {
    Payee { kind, id: Cow::Borrowed(id) }
}

/// The moment of `YYYYMMDDHHMMSS`, or the end of the day `YYYYMMDD`, by Singapore's and Hong Kong's clocks.
fn local_moment(text: &str) -> Option<u64> {
    let is_digits = text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_digits || !matches!(text.len(), 8 | 14) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u64>().ok());
    let day = days_since_epoch(number(0..4)?, number(4..6)?, number(6..8)?)?;
    let seconds = match text.len() {
        8 => 24 * 3600,
        _ => {
            let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
            (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)?
        }
    };
    Some((day * 24 * 3600 + seconds).checked_sub(HOURS_AHEAD * 3600)? * 1000)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day, or it is before.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    if year < 1970 || !(1..=*lengths.get(month)?).contains(&day) {
        return None;
    }
    let past = year - 1;
    let days_before_year = |past: u64| past * 365 + past / 4 - past / 100 + past / 400;
    let days_of_months: u64 = lengths.iter().take(month).sum();
    Some(days_before_year(past) - days_before_year(1969) + days_of_months + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_do() {
        assert_eq!(days_since_epoch(1970, 1, 1), Some(0));
        assert_eq!(days_since_epoch(2000, 3, 1), Some(11_017));
        assert_eq!(days_since_epoch(2100, 3, 1), Some(47_541));
        assert_eq!(days_since_epoch(2026, 2, 29), None);
        assert_eq!(days_since_epoch(2028, 2, 29), Some(21_243));
        for nonsense in [(2026, 0, 1), (2026, 13, 1), (2026, 4, 31), (2026, 4, 0), (1969, 12, 31)] {
            assert_eq!(days_since_epoch(nonsense.0, nonsense.1, nonsense.2), None, "{nonsense:?}");
        }
    }

    #[test]
    fn moments_are_those_of_singapore() {
        // 2031-09-16T23:59:59+08:00 and the first moment of the day after.
        assert_eq!(local_moment("20310916235959"), Some(1_947_254_399_000 + 86_400_000));
        assert_eq!(local_moment("20310916"), Some(1_947_254_400_000 + 86_400_000));
        for nonsense in ["", "2031091", "20310916240000", "2031091623595x", "20310931"] {
            assert_eq!(local_moment(nonsense), None, "{nonsense}");
        }
    }
}
