//! The chips of tags, which are the money core's to know.

use std::collections::{HashMap, HashSet};

use ::payments::{RegisteredTag, TagMode};
use ::tag::Uid;
use directory::Change;
use ids::{MerchantId, TagId};
use money::Currency;

use super::csv::{Row, Table};
use super::kinds::Failed;
use super::report::Refused;
use crate::app::App;
use crate::problem::Problem;

/// What the money core knows of the chips in this table.
pub(super) async fn known(app: &App, table: &Table) -> Result<HashMap<Uid, RegisteredTag>, Problem> {
    let named: HashSet<Uid> = table.rows().filter_map(|row| uid(row).ok()).collect();
    let find = move |tables: &store::tables::TablesReader| {
        let all = tables.all_tags()?.into_iter().map(|(tag, _counter)| tag);
        Ok(all.filter(|tag| named.contains(&tag.uid)).map(|tag| (tag.uid, tag)).collect())
    };
    app.read(find).await
}

/// A tag as the money core is to know it.
pub(super) struct Chip {
    pub(super) tag: RegisteredTag,
    /// Whether it must be told.
    pub(super) is_new: bool,
}

/// The chip of a row: known already, and then the same in everything, or new.
pub(super) fn chip(
    change: &Change<'_>,
    row: Row<'_>,
    merchant: MerchantId,
    new_id: TagId,
    known: &HashMap<Uid, RegisteredTag>,
) -> Result<Chip, Failed> {
    let (uid, mode, currency) = (uid(row)?, mode(row)?, currency(row)?);
    let Some(found) = known.get(&uid) else {
        let accepted = change.merchant(merchant)?.map(|merchant| merchant.currencies).unwrap_or_default();
        if !accepted.is_empty() && !accepted.contains(&currency) {
            return Err(Refused::new("currency", format!("the merchant is not paid in {currency}")).into());
        }
        let tag = RegisteredTag { id: new_id, uid, merchant, mode, currency, active: true };
        return Ok(Chip { tag, is_new: true });
    };
    let fixed = |field, what: &dyn std::fmt::Display| Refused::new(field, format!("is {what} for this chip, for ever"));
    if found.merchant != merchant {
        Err(Refused::new("uid", "is another tag's already").into())
    } else if found.mode != mode {
        Err(fixed("mode", &mode_name(found.mode)).into())
    } else if found.currency != currency {
        Err(fixed("currency", &found.currency).into())
    } else {
        Ok(Chip { tag: *found, is_new: false })
    }
}

/// An NTAG 424 DNA's UID: seven bytes in hexadecimal, the first NXP's 04.
fn uid(row: Row<'_>) -> Result<Uid, Refused> {
    let malformed = || Refused::new("uid", "must be 14 hexadecimal digits that begin with 04");
    let (pairs, rest) = row.cell("uid").unwrap_or_default().as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|pair| {
        let digits =
            std::str::from_utf8(pair).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    let bytes: Option<[u8; 7]> = bytes.filter(|_| rest.is_empty()).and_then(|bytes| bytes.try_into().ok());
    bytes.filter(|bytes| bytes.starts_with(&[0x04])).map(Uid).ok_or_else(malformed)
}

fn mode(row: Row<'_>) -> Result<TagMode, Refused> {
    match row.cell("mode").unwrap_or_default() {
        "till" => Ok(TagMode::Till),
        "standing" => Ok(TagMode::Standing),
        _ => Err(Refused::new("mode", "must be `till` or `standing`")),
    }
}

fn mode_name(mode: TagMode) -> &'static str {
    match mode {
        TagMode::Till => "till",
        TagMode::Standing => "standing",
    }
}

fn currency(row: Row<'_>) -> Result<Currency, Refused> {
    let code = row.cell("currency").unwrap_or_default();
    Currency::from_alpha(code).map_err(|error| Refused::new("currency", error))
}
