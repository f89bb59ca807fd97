//! What a code means.

use money::{Amount, BasisPoints, Currency, Money, Rounding};

use super::contents::{
    ADDITIONAL, AMOUNT, CATEGORY, CITY, COUNTRY, CURRENCY, FIXED_FEE, INITIATION, LANGUAGE, NAME, PERCENTAGE_FEE,
    POSTAL_CODE, TIP, currency_of, is_digits,
};
use super::objects::Objects;
use super::profile::Summary;
use super::scheme::Scheme;
use crate::emv::id::Id;

/// A code whose reading had no errors; only [`super::Reading::accept`] makes one.
#[derive(Clone, Debug)]
pub struct Payload<'a> {
    objects: Objects<'a>,
    scheme: Scheme,
}

/// Whether a code is for one payment or for many (object 01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// Printed once, paid many times.
    Static,
    /// Made for one payment.
    Dynamic,
}

/// What is paid besides the amount (objects 55 to 57).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tip {
    /// The payer is asked for a tip.
    Asked,
    /// A fee in minor units of the code's currency.
    Fixed(u64),
    /// A part of the amount as a fee.
    Percentage(BasisPoints),
}

impl Tip {
    /// The fee on an amount in minor units, rounded half up; none if a tip is asked for.
    #[must_use]
    pub fn fee(self, amount: u64) -> u64 {
        match self {
            Self::Asked => 0,
            Self::Fixed(fee) => fee,
            Self::Percentage(rate) => rate.of(amount, Rounding::HalfUp),
        }
    }
}

/// The merchant in another language (object 64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language<'a> {
    /// Two letters of ISO 639, as they are written.
    pub language: &'a str,
    /// The merchant's name.
    pub name: &'a str,
    /// The merchant's city.
    pub city: Option<&'a str>,
}

/// Why a code's amount cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAmount {
    /// There is no currency, or none of ISO 4217 with a minor unit.
    #[error("the currency, object 53, is missing or unknown")]
    Currency,
    /// The amount is not digits with at most one point.
    #[error("an amount is digits with at most one point")]
    Malformed,
    /// The amount has more decimals than its currency.
    #[error("the amount has more decimals than its currency")]
    TooPrecise,
    /// The amount is beyond what can be paid.
    #[error("the amount is too large")]
    TooLarge,
}

impl NoAmount {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Currency => "the currency, object 53, is missing or unknown",
            Self::Malformed => "an amount is digits with at most one point",
            Self::TooPrecise => "the amount has more decimals than its currency",
            Self::TooLarge => "the amount is too large",
        }
    }
}

impl<'a> Payload<'a> {
    pub(super) fn new(objects: Objects<'a>, scheme: Scheme) -> Self {
        Self { objects, scheme }
    }

