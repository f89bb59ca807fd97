//! What a row of each kind describes: read first, so that what is wrong with its words is known before anything is
//! looked at; then put into the directory.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use ::payments::{Text, UnixMillis};
use directory::{
    Address, Change, DirectoryError, MerchantProfile, Name, OpeningHours, Position, Reference, StoreProfile,
    TagProfile, TillProfile,
};
use ids::{MerchantId, StoreId, TagId, TillId};
use money::Currency;
use serde_json::{Map, Value};

use super::csv::Row;
use super::report::{Refused, RowResult};

/// Why a row failed.
pub(super) enum Failed {
    /// It is its author's to change.
    Refused(Refused),
    /// The directory's file cannot be written.
    Directory(DirectoryError),
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<DirectoryError> for Failed {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

/// The columns of each kind: those that must be there, and the others.
pub(super) const MERCHANTS: (&[&str], &[&str]) =
    (&["reference", "name", "currencies"], &["name_zh", "legal_name", "mcc", "country", "time_zone", "email"]);
pub(super) const STORES: (&[&str], &[&str]) = (
    &["reference", "name"],
    &[
        "merchant",
        "name_zh",
        "address",
        "line1",
        "line2",
        "city",
        "region",
        "postal_code",
        "country",
        "latitude",
        "longitude",
        "time_zone",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ],
);
pub(super) const TILLS: (&[&str], &[&str]) = (&["reference", "store", "name"], &["merchant"]);
pub(super) const TAGS: (&[&str], &[&str]) =
    (&["reference", "uid", "store", "label", "mode", "currency"], &["merchant", "till"]);

/// A cell that must say something.
pub(super) fn required<T: FromStr<Err: Display>>(row: Row<'_>, column: &'static str) -> Result<T, Refused> {
    match row.cell(column).unwrap_or_default() {
        "" => Err(Refused::new(column, "is missing")),
        text => text.parse().map_err(|error| Refused::new(column, error)),
    }
}

/// A cell that may say nothing. `None` if there is no such column, so that nothing is to be changed.
fn optional<T: FromStr<Err: Display>>(row: Row<'_>, column: &'static str) -> Result<Option<Option<T>>, Refused> {
    match row.cell(column) {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => text.parse().map(|value| Some(Some(value))).map_err(|error| Refused::new(column, error)),
    }
}

/// A cell that may say nothing, of a kind that is made from a text.
fn optional_from<T: TryFrom<String, Error: Display>>(
    row: Row<'_>,
    column: &'static str,
) -> Result<Option<Option<T>>, Refused> {
    match row.cell(column) {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => {
            T::try_from(text.to_owned()).map(|value| Some(Some(value))).map_err(|error| Refused::new(column, error))
        }
    }
}

pub(super) fn required_name(row: Row<'_>, column: &'static str) -> Result<Name, Refused> {
    optional_from(row, column)?.flatten().ok_or_else(|| Refused::new(column, "is missing"))
}

fn set<T>(to: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *to = said;
    }
}

/// Puts what a row describes over what was there, and says which of the three came of it.
fn put<T: Clone + PartialEq>(
    before: Option<T>,
    after: T,
    put: impl FnOnce(T) -> Result<(), DirectoryError>,
) -> Result<RowResult, Failed> {
    let result = match &before {
        None => RowResult::Created,
        Some(before) if *before == after => RowResult::Unchanged,
        Some(_) => RowResult::Updated,
    };
    put(after)?;
    Ok(result)
}

/// A merchant, by its reference.
pub(super) fn merchant(
    change: &mut Change<'_>,
    row: Row<'_>,
    id: MerchantId,
    now: UnixMillis,
) -> Result<(MerchantId, RowResult), Failed> {
    let reference: Reference = required(row, "reference")?;
    let name = required_name(row, "name")?;
    let before = change.merchant_named(&reference)?;
    let mut merchant = before.clone().unwrap_or_else(|| MerchantProfile::new(id, name.clone(), now));
    (merchant.name, merchant.reference) = (name, Some(reference));
    merchant.currencies.extend(currencies(row)?);
    set(&mut merchant.name_zh, optional_from(row, "name_zh")?);
    set(&mut merchant.legal_name, optional_from::<Text>(row, "legal_name")?);
    set(&mut merchant.mcc, optional(row, "mcc")?);
    set(&mut merchant.country, optional(row, "country")?);
    set(&mut merchant.zone, optional(row, "time_zone")?);
    set(&mut merchant.email, optional(row, "email")?);
    let id = merchant.id;
    Ok((id, put(before, merchant, |merchant| change.put_merchant(merchant))?))
}

/// `CNY EUR`: at least one, divided by spaces or semicolons.
fn currencies(row: Row<'_>) -> Result<BTreeSet<Currency>, Refused> {
    let text = row.cell("currencies").unwrap_or_default();
    let codes = text.split([' ', ';']).filter(|code| !code.is_empty());
    let found = codes.map(|code| Currency::from_alpha(code).map_err(|error| Refused::new("currencies", error)));
    let found: BTreeSet<Currency> = found.collect::<Result<_, _>>()?;
    if found.is_empty() { Err(Refused::new("currencies", "is missing")) } else { Ok(found) }
}

/// A store, by its reference.
pub(super) fn store(
    change: &mut Change<'_>,
    row: Row<'_>,
    merchant: MerchantId,
    id: StoreId,
) -> Result<(StoreId, RowResult), Failed> {
    let reference: Reference = required(row, "reference")?;
    let name = required_name(row, "name")?;
    let before = change.store_named(merchant, &reference)?;
    let mut store = before.clone().unwrap_or_else(|| StoreProfile::new(id, merchant, name.clone()));
    (store.name, store.reference) = (name, Some(reference));
    set(&mut store.name_zh, optional_from(row, "name_zh")?);
    set(&mut store.address, optional_from(row, "address")?);
    set(&mut store.zone, optional(row, "time_zone")?);
    set(&mut store.address_parts, address(row)?);
    set(&mut store.position, position(row)?);
    set(&mut store.hours, hours(row)?);
    let id = store.id;
    Ok((id, put(before, store, |store| change.put_store(store))?))
}

/// The parts of the address; `None` if there are no columns for them.
fn address(row: Row<'_>) -> Result<Option<Option<Address>>, Refused> {
    const PARTS: [&str; 6] = ["line1", "line2", "city", "region", "postal_code", "country"];
    let said: Vec<&str> = PARTS.iter().filter_map(|part| row.cell(part)).collect();
    if said.is_empty() {
        return Ok(None);
    }
    if said.iter().all(|text| text.is_empty()) {
        return Ok(Some(None));
    }
    let part = |column| optional_from::<Name>(row, column).map(Option::flatten);
    Ok(Some(Some(Address {
        line1: required_name(row, "line1")?,
        line2: part("line2")?,
        city: required_name(row, "city")?,
        region: part("region")?,
        postal_code: part("postal_code")?,
        country: required(row, "country")?,
    })))
}

fn position(row: Row<'_>) -> Result<Option<Option<Position>>, Refused> {
    let (Some(latitude), Some(longitude)) = (row.cell("latitude"), row.cell("longitude")) else { return Ok(None) };
    match (latitude, longitude) {
        ("", "") => Ok(Some(None)),
        (latitude, longitude) => {
            let (latitude, longitude) = (degrees("latitude", latitude)?, degrees("longitude", longitude)?);
            let position = Position::new(latitude, longitude);
            position.map(|position| Some(Some(position))).map_err(|error| Refused::new("latitude", error))
        }
    }
}

/// Degrees with up to six decimals, such as `-0.127758`, in millionths.
fn degrees(column: &'static str, text: &str) -> Result<i64, Refused> {
    let malformed = || Refused::new(column, "must be degrees with at most six decimals, such as 30.246");
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number =
        |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole, 3) || !is_number(decimals, 6) {
        return Err(malformed());
    }
    let millionths: i64 = format!("{whole}{decimals:0<6}").parse().map_err(|_| malformed())?;
    Ok(sign * millionths)
}

