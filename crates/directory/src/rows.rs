//! Profiles as rows: one function to write and one to read each kind.

use std::collections::BTreeMap;
use std::str::FromStr;

use ids::{Id, Kind, MerchantId, TillId};
use money::Currency;
use payments::{Text, UnixMillis};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use terms::{Iban, Mcc, ZoneName};

use crate::keys::{Actor, HashedKey, KeyProfile, Scopes};
use crate::profiles::{Entry, MerchantProfile, Purpose, StoreProfile, TagProfile, TillProfile, WalletProfile};
use crate::token::Digest;
use crate::{Name, PayoutAccount, Position};

/// What can be read as a row of its own.
pub(crate) trait Stored: Sized {
    /// `SELECT …` up to and without the `WHERE`.
    const SELECT: &'static str;

    /// Reads what [`Stored::SELECT`] selects.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;
}

/// The one row that this condition holds for.
pub(crate) fn find<T: Stored>(sql: &Connection, condition: &str, of: &[&dyn ToSql]) -> rusqlite::Result<Option<T>> {
    sql.prepare_cached(&format!("{} WHERE {condition}", T::SELECT))?.query_row(of, T::read).optional()
}

/// Every row that this condition holds for.
pub(crate) fn find_all<T: Stored>(sql: &Connection, condition: &str, of: &[&dyn ToSql]) -> rusqlite::Result<Vec<T>> {
    sql.prepare_cached(&format!("{} WHERE {condition}", T::SELECT))?.query_map(of, T::read)?.collect()
}

/// Writes the entry over what was there under its id.
pub(crate) fn write(sql: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    match entry {
        Entry::Merchant(merchant) => write_merchant(sql, merchant),
        Entry::Wallet(wallet) => write_wallet(sql, wallet),
        Entry::Store(store) => write_store(sql, store),
        Entry::Till(till) => write_till(sql, till),
        Entry::Tag(tag) => write_tag(sql, tag),
        Entry::Key(key) => write_key(sql, key),
    }
}

fn write_merchant(sql: &Connection, merchant: &MerchantProfile) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO merchants (id, name, name_zh, created_at, legal_name, mcc, country, zone, email,
            currencies, reference, metadata, search) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh,
            legal_name = excluded.legal_name, mcc = excluded.mcc, country = excluded.country, zone = excluded.zone,
            email = excluded.email, currencies = excluded.currencies, reference = excluded.reference,
            metadata = excluded.metadata, search = excluded.search";
    let (name_zh, legal_name) = (merchant.name_zh.as_ref(), merchant.legal_name.as_ref());
    let reference = merchant.reference.as_ref().map(|reference| reference.as_str());
    let searched = [Some(merchant.name.as_str()), name_zh.map(Name::as_str), legal_name.map(Text::as_str), reference];
    sql.prepare_cached(WRITE)?.execute(params![
        merchant.id.to_bytes(),
        merchant.name.as_str(),
        name_zh.map(Name::as_str),
        merchant.created_at.0.cast_signed(),
        legal_name.map(Text::as_str),
        merchant.mcc.map(|mcc| format!("{:04}", mcc.number())),
        merchant.country.as_ref().map(|country| country.as_str()),
        merchant.zone.as_ref().map(ZoneName::as_str),
        merchant.email.as_ref().map(|email| email.as_str()),
        json(&merchant.currencies)?,
        reference,
        json(&merchant.metadata)?,
        searchable(searched),
    ])?;
    write_payout_accounts(sql, merchant)
}

fn write_payout_accounts(sql: &Connection, merchant: &MerchantProfile) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO payout_accounts (merchant, currency, bank_code, number, holder)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let id = merchant.id.to_bytes();
    sql.prepare_cached("DELETE FROM payout_accounts WHERE merchant = ?1")?.execute([id])?;
    for (currency, account) in &merchant.payout_accounts {
        let (bank_code, number) = match account {
            PayoutAccount::Iban { iban, .. } => (None, iban.as_str()),
            PayoutAccount::Local { bank_code, account_number, .. } => {
                (Some(bank_code.as_str()), account_number.as_str())
            }
        };
        let fields = params![id, currency.alpha(), bank_code, number, account.holder().as_str()];
        sql.prepare_cached(WRITE)?.execute(fields)?;
    }
    Ok(())
}

