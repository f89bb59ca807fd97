//! Files of older versions, made this version's.

use payments::{Text, UnixMillis};
use rusqlite::{Connection, Row};

use crate::keys::{Actor, HashedKey, KeyProfile, Scopes};
use crate::profiles::{MerchantProfile, StoreProfile, TagProfile, TillProfile, WalletProfile};
use crate::rows::{self, id, name, optional_id, optional_name, parsed, time};
use crate::token::Digest;
use crate::{Entry, Name};

/// Everything is read as version 1 wrote it, and written as new. Tokens become keys with an id, a label and every scope:
/// what they could do, they still can.
///
/// Runs within the caller's transaction, with foreign keys off.
pub(crate) fn from_1_to_2(sql: &Connection) -> rusqlite::Result<()> {
    type Read = fn(&Row<'_>) -> rusqlite::Result<Entry>;
    const KINDS: [(&str, Read); 6] = [
        ("SELECT id, name, name_zh, created_at FROM merchants_1 ORDER BY rowid", merchant),
        ("SELECT id, merchant, name, name_zh, address FROM stores_1 ORDER BY rowid", store),
        (
            "SELECT t.id, s.merchant, t.store, t.name FROM tills_1 t JOIN stores_1 s ON s.id = t.store ORDER BY t.rowid",
            till,
        ),
        ("SELECT id, merchant, store, till, label FROM tags_1 ORDER BY rowid", tag),
        ("SELECT id, name, name_zh, created_at FROM wallets_1 ORDER BY rowid", wallet),
        (
            "SELECT t.digest, t.merchant, t.wallet, coalesce(m.created_at, w.created_at, 0) FROM tokens t
             LEFT JOIN merchants_1 m ON m.id = t.merchant LEFT JOIN wallets_1 w ON w.id = t.wallet ORDER BY t.rowid",
            key,
        ),
    ];
    sql.execute_batch(include_str!("migration_1_to_2.sql"))?;
    sql.execute_batch(include_str!("schema.sql"))?;
    sql.execute_batch("INSERT INTO folder SELECT * FROM folder_1")?;
    for (query, read) in KINDS {
        for entry in sql.prepare(query)?.query_map([], read)? {
            rows::write(sql, &entry?)?;
        }
    }
    let old = ["tokens", "wallets_1", "tags_1", "tills_1", "stores_1", "merchants_1", "folder_1"];
    old.into_iter().try_for_each(|table| sql.execute_batch(&format!("DROP TABLE {table}")))
}

fn merchant(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let merchant = MerchantProfile::new(id(row, 0)?, name(row, 1)?, time(row, 3)?);
    Ok(Entry::Merchant(MerchantProfile { name_zh: optional_name(row, 2)?, ..merchant }))
}

fn store(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let address: Option<String> = row.get(4)?;
    let address = address.map(|text| parsed(4, Text::try_from(text))).transpose()?;
    let store = StoreProfile::new(id(row, 0)?, id(row, 1)?, name(row, 2)?);
    Ok(Entry::Store(StoreProfile { name_zh: optional_name(row, 3)?, address, ..store }))
}

fn till(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry::Till(TillProfile::new(id(row, 0)?, id(row, 1)?, id(row, 2)?, name(row, 3)?)))
}

fn tag(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let tag = TagProfile::new(id(row, 0)?, id(row, 1)?, id(row, 2)?, name(row, 4)?);
    Ok(Entry::Tag(TagProfile { till: optional_id(row, 3)?, ..tag }))
}

fn wallet(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (name, name_zh) = (name(row, 1)?, optional_name(row, 2)?);
    Ok(Entry::Wallet(WalletProfile { id: id(row, 0)?, name, name_zh, created_at: time(row, 3)? }))
}

fn key(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (digest, created_at): (_, UnixMillis) = (Digest(row.get(0)?), time(row, 3)?);
    let actor = match (optional_id(row, 1)?, optional_id(row, 2)?) {
        (Some(merchant), _) => Actor::Merchant(merchant),
        (None, Some(wallet)) => Actor::Wallet(wallet),
        (None, None) => Actor::Operator,
    };
    let profile = KeyProfile::new(digest.key_id(created_at), actor, Scopes::ALL, Name::of_keys(), created_at);
    Ok(Entry::Key(HashedKey { profile, digest }))
}
