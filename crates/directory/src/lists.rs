//! Lists: newest first, in parts, filtered and searched. They are asked of the file, so that a long search keeps nobody
//! from authenticating.

use ids::{AuditEntryId, Id, Kind, MerchantId, StoreId, TillId, TokenId};
use rusqlite::{Connection, ToSql};

use crate::audit::{self, AuditEntry};
use crate::keys::KeyProfile;
use crate::profiles::{MerchantProfile, StoreProfile, TagProfile, TillProfile};
use crate::rows::{Stored, find_all};
use crate::{Directory, DirectoryError};

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T> {
    /// The newest first.
    pub items: Vec<T>,
    /// Whether older ones follow.
    pub has_more: bool,
}

/// What to list. What is not named is not looked at; what a kind has no such thing of must not be named for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what belongs to this merchant.
    pub merchant: Option<MerchantId>,
    /// Only what is in this store.
    pub store: Option<StoreId>,
    /// Only what is at this till.
    pub till: Option<TillId>,
    /// Only what has this in one of its names or in its reference, in small letters or capitals.
    pub search: Option<String>,
}

/// Which lines of the audit log to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what was done to what belongs to this merchant.
    pub merchant: Option<MerchantId>,
    /// Only what was done with this key.
    pub key: Option<TokenId>,
    /// Only what was done to this object.
    pub object: Option<String>,
    /// Only this action.
    pub action: Option<String>,
}

/// What can be listed by a [`Filter`].
#[expect(private_bounds, reason = "nobody else has rows")]
pub trait Listed: Stored {
    /// What names it.
    type Kind: Kind;

    /// Holds for all that is listed at all.
    #[doc(hidden)]
    const ALWAYS: &'static str;
}

impl Listed for MerchantProfile {
    type Kind = ids::Merchant;
    const ALWAYS: &'static str = "1";
}

impl Listed for StoreProfile {
    type Kind = ids::Store;
    const ALWAYS: &'static str = "1";
}

impl Listed for TillProfile {
    type Kind = ids::Till;
    const ALWAYS: &'static str = "1";
}

impl Listed for TagProfile {
    type Kind = ids::Tag;
    const ALWAYS: &'static str = "1";
}

/// Keys of wallets are in no list.
impl Listed for KeyProfile {
    type Kind = ids::Token;
    const ALWAYS: &'static str = "wallet IS NULL";
}

impl Directory {
    /// Part of a list: at most `limit` items that are older than `before`.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read.
    pub fn list<T: Listed>(
        &self,
        filter: &Filter,
        before: Option<Id<T::Kind>>,
        limit: u32,
    ) -> Result<Part<T>, DirectoryError> {
        let mut conditions = Conditions::new(T::ALWAYS);
        conditions.and("merchant =", filter.merchant.map(Id::to_bytes));
        conditions.and("store =", filter.store.map(Id::to_bytes));
        conditions.and("till =", filter.till.map(Id::to_bytes));
        conditions.and("id <", before.map(Id::to_bytes));
        // What is sought must be in it: `instr` says where, from 1.
        conditions.and("0 < instr(search,", filter.search.as_ref().map(|sought| sought.to_lowercase()));
        self.ask(|sql| conditions.part(sql, "id", limit))
    }

    /// Part of the audit log: at most `limit` lines that are older than `before`.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read.
    pub fn audit_log(
        &self,
        filter: &AuditFilter,
        before: Option<AuditEntryId>,
        limit: u32,
    ) -> Result<Part<AuditEntry>, DirectoryError> {
        let mut conditions = Conditions::new("1");
        conditions.and("merchant =", filter.merchant.map(Id::to_bytes));
        conditions.and("key =", filter.key.map(Id::to_bytes));
        conditions.and("object =", filter.object.clone());
        conditions.and("action =", filter.action.clone());
        conditions.and("number <", before.map(audit::place));
        self.ask(|sql| conditions.part(sql, "number", limit))
    }

    /// A key by its id.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read.
    pub fn key(&self, id: TokenId) -> Result<Option<KeyProfile>, DirectoryError> {
        self.ask(|sql| crate::rows::find(sql, "id = ?1", &[&id.to_bytes()]))
    }
}

/// What must hold for a row, and the values in that.
struct Conditions {
    text: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    fn new(always: &str) -> Self {
        Self { text: always.to_owned(), values: Vec::new() }
    }

    /// Adds a condition on a value, if there is one: what stands before it, with a parenthesis that may be open.
    fn and(&mut self, before: &str, value: Option<impl ToSql + 'static>) {
        let Some(value) = value else { return };
        self.values.push(Box::new(value));
        let close = if before.contains('(') { ")" } else { "" };
        self.text.push_str(&format!(" AND {before} ?{}{close}", self.values.len()));
    }

    fn part<T: Stored>(&self, sql: &Connection, order: &str, limit: u32) -> rusqlite::Result<Part<T>> {
        // One more than asked for says whether more follow.
        let most = i64::from(limit) + 1;
        let values: Vec<&dyn ToSql> = self.values.iter().map(|value| &**value).chain([&most as &dyn ToSql]).collect();
        let condition = format!("{} ORDER BY {order} DESC LIMIT ?{}", self.text, values.len());
        let mut items = find_all(sql, &condition, &values)?;
        let has_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Ok(Part { items, has_more })
    }
}