fn write_wallet(sql: &Connection, wallet: &WalletProfile) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO wallets (id, name, name_zh, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh";
    let WalletProfile { id, name, name_zh, created_at } = wallet;
    let fields = params![id.to_bytes(), name.as_str(), name_zh.as_ref().map(Name::as_str), created_at.0.cast_signed()];
    sql.prepare_cached(WRITE)?.execute(fields).map(drop)
}

fn write_store(sql: &Connection, store: &StoreProfile) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO stores (id, merchant, name, name_zh, address, parts, latitude, longitude, zone,
            hours, reference, metadata, search) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh, address = excluded.address,
            parts = excluded.parts, latitude = excluded.latitude, longitude = excluded.longitude, zone = excluded.zone,
            hours = excluded.hours, reference = excluded.reference, metadata = excluded.metadata,
            search = excluded.search";
    let (name_zh, address) = (store.name_zh.as_ref().map(Name::as_str), store.address.as_ref().map(Text::as_str));
    let reference = store.reference.as_ref().map(|reference| reference.as_str());
    let fields = params![
        store.id.to_bytes(),
        store.merchant.to_bytes(),
        store.name.as_str(),
        name_zh,
        address,
        store.address_parts.as_ref().map(json).transpose()?,
        store.position.map(Position::latitude),
        store.position.map(Position::longitude),
        store.zone.as_ref().map(ZoneName::as_str),
        store.hours.as_ref().map(json).transpose()?,
        reference,
        json(&store.metadata)?,
        searchable([Some(store.name.as_str()), name_zh, address, reference]),
    ];
    sql.prepare_cached(WRITE)?.execute(fields).map(drop)
}

fn write_till(sql: &Connection, till: &TillProfile) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO tills (id, merchant, store, name, reference, metadata, search)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET store = excluded.store, name = excluded.name, reference = excluded.reference,
            metadata = excluded.metadata, search = excluded.search";
    let reference = till.reference.as_ref().map(|reference| reference.as_str());
    let fields = params![
        till.id.to_bytes(),
        till.merchant.to_bytes(),
        till.store.to_bytes(),
        till.name.as_str(),
        reference,
        json(&till.metadata)?,
        searchable([Some(till.name.as_str()), reference]),
    ];
    sql.prepare_cached(WRITE)?.execute(fields).map(drop)
}

fn write_tag(sql: &Connection, tag: &TagProfile) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO tags (id, merchant, store, till, label, reference, search)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET store = excluded.store, till = excluded.till, label = excluded.label,
            reference = excluded.reference, search = excluded.search";
    let reference = tag.reference.as_ref().map(|reference| reference.as_str());
    let fields = params![
        tag.id.to_bytes(),
        tag.merchant.to_bytes(),
        tag.store.to_bytes(),
        tag.till.map(Id::to_bytes),
        tag.label.as_str(),
        reference,
        searchable([Some(tag.label.as_str()), reference]),
    ];
    sql.prepare_cached(WRITE)?.execute(fields).map(drop)
}

/// A key keeps its token and its actor for ever.
fn write_key(sql: &Connection, key: &HashedKey) -> rusqlite::Result<()> {
    const WRITE: &str = "INSERT INTO keys
            (id, digest, merchant, till, wallet, scopes, label, hint, created_at, expires_at, revoked_at)
        VALUES (?1, ?2, coalesce(?3, (SELECT merchant FROM tills WHERE id = ?4)), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (id) DO UPDATE SET scopes = excluded.scopes, label = excluded.label,
            expires_at = excluded.expires_at, revoked_at = excluded.revoked_at";
    let HashedKey { profile, digest } = key;
    let (merchant, till, wallet) = match profile.actor {
        Actor::Operator => (None, None, None),
        Actor::Merchant(merchant) => (Some(merchant.to_bytes()), None, None),
        Actor::Till(till) => (None, Some(till.to_bytes()), None),
        Actor::Wallet(wallet) => (None, None, Some(wallet.to_bytes())),
    };
    let fields = params![
        profile.id.to_bytes(),
        digest.0,
        merchant,
        till,
        wallet,
        profile.scopes.bits(),
        profile.label.as_str(),
        profile.hint.as_deref(),
        profile.created_at.0.cast_signed(),
        profile.expires_at.map(|time| time.0.cast_signed()),
        profile.revoked_at.map(|time| time.0.cast_signed()),
    ];
    sql.prepare_cached(WRITE)?.execute(fields).map(drop)
}

impl Stored for MerchantProfile {
    const SELECT: &'static str =
        "SELECT id, name, name_zh, created_at, legal_name, mcc, country, zone, email, currencies,
        reference, metadata, (SELECT json_group_array(json_array(currency, bank_code, number, holder))
            FROM payout_accounts WHERE merchant = merchants.id) FROM merchants";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: id(row, 0)?,
            name: name(row, 1)?,
            name_zh: optional_name(row, 2)?,
            created_at: time(row, 3)?,
            legal_name: optional_text(row, 4)?,
            mcc: optional::<Mcc>(row, 5)?,
            country: optional(row, 6)?,
            zone: optional::<ZoneName>(row, 7)?,
            email: optional(row, 8)?,
            currencies: of_json(row, 9)?,
            reference: optional(row, 10)?,
            metadata: of_json(row, 11)?,
            payout_accounts: payout_accounts(row, 12)?,
        })
    }
}