    /// All its objects.
    #[must_use]
    pub fn objects(&self) -> &Objects<'a> {
        &self.objects
    }

    /// The scheme to which it belongs.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether it is for one payment or for many; `None` if it does not say.
    #[must_use]
    pub fn initiation(&self) -> Option<Initiation> {
        match self.objects.value(INITIATION)? {
            "11" => Some(Initiation::Static),
            "12" => Some(Initiation::Dynamic),
            _ => None,
        }
    }

    /// The merchant category code, four digits of ISO 18245; `0000` where a scheme does not use it.
    #[must_use]
    pub fn category(&self) -> Option<&'a str> {
        self.objects.value(CATEGORY).filter(|code| is_digits(code, 4))
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.objects.value(CURRENCY).and_then(currency_of)
    }

    /// The amount; `None` if the payer is to enter it, which codes also say by an amount of zero.
    ///
    /// # Errors
    /// [`NoAmount`] if something is written that is no amount of the currency.
    pub fn amount(&self) -> Result<Option<Money>, NoAmount> {
        amount_of(&self.objects)
    }

    /// What is paid besides the amount.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        match self.objects.value(TIP)? {
            "01" => Some(Tip::Asked),
            "02" => {
                let fee = AmountText::parse(self.objects.value(FIXED_FEE)?).ok()?;
                fee.minor_units(self.currency()?.minor_unit_digits()).ok().map(Tip::Fixed)
            }
            "03" => percentage(self.objects.value(PERCENTAGE_FEE)?).map(Tip::Percentage),
            _ => None,
        }
    }

    /// The country, as it is written.
    #[must_use]
    pub fn country(&self) -> Option<&'a str> {
        self.objects.value(COUNTRY)
    }

    /// The merchant's name.
    #[must_use]
    pub fn merchant_name(&self) -> Option<&'a str> {
        self.objects.value(NAME)
    }

    /// The merchant's city.
    #[must_use]
    pub fn merchant_city(&self) -> Option<&'a str> {
        self.objects.value(CITY)
    }

    /// The merchant's postal code.
    #[must_use]
    pub fn postal_code(&self) -> Option<&'a str> {
        self.objects.value(POSTAL_CODE)
    }

    /// The merchant in another language.
    #[must_use]
    pub fn language(&self) -> Option<Language<'a>> {
        Some(Language {
            language: self.objects.part(LANGUAGE, Id::of(0))?,
            name: self.objects.part(LANGUAGE, Id::of(1))?,
            city: self.objects.part(LANGUAGE, Id::of(2)),
        })
    }

    /// A field of the additional data, such as the bill number (01), the store (03), the reference (05) or the terminal (07).
    #[must_use]
    pub fn additional(&self, id: Id) -> Option<&'a str> {
        self.objects.part(ADDITIONAL, id)
    }

    /// Who is paid, how much, for what and until when, in the scheme's own terms.
    #[must_use]
    pub fn summary(&self) -> Summary<'a> {
        Summary::of(&self.objects, self.scheme)
    }
}

pub(super) fn amount_of(objects: &Objects<'_>) -> Result<Option<Money>, NoAmount> {
    let Some(text) = objects.value(AMOUNT) else { return Ok(None) };
    let currency = objects.value(CURRENCY).and_then(currency_of).ok_or(NoAmount::Currency)?;
    match AmountText::parse(text)?.minor_units(currency.minor_unit_digits())? {
        0 => Ok(None),
        minor_units => {
            let amount = Amount::new(minor_units).map_err(|_| NoAmount::TooLarge)?;
            Ok(Some(Money::new(amount, currency)))
        }
    }
}

/// A percentage between 00.01 and 99.99 (section 4.7.7); decimals may be missing, or the integer's leading zero.
pub(super) fn percentage(text: &str) -> Option<BasisPoints> {
    let hundredths = AmountText::parse(text).ok()?.minor_units(2).ok()?;
    let hundredths = u32::try_from(hundredths).ok().filter(|hundredths| (1..10_000).contains(hundredths))?;
    BasisPoints::new(hundredths).ok()
}

/// An amount as it is written: digits with at most one point, as `98.73`, `98` or `98.` (section 4.7.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct AmountText<'a> {
    whole: &'a str,
    decimals: &'a str,
}

impl<'a> AmountText<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, NoAmount> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(decimals) {
            return Err(NoAmount::Malformed);
        }
        // Zeros beyond the currency's decimals say nothing: 5000.0 riel.
        Ok(Self { whole, decimals: decimals.trim_end_matches('0') })
    }

    /// In minor units of a currency with so many decimals.
    pub(super) fn minor_units(self, digits: u8) -> Result<u64, NoAmount> {
        let missing = usize::from(digits).checked_sub(self.decimals.len()).ok_or(NoAmount::TooPrecise)?;
        let zeros = std::iter::repeat_n(b'0', missing);
        let mut all = self.whole.bytes().chain(self.decimals.bytes()).chain(zeros);
        let append = |sum: u64, digit: u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        all.try_fold(0, append).ok_or(NoAmount::TooLarge)
    }
}
