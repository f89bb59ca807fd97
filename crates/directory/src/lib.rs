//! The directory: who takes part, what they are called, where they are, and whose each API key is.
//!
//! Plain SQL in one file, `directory.sqlite` in the data folder, all of it cached in memory: a lookup is a hit in a
//! hash map and never SQL. An addition is on the disk before it is in the cache, and what is in the cache was read from
//! the disk or written to it by this process, which holds the file alone.
//!
//! Provisioning ([`Directory::add`]) is idempotent: adding the same again changes nothing, adding it with another name or
//! address renames it. Everything else is a [`Change`]: it is made by a key, and leaves a line in the audit log that is
//! written together with it. What belongs to one merchant or wallet never moves to another.
//!
//! It knows no money. Balances, orders and the counters of tags are the money core's.

mod answers;
mod audit;
mod cache;
mod change;
mod copy;
mod database;
mod error;
mod fields;
mod keys;
mod lists;
mod migration;
mod name;
mod payout_account;
mod place;
mod profiles;
mod rows;
mod token;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use ids::{MerchantId, StoreId, TagId, TillId, WalletId};
use payments::UnixMillis;

use crate::cache::Cache;
use crate::database::Database;

pub use answers::{Known, StoredAnswer};
pub use audit::AuditEntry;
pub use change::{Author, Change, KeyEnd};
pub use copy::{copy_database, copy_file};
pub use error::DirectoryError;
pub use fields::{AccountPart, Country, Email, FieldError, Metadata, Reference};
pub use keys::{Actor, Grant, HashedKey, KeyProfile, Scope, Scopes};
pub use lists::{AuditFilter, Filter, Listed, Part};
pub use name::{Name, NameError};
pub use payout_account::PayoutAccount;
pub use place::{Address, OpeningHours, Position};
pub use profiles::{Entry, MerchantProfile, Purpose, StoreProfile, TagProfile, TillProfile, WalletProfile};
pub use token::Token;

/// The open directory. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    /// Taken before the cache, so that additions enter the cache in the order in which they were written.
    database: Mutex<Database>,
    cache: RwLock<Cache>,
}

impl Directory {
    /// The file's name in the data folder.
    pub const FILE_NAME: &'static str = "directory.sqlite";

    /// Entries that enter the cache at a time.
    const BITE: usize = 64;

    /// Opens the directory in this data folder, and makes an empty one where there is none.
    ///
    /// # Errors
    /// [`DirectoryError`] says what is wrong with the file, and what to do. Nothing is changed then.
    pub fn open(folder: &Path) -> Result<Self, DirectoryError> {
        let database = Database::open(&folder.join(Self::FILE_NAME))?;
        let cache = database.load()?;
        Ok(Self(Arc::new(Inner { database: Mutex::new(database), cache: RwLock::new(cache) })))
    }

    /// What this token lets its bearer do now, if anything. One hash and one lookup.
    pub fn authenticate(&self, token: &str, now: UnixMillis) -> Option<Grant> {
        let digest = token::Digest::of_presented(token)?;
        let admission = self.cache().keys.get(&digest).copied()?;
        (now < admission.ends_at).then_some(admission.grant)
    }

    /// What the folder is for, once that was declared.
    pub fn purpose(&self) -> Option<Purpose> {
        self.cache().purpose
    }

    /// Declares what the folder is for, for ever. Declaring the same again changes nothing.
    ///
    /// # Errors
    /// [`DirectoryError::OtherPurpose`] if something else was declared before; else the file cannot be written.
    pub fn declare(&self, purpose: Purpose) -> Result<(), DirectoryError> {
        let database = self.database();
        match self.purpose() {
            Some(declared) if declared == purpose => return Ok(()),
            Some(declared) => return Err(DirectoryError::OtherPurpose { declared }),
            None => database.declare(purpose)?,
        }
        self.change_cache(|cache| cache.purpose = Some(purpose));
        Ok(())
    }

    /// Adds all of these, in this order, or none of them.
    ///
    /// # Errors
    /// [`DirectoryError::UnknownReference`] if one belongs to something that is not there,
    /// [`DirectoryError::Conflict`] if it is there but belongs to something else; else the file cannot be written.
    pub fn add(&self, entries: impl IntoIterator<Item = Entry>) -> Result<(), DirectoryError> {
        self.change(Author::NOBODY, |change| entries.into_iter().try_for_each(|entry| change.add(entry)))
    }