type AccountRow = (Currency, Option<String>, String, Name);

fn payout_accounts(row: &Row<'_>, column: usize) -> rusqlite::Result<BTreeMap<Currency, PayoutAccount>> {
    let rows: Vec<AccountRow> = of_json(row, column)?;
    let account = |(currency, bank_code, number, holder): AccountRow| {
        let account = match bank_code {
            None => PayoutAccount::Iban { iban: parsed(column, Iban::parse(&number))?, holder },
            Some(bank_code) => PayoutAccount::Local {
                bank_code: parsed(column, bank_code.parse())?,
                account_number: parsed(column, number.parse())?,
                holder,
            },
        };
        Ok((currency, account))
    };
    rows.into_iter().map(account).collect()
}

impl Stored for WalletProfile {
    const SELECT: &'static str = "SELECT id, name, name_zh, created_at FROM wallets";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (name, name_zh) = (name(row, 1)?, optional_name(row, 2)?);
        Ok(Self { id: id(row, 0)?, name, name_zh, created_at: time(row, 3)? })
    }
}

impl Stored for StoreProfile {
    const SELECT: &'static str = "SELECT id, merchant, name, name_zh, address, parts, latitude, longitude, zone, hours,
        reference, metadata FROM stores";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let position: (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
        let position = match position {
            (Some(latitude), Some(longitude)) => Some(parsed(6, Position::new(latitude, longitude))?),
            _ => None,
        };
        Ok(Self {
            id: id(row, 0)?,
            merchant: id(row, 1)?,
            name: name(row, 2)?,
            name_zh: optional_name(row, 3)?,
            address: optional_text(row, 4)?,
            address_parts: optional_of_json(row, 5)?,
            position,
            zone: optional::<ZoneName>(row, 8)?,
            hours: optional_of_json(row, 9)?,
            reference: optional(row, 10)?,
            metadata: of_json(row, 11)?,
        })
    }
}

impl Stored for TillProfile {
    const SELECT: &'static str = "SELECT id, merchant, store, name, reference, metadata FROM tills";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let till = Self::new(id(row, 0)?, id(row, 1)?, id(row, 2)?, name(row, 3)?);
        Ok(Self { reference: optional(row, 4)?, metadata: of_json(row, 5)?, ..till })
    }
}

impl Stored for TagProfile {
    const SELECT: &'static str = "SELECT id, merchant, store, till, label, reference FROM tags";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let tag = Self::new(id(row, 0)?, id(row, 1)?, id(row, 2)?, name(row, 4)?);
        Ok(Self { till: optional_id(row, 3)?, reference: optional(row, 5)?, ..tag })
    }
}

impl Stored for HashedKey {
    const SELECT: &'static str = "SELECT id, merchant, till, wallet, scopes, label, hint, created_at, expires_at,
        revoked_at, digest FROM keys";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { profile: KeyProfile::read(row)?, digest: Digest(row.get(10)?) })
    }
}

