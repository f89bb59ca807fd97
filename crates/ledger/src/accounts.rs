//! All accounts in memory, 64 bytes each and what user data they have.
//!
//! An account's place is its number of creation, so the table of accounts on disk and this one agree without a map
//! between them. What a transfer needs of an account is one cache line.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::account::{Account, AccountFlags, Balance};

/// An account's place: how many accounts were created before it.
pub type AccountNumber = u32;

/// Accounts per chunk. Chunks are never moved, so growing costs no copy.
const CHUNK: usize = 1 << 14;

/// Parts of the index. Each grows on its own, so no single growth stops the ledger for long.
const SHARDS: usize = 64;

/// What a transfer reads and changes.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Hot {
    pub(crate) id: u128,
    pub(crate) balance: Balance,
    pub(crate) timestamp: u64,
    pub(crate) ledger: u32,
    pub(crate) code: u16,
    pub(crate) flags: AccountFlags,
}

/// A chunk of accounts. User data that is 0 in all of them takes no room.
#[derive(Debug)]
struct Chunk {
    hot: Vec<Hot>,
    user_data_128: Vec<u128>,
    user_data_64: Vec<u64>,
    user_data_32: Vec<u32>,
}

/// All accounts, by number and by id.
#[derive(Debug)]
pub(crate) struct Accounts {
    chunks: Vec<Chunk>,
    count: u32,
    index: Vec<HashTable<AccountNumber>>,
    hasher: RandomState,
    /// One bit for each account whose balance or flags changed since [`Accounts::take_changed`].
    changed: Vec<u64>,
}

impl Default for Accounts {
    fn default() -> Self {
        let index = std::iter::repeat_with(HashTable::new).take(SHARDS).collect();
        Self { chunks: Vec::new(), count: 0, index, hasher: RandomState::default(), changed: Vec::new() }
    }
}

impl Accounts {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The number of the account with this id.
    pub(crate) fn number(&self, id: u128) -> Option<AccountNumber> {
        let hash = self.hasher.hash_one(id);
        self.index[shard(hash)].find(hash, |number| hot(&self.chunks, *number).id == id).copied()
    }

    pub(crate) fn hot(&self, number: AccountNumber) -> &Hot {
        hot(&self.chunks, number)
    }

    /// The account's changing part, which counts as changed from here on.
    pub(crate) fn hot_mut(&mut self, number: AccountNumber) -> &mut Hot {
        self.changed[number as usize / 64] |= 1 << (number % 64);
        &mut self.chunks[number as usize / CHUNK].hot[number as usize % CHUNK]
    }

    pub(crate) fn get(&self, number: AccountNumber) -> Option<Account> {
        (number < self.count).then(|| self.account(number))
    }

    fn account(&self, number: AccountNumber) -> Account {
        let (chunk, place) = (&self.chunks[number as usize / CHUNK], number as usize % CHUNK);
        let hot = &chunk.hot[place];
        Account {
            id: hot.id,
            user_data_128: chunk.user_data_128.get(place).copied().unwrap_or_default(),
            user_data_64: chunk.user_data_64.get(place).copied().unwrap_or_default(),
            user_data_32: chunk.user_data_32.get(place).copied().unwrap_or_default(),
            ledger: hot.ledger,
            code: hot.code,
            flags: hot.flags,
            timestamp: hot.timestamp,
            ..Account::default()
        }
        .with_balance(hot.balance)
    }

    /// Adds an account that is not there yet, with the balance that it carries.
    pub(crate) fn push(&mut self, account: &Account) -> AccountNumber {
        let number = self.count;
        let place = number as usize % CHUNK;
        if place == 0 {
            self.chunks.push(Chunk {
                hot: Vec::with_capacity(CHUNK),
                user_data_128: Vec::new(),
                user_data_64: Vec::new(),
                user_data_32: Vec::new(),
            });
        }
        let chunk = &mut self.chunks[number as usize / CHUNK];
        chunk.hot.push(Hot {
            id: account.id,
            balance: account.balance(),
            timestamp: account.timestamp,
            ledger: account.ledger,
            code: account.code,
            flags: account.flags,
        });
        set_sparse(&mut chunk.user_data_128, place, account.user_data_128);
        set_sparse(&mut chunk.user_data_64, place, account.user_data_64);
        set_sparse(&mut chunk.user_data_32, place, account.user_data_32);
        let hash = self.hasher.hash_one(account.id);
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        self.index[shard(hash)].insert_unique(hash, number, |other| hasher.hash_one(hot(chunks, *other).id));
        self.count = number.checked_add(1).expect("fewer than 2^32 accounts: checked before each batch");
        self.changed.resize(self.count as usize / 64 + 1, 0);
        number
    }

    /// Takes back the last account, which no transfer has touched.
    pub(crate) fn pop(&mut self) {
        self.count -= 1;
        let (number, place) = (self.count, self.count as usize % CHUNK);
        let hash = self.hasher.hash_one(self.hot(number).id);
        if let Ok(entry) = self.index[shard(hash)].find_entry(hash, |other| *other == number) {
            entry.remove();
        }
        let chunk = &mut self.chunks[number as usize / CHUNK];
        chunk.hot.truncate(place);
        chunk.user_data_128.truncate(place);
        chunk.user_data_64.truncate(place);
        chunk.user_data_32.truncate(place);
        if place == 0 {
            self.chunks.pop();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Account> {
        (0..self.count).map(|number| self.account(number))
    }

    /// The accounts that changed since the last call, in order of their numbers.
    pub(crate) fn take_changed(&mut self) -> Vec<AccountNumber> {
        let mut numbers = Vec::new();
        for (word, bits) in self.changed.iter_mut().enumerate() {
            let mut bits = std::mem::take(bits);
            while bits != 0 {
                let number = word * 64 + bits.trailing_zeros() as usize;
                numbers.push(AccountNumber::try_from(number).expect("a number that was set"));
                bits &= bits - 1;
            }
        }
        numbers
    }
}

fn hot(chunks: &[Chunk], number: AccountNumber) -> &Hot {
    &chunks[number as usize / CHUNK].hot[number as usize % CHUNK]
}

/// The index's hash tables use the highest and lowest bits themselves.
fn shard(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

/// Sets a value in a column that may end early: what is missing is 0.
fn set_sparse<T: Copy + Default + PartialEq>(column: &mut Vec<T>, place: usize, value: T) {
    if value != T::default() {
        if column.capacity() == 0 {
            column.reserve_exact(CHUNK);
        }
        column.resize(place, T::default());
        column.push(value);
    }
}
