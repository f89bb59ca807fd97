//! A small world to try the decider in: a few wallets, merchants, currencies and tags, and a slow, obvious model of what
//! they may do.
//!
//! Other crates' tests use it too (by `#[path]`), for histories that are long, random and valid.
#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod model;
pub(crate) mod shop;
pub(crate) mod table;
pub(crate) mod world;

use ids::{AccountId, MerchantId, TagId, WalletId};
use money::{Amount, Currency, Money};
use payments::{Account, AccountFlags, Owner, RegisteredTag, TagMode, UnixMillis, account_code};
use tag::{AesKey, ReadCounter, SoftwareTag, TagKeys, Uid};

/// 2026-11-22T12:30:00Z.
pub(crate) const START: UnixMillis = UnixMillis(1_795_350_600_000);

const MASTER: [u8; 16] = [0x5a; 16];

pub(crate) fn keys() -> TagKeys {
    TagKeys::from_master(&AesKey::new(MASTER))
}

pub(crate) fn chip(index: usize) -> SoftwareTag {
    SoftwareTag::new(&AesKey::new(MASTER), uid(index), ReadCounter::ZERO, "https://pay.example/t").expect("a good URL")
}

pub(crate) fn uid(index: usize) -> Uid {
    Uid([0x04, 0xa0, 0, 0, 0, 0, u8::try_from(index).expect("few tags")])
}

pub(crate) fn currency(alpha: &str) -> Currency {
    Currency::from_alpha(alpha).expect("a currency")
}

pub(crate) fn cny() -> Currency {
    currency("CNY")
}

/// An amount of Chinese fen.
pub(crate) fn fen(minor_units: u64) -> Money {
    Money::new(amount(minor_units), cny())
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("a valid amount")
}

pub(crate) fn wallet(index: usize) -> WalletId {
    WalletId::from_parts(START.0, 100 + index as u128)
}

pub(crate) fn merchant(index: usize) -> MerchantId {
    MerchantId::from_parts(START.0, 200 + index as u128)
}

pub(crate) fn tag_id(index: usize) -> TagId {
    TagId::from_parts(START.0, 300 + index as u128)
}

pub(crate) fn registered(index: usize, merchant: MerchantId, mode: TagMode, currency: Currency) -> RegisteredTag {
    RegisteredTag { id: tag_id(index), uid: uid(index), merchant, mode, currency, active: true }
}

/// An account as provisioning opens it: only the float may go below zero.
pub(crate) fn account(number: u128, code: u16, owner: Owner, currency: Currency) -> Account {
    Account {
        id: AccountId::from_parts(START.0, number),
        ledger: u32::from(currency.numeric()),
        code,
        owner: owner.bits(),
        flags: AccountFlags {
            debits_must_not_exceed_credits: code != account_code::FLOAT,
            credits_must_not_exceed_debits: false,
        },
    }
}
