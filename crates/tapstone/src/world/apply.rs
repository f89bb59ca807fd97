//! Making a description so: first in the money core, then in the directory, so that whatever has a name can be paid.

use std::collections::BTreeSet;
use std::io;

use directory::{
    Actor, Directory, DirectoryError, Entry, KeyProfile, MerchantProfile, Name, Scopes, StoreProfile, TagProfile,
    TillProfile, Token, WalletProfile,
};
use engine::Engine;
use ids::{MerchantId, StoreId, TagId, TillId, TokenId, WalletId};
use money::Currency;
use payments::{Account, AccountFlags, Action, Owner, RegisteredTag, Rejection, UnixMillis, account_code};

use super::description::{Key, Merchant, Store, Tag, TagMode, Wallet, World};
use super::ids::derived;
use crate::provision::{self, SubmitError};

/// What the API keys of those who are new are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Randomness: secret.
    Secret,
    /// Their keys in the description: published. Only for demonstrations.
    Published,
}

/// Somebody who is new, and the API key that was made for them.
pub(crate) struct NewKey {
    pub(crate) key: Key,
    pub(crate) actor: Actor,
    pub(crate) token: Token,
}

/// Why a description could not be made so. What was done before stays done; applying it again goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// Something in it is known already, and differs in what cannot be changed.
    #[error("{path}: {}", reason(*rejection))]
    Refused {
        /// The path of what differs, in the description.
        path: String,
        /// The money core's rule.
        rejection: Rejection,
    },
    /// The money core has stopped, or is too busy.
    #[error(transparent)]
    Engine(SubmitError),
    /// The new API keys did not reach whoever waits for them, so nobody got one.
    #[error("cannot hand over the new API keys: {0}; nobody was given one, run it again to make others")]
    HandOver(io::Error),
    /// The directory cannot be written, or does not agree.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The operating system gives no randomness.
    #[error("the operating system has no randomness to give: {0}")]
    Randomness(#[from] getrandom::Error),
}

fn reason(rejection: Rejection) -> String {
    match rejection {
        Rejection::Exists => {
            "is known here already with other particulars, which cannot be changed: give what is new a \
                              key (and a tag a chip) of its own"
                .to_owned()
        }
        other => other.to_string(),
    }
}

impl World {
    /// Makes it so: adds what is new, renames what has another name, and leaves the rest. Says who is new.
    ///
    /// Only hashes of API keys are kept, so `hand_over` gets them before they are good for anything: if it fails, nobody
    /// new has a key or a name yet, and applying again makes other keys.
    pub(crate) fn apply(
        &self,
        engine: &Engine,
        directory: &Directory,
        keys: Keys,
        now: UnixMillis,
        hand_over: impl FnOnce(&[NewKey]) -> io::Result<()>,
    ) -> Result<Vec<NewKey>, ApplyError> {
        let (mut paths, actions): (Vec<_>, Vec<_>) = self.steps().unzip();
        provision::submit_all(engine, actions).map_err(|error| match error {
            SubmitError::Refused { index, rejection } => {
                ApplyError::Refused { path: paths.swap_remove(index), rejection }
            }
            error => ApplyError::Engine(error),
        })?;
        let new_keys = self.new_keys(directory, keys)?;
        hand_over(&new_keys).map_err(ApplyError::HandOver)?;
        let keys = new_keys.iter().map(|new| {
            let id = TokenId::from_parts(now.0, u128::from_le_bytes(provision::random()?));
            let profile = KeyProfile::new(id, new.actor, Scopes::usual_of(new.actor), Name::of_keys(), now);
            Ok(Entry::key(profile, &new.token))
        });
        let keys: Vec<Entry> = keys.collect::<Result<_, getrandom::Error>>()?;
        directory.add(self.entries(now).chain(keys))?;
        Ok(new_keys)
    }