/// The columns of the days, ranges divided by spaces; `None` if there are no such columns.
fn hours(row: Row<'_>) -> Result<Option<Option<OpeningHours>>, Refused> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let said: Vec<(&'static str, &str)> = DAYS.iter().filter_map(|day| Some((*day, row.cell(day)?))).collect();
    if said.is_empty() {
        return Ok(None);
    }
    if said.iter().all(|(_, ranges)| ranges.is_empty()) {
        return Ok(Some(None));
    }
    let ranges = |text: &str| text.split_whitespace().map(Value::from).collect::<Vec<_>>();
    let read = |days: Map<String, Value>| serde_json::from_value::<OpeningHours>(Value::Object(days));
    let day_of = |(day, text): &(&str, &str)| ((*day).to_owned(), Value::from(ranges(text)));
    read(said.iter().map(day_of).collect()).map(|hours| Some(Some(hours))).map_err(|error| {
        // Each day alone, so that the one at fault is named.
        let at_fault = said.iter().find(|day| read(Map::from_iter([day_of(day)])).is_err());
        Refused::new(at_fault.map_or("monday", |(day, _)| day), error)
    })
}

/// A till, by its reference.
pub(super) fn till(
    change: &mut Change<'_>,
    row: Row<'_>,
    merchant: MerchantId,
    id: TillId,
) -> Result<(TillId, RowResult), Failed> {
    let reference: Reference = required(row, "reference")?;
    let name = required_name(row, "name")?;
    let store = store_named(change, row, merchant)?;
    let before = change.till_named(merchant, &reference)?;
    let mut till = before.clone().unwrap_or_else(|| TillProfile::new(id, merchant, store, name.clone()));
    (till.name, till.store, till.reference) = (name, store, Some(reference));
    let id = till.id;
    Ok((id, put(before, till, |till| change.put_till(till))?))
}

