//! Where the model's money is: signed sums by place, what has gathered for merchants, and settlements.

use std::collections::BTreeMap;

use ids::{MerchantId, SettlementId};
use money::Currency;
use payments::{Rejection, Settlement, Totals, UnixMillis};
use terms::{BusinessDay, CutOff, SettlementTerms};

pub(crate) const FLOAT: u16 = 1;
pub(crate) const WALLET: u16 = 2;
pub(crate) const PENDING: u16 = 3;
pub(crate) const BALANCE: u16 = 4;
pub(crate) const RESERVE: u16 = 5;
pub(crate) const DEBT: u16 = 6;
pub(crate) const FEES: u16 = 7;
pub(crate) const DISPUTED: u16 = 8;
pub(crate) const IN_TRANSIT: u16 = 9;
pub(crate) const HOLD: u16 = 10;

const MOST: i128 = 0xffff_ffff_ffff_ffff;
const DAY: u64 = 86_400_000;

/// What an account is for, whose it is, and its currency: there is one account for each.
pub(crate) type Place = (u16, u128, Currency);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) debits: i128,
    pub(crate) credits: i128,
}

/// What gathers for one merchant in one currency.
#[derive(Debug, Default, Clone)]
pub(crate) struct Book {
    pub(crate) settlements: u64,
    pub(crate) month: Option<(i16, i8)>,
    pub(crate) volume: i128,
    pub(crate) window: Option<Window>,
}

#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) opened_at: UnixMillis,
    pub(crate) closes: Option<(UnixMillis, BusinessDay)>,
    pub(crate) gathered: Gathered,
}

/// How many, and how much.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Gathered {
    pub(crate) payments: (u64, i128),
    pub(crate) refunds: (u64, i128),
    pub(crate) disputes: (u64, i128),
    pub(crate) returns: (u64, i128),
    pub(crate) fees: i128,
}

impl Gathered {
    pub(crate) fn left(&self) -> i128 {
        self.payments.1 + self.returns.1 - self.refunds.1 - self.disputes.1
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            payments: self.payments.0,
            gross: units(self.payments.1),
            refunds: self.refunds.0,
            refunded: units(self.refunds.1),
            disputes: self.disputes.0,
            disputed: units(self.disputes.1),
            returns: self.returns.0,
            returned: units(self.returns.1),
            fees: units(self.fees),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) settlement: Settlement,
    pub(crate) payout_came: bool,
    pub(crate) released: bool,
}

/// Why money moves in or out of what gathers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Why {
    Paid,
    Refunded,
    Disputed,
    Won,
    Other,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Purse {
    pub(crate) sums: BTreeMap<Place, Sums>,
    pub(crate) books: BTreeMap<(MerchantId, Currency), Book>,
    pub(crate) settlements: Vec<Settled>,
}

impl Purse {
    /// What somebody has there; less than nothing for debts.
    pub(crate) fn has(&self, place: Place) -> i128 {
        self.sums.get(&place).map_or(0, |sums| sums.credits - sums.debits)
    }

    pub(crate) fn transfer(&mut self, why: Why, from: Place, to: Place, amount: i128) -> Result<(), Rejection> {
        assert!(amount >= 0);
        if amount == 0 {
            return Ok(());
        }
        let debits = self.sums.get(&from).map_or(0, |sums| sums.debits) + amount;
        let credits = self.sums.get(&to).map_or(0, |sums| sums.credits) + amount;
        if debits > MOST || credits > MOST {
            return Err(Rejection::BalanceOverflow);
        }
        if ![FLOAT, DEBT].contains(&from.0) && self.has(from) < amount {
            return Err(Rejection::InsufficientFunds { available: units(self.has(from)) });
        }
        assert!(to.0 != DEBT || -self.has(to) >= amount, "no more is repaid than is owed");
        self.sums.entry(from).or_default().debits = debits;
        self.sums.entry(to).or_default().credits = credits;
        self.gather(why, if matches!(why, Why::Paid | Why::Won) { to } else { from }, amount);
        Ok(())
    }

    fn gather(&mut self, why: Why, (code, owner, currency): Place, amount: i128) {
        if code != PENDING || matches!(why, Why::Other) {
            return;
        }
        let book = self.books.get_mut(&(MerchantId::from_u128(owner), currency)).expect("a book");
        let gathered = &mut book.window.as_mut().expect("an open window").gathered;
        let line = match why {
            Why::Paid => &mut gathered.payments,
            Why::Refunded => &mut gathered.refunds,
            Why::Disputed => &mut gathered.disputes,
            Why::Won | Why::Other => &mut gathered.returns,
        };
        *line = (line.0 + 1, line.1 + amount);
    }

