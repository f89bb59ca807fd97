//! A decision in the making: movements of money over several accounts, and windows that must be open for them.
//!
//! A draft sees the state as it will be after what it has drafted so far, so that several movements in one decision
//! never overdraw together what each alone would not.

use std::collections::BTreeMap;

use ids::{AccountId, MerchantId};
use money::Currency;

use super::settlements;
use crate::account::{Account, AccountFlags, Owner, account_code};
use crate::event::{Event, Leg, Moved, OpenedWindow};
use crate::model::UnixMillis;
use crate::payment::Part;
use crate::rejection::Rejection;
use crate::settlement::{Closing, MerchantBook, Window};
use crate::state::State;

/// How much a merchant may come to owe by a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Debt {
    /// So much in all, in minor units.
    UpTo(u64),
    /// Whatever it takes.
    Unlimited,
}

/// A decision in the making.
pub(crate) struct Draft<'a> {
    pub(crate) state: &'a State,
    pub(crate) now: UnixMillis,
    pub(crate) events: Vec<Event>,
    /// Accounts that are opened with it.
    opened: Vec<Account>,
    /// What the movements so far add to accounts' sums.
    changes: BTreeMap<AccountId, Change>,
    /// The windows that were looked at, as they are after what was drafted.
    windows: Vec<Gathering>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Change {
    debits: u64,
    credits: u64,
}