impl Stored for KeyProfile {
    const SELECT: &'static str = HashedKey::SELECT;

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let merchant: Option<MerchantId> = optional_id(row, 1)?;
        let actor = match (merchant, optional_id::<ids::Till>(row, 2)?, optional_id(row, 3)?) {
            (_, Some(till), _) => Actor::Till(till),
            (Some(merchant), None, _) => Actor::Merchant(merchant),
            (None, None, Some(wallet)) => Actor::Wallet(wallet),
            (None, None, None) => Actor::Operator,
        };
        let scopes: u8 = row.get(4)?;
        Ok(Self {
            id: id(row, 0)?,
            actor,
            merchant,
            scopes: parsed(4, Scopes::from_bits(scopes).ok_or(FromSqlError::OutOfRange(scopes.into())))?,
            label: name(row, 5)?,
            hint: row.get::<_, Option<String>>(6)?.map(String::into_boxed_str),
            created_at: time(row, 7)?,
            expires_at: optional_time(row, 8)?,
            revoked_at: optional_time(row, 9)?,
        })
    }
}

/// Gives every stored entry to `take`, in the order of adding, what others belong to first.
pub(crate) fn read_all(sql: &Connection, mut take: impl FnMut(Entry)) -> rusqlite::Result<()> {
    each(sql, |merchant| take(Entry::Merchant(merchant)))?;
    each(sql, |store| take(Entry::Store(store)))?;
    each(sql, |till| take(Entry::Till(till)))?;
    each(sql, |tag| take(Entry::Tag(tag)))?;
    each(sql, |wallet| take(Entry::Wallet(wallet)))?;
    each(sql, |key| take(Entry::Key(key)))
}

fn each<T: Stored>(sql: &Connection, mut take: impl FnMut(T)) -> rusqlite::Result<()> {
    for found in sql.prepare(&format!("{} ORDER BY rowid", T::SELECT))?.query_map([], T::read)? {
        take(found?);
    }
    Ok(())
}

/// What the folder was declared to be for.
pub(crate) fn read_purpose(sql: &Connection) -> rusqlite::Result<Option<Purpose>> {
    let read = |row: &Row<'_>| match row.get(0)? {
        0 => Ok(Purpose::Live),
        1 => Ok(Purpose::Demonstration),
        2 => Ok(Purpose::Sandbox),
        other => parsed(0, Err(FromSqlError::OutOfRange(other))),
    };
    sql.query_row("SELECT purpose FROM folder", [], read).optional()
}

/// Declares what the folder is for; fails if that was done before.
pub(crate) fn write_purpose(sql: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    let number = match purpose {
        Purpose::Live => 0,
        Purpose::Demonstration => 1,
        Purpose::Sandbox => 2,
    };
    sql.execute("INSERT INTO folder VALUES (1, ?1)", [number]).map(drop)
}

/// What a row is searched by: these, in small letters, each on a line of its own.
fn searchable<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().map(str::to_lowercase).collect();
    parts.join("\n")
}

/// The tags at a till.
pub(crate) fn tags_at(sql: &Connection, till: TillId) -> rusqlite::Result<Vec<TagProfile>> {
    find_all(sql, "till = ?1", &[&till.to_bytes()])
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn of_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parsed(column, serde_json::from_str(&row.get::<_, String>(column)?))
}

fn optional_of_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parsed(column, serde_json::from_str(&text))).transpose()
}

pub(crate) fn id<K: Kind>(row: &Row<'_>, column: usize) -> rusqlite::Result<Id<K>> {
    row.get(column).map(Id::from_bytes)
}

pub(crate) fn optional_id<K: Kind>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Id<K>>> {
    row.get::<_, Option<_>>(column).map(|bytes| bytes.map(Id::from_bytes))
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<UnixMillis> {
    row.get::<_, i64>(column).map(|milliseconds| UnixMillis(milliseconds.cast_unsigned()))
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<UnixMillis>> {
    let time: Option<i64> = row.get(column)?;
    Ok(time.map(|milliseconds| UnixMillis(milliseconds.cast_unsigned())))
}

pub(crate) fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Name> {
    parsed(column, Name::try_from(row.get::<_, String>(column)?))
}

pub(crate) fn optional_name(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Name>> {
    let name: Option<String> = row.get(column)?;
    name.map(|name| parsed(column, Name::try_from(name))).transpose()
}

fn optional_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Text>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parsed(column, Text::try_from(text))).transpose()
}

fn optional<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: Option<String> = row.get(column)?;
    text.map(|text| parsed(column, text.parse())).transpose()
}

pub(crate) fn parsed<T, E>(column: usize, result: Result<T, E>) -> rusqlite::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    result.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