fn store_named(change: &Change<'_>, row: Row<'_>, merchant: MerchantId) -> Result<StoreId, Failed> {
    let reference: Reference = required(row, "store")?;
    let store = change.store_named(merchant, &reference)?;
    Ok(store.ok_or_else(|| Refused::new("store", "no store of the merchant has this reference"))?.id)
}

/// The place and name of a tag, by its reference. What the money core says of its chip was found before.
pub(super) fn tag(
    change: &mut Change<'_>,
    row: Row<'_>,
    merchant: MerchantId,
    id: TagId,
    stands_at_till: bool,
) -> Result<(TagId, RowResult), Failed> {
    let reference: Reference = required(row, "reference")?;
    let label = required_name(row, "label")?;
    let store = store_named(change, row, merchant)?;
    let till = till_at(change, row, merchant, store)?;
    if stands_at_till && till.is_none() {
        return Err(Refused::new("till", "name the till that a tag of mode `till` is beside").into());
    }
    if let Some(other) = change.tag_named(merchant, &reference)?.filter(|other| other.id != id) {
        return Err(Refused::new("reference", format!("is that of {}, which has another chip", other.id)).into());
    }
    let before = change.tag(id)?;
    let mut tag = before.clone().unwrap_or_else(|| TagProfile::new(id, merchant, store, label.clone()));
    (tag.label, tag.store, tag.till, tag.reference) = (label, store, till, Some(reference));
    Ok((id, put(before, tag, |tag| change.put_tag(tag))?))
}

fn till_at(change: &Change<'_>, row: Row<'_>, merchant: MerchantId, store: StoreId) -> Result<Option<TillId>, Failed> {
    let Some(reference) = optional::<Reference>(row, "till")?.flatten() else { return Ok(None) };
    let till = change.till_named(merchant, &reference)?;
    let till = till.ok_or_else(|| Refused::new("till", "no till of the merchant has this reference"))?;
    if till.store != store {
        return Err(Refused::new("till", "stands in another store").into());
    }
    Ok(Some(till.id))
}
