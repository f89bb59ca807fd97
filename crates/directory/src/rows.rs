//! Entries as rows: one function to write and one to read each kind.
//!
//! Writing says whether the row is now as asked; it is not if the row is there and belongs to something else.

use ids::{Id, Kind};
use payments::{Text, UnixMillis};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::Name;
use crate::keys::{Actor, HashedKey, KeyProfile, Scopes};
use crate::profiles::{Entry, MerchantProfile, Purpose, StoreProfile, TagProfile, TillProfile, WalletProfile};
use crate::token::Digest;

/// Writes the entry; `None` if it belongs to something else already. The times of the first writing are kept.
pub(crate) fn write(sql: &Connection, entry: Entry) -> rusqlite::Result<Option<Entry>> {
    Ok(match entry {
        Entry::Merchant(merchant) => write_merchant(sql, merchant)?.map(Entry::Merchant),
        Entry::Wallet(wallet) => write_wallet(sql, wallet)?.map(Entry::Wallet),
        Entry::Store(store) => write_store(sql, &store)?.then_some(Entry::Store(store)),
        Entry::Till(till) => write_till(sql, &till)?.then_some(Entry::Till(till)),
        Entry::Tag(tag) => write_tag(sql, &tag)?.then_some(Entry::Tag(tag)),
        Entry::Key(key) => write_key(sql, key)?.map(Entry::Key),
    })
}

fn write_merchant(sql: &Connection, merchant: MerchantProfile) -> rusqlite::Result<Option<MerchantProfile>> {
    const WRITE: &str = "INSERT INTO merchants (id, name, name_zh, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh RETURNING created_at";
    let MerchantProfile { id, name, name_zh, created_at } = &merchant;
    let fields = params![id.to_bytes(), name.as_str(), name_zh.as_ref().map(Name::as_str), created_at.0.cast_signed()];
    let created_at = returned(sql, WRITE, fields, |row| time(row, 0))?;
    Ok(created_at.map(|created_at| MerchantProfile { created_at, ..merchant }))
}

fn write_wallet(sql: &Connection, wallet: WalletProfile) -> rusqlite::Result<Option<WalletProfile>> {
    const WRITE: &str = "INSERT INTO wallets (id, name, name_zh, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh RETURNING created_at";
    let WalletProfile { id, name, name_zh, created_at } = &wallet;
    let fields = params![id.to_bytes(), name.as_str(), name_zh.as_ref().map(Name::as_str), created_at.0.cast_signed()];
    let created_at = returned(sql, WRITE, fields, |row| time(row, 0))?;
    Ok(created_at.map(|created_at| WalletProfile { created_at, ..wallet }))
}

fn write_store(sql: &Connection, store: &StoreProfile) -> rusqlite::Result<bool> {
    const WRITE: &str = "INSERT INTO stores (id, merchant, name, name_zh, address) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh, address = excluded.address
        WHERE merchant = excluded.merchant RETURNING 1";
    let StoreProfile { id, merchant, name, name_zh, address } = store;
    let (name_zh, address) = (name_zh.as_ref().map(Name::as_str), address.as_ref().map(Text::as_str));
    is_returned(sql, WRITE, params![id.to_bytes(), merchant.to_bytes(), name.as_str(), name_zh, address])
}

fn write_till(sql: &Connection, till: &TillProfile) -> rusqlite::Result<bool> {
    const WRITE: &str = "INSERT INTO tills (id, store, name) VALUES (?1, ?2, ?3)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE store = excluded.store RETURNING 1";
    is_returned(sql, WRITE, params![till.id.to_bytes(), till.store.to_bytes(), till.name.as_str()])
}

