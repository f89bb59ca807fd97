//! What the protocol needs of a ledger.

use std::fmt::Display;

use ledger::{
    Account, AccountBalance, AccountFilter, CreateAccountResult, CreateTransferResult, QueryFilter, Transfer,
};

/// A ledger that can be asked everything the protocol has words for. Meanings, orders and limits are the reference's.
///
/// What a method did is as durable as it will ever be when it returns. After an error it has changed nothing that a
/// later answer could show.
pub trait Books {
    /// Why a request could not be done, as a text for whoever sent it.
    type Error: Display;

    /// Creates accounts; one result per event, in order.
    fn create_accounts(&mut self, events: &[Account]) -> Result<Vec<CreateAccountResult>, Self::Error>;

    /// Creates transfers; one result per event, in order.
    fn create_transfers(&mut self, events: &[Transfer]) -> Result<Vec<CreateTransferResult>, Self::Error>;

    /// Sets the clock to so many nanoseconds since 1970, never backwards, and says how many pending transfers expired
    /// by it.
    fn tick(&mut self, nanoseconds: u64) -> Result<u64, Self::Error>;

    /// The accounts with these ids, in this order, without those that do not exist.
    fn lookup_accounts(&mut self, ids: &[u128]) -> Result<Vec<Account>, Self::Error>;

    /// The transfers with these ids, in this order, without those that do not exist.
    fn lookup_transfers(&mut self, ids: &[u128]) -> Result<Vec<Transfer>, Self::Error>;

    /// The transfers of an account.
    fn get_account_transfers(&mut self, filter: &AccountFilter) -> Result<Vec<Transfer>, Self::Error>;

    /// The balances of an account after each of its transfers, if it keeps its history.
    fn get_account_balances(&mut self, filter: &AccountFilter) -> Result<Vec<AccountBalance>, Self::Error>;

    /// The accounts that match.
    fn query_accounts(&mut self, filter: &QueryFilter) -> Result<Vec<Account>, Self::Error>;

    /// The transfers that match.
    fn query_transfers(&mut self, filter: &QueryFilter) -> Result<Vec<Transfer>, Self::Error>;
}