    /// What the money core must be told, in an order in which each can be done, and where the description says it.
    fn steps(&self) -> impl Iterator<Item = (String, Action)> {
        let merchants = self.merchants().iter().enumerate();
        let wallets = self.wallets().iter().enumerate();
        self.float_accounts()
            .chain(merchants.flat_map(|(index, merchant)| merchant_steps(format!("merchants[{index}]"), merchant)))
            .chain(wallets.flat_map(|(index, wallet)| wallet_steps(format!("wallets[{index}]"), wallet)))
    }

    /// The other side of deposits, one account for each currency that a wallet holds.
    fn float_accounts(&self) -> impl Iterator<Item = (String, Action)> {
        let held: BTreeSet<Currency> = self.wallets().iter().flat_map(|wallet| &wallet.currencies).copied().collect();
        held.into_iter().map(|currency| {
            let account = Account {
                id: derived(&["platform", currency.alpha()]),
                ledger: u32::from(currency.numeric()),
                code: account_code::FLOAT,
                owner: Owner::Platform.bits(),
                flags: AccountFlags::default(),
            };
            ("wallets".to_owned(), Action::OpenAccount(account))
        })
    }

    /// Keys for those whom the directory does not know. A profile and its key are added together or not at all.
    fn new_keys(&self, directory: &Directory, keys: Keys) -> Result<Vec<NewKey>, getrandom::Error> {
        let merchants = self.merchants().iter().map(|merchant| (&merchant.key, Actor::Merchant(merchant.id())));
        let wallets = self.wallets().iter().map(|wallet| (&wallet.key, Actor::Wallet(wallet.id())));
        let is_new = |actor: &Actor| match *actor {
            Actor::Operator | Actor::Till(_) => false,
            Actor::Merchant(id) => directory.merchant(id).is_none(),
            Actor::Wallet(id) => directory.wallet(id).is_none(),
        };
        let new = merchants.chain(wallets).filter(|(_, actor)| is_new(actor));
        new.map(|(key, actor)| {
            let token = match keys {
                Keys::Secret => Token::from_random(actor, provision::random()?),
                Keys::Published => published_token(actor, key),
            };
            Ok(NewKey { key: key.clone(), actor, token })
        })
        .collect()
    }

    fn entries(&self, now: UnixMillis) -> impl Iterator<Item = Entry> {
        let merchants = self.merchants().iter().flat_map(move |merchant| merchant_entries(merchant, now));
        let wallets = self.wallets().iter().map(move |wallet| {
            let (name, name_zh) = (wallet.name.clone(), wallet.name_zh.clone());
            Entry::Wallet(WalletProfile { id: wallet.id(), name, name_zh, created_at: now })
        });
        merchants.chain(wallets)
    }
}

/// The key of somebody in a demonstration, which everybody knows.
pub(crate) fn published_token(actor: Actor, key: &Key) -> Token {
    Token::for_demonstration(actor, key.as_str())
}

impl Merchant {
    /// The id that follows from the key.
    pub(crate) fn id(&self) -> MerchantId {
        derived(&[self.key.as_str()])
    }

    fn store_id(&self, store: &Store) -> StoreId {
        derived(&[self.key.as_str(), store.key.as_str()])
    }

    fn till_id(&self, store: &Store, till: &Key) -> TillId {
        derived(&[self.key.as_str(), store.key.as_str(), till.as_str()])
    }

    fn tag_id(&self, store: &Store, tag: &Tag) -> TagId {
        derived(&[self.key.as_str(), store.key.as_str(), tag.key.as_str()])
    }

    /// All tags in all stores, with their ids.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (TagId, &Tag)> {
        let tags_in = move |store| move |tag| (self.tag_id(store, tag), tag);
        self.stores.iter().flat_map(move |store| store.tags.iter().map(tags_in(store)))
    }
}

impl Wallet {
    /// The id that follows from the key.
    pub(crate) fn id(&self) -> WalletId {
        derived(&[self.key.as_str()])
    }
}