fn write_tag(sql: &Connection, tag: &TagProfile) -> rusqlite::Result<bool> {
    const WRITE: &str = "INSERT INTO tags (id, merchant, store, till, label) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET store = excluded.store, till = excluded.till, label = excluded.label
        WHERE merchant = excluded.merchant RETURNING 1";
    let TagProfile { id, merchant, store, till, label } = tag;
    let (store, till) = (store.to_bytes(), till.map(Id::to_bytes));
    is_returned(sql, WRITE, params![id.to_bytes(), merchant.to_bytes(), store, till, label.as_str()])
}

/// A token that is known keeps everything that is known of its key.
fn write_key(sql: &Connection, key: HashedKey) -> rusqlite::Result<Option<HashedKey>> {
    const WRITE: &str = "INSERT INTO keys
            (id, digest, merchant, till, wallet, scopes, label, hint, created_at, expires_at, revoked_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest
        WHERE merchant IS excluded.merchant AND till IS excluded.till AND wallet IS excluded.wallet
        RETURNING id, merchant, till, wallet, scopes, label, hint, created_at, expires_at, revoked_at, digest";
    let HashedKey { profile, digest } = key;
    let (merchant, till, wallet) = match profile.actor {
        Actor::Operator => (None, None, None),
        Actor::Merchant(merchant) => (Some(merchant.to_bytes()), None, None),
        Actor::Till(till) => (None, Some(till.to_bytes()), None),
        Actor::Wallet(wallet) => (None, None, Some(wallet.to_bytes())),
    };
    let times = (profile.created_at, profile.expires_at, profile.revoked_at);
    let fields = params![
        profile.id.to_bytes(),
        digest.0,
        merchant,
        till,
        wallet,
        profile.scopes.bits(),
        profile.label.as_str(),
        profile.hint.as_deref(),
        times.0.0.cast_signed(),
        times.1.map(|time| time.0.cast_signed()),
        times.2.map(|time| time.0.cast_signed()),
    ];
    returned(sql, WRITE, fields, read_hashed_key)
}

fn is_returned(sql: &Connection, write: &str, fields: impl Params) -> rusqlite::Result<bool> {
    returned(sql, write, fields, |_| Ok(())).map(|row| row.is_some())
}

fn returned<T>(
    sql: &Connection,
    write: &str,
    fields: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    sql.prepare_cached(write)?.query_row(fields, read).optional()
}

/// Gives every stored entry to `take`, in the order of adding, what others belong to first.
pub(crate) fn read_all(sql: &Connection, mut take: impl FnMut(Entry)) -> rusqlite::Result<()> {
    type Read = fn(&Row<'_>) -> rusqlite::Result<Entry>;
    let kinds: [(&str, Read); 6] = [
        ("SELECT id, name, name_zh, created_at FROM merchants ORDER BY rowid", read_merchant),
        ("SELECT id, merchant, name, name_zh, address FROM stores ORDER BY rowid", read_store),
        ("SELECT id, store, name FROM tills ORDER BY rowid", read_till),
        ("SELECT id, merchant, store, till, label FROM tags ORDER BY rowid", read_tag),
        ("SELECT id, name, name_zh, created_at FROM wallets ORDER BY rowid", read_wallet),
        (
            "SELECT id, merchant, till, wallet, scopes, label, hint, created_at, expires_at, revoked_at, digest
             FROM keys ORDER BY rowid",
            |row| read_hashed_key(row).map(Entry::Key),
        ),
    ];
    for (query, read) in kinds {
        for entry in sql.prepare(query)?.query_map([], read)? {
            take(entry?);
        }
    }
    Ok(())
}

fn read_merchant(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (name, name_zh) = (name(row, 1)?, optional_name(row, 2)?);
    Ok(Entry::Merchant(MerchantProfile { id: id(row, 0)?, name, name_zh, created_at: time(row, 3)? }))
}

fn read_wallet(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (name, name_zh) = (name(row, 1)?, optional_name(row, 2)?);
    Ok(Entry::Wallet(WalletProfile { id: id(row, 0)?, name, name_zh, created_at: time(row, 3)? }))
}

fn read_store(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let address: Option<String> = row.get(4)?;
    Ok(Entry::Store(StoreProfile {
        id: id(row, 0)?,
        merchant: id(row, 1)?,
        name: name(row, 2)?,
        name_zh: optional_name(row, 3)?,
        address: address.map(|text| parsed(4, Text::try_from(text))).transpose()?,
    }))
}

fn read_till(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry::Till(TillProfile { id: id(row, 0)?, store: id(row, 1)?, name: name(row, 2)? }))
}

fn read_tag(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (id, merchant, store) = (id(row, 0)?, id(row, 1)?, id(row, 2)?);
    Ok(Entry::Tag(TagProfile { id, merchant, store, till: optional_id(row, 3)?, label: name(row, 4)? }))
}

fn read_hashed_key(row: &Row<'_>) -> rusqlite::Result<HashedKey> {
    Ok(HashedKey { profile: read_key(row)?, digest: Digest(row.get(10)?) })
}

fn read_key(row: &Row<'_>) -> rusqlite::Result<KeyProfile> {
    let actor = match (optional_id(row, 1)?, optional_id(row, 2)?, optional_id(row, 3)?) {
        (None, None, None) => Actor::Operator,
        (Some(merchant), None, None) => Actor::Merchant(merchant),
        (None, Some(till), None) => Actor::Till(till),
        (None, None, Some(wallet)) => Actor::Wallet(wallet),
        _ => return Err(rusqlite::Error::InvalidColumnType(1, "merchant".to_owned(), Type::Blob)),
    };
    let scopes: u8 = row.get(4)?;
    Ok(KeyProfile {
        id: id(row, 0)?,
        actor,
        scopes: parsed(4, Scopes::from_bits(scopes).ok_or(FromSqlError::OutOfRange(scopes.into())))?,
        label: name(row, 5)?,
        hint: row.get::<_, Option<String>>(6)?.map(String::into_boxed_str),
        created_at: time(row, 7)?,
        expires_at: optional_time(row, 8)?,
        revoked_at: optional_time(row, 9)?,
    })
}

/// What the folder was declared to be for.
pub(crate) fn read_purpose(sql: &Connection) -> rusqlite::Result<Option<Purpose>> {
    let read = |row: &Row<'_>| match row.get(0)? {
        0 => Ok(Purpose::Live),
        1 => Ok(Purpose::Demonstration),
        other => parsed(0, Err(FromSqlError::OutOfRange(other))),
    };
    sql.query_row("SELECT purpose FROM folder", [], read).optional()
}

