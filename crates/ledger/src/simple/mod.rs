//! Double entry: accounts, and the transfers that move amounts between them.
//!
//! The data model and the names are TigerBeetle's public ones (reference: `Account`, `Transfer`, `create_transfers`).
//! A transfer debits one account and credits another by the same amount, so debits equal credits at every moment, and
//! an account's limit is a flag that no transfer can pass.
//!
//! Rules and effects are apart, as everywhere in the money core: [`Ledger::check`] holds every rule and changes
//! nothing; [`Ledger::post`] changes balances, holds no rule, and stops the process if it is ever asked to break one,
//! because a ledger that is known to be wrong must not go on.
//!
//! Not here: two-phase transfers, histories and queries; durability (the journal's work); what an account is for (the
//! payments crate gives codes their meaning).

mod account;
mod transfer;

use std::collections::BTreeMap;

use ids::{AccountId, IdMap};

pub use account::{Account, AccountFlags, AccountRejection, Balance};
pub use transfer::{ChainRejection, Transfer, TransferRejection};

/// All accounts and their balances.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: IdMap<ids::Account, Entry>,
}

/// An account as it was opened, and what has moved since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    account: Account,
    balance: Balance,
}

impl Ledger {
    /// An account as it was opened.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id).map(|entry| &entry.account)
    }

    /// What has been debited from and credited to an account.
    pub fn balance(&self, id: AccountId) -> Option<Balance> {
        self.accounts.get(&id).map(|entry| entry.balance)
    }

    /// Every account with its balance, in no particular order.
    pub fn accounts(&self) -> impl Iterator<Item = (&Account, Balance)> {
        self.accounts.values().map(|entry| (&entry.account, entry.balance))
    }

    /// Whether `account` may be opened.
    pub fn check_account(&self, account: &Account) -> Result<(), AccountRejection> {
        match self.account(account.id) {
            None => Ok(()),
            Some(existing) if existing == account => Err(AccountRejection::Exists),
            Some(_) => Err(AccountRejection::ExistsWithDifferentFields),
        }
    }

    /// Opens an account that [`Ledger::check_account`] allowed.
    pub fn open(&mut self, account: Account) {
        self.restore(account, Balance::default());
    }

    /// Puts back an account with the balance that it had when it was stored.
    pub fn restore(&mut self, account: Account, balance: Balance) {
        let before = self.accounts.insert(account.id, Entry { account, balance });
        assert!(before.is_none(), "account {} opened twice", account.id);
    }

    /// Whether this linked chain of transfers may be posted: all of it, one after the other, or none.
    ///
    /// The first transfer that breaks a rule is named, with the first rule that it breaks in the reference's order.
    pub fn check(&self, chain: &[Transfer]) -> Result<(), ChainRejection> {
        let mut touched: BTreeMap<AccountId, Balance> = BTreeMap::new();
        for (index, transfer) in chain.iter().enumerate() {
            let balance_of = |id| touched.get(&id).copied().or_else(|| self.balance(id));
            let (debit, credit) =
                self.check_one(transfer, balance_of).map_err(|rejection| ChainRejection { index, rejection })?;
            touched.insert(transfer.debit_account, debit);
            touched.insert(transfer.credit_account, credit);
        }
        Ok(())
    }

    /// The two balances after `transfer`, or the rule that it breaks.
    fn check_one(
        &self,
        transfer: &Transfer,
        balance_of: impl Fn(AccountId) -> Option<Balance>,
    ) -> Result<(Balance, Balance), TransferRejection> {
        use TransferRejection::*;
        if transfer.debit_account == transfer.credit_account {
            return Err(AccountsMustBeDifferent);
        }
        let debit_account = self.account(transfer.debit_account).ok_or(DebitAccountNotFound)?;
        let credit_account = self.account(transfer.credit_account).ok_or(CreditAccountNotFound)?;
        if debit_account.ledger != credit_account.ledger {
            return Err(AccountsMustHaveTheSameLedger);
        }
        if transfer.ledger != debit_account.ledger {
            return Err(TransferMustHaveTheSameLedgerAsAccounts);
        }
        let debit = balance_of(transfer.debit_account).ok_or(DebitAccountNotFound)?;
        let credit = balance_of(transfer.credit_account).ok_or(CreditAccountNotFound)?;
        let debit = debit.debited(transfer.amount).ok_or(OverflowsDebitsPosted)?;
        let credit = credit.credited(transfer.amount).ok_or(OverflowsCreditsPosted)?;
        if debit_account.flags.debits_must_not_exceed_credits && debit.debits_posted > debit.credits_posted {
            return Err(ExceedsCredits);
        }
        if credit_account.flags.credits_must_not_exceed_debits && credit.credits_posted > credit.debits_posted {
            return Err(ExceedsDebits);
        }
        Ok((debit, credit))
    }

    /// Posts a transfer that [`Ledger::check`] allowed. The rules are asserted once more, in release builds too:
    /// breaking one means that memory or history is damaged.
    pub fn post(&mut self, transfer: &Transfer) {
        let (debit, credit) = match self.check_one(transfer, |id| self.balance(id)) {
            Ok(balances) => balances,
            Err(rejection) => panic!("transfer {} may not be posted: {rejection}", transfer.id),
        };
        self.set_balance(transfer.debit_account, debit);
        self.set_balance(transfer.credit_account, credit);
    }

    fn set_balance(&mut self, id: AccountId, balance: Balance) {
        if let Some(entry) = self.accounts.get_mut(&id) {
            entry.balance = balance;
        }
    }

    /// Debits and credits of all accounts per ledger number: equal in a ledger that is sound.
    pub fn totals(&self) -> BTreeMap<u32, Totals> {
        let mut totals = BTreeMap::<u32, Totals>::new();
        for (account, balance) in self.accounts() {
            let total = totals.entry(account.ledger).or_default();
            total.debits += u128::from(balance.debits_posted);
            total.credits += u128::from(balance.credits_posted);
        }
        totals
    }
}

/// Everything ever debited and credited in one ledger number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Sum of all debits, in minor units.
    pub debits: u128,
    /// Sum of all credits, in minor units.
    pub credits: u128,
}
