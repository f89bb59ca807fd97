//! All accounts in memory, 64 bytes each and what user data they have.
//!
//! An account's place is its number of creation, so the table of accounts on disk and this one agree without a map
//! between them. What a transfer needs of an account is one cache line.

use crate::account::{Account, AccountFlags, Balance};
use crate::index::Index;
use crate::transfer::Transfer;

/// An account's place: how many accounts were created before it.
pub type AccountNumber = u32;

/// Accounts per chunk. Chunks are never moved, so growing costs no copy.
const CHUNK: usize = AccountTable::CHUNK as usize;

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

/// Accounts in order of creation, without a way to find one by its id: what a ledger is loaded from.
#[derive(Debug, Default)]
pub struct AccountTable {
    chunks: Vec<Chunk>,
    count: u32,
}

/// All accounts, by number and by id.
#[derive(Debug)]
pub(crate) struct Accounts {
    table: AccountTable,
    index: Index,
    /// One bit for each account whose balance or flags changed since [`Accounts::take_changed`].
    changed: Vec<u64>,
}

impl AccountTable {
    /// Tables can be put together if all but the last hold a multiple of this many accounts.
    pub const CHUNK: u32 = 1 << 14;

    /// Adds an account with the balance that it carries.
    pub fn push(&mut self, account: &Account) -> AccountNumber {
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
        self.count = number.checked_add(1).expect("fewer than 2^32 accounts: checked before each batch");
        number
    }

    /// Adds the accounts of another table behind these.
    ///
    /// # Panics
    ///
    /// If this table does not end with a whole chunk.
    pub fn append(&mut self, mut other: Self) {
        assert!(self.count.is_multiple_of(Self::CHUNK), "a table that is continued ends with a whole chunk");
        self.chunks.append(&mut other.chunks);
        self.count = self.count.checked_add(other.count).expect("fewer than 2^32 accounts");
    }

    /// The timestamp of the last account, 0 if there is none.
    pub(crate) fn last_timestamp(&self) -> u64 {
        self.count.checked_sub(1).map_or(0, |last| self.hot(last).timestamp)
    }

    fn hot(&self, number: AccountNumber) -> &Hot {
        &self.chunks[number as usize / CHUNK].hot[number as usize % CHUNK]
    }

    /// Takes back the last account.
    fn pop(&mut self) {
        self.count -= 1;
        let place = self.count as usize % CHUNK;
        let chunk = &mut self.chunks[self.count as usize / CHUNK];
        chunk.hot.truncate(place);
        chunk.user_data_128.truncate(place);
        chunk.user_data_64.truncate(place);
        chunk.user_data_32.truncate(place);
        if place == 0 {
            self.chunks.pop();
        }
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
}

impl Default for Accounts {
    fn default() -> Self {
        Self::load(AccountTable::default())
    }
}

impl Accounts {
    /// The accounts of a table, which all have different ids. Finds its way to them on two threads: most of it is
    /// waiting for memory.
    pub(crate) fn load(table: AccountTable) -> Self {
        let mut index = Index::with_room(table.count);
        if table.count > 0 {
            index.fill(table.count, |number| table.hot(number).id);
        }
        let changed = vec![0; table.count as usize / 64 + 1];
        Self { table, index, changed }
    }

    pub(crate) fn count(&self) -> u32 {
        self.table.count
    }

    /// The number of the account with this id.
    pub(crate) fn number(&self, id: u128) -> Option<AccountNumber> {
        self.index.find(self.index.hash(id), |number| self.table.hot(number).id == id)
    }

    /// The numbers of the debit and credit accounts of some transfers. In three passes, in each of which no step waits
    /// for another: among many accounts the time goes into waiting for memory, and so it is waited for together.
    pub(crate) fn numbers_of(&self, transfers: &[Transfer], numbers: &mut Vec<[Option<AccountNumber>; 2]>) {
        let ids = || transfers.iter().map(|transfer| [transfer.debit_account_id, transfer.credit_account_id]);
        let hashed: Vec<_> = ids().map(|ids| ids.map(|id| self.index.hash(id))).collect();
        let touched: Vec<_> = hashed.iter().map(|hashed| hashed.map(|hashed| self.index.touch(hashed))).collect();
        let find = |id, hashed, slot| self.index.find_touched(hashed, slot, |number| self.table.hot(number).id == id);
        let steps = ids().zip(hashed).zip(touched);
        numbers.clear();
        numbers.extend(steps.map(|((ids, hashed), touched)| {
            [find(ids[0], hashed[0], touched[0]), find(ids[1], hashed[1], touched[1])]
        }));
    }

    pub(crate) fn hot(&self, number: AccountNumber) -> &Hot {
        self.table.hot(number)
    }

    /// The account's changing part, which counts as changed from here on.
    pub(crate) fn hot_mut(&mut self, number: AccountNumber) -> &mut Hot {
        self.changed[number as usize / 64] |= 1 << (number % 64);
        &mut self.table.chunks[number as usize / CHUNK].hot[number as usize % CHUNK]
    }

    pub(crate) fn get(&self, number: AccountNumber) -> Option<Account> {
        (number < self.count()).then(|| self.table.account(number))
    }

    /// Adds an account that is not there yet, with the balance that it carries.
    pub(crate) fn push(&mut self, account: &Account) -> AccountNumber {
        let number = self.table.push(account);
        self.index.insert(self.index.hash(account.id), number);
        self.changed.resize(self.count() as usize / 64 + 1, 0);
        number
    }

    /// Takes back the last account.
    pub(crate) fn pop(&mut self) {
        let number = self.count() - 1;
        self.index.remove(self.index.hash(self.hot(number).id), number);
        self.table.pop();
        self.changed[number as usize / 64] &= !(1 << (number % 64));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Account> {
        (0..self.count()).map(|number| self.table.account(number))
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
