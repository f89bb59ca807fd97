//! Changes: what one request does to the directory, in one transaction with its lines in the audit log.

use std::path::Path;

use ids::{MerchantId, StoreId, TagId, TillId, TokenId};
use payments::UnixMillis;
use rusqlite::{Connection, ErrorCode, Transaction, ffi};
use serde::Serialize;

use crate::audit::{self, Line};
use crate::database::error;
use crate::keys::{Actor, HashedKey, KeyProfile};
use crate::profiles::{Entry, MerchantProfile, StoreProfile, TagProfile, TillProfile, WalletProfile};
use crate::rows::{self, Stored};
use crate::{DirectoryError, Reference, Token};

/// Who makes a change, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// With which key.
    pub key: TokenId,
    /// When.
    pub at: UnixMillis,
}

impl Author {
    /// Provisioning, which is not asked for with a key and leaves no line in the audit log.
    pub(crate) const NOBODY: Self = Self { key: TokenId::from_u128(0), at: UnixMillis(0) };
}

/// A change that is being made. What it reads has what it wrote.
pub struct Change<'a> {
    sql: &'a Transaction<'a>,
    path: &'a Path,
    author: Author,
    written: Vec<Entry>,
}

impl<'a> Change<'a> {
    pub(crate) fn new(sql: &'a Transaction<'a>, path: &'a Path, author: Author) -> Self {
        Self { sql, path, author, written: Vec::new() }
    }

    pub(crate) fn into_written(self) -> Vec<Entry> {
        self.written
    }

    pub(crate) fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DirectoryError> {
        work(self.sql).map_err(|source| error(self.path, source))
    }

    /// Who makes the change, and when.
    #[must_use]
    pub fn author(&self) -> Author {
        self.author
    }

    /// Tries something: if it fails, nothing of it stands, and the change goes on.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be written. Inside it, whatever `work` returned.
    pub fn attempt<T, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Result<T, E>, DirectoryError> {
        let written = self.written.len();
        self.run(|sql| sql.execute_batch("SAVEPOINT attempt"))?;
        let done = work(self);
        if done.is_err() {
            self.run(|sql| sql.execute_batch("ROLLBACK TO attempt"))?;
            self.written.truncate(written);
        }
        self.run(|sql| sql.execute_batch("RELEASE attempt"))?;
        Ok(done)
    }

    /// A merchant by its id.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read.
    pub fn merchant(&self, id: MerchantId) -> Result<Option<MerchantProfile>, DirectoryError> {
        self.run(|sql| rows::find(sql, "id = ?1", &[&id.to_bytes()]))
    }

