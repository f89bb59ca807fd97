//! A code whose fields cannot be wrong.

use std::fmt;
use std::str::FromStr;

use money::{Currency, Money};

use super::contents::{
    ADDITIONAL, AMOUNT, CATEGORY, CITY, COUNTRY, CURRENCY, FIXED_FEE, FORMAT, INITIATION, LANGUAGE, NAME,
    PERCENTAGE_FEE, POSTAL_CODE, TIP, is_country,
};
use super::draft::{Content, Draft, DraftError};
use super::payload::{Initiation, Tip};
use super::text::Text;
use crate::emv::id::Id;

/// Two capitals of ISO 3166.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Country([u8; 2]);

impl FromStr for Country {
    type Err = NoSuchCountry;

    fn from_str(text: &str) -> Result<Self, NoSuchCountry> {
        let letters = text.as_bytes().try_into().map_err(|_| NoSuchCountry)?;
        if is_country(text) { Ok(Self(letters)) } else { Err(NoSuchCountry) }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// The text is not two capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capitals of ISO 3166")]
pub struct NoSuchCountry;

/// By whom a merchant is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MerchantAccount {
    /// A card scheme's number: 02 to 25.
    Primitive(Id, Text<99>),
    /// A scheme's template: 26 to 51.
    Template(Template),
}

/// A template with its owner's identifier and what the owner wants in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The template's id.
    pub id: Id,
    /// The owner: an application identifier, a UUID or a domain name backwards.
    pub identifier: Text<32>,
    /// The other parts.
    pub parts: Vec<(Id, Text<99>)>,
}

/// The merchant in another language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLanguage {
    /// Two letters of ISO 639.
    pub language: [char; 2],
    /// The merchant's name.
    pub name: Text<25>,
    /// The merchant's city.
    pub city: Option<Text<15>>,
}

/// Additional data; section 4.8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdditionalData {
    /// 01: the invoice's number.
    pub bill_number: Option<Text<25>>,
    /// 02: whom to call, or whose telephone is topped up.
    pub mobile_number: Option<Text<25>>,
    /// 03: which store.
    pub store: Option<Text<25>>,
    /// 04: the customer's number with a loyalty scheme.
    pub loyalty_number: Option<Text<25>>,
    /// 05: what merchant and acquirer know the payment by.
    pub reference: Option<Text<25>>,
    /// 06: the customer's number with the merchant.
    pub customer: Option<Text<25>>,
    /// 07: which till.
    pub terminal: Option<Text<25>>,
    /// 08: what is paid for.
    pub purpose: Option<Text<25>>,
}

/// What a merchant shows. All limits are in the types, except that a template's parts together may be too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedCode {
    /// For one payment or for many.
    pub initiation: Initiation,
    /// By whom the merchant is paid; at least one is needed.
    pub accounts: Vec<MerchantAccount>,
    /// The merchant category code of ISO 18245: 0 to 9999.
    pub category: u16,
    /// The currency.
    pub currency: Currency,
    /// How much, in this currency; `None` if the payer enters it.
    pub amount: Option<money::Amount>,
    /// What is paid besides.
    pub tip: Option<Tip>,
    /// The country of the merchant.
    pub country: Country,
    /// The merchant's name.
    pub name: Text<25>,
    /// The merchant's city.
    pub city: Text<15>,
    /// The merchant's postal code.
    pub postal_code: Option<Text<10>>,
    /// Additional data.
    pub additional: AdditionalData,
    /// The merchant in another language.
    pub language: Option<OtherLanguage>,
    /// Unreserved templates, 80 to 99.
    pub unreserved: Vec<Template>,
}