    /// Sees to it that a window is open at this moment.
    pub(crate) fn window(
        &mut self,
        now: UnixMillis,
        (merchant, currency): (MerchantId, Currency),
        terms: Option<&SettlementTerms>,
    ) -> Result<&mut Book, Rejection> {
        let book = self.books.entry((merchant, currency)).or_default();
        let closes = book.window.as_ref().and_then(|window| window.closes);
        if closes.is_some_and(|(at, _)| at <= now) {
            self.close((merchant, currency), terms)?;
        }
        let book = self.books.get_mut(&(merchant, currency)).expect("just made");
        if book.window.is_none() {
            let closes = terms.map(|terms| closing(terms, now));
            book.window = Some(Window { opened_at: now, closes, gathered: Gathered::default() });
            book.note_month();
        }
        Ok(book)
    }

    pub(crate) fn close(
        &mut self,
        (merchant, currency): (MerchantId, Currency),
        terms: Option<&SettlementTerms>,
    ) -> Result<(), Rejection> {
        let terms = terms.expect("what closes has terms");
        let place = |code| (code, merchant.as_u128(), currency);
        let [pending, balance, reserve, debt] = [PENDING, BALANCE, RESERVE, DEBT].map(place);
        let fees_account = (FEES, 0, currency);
        let book = &self.books[&(merchant, currency)];
        let window = book.window.clone().expect("an open window");
        let number = book.settlements + 1;
        let gathered = window.gathered;
        let (closed_at, business_day) = window.closes.expect("it closes");
        assert_eq!(gathered.left(), self.has(pending), "what gathered is what is there");

        let fees = gathered.fees;
        let from_window = fees.min(self.has(pending));
        let from_balance = (fees - from_window).min(self.has(balance));
        self.transfer(Why::Other, pending, fees_account, from_window)?;
        self.transfer(Why::Other, balance, fees_account, from_balance)?;
        self.transfer(Why::Other, debt, fees_account, fees - from_window - from_balance)?;
        let repaid = self.has(pending).min(-self.has(debt));
        self.transfer(Why::Other, pending, debt, repaid)?;
        let rate = terms.reserve.map_or(0, |reserve| i128::from(reserve.rate.get()));
        let reserved = (gathered.payments.1 * rate / 10_000).min(self.has(pending));
        self.transfer(Why::Other, pending, reserve, reserved)?;
        let net = self.has(pending);
        self.transfer(Why::Other, pending, balance, net)?;

        let days = terms.reserve.filter(|_| reserved > 0).map(|reserve| u64::from(reserve.days));
        let settlement = Settlement {
            id: SettlementId::from_u128(0),
            merchant,
            currency,
            number,
            business_day,
            opened_at: window.opened_at,
            closed_at,
            after_position: 0,
            totals: gathered.totals(),
            fees_from_elsewhere: units(fees - from_window),
            debt_repaid: units(repaid),
            reserved: units(reserved),
            reserved_until: days.map(|days| UnixMillis(closed_at.0.saturating_add(days * DAY))),
            net: units(net),
            payout_at: UnixMillis(terms.payout_at_ms(business_day)),
        };
        self.settlements.push(Settled { settlement, payout_came: net == 0, released: reserved == 0 });
        let book = self.books.get_mut(&(merchant, currency)).expect("a book");
        (book.settlements, book.window) = (number, None);
        Ok(())
    }
}

impl Book {
    /// Tiers of fees go by what was captured in the month in which the window closes.
    pub(crate) fn note_month(&mut self) {
        let closes = self.window.as_ref().and_then(|window| window.closes);
        if let Some((_, day)) = closes
            && self.month != Some(day.month())
        {
            (self.month, self.volume) = (Some(day.month()), 0);
        }
    }
}

pub(crate) fn closing(terms: &SettlementTerms, now: UnixMillis) -> (UnixMillis, BusinessDay) {
    let CutOff { at_ms, business_day } = terms.next_cut_off(now.0);
    (UnixMillis(at_ms), business_day)
}

pub(crate) fn units(amount: i128) -> u64 {
    u64::try_from(amount).expect("neither less than nothing nor more than can be counted")
}