    /// Changes something, or several things together: all of it, with its lines in the audit log, is on the disk when
    /// this returns, or nothing of it.
    ///
    /// # Errors
    /// Whatever `work` returns, and nothing is changed then; or the file cannot be written.
    pub fn change<T, E: From<DirectoryError>>(
        &self,
        author: Author,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut database = self.database();
        let (done, written) = database.change(author, work)?;
        // In small bites: whoever authenticates in between must not wait for all of a long list.
        let mut written = written.into_iter().peekable();
        while written.peek().is_some() {
            self.change_cache(|cache| written.by_ref().take(Self::BITE).for_each(|entry| cache.insert(entry)));
        }
        Ok(done)
    }

    /// Adds one merchant. See [`Directory::add`].
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_merchant(&self, merchant: MerchantProfile) -> Result<(), DirectoryError> {
        self.add([Entry::Merchant(merchant)])
    }

    /// Adds one store. See [`Directory::add`].
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_store(&self, store: StoreProfile) -> Result<(), DirectoryError> {
        self.add([Entry::Store(store)])
    }

    /// Adds one till. See [`Directory::add`].
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_till(&self, till: TillProfile) -> Result<(), DirectoryError> {
        self.add([Entry::Till(till)])
    }

    /// Adds one tag. See [`Directory::add`].
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_tag(&self, tag: TagProfile) -> Result<(), DirectoryError> {
        self.add([Entry::Tag(tag)])
    }

    /// Adds one wallet. See [`Directory::add`].
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_wallet(&self, wallet: WalletProfile) -> Result<(), DirectoryError> {
        self.add([Entry::Wallet(wallet)])
    }

    /// Lets the bearer of this token act for that actor. Only the token's hash is kept.
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_token(&self, actor: Actor, token: &Token) -> Result<(), DirectoryError> {
        self.add([Entry::token(actor, token)])
    }

    /// Whether there are neither merchants nor wallets.
    pub fn is_empty(&self) -> bool {
        let cache = self.cache();
        cache.merchants.is_empty() && cache.wallets.is_empty()
    }

    /// A merchant by its id.
    pub fn merchant(&self, id: MerchantId) -> Option<Arc<MerchantProfile>> {
        self.cache().merchants.get(&id).cloned()
    }

    /// A store by its id.
    pub fn store(&self, id: StoreId) -> Option<Arc<StoreProfile>> {
        self.cache().stores.get(&id).cloned()
    }

    /// A till by its id.
    pub fn till(&self, id: TillId) -> Option<Arc<TillProfile>> {
        self.cache().tills.get(&id).cloned()
    }

    /// A tag by its id.
    pub fn tag(&self, id: TagId) -> Option<Arc<TagProfile>> {
        self.cache().tags.get(&id).cloned()
    }

    /// A wallet by its id.
    pub fn wallet(&self, id: WalletId) -> Option<Arc<WalletProfile>> {
        self.cache().wallets.get(&id).cloned()
    }

    /// Every merchant, by id.
    pub fn merchants(&self) -> Vec<Arc<MerchantProfile>> {
        let mut all: Vec<_> = self.cache().merchants.values().cloned().collect();
        all.sort_by_key(|merchant| merchant.id);
        all
    }

    /// A merchant's stores, in the order in which they were added.
    pub fn stores_of(&self, merchant: MerchantId) -> Vec<Arc<StoreProfile>> {
        self.cache().stores_of(merchant)
    }

    /// A store's tills, in the order in which they were added.
    pub fn tills_of(&self, store: StoreId) -> Vec<Arc<TillProfile>> {
        self.cache().tills_of(store)
    }

    /// A merchant's tags, in the order in which they were added.
    pub fn tags_of(&self, merchant: MerchantId) -> Vec<Arc<TagProfile>> {
        self.cache().tags_of(merchant)
    }

    fn ask<T>(&self, ask: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Result<T, DirectoryError> {
        self.database().ask(ask)
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        // A panic in between leaves a transaction that SQLite rolls back: nothing to be afraid of.
        self.0.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> RwLockReadGuard<'_, Cache> {
        self.0.cache.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_cache(&self, change: impl FnOnce(&mut Cache)) {
        change(&mut self.0.cache.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}
