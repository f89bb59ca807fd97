//! Files of older versions, made this version's.

use payments::UnixMillis;
use rusqlite::{Connection, params};

use crate::Name;
use crate::keys::Scopes;
use crate::token::Digest;

/// Tokens become keys with an id, a label and every scope: what they could do, they still can.
pub(crate) fn from_1_to_2(sql: &Connection) -> rusqlite::Result<()> {
    const TOKENS: &str = "SELECT t.digest, t.merchant, t.wallet, coalesce(m.created_at, w.created_at, 0) FROM tokens t
        LEFT JOIN merchants m ON m.id = t.merchant LEFT JOIN wallets w ON w.id = t.wallet ORDER BY t.rowid";
    const WRITE: &str = "INSERT INTO keys (id, digest, merchant, wallet, scopes, label, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    sql.execute_batch(include_str!("migration_1_to_2.sql"))?;
    let mut tokens = sql.prepare(TOKENS)?;
    let mut rows = tokens.query([])?;
    while let Some(row) = rows.next()? {
        let (digest, created_at): (_, i64) = (Digest(row.get(0)?), row.get(3)?);
        let id = digest.key_id(UnixMillis(created_at.cast_unsigned()));
        let (merchant, wallet): (Option<[u8; 16]>, Option<[u8; 16]>) = (row.get(1)?, row.get(2)?);
        let (scopes, label) = (Scopes::ALL.bits(), Name::of_keys());
        let fields = params![id.to_bytes(), digest.0, merchant, wallet, scopes, label.as_str(), created_at];
        sql.prepare_cached(WRITE)?.execute(fields)?;
    }
    drop(rows);
    drop(tokens);
    sql.execute_batch("DROP TABLE tokens")
}
