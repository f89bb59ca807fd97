//! What the sorted runs of the tables hold.

use ledger::{AccountFlags, AccountState, Balance};
use runs::Entry;
use xxhash_rust::xxh3::xxh3_64;

/// The number of a transfer that failed for ever instead of being created.
pub(crate) const FAILED: u64 = u64::MAX;

/// A transfer's id and its number: how many transfers were created before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdEntry {
    pub(crate) id: u128,
    pub(crate) number: u64,
}

/// A transfer or account, or a group of them, that has some value in some field.
///
/// The value is hashed: whoever reads must look at the row. So one run serves all fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    /// The field in the highest 8 bits, the value's hash in the others.
    pub(crate) key: u64,
    /// The number, or the number of the group.
    pub(crate) number: u64,
}

/// The fields that are indexed. The numbers are stored: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Field {
    TransferDebitAccount = 1,
    TransferCreditAccount = 2,
    TransferUserData128 = 3,
    TransferUserData64 = 4,
    TransferUserData32 = 5,
    /// Few different values, many transfers: by groups.
    TransferLedger = 6,
    /// As the ledger, by groups.
    TransferCode = 7,
    /// The pending transfer that a post or void resolved.
    TransferPendingId = 8,
    /// A pending transfer that its timeout voided; the number means nothing.
    Expired = 9,
    AccountUserData128 = 10,
    AccountUserData64 = 11,
    AccountUserData32 = 12,
    AccountLedger = 13,
    AccountCode = 14,
}

/// Transfers or accounts in a group, where a field is indexed by groups: so a value that all have takes next to
/// nothing, and one that few have still leads to them.
pub(crate) const GROUP: u64 = 1024;

impl Field {
    /// Whether the index holds groups instead of single numbers.
    pub(crate) fn is_grouped(self) -> bool {
        self >= Self::AccountUserData128 || matches!(self, Self::TransferLedger | Self::TransferCode)
    }

    /// The key of a value of this field.
    pub(crate) fn key(self, value: u128) -> u64 {
        (self as u64) << 56 | xxh3_64(&value.to_le_bytes()) >> 8
    }
}

/// An account's state when it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BalanceEntry(pub(crate) AccountState);

/// A pending transfer was opened, or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenEntry {
    /// Of the pending transfer.
    pub(crate) timestamp: u64,
    /// Its number; [`CLOSED`] once it is closed.
    pub(crate) number: u64,
}

/// The number of a pending transfer that is closed.
pub(crate) const CLOSED: u64 = u64::MAX;

/// The balance that a transfer left in an account that keeps its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistoryEntry {
    pub(crate) account: u32,
    pub(crate) timestamp: u64,
    pub(crate) balance: Balance,
}

impl HistoryEntry {
    pub(crate) fn key(account: u32, timestamp: u64) -> u128 {
        u128::from(account) << 64 | u128::from(timestamp)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

fn write_balance(balance: &Balance, bytes: &mut [u8]) {
    bytes[0..8].copy_from_slice(&balance.debits_pending.to_le_bytes());
    bytes[8..16].copy_from_slice(&balance.debits_posted.to_le_bytes());
    bytes[16..24].copy_from_slice(&balance.credits_pending.to_le_bytes());
    bytes[24..32].copy_from_slice(&balance.credits_posted.to_le_bytes());
}

fn read_balance(bytes: &[u8]) -> Balance {
    Balance {
        debits_pending: u64_at(bytes, 0),
        debits_posted: u64_at(bytes, 8),
        credits_pending: u64_at(bytes, 16),
        credits_posted: u64_at(bytes, 24),
    }
}

impl Entry for IdEntry {
    const SIZE: usize = 24;
    type Key = u128;

    fn key(&self) -> u128 {
        self.id
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[0..16].copy_from_slice(&self.id.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self { id: u128::from_le_bytes(array(bytes, 0)), number: u64_at(bytes, 16) }
    }
}

impl Entry for IndexEntry {
    const SIZE: usize = 16;
    type Key = u128;

    fn key(&self) -> u128 {
        u128::from(self.key) << 64 | u128::from(self.number)
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[0..8].copy_from_slice(&self.key.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self { key: u64_at(bytes, 0), number: u64_at(bytes, 8) }
    }
}

impl Entry for BalanceEntry {
    const SIZE: usize = 40;
    type Key = u64;

    fn key(&self) -> u64 {
        u64::from(self.0.number)
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[0..4].copy_from_slice(&self.0.number.to_le_bytes());
        bytes[4..8].copy_from_slice(&u32::from(self.0.flags.bits()).to_le_bytes());
        write_balance(&self.0.balance, &mut bytes[8..40]);
    }

    fn read(bytes: &[u8]) -> Self {
        let flags = u16::from_le_bytes(array(bytes, 4));
        Self(AccountState {
            number: u32_at(bytes, 0),
            flags: AccountFlags::from_bits_retain(flags),
            balance: read_balance(&bytes[8..40]),
        })
    }
}

impl Entry for OpenEntry {
    const SIZE: usize = 16;
    type Key = u64;

    fn key(&self) -> u64 {
        self.timestamp
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[0..8].copy_from_slice(&self.timestamp.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self { timestamp: u64_at(bytes, 0), number: u64_at(bytes, 8) }
    }
}

impl Entry for HistoryEntry {
    const SIZE: usize = 48;
    type Key = u128;

    fn key(&self) -> u128 {
        Self::key(self.account, self.timestamp)
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[0..4].copy_from_slice(&self.account.to_le_bytes());
        bytes[4..8].fill(0);
        bytes[8..16].copy_from_slice(&self.timestamp.to_le_bytes());
        write_balance(&self.balance, &mut bytes[16..48]);
    }

    fn read(bytes: &[u8]) -> Self {
        Self { account: u32_at(bytes, 0), timestamp: u64_at(bytes, 8), balance: read_balance(&bytes[16..48]) }
    }
}
