//! Accounts as this platform opens and stores them: whose they are, what they are for, and the limits they keep.
//!
//! The ledger knows accounts of every kind and by bare numbers. This is the part that payments use, in the form that
//! the journal holds for ever; [`ledger::Account`] is made from it.

use ids::{AccountId, MerchantId, WalletId};
use money::Currency;
use serde::{Deserialize, Serialize};

use crate::derived;

/// An account as it was opened. It never changes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Unique among all accounts.
    pub id: AccountId,
    /// Its currency, as the ledger numbers them: ISO 4217 numeric.
    pub ledger: u32,
    /// What it is for: one of [`account_code`].
    pub code: u16,
    /// Whose it is: [`Owner::bits`]. The ledger's `user_data_128`.
    pub owner: u128,
    /// The limits it keeps.
    pub flags: AccountFlags,
}

/// Limits that an account keeps whatever happens. At most one of them can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFlags {
    /// The account holds somebody's money: it cannot be overdrawn.
    pub debits_must_not_exceed_credits: bool,
    /// The account's mirror image: it cannot be owed.
    pub credits_must_not_exceed_debits: bool,
}

impl From<Account> for ledger::Account {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.as_u128(),
            user_data_128: account.owner,
            ledger: account.ledger,
            code: account.code,
            flags: account.flags.into(),
            ..Self::default()
        }
    }
}

impl From<AccountFlags> for ledger::AccountFlags {
    fn from(flags: AccountFlags) -> Self {
        let mut bits = Self::empty();
        bits.set(Self::DEBITS_MUST_NOT_EXCEED_CREDITS, flags.debits_must_not_exceed_credits);
        bits.set(Self::CREDITS_MUST_NOT_EXCEED_DEBITS, flags.credits_must_not_exceed_debits);
        bits
    }
}

/// The account as it was opened: without its balance.
impl From<ledger::Account> for Account {
    fn from(account: ledger::Account) -> Self {
        use ledger::AccountFlags as Bits;
        Self {
            id: AccountId::from_u128(account.id),
            ledger: account.ledger,
            code: account.code,
            owner: account.user_data_128,
            flags: AccountFlags {
                debits_must_not_exceed_credits: account.flags.contains(Bits::DEBITS_MUST_NOT_EXCEED_CREDITS),
                credits_must_not_exceed_debits: account.flags.contains(Bits::CREDITS_MUST_NOT_EXCEED_DEBITS),
            },
        }
    }
}

/// Meanings of an account's `code`.
pub mod account_code {
    /// Money that the platform holds outside (at its bank) for everybody inside: the other side of each deposit.
    pub const FLOAT: u16 = 1;
    /// A wallet's spendable balance.
    pub const WALLET: u16 = 2;
    /// What a merchant was paid and has not been settled yet.
    pub const MERCHANT_PENDING: u16 = 3;
    /// What was settled and has not left for the merchant's bank.
    pub const MERCHANT_BALANCE: u16 = 4;
    /// What is kept of settlements, for later refunds.
    pub const MERCHANT_RESERVE: u16 = 5;
    /// What a merchant owes the platform.
    pub const MERCHANT_DEBT: u16 = 6;
    /// What the platform has earned.
    pub const FEES: u16 = 7;
    /// What open disputes are about.
    pub const DISPUTED: u16 = 8;
    /// What has left for merchants' banks and is not known to have arrived.
    pub const PAYOUTS_IN_TRANSIT: u16 = 9;
    /// What is held of a wallet's money for merchants.
    pub const WALLET_HOLD: u16 = 10;
}

impl Account {
    /// The account that the decider opens when it is first needed. Its id follows from what it is for.
    pub(crate) fn needed(code: u16, owner: Owner, currency: Currency) -> Self {
        let ledger = u32::from(currency.numeric());
        let is_debt = code == account_code::MERCHANT_DEBT;
        // Money that the platform has outside may be less than nothing inside.
        let is_float = code == account_code::FLOAT;
        Self {
            id: AccountId::from_u128(derived::bits(&[owner.bits(), u128::from(code), u128::from(ledger)])),
            ledger,
            code,
            owner: owner.bits(),
            flags: AccountFlags {
                debits_must_not_exceed_credits: !is_debt && !is_float,
                credits_must_not_exceed_debits: is_debt,
            },
        }
    }
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The platform itself.
    Platform,
    /// A wallet.
    Wallet(WalletId),
    /// A merchant.
    Merchant(MerchantId),
}

impl Owner {
    /// The owner as an account carries it.
    pub fn bits(self) -> u128 {
        match self {
            Self::Platform => 0,
            Self::Wallet(wallet) => wallet.as_u128(),
            Self::Merchant(merchant) => merchant.as_u128(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledgers_account_keeps_all_of_it() {
        for (debits, credits) in [(false, false), (true, false), (false, true)] {
            let account = Account {
                id: AccountId::from_u128(7),
                ledger: 156,
                code: account_code::WALLET,
                owner: u128::MAX - 1,
                flags: AccountFlags { debits_must_not_exceed_credits: debits, credits_must_not_exceed_debits: credits },
            };
            let opened = ledger::Account::from(account);
            assert_eq!((opened.id, opened.user_data_128, opened.timestamp), (7, u128::MAX - 1, 0));
            let limits = opened.flags;
            assert_eq!(limits.contains(ledger::AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS), debits);
            assert_eq!(limits.contains(ledger::AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS), credits);
            assert_eq!(Account::from(opened), account);
        }
    }
}
