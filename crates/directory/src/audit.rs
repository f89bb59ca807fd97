//! The audit log: who did what, when, and what was otherwise before. Lines are only ever added.

use ids::{AuditEntryId, MerchantId, TokenId};
use payments::UnixMillis;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::change::Author;
use crate::rows::{Stored, id, optional_id, parsed, time};

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The line's id: when, and its place in the log.
    pub id: AuditEntryId,
    /// When.
    pub at: UnixMillis,
    /// With which key.
    pub key: TokenId,
    /// To what belongs to which merchant, if to one.
    pub merchant: Option<MerchantId>,
    /// What was done, such as `store.updated`.
    pub action: Box<str>,
    /// The id of what it was done to.
    pub object: Box<str>,
    /// The fields that were otherwise; `None` for what is new, or was not the directory's to know.
    pub before: Option<Value>,
    /// What they became; of what is new, all fields.
    pub after: Option<Value>,
}

/// The part of an id that says a line's place in the log.
const PLACE: u128 = (1 << 62) - 1;

/// A line's place in the log.
pub(crate) fn place(id: AuditEntryId) -> i64 {
    i64::try_from(id.as_u128() & PLACE).unwrap_or(i64::MAX)
}

impl Stored for AuditEntry {
    const SELECT: &'static str = "SELECT number, at, key, merchant, action, object, before, after FROM audit_log";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (number, at): (i64, UnixMillis) = (row.get(0)?, time(row, 1)?);
        let document = |column: usize| {
            let text: Option<String> = row.get(column)?;
            text.map(|text| parsed(column, serde_json::from_str(&text))).transpose()
        };
        Ok(Self {
            id: AuditEntryId::from_parts(at.0, u128::from(number.unsigned_abs())),
            at,
            key: id(row, 2)?,
            merchant: optional_id(row, 3)?,
            action: row.get::<_, String>(4)?.into(),
            object: row.get::<_, String>(5)?.into(),
            before: document(6)?,
            after: document(7)?,
        })
    }
}

/// A line to write.
pub(crate) struct Line<'a> {
    pub(crate) author: Author,
    pub(crate) action: &'a str,
    pub(crate) object: &'a str,
    pub(crate) merchant: Option<MerchantId>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    pub(crate) origin: Option<[u8; 16]>,
}

/// Writes a line; not again if its origin has one.
pub(crate) fn write(sql: &Connection, line: &Line<'_>) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO audit_log (at, key, merchant, action, object, before, after, origin)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (origin) DO NOTHING";
    let text = |document: &Option<Value>| document.as_ref().map(Value::to_string);
    let fields = params![
        line.author.at.0.cast_signed(),
        line.author.key.to_bytes(),
        line.merchant.map(MerchantId::to_bytes),
        line.action,
        line.object,
        text(&line.before),
        text(&line.after),
        line.origin,
    ];
    sql.prepare_cached(WRITE)?.execute(fields).map(drop)
}

/// What can be written of something. What cannot be a document is none of ours.
pub(crate) fn document(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Of what is new, all that is said of it. Of what was there, the fields that were otherwise, before and after; one
/// field always, if it is named.
pub(crate) fn difference<T: Serialize>(before: Option<&T>, after: &T, always: Option<&str>) -> (Option<Value>, Value) {
    let fields = |value: &T| match document(value) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let mut after = fields(after);
    let Some(before) = before else {
        after.retain(|_, value| !value.is_null());
        return (None, Value::Object(after));
    };
    let mut before = fields(before);
    let same = |name: &str, one: &Value, other: Option<&Value>| always != Some(name) && other == Some(one);
    let unchanged: Vec<String> = after
        .iter()
        .filter(|(name, value)| same(name, value, before.get(*name)))
        .map(|(name, _)| name.clone())
        .collect();
    for name in unchanged {
        before.remove(&name);
        after.remove(&name);
    }
    (Some(Value::Object(before)), Value::Object(after))
}