impl PresentedCode {
    /// The objects in canonical order.
    ///
    /// # Errors
    /// [`DraftError`] if an id comes twice, or the parts of a template are too long together.
    pub fn draft(&self) -> Result<Draft, DraftError> {
        let mut draft = Draft::new();
        draft.push_text(FORMAT, "01")?;
        draft.push_text(INITIATION, if self.initiation == Initiation::Static { "11" } else { "12" })?;
        self.accounts.iter().try_for_each(|account| push_account(account, &mut draft))?;
        draft.push_text(CATEGORY, format!("{:04}", self.category))?;
        draft.push_text(CURRENCY, format!("{:03}", self.currency.numeric()))?;
        if let Some(amount) = self.amount {
            draft.push_text(AMOUNT, decimal(amount.minor_units(), self.currency))?;
        }
        self.push_tip(&mut draft)?;
        draft.push_text(COUNTRY, self.country.to_string())?;
        draft.push_text(NAME, self.name.as_str())?;
        draft.push_text(CITY, self.city.as_str())?;
        if let Some(postal_code) = &self.postal_code {
            draft.push_text(POSTAL_CODE, postal_code.as_str())?;
        }
        let additional = self.additional.parts();
        if !additional.is_empty() {
            draft.push(ADDITIONAL, Content::Template(additional))?;
        }
        self.push_language(&mut draft)?;
        self.unreserved.iter().try_for_each(|template| push_template(template, &mut draft))?;
        Ok(draft.in_canonical_order())
    }

    fn push_tip(&self, draft: &mut Draft) -> Result<(), DraftError> {
        match self.tip {
            None => Ok(()),
            Some(Tip::Asked) => draft.push_text(TIP, "01"),
            Some(Tip::Fixed(fee)) => {
                draft.push_text(TIP, "02")?;
                draft.push_text(FIXED_FEE, decimal(fee, self.currency))
            }
            Some(Tip::Percentage(rate)) => {
                draft.push_text(TIP, "03")?;
                draft.push_text(PERCENTAGE_FEE, format!("{:02}.{:02}", rate.get() / 100, rate.get() % 100))
            }
        }
    }

    fn push_language(&self, draft: &mut Draft) -> Result<(), DraftError> {
        let Some(OtherLanguage { language, name, city }) = &self.language else { return Ok(()) };
        let mut parts = vec![(Id::of(0), language.iter().collect()), (Id::of(1), name.to_string())];
        parts.extend(city.as_ref().map(|city| (Id::of(2), city.to_string())));
        draft.push(LANGUAGE, Content::Template(parts))
    }

    /// The money that is asked for.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        self.amount.map(|amount| Money::new(amount, self.currency))
    }
}

impl AdditionalData {
    fn parts(&self) -> Vec<(Id, String)> {
        let fields = [
            &self.bill_number,
            &self.mobile_number,
            &self.store,
            &self.loyalty_number,
            &self.reference,
            &self.customer,
            &self.terminal,
            &self.purpose,
        ];
        let numbered = (1..).map(Id::of).zip(fields);
        numbered.filter_map(|(id, field)| Some((id, field.as_ref()?.to_string()))).collect()
    }
}

fn push_account(account: &MerchantAccount, draft: &mut Draft) -> Result<(), DraftError> {
    match account {
        MerchantAccount::Primitive(id, number) => draft.push_text(*id, number.as_str()),
        MerchantAccount::Template(template) => push_template(template, draft),
    }
}

fn push_template(template: &Template, draft: &mut Draft) -> Result<(), DraftError> {
    let identifier = (Id::of(0), template.identifier.to_string());
    let parts = template.parts.iter().map(|(id, text)| (*id, text.to_string()));
    draft.push(template.id, Content::Template([identifier].into_iter().chain(parts).collect()))
}

/// Minor units with the currency's decimals: 1250 cents are `12.50`.
fn decimal(minor_units: u64, currency: Currency) -> String {
    let digits = u32::from(currency.minor_unit_digits());
    let unit = 10_u64.pow(digits);
    match usize::from(currency.minor_unit_digits()) {
        0 => minor_units.to_string(),
        width => format!("{}.{:0width$}", minor_units / unit, minor_units % unit),
    }
}
