//! What is known of merchants' money beside balances: windows that gather, and the month's volume. The state keeps it,
//! and so do the tables, by the same fold.

use std::collections::HashMap;

use ids::{AccountId, IdMap, MerchantId};
use money::Currency;

use crate::event::{Event, Leg, OpenedWindow, transfer_code};
use crate::model::UnixMillis;
use crate::payment::Part;
use crate::settlement::{MerchantBook, Settlement, Totals, Window};

/// Every merchant's books.
#[derive(Debug, Default)]
pub struct Books {
    /// By the account in which payments gather.
    books: IdMap<ids::Account, MerchantBook>,
    accounts: HashMap<(MerchantId, Currency), AccountId>,
}

impl Books {
    /// A book by its pending account.
    pub fn get(&self, pending: AccountId) -> Option<&MerchantBook> {
        self.books.get(&pending)
    }

    /// A merchant's book in a currency.
    pub fn of(&self, merchant: MerchantId, currency: Currency) -> Option<&MerchantBook> {
        self.accounts.get(&(merchant, currency)).and_then(|pending| self.get(*pending))
    }

    /// Every book, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &MerchantBook> {
        self.books.values()
    }

    /// Puts back a stored book.
    pub fn restore(&mut self, book: MerchantBook) {
        self.accounts.insert((book.merchant, book.currency), book.pending);
        self.books.insert(book.pending, book);
    }

    /// Folds an event at this journal position. Hands the pending account of each book that it changed to `changed`.
    ///
    /// `owner` says whose pending account one is that has no book yet, and `None` of accounts of other kinds: histories
    /// from before there were windows have payments without a word about them, and their books begin with those.
    pub fn fold(
        &mut self,
        event: &Event,
        at: UnixMillis,
        position: u64,
        owner: impl Fn(AccountId) -> Option<(MerchantId, Currency)>,
        mut changed: impl FnMut(AccountId),
    ) {
        let mut gather = |books: &mut Self, legs: &[Leg]| {
            for leg in legs {
                books.gather(leg, at, &owner).into_iter().for_each(&mut changed);
            }
        };
        match event {
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
                let payment = &moved.what;
                gather(self, &moved.legs);
                if payment.captured > 0 {
                    let part = (payment.merchant, payment.captured);
                    self.charge(part, payment.currency, payment.fee).into_iter().for_each(changed);
                }
            }
            Event::PaymentCaptured(moved) => {
                let capture = &moved.what.capture;
                gather(self, &moved.legs);
                let part = (capture.merchant, capture.amount.minor_units());
                self.charge(part, capture.currency, capture.fee).into_iter().for_each(changed);
            }
            Event::PaymentRefunded(moved) => gather(self, &moved.legs),
            Event::DisputeOpened(moved) | Event::DisputeClosed(moved) => gather(self, &moved.legs),
            Event::WindowOpened(opened) => {
                self.open(opened, at);
                changed(opened.pending);
            }
            Event::SettlementClosed(moved) => self.close(&moved.what, position).into_iter().for_each(changed),
            _ => {}
        }
    }

    /// Counts a movement in or out of a pending account into its window; says of which account.
    fn gather(
        &mut self,
        leg: &Leg,
        at: UnixMillis,
        owner: impl Fn(AccountId) -> Option<(MerchantId, Currency)>,
    ) -> Option<AccountId> {
        let amount = leg.amount;
        let (account, count): (AccountId, fn(&mut Totals) -> [&mut u64; 2]) = match leg.code {
            transfer_code::PAYMENT | transfer_code::CAPTURE => {
                (leg.credit, |totals| [&mut totals.payments, &mut totals.gross])
            }
            transfer_code::REFUND => (leg.debit, |totals| [&mut totals.refunds, &mut totals.refunded]),
            transfer_code::DISPUTE => (leg.debit, |totals| [&mut totals.disputes, &mut totals.disputed]),
            transfer_code::DISPUTE_WON => (leg.credit, |totals| [&mut totals.returns, &mut totals.returned]),
            _ => return None,
        };
        if !self.books.contains_key(&account) {
            let (merchant, currency) = owner(account)?;
            self.restore(MerchantBook::new(merchant, currency, account));
        }
        let window = self.books.get_mut(&account)?.window.get_or_insert(Window::opened_at(at));
        let [times, sum] = count(&mut window.totals);
        *times += 1;
        *sum = sum.saturating_add(amount);
        Some(account)
    }

    /// Notes what was captured for a merchant, and what the platform charges for it.
    fn charge(&mut self, (merchant, captured): Part, currency: Currency, fee: u64) -> Option<AccountId> {
        let pending = *self.accounts.get(&(merchant, currency))?;
        let book = self.books.get_mut(&pending)?;
        book.volume = book.volume.saturating_add(captured);
        if let Some(window) = &mut book.window {
            window.totals.fees = window.totals.fees.saturating_add(fee);
        }
        Some(pending)
    }

    fn open(&mut self, opened: &OpenedWindow, at: UnixMillis) {
        let OpenedWindow { merchant, currency, pending, closes } = *opened;
        if !self.books.contains_key(&pending) {
            self.restore(MerchantBook::new(merchant, currency, pending));
        }
        let Some(book) = self.books.get_mut(&pending) else { return };
        let month = closes.map(|closes| closes.business_day.month());
        if month.is_some() && month != book.month {
            (book.month, book.volume) = (month, 0);
        }
        book.window.get_or_insert(Window::opened_at(at)).closes = closes;
    }

    fn close(&mut self, settlement: &Settlement, position: u64) -> Option<AccountId> {
        let pending = *self.accounts.get(&(settlement.merchant, settlement.currency))?;
        let book = self.books.get_mut(&pending)?;
        book.window = None;
        book.settlements = settlement.number;
        book.closed_position = position;
        Some(pending)
    }
}

impl Window {
    fn opened_at(at: UnixMillis) -> Self {
        Self { opened_at: at, closes: None, totals: Totals::default() }
    }
}

impl MerchantBook {
    fn new(merchant: MerchantId, currency: Currency, pending: AccountId) -> Self {
        Self { merchant, currency, pending, settlements: 0, closed_position: 0, month: None, volume: 0, window: None }
    }
}
