//! The sums over all accounts, by which a ledger shows that it is sound.

use std::collections::BTreeMap;

use crate::account::Account;

/// Everything ever debited and credited in one ledger number, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// All posted debits.
    pub debits: u128,
    /// All posted credits.
    pub credits: u128,
    /// All pending debits.
    pub debits_pending: u128,
    /// All pending credits.
    pub credits_pending: u128,
}

impl Totals {
    /// The sums of each ledger number.
    pub fn of(accounts: impl Iterator<Item = Account>) -> BTreeMap<u32, Self> {
        let mut totals = BTreeMap::<u32, Self>::new();
        for account in accounts {
            let total = totals.entry(account.ledger).or_default();
            total.debits += u128::from(account.debits_posted);
            total.credits += u128::from(account.credits_posted);
            total.debits_pending += u128::from(account.debits_pending);
            total.credits_pending += u128::from(account.credits_pending);
        }
        totals
    }

    /// Whether debits equal credits, posted and pending.
    pub fn balanced(&self) -> bool {
        self.debits == self.credits && self.debits_pending == self.credits_pending
    }
}