/// Declares what the folder is for; fails if that was done before.
pub(crate) fn write_purpose(sql: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    let number = match purpose {
        Purpose::Live => 0,
        Purpose::Demonstration => 1,
    };
    sql.execute("INSERT INTO folder VALUES (1, ?1)", [number]).map(drop)
}

fn id<K: Kind>(row: &Row<'_>, column: usize) -> rusqlite::Result<Id<K>> {
    row.get(column).map(Id::from_bytes)
}

fn optional_id<K: Kind>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Id<K>>> {
    row.get::<_, Option<_>>(column).map(|bytes| bytes.map(Id::from_bytes))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<UnixMillis> {
    row.get::<_, i64>(column).map(|milliseconds| UnixMillis(milliseconds.cast_unsigned()))
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<UnixMillis>> {
    let time: Option<i64> = row.get(column)?;
    Ok(time.map(|milliseconds| UnixMillis(milliseconds.cast_unsigned())))
}

fn name(row: &Row<'_>, column: usize) -> rusqlite::Result<Name> {
    parsed(column, Name::try_from(row.get::<_, String>(column)?))
}

fn optional_name(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Name>> {
    let name: Option<String> = row.get(column)?;
    name.map(|name| parsed(column, Name::try_from(name))).transpose()
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(column: usize, result: Result<T, E>) -> rusqlite::Result<T> {
    result.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