/// An account that holds somebody's money, so cannot be overdrawn.
fn account_of(owner: Owner, kind: &str, key: &Key, code: u16, currency: Currency) -> Action {
    Action::OpenAccount(Account {
        id: derived(&[kind, key.as_str(), currency.alpha()]),
        ledger: u32::from(currency.numeric()),
        code,
        owner: owner.bits(),
        flags: AccountFlags { debits_must_not_exceed_credits: true, ..AccountFlags::default() },
    })
}

fn merchant_steps(path: String, merchant: &Merchant) -> Vec<(String, Action)> {
    let (id, code) = (merchant.id(), account_code::MERCHANT_PENDING);
    let accounts = merchant.currencies.iter().enumerate().map(|(index, currency)| {
        let action = account_of(Owner::Merchant(id), "merchant", &merchant.key, code, *currency);
        (format!("{path}.currencies[{index}]"), action)
    });
    let stores = merchant.stores.iter().enumerate();
    let tags = stores.flat_map(|(store_index, store)| {
        let path = &path;
        store.tags.iter().enumerate().map(move |(index, tag)| {
            let action = Action::RegisterTag(registered(merchant, store, tag));
            (format!("{path}.stores[{store_index}].tags[{index}]"), action)
        })
    });
    accounts.chain(tags).collect()
}

fn registered(merchant: &Merchant, store: &Store, tag: &Tag) -> RegisteredTag {
    RegisteredTag {
        id: merchant.tag_id(store, tag),
        uid: tag.uid.0,
        merchant: merchant.id(),
        mode: match tag.mode {
            TagMode::Till => payments::TagMode::Till,
            TagMode::Standing => payments::TagMode::Standing,
        },
        currency: tag.currency,
        active: true,
    }
}

fn wallet_steps(path: String, wallet: &Wallet) -> Vec<(String, Action)> {
    let (id, code) = (wallet.id(), account_code::WALLET);
    let accounts = wallet.currencies.iter().enumerate().map(|(index, currency)| {
        let action = account_of(Owner::Wallet(id), "wallet", &wallet.key, code, *currency);
        (format!("{path}.currencies[{index}]"), action)
    });
    let deposits = wallet.deposits.iter().enumerate().map(|(index, deposit)| {
        let deposit_id = derived(&[wallet.key.as_str(), deposit.key.as_str()]);
        let action = Action::Deposit { id: deposit_id, wallet: id, money: deposit.money() };
        (format!("{path}.deposits[{index}]"), action)
    });
    accounts.chain(deposits).collect()
}

fn merchant_entries(merchant: &Merchant, now: UnixMillis) -> Vec<Entry> {
    let profile = MerchantProfile {
        name_zh: merchant.name_zh.clone(),
        currencies: merchant.currencies.iter().copied().collect(),
        ..MerchantProfile::new(merchant.id(), merchant.name.clone(), now)
    };
    let mut entries = vec![Entry::Merchant(profile)];
    entries.extend(merchant.stores.iter().flat_map(|store| store_entries(merchant, store)));
    entries
}

fn store_entries(merchant: &Merchant, store: &Store) -> Vec<Entry> {
    let (id, owner) = (merchant.store_id(store), merchant.id());
    let profile = StoreProfile {
        name_zh: store.name_zh.clone(),
        address: store.address.clone(),
        ..StoreProfile::new(id, owner, store.name.clone())
    };
    let tills = store
        .tills
        .iter()
        .map(|till| Entry::Till(TillProfile::new(merchant.till_id(store, &till.key), owner, id, till.name.clone())));
    let tags = store.tags.iter().map(|tag| {
        let till = tag.till.as_ref().map(|till| merchant.till_id(store, till));
        Entry::Tag(TagProfile { till, ..TagProfile::new(merchant.tag_id(store, tag), owner, id, tag.label.clone()) })
    });
    [Entry::Store(profile)].into_iter().chain(tills).chain(tags).collect()
}