    /// A merchant by another system's name for it.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn merchant_named(&self, reference: &Reference) -> Result<Option<MerchantProfile>, DirectoryError> {
        self.run(|sql| rows::find(sql, "reference = ?1", &[&reference.as_str()]))
    }

    /// A store by its id.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn store(&self, id: StoreId) -> Result<Option<StoreProfile>, DirectoryError> {
        self.run(|sql| rows::find(sql, "id = ?1", &[&id.to_bytes()]))
    }

    /// A merchant's store by another system's name for it.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn store_named(
        &self,
        merchant: MerchantId,
        reference: &Reference,
    ) -> Result<Option<StoreProfile>, DirectoryError> {
        self.named(merchant, reference)
    }

    /// A till by its id.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn till(&self, id: TillId) -> Result<Option<TillProfile>, DirectoryError> {
        self.run(|sql| rows::find(sql, "id = ?1", &[&id.to_bytes()]))
    }

    /// A merchant's till by another system's name for it.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn till_named(
        &self,
        merchant: MerchantId,
        reference: &Reference,
    ) -> Result<Option<TillProfile>, DirectoryError> {
        self.named(merchant, reference)
    }

    /// A tag by its id.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn tag(&self, id: TagId) -> Result<Option<TagProfile>, DirectoryError> {
        self.run(|sql| rows::find(sql, "id = ?1", &[&id.to_bytes()]))
    }

    /// A merchant's tag by another system's name for it.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn tag_named(&self, merchant: MerchantId, reference: &Reference) -> Result<Option<TagProfile>, DirectoryError> {
        self.named(merchant, reference)
    }

    fn named<T: Stored>(&self, merchant: MerchantId, reference: &Reference) -> Result<Option<T>, DirectoryError> {
        let of: [&dyn rusqlite::ToSql; 2] = [&merchant.to_bytes(), &reference.as_str()];
        self.run(|sql| rows::find(sql, "merchant = ?1 AND reference = ?2", &of))
    }

    /// A key by its id.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn key(&self, id: TokenId) -> Result<Option<KeyProfile>, DirectoryError> {
        Ok(self.hashed_key(id)?.map(|key| key.profile))
    }

    fn hashed_key(&self, id: TokenId) -> Result<Option<HashedKey>, DirectoryError> {
        self.run(|sql| rows::find(sql, "id = ?1", &[&id.to_bytes()]))
    }

    /// Makes a merchant what this profile says, a new one if there is none of its id.
    ///
    /// # Errors
    /// [`DirectoryError::Conflict`] if its reference is another's; else the file cannot be written.
    pub fn put_merchant(&mut self, merchant: MerchantProfile) -> Result<(), DirectoryError> {
        let before = self.merchant(merchant.id)?;
        if before.as_ref() == Some(&merchant) {
            return Ok(());
        }
        // Bank accounts are shown by their last characters, which may be the same.
        let is_same_account = before.as_ref().is_some_and(|before| before.payout_accounts == merchant.payout_accounts);
        let told = Told { kind: "merchant", object: merchant.id.to_string(), merchant: Some(merchant.id) };
        let always = if is_same_account { None } else { Some("payout_accounts") };
        self.put(&told, before.as_ref(), &merchant.clone(), always, Entry::Merchant(merchant))
    }

    /// Makes a store what this profile says, a new one if there is none of its id.
    ///
    /// # Errors
    /// [`DirectoryError::UnknownReference`] if there is no such merchant, [`DirectoryError::Conflict`] if it is another
    /// merchant's store or its reference another store's; else the file cannot be written.
    pub fn put_store(&mut self, store: StoreProfile) -> Result<(), DirectoryError> {
        let before = self.store(store.id)?;
        self.same_owner(before.as_ref().map(|before| before.merchant), store.merchant, || store.id.to_string())?;
        let told = Told { kind: "store", object: store.id.to_string(), merchant: Some(store.merchant) };
        self.put(&told, before.as_ref(), &store.clone(), None, Entry::Store(store))
    }

    /// Makes a till what this profile says, a new one if there is none of its id. One that moves to another store takes
    /// its tags along.
    ///
    /// # Errors
    /// As [`Change::put_store`].
    pub fn put_till(&mut self, till: TillProfile) -> Result<(), DirectoryError> {
        let (id, store) = (till.id, till.store);
        let before = self.till(id)?;
        self.same_owner(before.as_ref().map(|before| before.merchant), till.merchant, || id.to_string())?;
        let told = Told { kind: "till", object: id.to_string(), merchant: Some(till.merchant) };
        self.put(&told, before.as_ref(), &till.clone(), None, Entry::Till(till))?;
        if before.is_some_and(|before| before.store != store) {
            let moved = self.run(|sql| rows::tags_at(sql, id))?;
            self.written.extend(moved.into_iter().map(Entry::Tag));
        }
        Ok(())
    }

    /// Makes a tag what this profile says, a new one if there is none of its id.
    ///
    /// # Errors
    /// As [`Change::put_store`].
    pub fn put_tag(&mut self, tag: TagProfile) -> Result<(), DirectoryError> {
        let before = self.tag(tag.id)?;
        self.same_owner(before.as_ref().map(|before| before.merchant), tag.merchant, || tag.id.to_string())?;
        let told = Told { kind: "tag", object: tag.id.to_string(), merchant: Some(tag.merchant) };
        self.put(&told, before.as_ref(), &tag.clone(), None, Entry::Tag(tag))
    }

    /// Lets the bearer of this token act. Gives the key as it is kept.
    ///
    /// # Errors
    /// [`DirectoryError::UnknownReference`] if there is no such actor, [`DirectoryError::Conflict`] if the id or the token
    /// is taken; else the file cannot be written.
    pub fn add_key(&mut self, key: KeyProfile, token: &Token) -> Result<KeyProfile, DirectoryError> {
        let key = HashedKey::new(key, token);
        if self.key(key.profile.id)?.is_some() {
            return Err(DirectoryError::Conflict { entry: Entry::Key(key).to_string() });
        }
        self.put_key(None, key)
    }

    /// Ends a key at this moment, if it does not end before.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be written. `None` if there is no such key.
    pub fn end_key(&mut self, id: TokenId, end: KeyEnd) -> Result<Option<KeyProfile>, DirectoryError> {
        let Some(before) = self.hashed_key(id)? else { return Ok(None) };
        let mut profile = before.profile.clone();
        match end {
            KeyEnd::Expires(at) => profile.expires_at = Some(profile.expires_at.map_or(at, |before| before.min(at))),
            KeyEnd::Revoked => profile.revoked_at = profile.revoked_at.or(Some(self.author.at)),
        }
        if profile == before.profile {
            return Ok(Some(profile));
        }
        self.put_key(Some(before.profile), HashedKey { profile, digest: before.digest }).map(Some)
    }

    fn put_key(&mut self, before: Option<KeyProfile>, key: HashedKey) -> Result<KeyProfile, DirectoryError> {
        let entry = Entry::Key(key);
        self.write(&entry)?;
        let Entry::Key(HashedKey { profile, digest }) = entry else {
            return Err(DirectoryError::Conflict { entry: entry.to_string() });
        };
        let stored = self.key(profile.id)?.unwrap_or(profile);
        let told = Told { kind: "key", object: stored.id.to_string(), merchant: stored.merchant };
        self.tell(&told, before.as_ref(), &stored, None)?;
        self.written.push(Entry::Key(HashedKey { profile: stored.clone(), digest }));
        Ok(stored)
    }

    /// Adds a line to the audit log about what happened elsewhere: in the money core, or in another file.
    ///
    /// Where the same may be told twice, because its request may be repeated, `origin` is that request's digest: it is
    /// written once.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be written.
    pub fn note(
        &mut self,
        action: &str,
        object: &str,
        merchant: Option<MerchantId>,
        after: &impl Serialize,
        origin: Option<[u8; 16]>,
    ) -> Result<(), DirectoryError> {
        let after = audit::document(after);
        let line = Line { author: self.author, action, object, merchant, before: None, after: Some(after), origin };
        self.run(|sql| audit::write(sql, &line))
    }

    /// Provisions: adds what is not there, renames what is called otherwise, and leaves the rest.
    pub(crate) fn add(&mut self, entry: Entry) -> Result<(), DirectoryError> {
        let entry = match entry {
            Entry::Merchant(merchant) => Entry::Merchant(self.provisioned_merchant(merchant)?),
            Entry::Wallet(wallet) => Entry::Wallet(self.provisioned_wallet(wallet)?),
            Entry::Store(store) => Entry::Store(self.provisioned_store(store)?),
            Entry::Till(till) => Entry::Till(self.provisioned_till(till)?),
            Entry::Tag(tag) => Entry::Tag(self.provisioned_tag(tag)?),
            Entry::Key(key) => return self.provision_key(key),
        };
        self.write(&entry)?;
        self.written.push(entry);
        Ok(())
    }

    fn provisioned_merchant(&self, new: MerchantProfile) -> Result<MerchantProfile, DirectoryError> {
        let Some(known) = self.merchant(new.id)? else { return Ok(new) };
        let currencies = known.currencies.union(&new.currencies).copied().collect();
        Ok(MerchantProfile { name: new.name, name_zh: new.name_zh, currencies, ..known })
    }

    fn provisioned_wallet(&self, new: WalletProfile) -> Result<WalletProfile, DirectoryError> {
        let known: Option<WalletProfile> = self.run(|sql| rows::find(sql, "id = ?1", &[&new.id.to_bytes()]))?;
        Ok(WalletProfile { created_at: known.map_or(new.created_at, |known| known.created_at), ..new })
    }

    fn provisioned_store(&self, new: StoreProfile) -> Result<StoreProfile, DirectoryError> {
        let Some(known) = self.store(new.id)? else { return Ok(new) };
        self.same_owner(Some(known.merchant), new.merchant, || Entry::Store(new.clone()).to_string())?;
        Ok(StoreProfile { name: new.name, name_zh: new.name_zh, address: new.address, ..known })
    }

    fn provisioned_till(&self, new: TillProfile) -> Result<TillProfile, DirectoryError> {
        let Some(known) = self.till(new.id)? else { return Ok(new) };
        self.same_owner(Some(known.merchant), new.merchant, || Entry::Till(new.clone()).to_string())?;
        Ok(TillProfile { name: new.name, ..known })
    }

    fn provisioned_tag(&self, new: TagProfile) -> Result<TagProfile, DirectoryError> {
        let Some(known) = self.tag(new.id)? else { return Ok(new) };
        self.same_owner(Some(known.merchant), new.merchant, || Entry::Tag(new.clone()).to_string())?;
        Ok(TagProfile { label: new.label, store: new.store, till: new.till, ..known })
    }

    /// A token that is known keeps everything that is known of its key.
    fn provision_key(&mut self, new: HashedKey) -> Result<(), DirectoryError> {
        let known: Option<HashedKey> = self.run(|sql| rows::find(sql, "digest = ?1", &[&new.digest.0]))?;
        match known {
            Some(known) if known.profile.actor == new.profile.actor => Ok(()),
            Some(_) => Err(DirectoryError::Conflict { entry: Entry::Key(new).to_string() }),
            None => {
                let entry = Entry::Key(new);
                self.write(&entry)?;
                let Entry::Key(HashedKey { profile, digest }) = entry else { return Ok(()) };
                let profile = self.key(profile.id)?.unwrap_or(profile);
                self.written.push(Entry::Key(HashedKey { profile, digest }));
                Ok(())
            }
        }
    }

    fn same_owner(
        &self,
        before: Option<MerchantId>,
        after: MerchantId,
        entry: impl FnOnce() -> String,
    ) -> Result<(), DirectoryError> {
        if before.is_none_or(|before| before == after) {
            Ok(())
        } else {
            Err(DirectoryError::Conflict { entry: entry() })
        }
    }

    /// Writes what has changed, and the line that says so; nothing if nothing has.
    fn put<T: Serialize + PartialEq>(
        &mut self,
        told: &Told,
        before: Option<&T>,
        after: &T,
        always: Option<&str>,
        entry: Entry,
    ) -> Result<(), DirectoryError> {
        if before == Some(after) {
            return Ok(());
        }
        self.write(&entry)?;
        self.tell(told, before, after, always)?;
        self.written.push(entry);
        Ok(())
    }

    fn tell<T: Serialize>(
        &self,
        told: &Told,
        before: Option<&T>,
        after: &T,
        always: Option<&str>,
    ) -> Result<(), DirectoryError> {
        let (before, after) = audit::difference(before, after, always);
        let action = format!("{}.{}", told.kind, if before.is_some() { "updated" } else { "created" });
        let line = Line {
            author: self.author,
            action: &action,
            object: &told.object,
            merchant: told.merchant,
            before,
            after: Some(after),
            origin: None,
        };
        self.run(|sql| audit::write(sql, &line))
    }

    fn write(&self, entry: &Entry) -> Result<(), DirectoryError> {
        rows::write(self.sql, entry).map_err(|source| {
            let name = || entry.to_string();
            match (source.sqlite_error_code(), source.sqlite_error().map(|error| error.extended_code)) {
                // A till without a merchant is a till that is not there.
                (
                    Some(ErrorCode::ConstraintViolation),
                    Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_CHECK),
                ) => DirectoryError::UnknownReference { entry: name() },
                (Some(ErrorCode::ConstraintViolation), _) => DirectoryError::Conflict { entry: name() },
                _ => error(self.path, source),
            }
        })
    }
}

/// How a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEnd {
    /// By itself, then.
    Expires(UnixMillis),
    /// Now.
    Revoked,
}

/// What a line of the audit log is about.
struct Told {
    kind: &'static str,
    object: String,
    merchant: Option<MerchantId>,
}

/// Whether an actor of a key is there is the file's to say; of which merchant it is, this says.
impl Change<'_> {
    /// The merchant that an actor belongs to, if it is there and belongs to one.
    ///
    /// # Errors
    /// As [`Change::merchant`].
    pub fn merchant_of(&self, actor: Actor) -> Result<Option<MerchantId>, DirectoryError> {
        Ok(match actor {
            Actor::Operator | Actor::Wallet(_) => None,
            Actor::Merchant(id) => self.merchant(id)?.map(|merchant| merchant.id),
            Actor::Till(id) => self.till(id)?.map(|till| till.merchant),
        })
    }
}