/// What a decision must know of a merchant's open window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gathering {
    /// The pending account.
    pub(crate) pending: AccountId,
    /// Fees that will be taken out of it.
    pub(crate) fees: u64,
    /// What was captured this month before.
    pub(crate) volume: u64,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(state: &'a State, now: UnixMillis) -> Self {
        Self { state, now, events: Vec::new(), opened: Vec::new(), changes: BTreeMap::new(), windows: Vec::new() }
    }

    /// Drafts one thing of several that have nothing to do with each other: if it cannot be, nothing of it stays, and
    /// the others go on. Says whether it can.
    pub(crate) fn attempt(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Rejection>) -> bool {
        let (events, opened) = (self.events.len(), self.opened.len());
        let (changes, windows) = (self.changes.clone(), self.windows.clone());
        let can_be = work(self).is_ok();
        if !can_be {
            self.events.truncate(events);
            self.opened.truncate(opened);
            (self.changes, self.windows) = (changes, windows);
        }
        can_be
    }

    /// The one account of this kind, opened if it is not there yet.
    pub(crate) fn account(&mut self, code: u16, owner: Owner, currency: Currency) -> AccountId {
        if let Some(known) = self.state.account_of(code, owner, currency) {
            return known;
        }
        let needed = Account::needed(code, owner, currency);
        if !self.opened.iter().any(|account| account.id == needed.id) {
            self.opened.push(needed);
            self.events.push(Event::AccountOpened(needed));
        }
        needed.id
    }

    /// What an account that holds money has.
    pub(crate) fn available(&self, account: AccountId) -> u64 {
        let (debits, credits) = self.sums(account);
        u64::try_from(credits.saturating_sub(debits)).unwrap_or(u64::MAX)
    }

    /// What an account that counts debts has.
    pub(crate) fn owed(&self, account: AccountId) -> u64 {
        let (debits, credits) = self.sums(account);
        u64::try_from(debits.saturating_sub(credits)).unwrap_or(u64::MAX)
    }

    /// Moves so much; nothing at all if it is 0.
    ///
    /// # Errors
    /// [`Rejection::InsufficientFunds`] if the account that gives may not, [`Rejection::BalanceOverflow`] if a sum would
    /// be beyond what can be counted or more than is owed.
    pub(crate) fn transfer(
        &mut self,
        legs: &mut Vec<Leg>,
        code: u16,
        [debit, credit]: [AccountId; 2],
        amount: u64,
    ) -> Result<(), Rejection> {
        if amount == 0 {
            return Ok(());
        }
        if self.flags(debit).debits_must_not_exceed_credits && self.available(debit) < amount {
            return Err(Rejection::InsufficientFunds { available: self.available(debit) });
        }
        if self.flags(credit).credits_must_not_exceed_debits && self.owed(credit) < amount {
            return Err(Rejection::BalanceOverflow);
        }
        let limit = u128::from(u64::MAX);
        if self.sums(debit).0 + u128::from(amount) > limit || self.sums(credit).1 + u128::from(amount) > limit {
            return Err(Rejection::BalanceOverflow);
        }
        self.changes.entry(debit).or_default().debits += amount;
        self.changes.entry(credit).or_default().credits += amount;
        legs.push(Leg { code, debit, credit, amount });
        Ok(())
    }

    /// Takes so much from a merchant: from what has gathered and is not the platform's fees, then from its balance,
    /// then as a debt.
    pub(crate) fn draw(
        &mut self,
        legs: &mut Vec<Leg>,
        code: u16,
        from: MerchantId,
        to: AccountId,
        (amount, currency): (u64, Currency),
        debt: Debt,
    ) -> Result<(), Rejection> {
        if amount == 0 {
            return Ok(());
        }
        let owner = Owner::Merchant(from);
        let gathering = self.window(from, currency)?;
        let gathered = self.available(gathering.pending).saturating_sub(gathering.fees);
        let balance = self.account(account_code::MERCHANT_BALANCE, owner, currency);
        let owed = self.account(account_code::MERCHANT_DEBT, owner, currency);
        let from_window = amount.min(gathered);
        let from_balance = (amount - from_window).min(self.available(balance));
        let rest = amount - from_window - from_balance;
        let may_owe = match debt {
            Debt::UpTo(limit) => limit.saturating_sub(self.owed(owed)),
            Debt::Unlimited => u64::MAX,
        };
        if rest > may_owe {
            let available = from_window.saturating_add(from_balance).saturating_add(may_owe);
            return Err(Rejection::MerchantFundsInsufficient { available });
        }
        self.transfer(legs, code, [gathering.pending, to], from_window)?;
        self.transfer(legs, code, [balance, to], from_balance)?;
        self.transfer(legs, code, [owed, to], rest)
    }

    /// Gives each receiver its part, into what gathers for it.
    pub(crate) fn distribute(
        &mut self,
        legs: &mut Vec<Leg>,
        code: u16,
        from: AccountId,
        parts: &[Part],
        currency: Currency,
    ) -> Result<(), Rejection> {
        for (receiver, part) in parts {
            if *part > 0 {
                let gathering = self.window(*receiver, currency)?;
                self.transfer(legs, code, [from, gathering.pending], *part)?;
            }
        }
        Ok(())
    }

    /// The window in which a merchant's money gathers at this moment: one whose time is over is closed first, and one
    /// that is not there is opened.
    pub(crate) fn window(&mut self, merchant: MerchantId, currency: Currency) -> Result<Gathering, Rejection> {
        let owner = Owner::Merchant(merchant);
        let pending = self
            .state
            .account_of(account_code::MERCHANT_PENDING, owner, currency)
            .ok_or(Rejection::CurrencyNotAccepted { currency })?;
        if let Some(known) = self.windows.iter().find(|gathering| gathering.pending == pending) {
            return Ok(*known);
        }
        let book = self.state.books.get(pending);
        let gathering = match book.and_then(|book| Some((book, book.window?))) {
            Some((book, window)) if !is_over(&window, self.now) => {
                Gathering { pending, fees: window.totals.fees, volume: book.volume }
            }
            Some((book, window)) => {
                settlements::close(self, book, &window)?;
                self.open_window(merchant, currency, pending)
            }
            None => self.open_window(merchant, currency, pending),
        };
        self.windows.push(gathering);
        Ok(gathering)
    }

    fn open_window(&mut self, merchant: MerchantId, currency: Currency, pending: AccountId) -> Gathering {
        let closes = self.next_closing(merchant);
        self.events.push(Event::WindowOpened(OpenedWindow { merchant, currency, pending, closes }));
        let same_month =
            |book: &&MerchantBook| closes.is_none_or(|closes| book.month == Some(closes.business_day.month()));
        let volume = self.state.books.get(pending).filter(same_month).map_or(0, |book| book.volume);
        Gathering { pending, fees: 0, volume }
    }

    /// The next cut-off of a merchant that has settlement terms.
    fn next_closing(&self, merchant: MerchantId) -> Option<Closing> {
        let terms = self.state.merchant(merchant)?.terms.as_ref()?;
        Some(settlements::closing_under(terms, self.now))
    }

    /// What the platform charges for this, and notes it, so that a second charge in the same decision counts on.
    pub(crate) fn charge(&mut self, merchant: MerchantId, currency: Currency, amount: u64) -> Result<u64, Rejection> {
        let gathering = self.window(merchant, currency)?;
        let plan = self.state.merchant(merchant).and_then(|merchant| merchant.fee_plan(self.now));
        let fee = plan.map_or(0, |plan| plan.fee(terms::Method::Tap, currency, amount, gathering.volume));
        if let Some(known) = self.windows.iter_mut().find(|known| known.pending == gathering.pending) {
            known.fees = known.fees.saturating_add(fee);
            known.volume = known.volume.saturating_add(amount);
        }
        Ok(fee)
    }

    /// The events so far, with this movement after them.
    pub(crate) fn finish<T>(mut self, what: T, legs: Vec<Leg>, event: fn(Moved<T>) -> Event) -> Vec<Event> {
        self.events.push(event(Moved { what, legs }));
        self.events
    }

    /// What was debited and credited, with what was drafted.
    fn sums(&self, account: AccountId) -> (u128, u128) {
        let Change { debits, credits } = self.changes.get(&account).copied().unwrap_or_default();
        let balance = self.state.account(account).map(|(_, balance)| balance).unwrap_or_default();
        let sum = |posted, drafted| u128::from(posted) + u128::from(drafted);
        (sum(balance.debits_posted, debits), sum(balance.credits_posted, credits))
    }

    fn flags(&self, account: AccountId) -> AccountFlags {
        let opened = self.opened.iter().find(|opened| opened.id == account).map(|opened| opened.flags);
        opened.or_else(|| self.state.account(account).map(|(account, _)| account.flags)).unwrap_or_default()
    }
}

fn is_over(window: &Window, now: UnixMillis) -> bool {
    window.closes.is_some_and(|closes| closes.at <= now)
}
