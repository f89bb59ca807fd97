//! Each row beside the record that made it, changed it or finished it.

use std::collections::BTreeMap;
use std::fmt;

use ids::{AccountId, DisputeId, OrderId, PaymentId, PayoutId, SettlementId, TapId};
use ledger::Transfer;
use payments::{Dispute, Event, Moved, Order, Payment, Payout, Record};
use store::tables::{Cause, Entry, EventRow};

use super::{Audit, VerifyError, differ};

/// Rows that say more than the journal has said so far: a payment that will be refunded is stored as refunded. What
/// they say must come before the tables' position does.
#[derive(Default)]
pub(super) struct Ahead(BTreeMap<Name, String>);

/// A row that can change after it was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Tap(TapId),
    Payment(PaymentId),
    Dispute(DisputeId),
    Settlement(SettlementId),
    Payout(PayoutId),
}

impl Ahead {
    /// One of these rows, and what it says.
    pub(super) fn first(&self) -> Option<String> {
        self.0.values().next().cloned()
    }
}

impl Audit {
    /// Compares the rows that this record made, changed or finished.
    pub(super) fn compare_rows(&mut self, record: &Record, position: u64) -> Result<(), VerifyError> {
        match &record.event {
            Event::TapAccepted(tap) => {
                let row = self.row(|reader| reader.tap(tap.id))?;
                self.same(&row.map(|(tap, _)| tap), &Some(*tap), tap.id)?;
                self.compare_changing(Name::Tap(tap.id), row.map(|(_, payment)| payment), None)?;
            }
            Event::DepositSucceeded(moved) => {
                let row = self.row(|reader| reader.deposit(moved.what.id))?;
                self.same(&row, &Some(moved.what), moved.what.id)?;
            }
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => self.compare_made(&moved.what, position)?,
            Event::PaymentCaptured(Moved { what, .. }) => {
                let row = self.row(|reader| reader.capture(what.capture.id))?;
                self.same(&row, &Some(what.capture), what.capture.id)?;
                self.compare_payment(&what.payment)?;
                self.compare_changed_order(what.order.as_ref())?;
            }
            Event::HoldReleased(Moved { what, .. }) => {
                self.compare_payment(&what.payment)?;
                self.compare_changed_order(what.order.as_ref())?;
            }
            Event::PaymentRefunded(Moved { what, .. }) => {
                let row = self.row(|reader| reader.refund(what.refund.id))?;
                self.same(&row.as_ref(), &Some(&what.refund), what.refund.id)?;
                self.compare_payment(&what.payment)?;
            }
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                self.compare_dispute(&what.dispute)?;
                self.compare_payment(&what.payment)?;
            }
            Event::DisputeAnswered(dispute) => self.compare_dispute(dispute)?,
            Event::SettlementClosed(Moved { what, .. }) => {
                let row = self.row(|reader| reader.settlement(what.id))?;
                let found = row.map(|row| (row.settlement, row.position));
                self.same(&found, &Some((*what, position)), what.id)?;
                self.compare_changing(Name::Settlement(what.id), row.map(|row| row.payout), None)?;
            }
            Event::PayoutCreated(Moved { what, .. }) => {
                self.compare_payout(what)?;
                if let Some(settlement) = what.settlement {
                    let row = self.row(|reader| reader.settlement(settlement))?;
                    self.compare_changing(Name::Settlement(settlement), row.map(|row| row.payout), Some(what.id))?;
                }
            }
            Event::PayoutSubmitted(payout) | Event::PayoutReported(Moved { what: payout, .. }) => {
                self.compare_payout(payout)?;
            }
            Event::OrderCancelled(order) | Event::OrderExpired(order) => self.compare_order(*order)?,
            _ => {}
        }
        self.compare_entries(record, position)?;
        self.compare_event(record, position)?;
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            let row = self.row(|reader| reader.request(request.key))?;
            self.same(&row, &Some((request.body, outcome)), format_args!("the request at position {position}"))?;
        }
        Ok(())
    }

    fn compare_made(&mut self, payment: &Payment, position: u64) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.payment(payment.id))?;
        self.same(&row.as_ref().map(Payment::as_created).as_ref(), &Some(payment), payment.id)?;
        self.compare_changing(Name::Payment(payment.id), row.as_ref(), payment)?;
        let at = self.row(|reader| reader.position_of(payment.id))?;
        self.same(&at, &Some(position), format_args!("the position of {}", payment.id))?;
        let used = self.row(|reader| reader.tap(payment.tap))?.map(|(_, used)| used);
        self.compare_changing(Name::Tap(payment.tap), used, Some(payment.id))?;
        // One for which money is held is compared when it no longer is, or at the end.
        match payment.order.filter(|_| !payment.is_open()) {
            Some(order) => self.compare_order(order),
            None => Ok(()),
        }
    }

    fn compare_payment(&mut self, payment: &Payment) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.payment(payment.id))?;
        self.compare_changing(Name::Payment(payment.id), row.as_ref(), payment)
    }

    fn compare_dispute(&mut self, dispute: &Dispute) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.dispute(dispute.id))?;
        self.compare_changing(Name::Dispute(dispute.id), row.as_ref(), dispute)
    }

    fn compare_payout(&mut self, payout: &Payout) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.payout(payout.id))?;
        self.compare_changing(Name::Payout(payout.id), row.as_ref(), payout)
    }

    /// Compares a row that may change again. One that says something else now must say the same after some later record.
    fn compare_changing<T: PartialEq + fmt::Debug>(
        &mut self,
        name: Name,
        row: Option<T>,
        folded: T,
    ) -> Result<(), VerifyError> {
        self.rows_compared += 1;
        match row {
            Some(row) if row == folded => drop(self.ahead.0.remove(&name)),
            Some(row) => drop(self.ahead.0.insert(name, format!("{name} is {row:?}, not {folded:?}"))),
            None => return differ(format!("{name} is not there")),
        }
        Ok(())
    }

    fn compare_changed_order(&mut self, order: Option<&Order>) -> Result<(), VerifyError> {
        order.map_or(Ok(()), |order| self.compare_order(order.id))
    }

    /// Compares an order that is closed.
    fn compare_order(&mut self, id: OrderId) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.order(id))?;
        let folded = self.state.order(id).cloned();
        self.same(&row, &folded, id)
    }

    /// Both lines of each transfer, with the balances that the fold has reached after each of them.
    fn compare_entries(&mut self, record: &Record, position: u64) -> Result<(), VerifyError> {
        let mut transfers = Vec::new();
        record.event.for_each_transfer(|transfer: Transfer| transfers.push(transfer));
        let (at, cause) = (record.at, Cause::of(&record.event));
        // The fold has the sums after the last of several movements; what was before follows from taking them back.
        let mut sums: BTreeMap<AccountId, (u64, u64)> = BTreeMap::new();
        let legs: Vec<(&Transfer, u32)> = transfers.iter().zip(0..).collect();
        for (transfer, leg) in legs.into_iter().rev() {
            for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
                let account = AccountId::from_u128(account);
                let state = &self.state;
                let (debits, credits) = sums.entry(account).or_insert_with(|| {
                    let balance = state.account(account).map(|(_, balance)| balance).unwrap_or_default();
                    (balance.debits_posted, balance.credits_posted)
                });
                let (balance_after, amount) = (credits.saturating_sub(*debits), transfer.amount);
                let sum = if credit { credits } else { debits };
                *sum = sum.saturating_sub(amount);
                let entry = Entry { position, leg, credit, amount, balance_after, at, code: transfer.code, cause };
                let row = self.row(|reader| reader.entry(account, position, leg))?;
                self.same(&row, &Some(entry), format_args!("{account} at position {position}"))?;
            }
        }
        Ok(())
    }

    /// What a merchant was told by this record.
    fn compare_event(&mut self, record: &Record, position: u64) -> Result<(), VerifyError> {
        let Some(told) = EventRow::of(record, position) else { return Ok(()) };
        let order = || self.state.order(OrderId::from_bytes(told.object)).map(|order| order.merchant);
        let Some(merchant) = told.merchant.or_else(order) else {
            return differ(format!("nobody is told of position {position}"));
        };
        let row = self.row(|reader| reader.event_row(merchant, position))?;
        let expected = EventRow { merchant: Some(merchant), ..told };
        self.same(&row, &Some(expected), format_args!("what {merchant} is told of position {position}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tap(id) => write!(f, "the payment by {id}"),
            Self::Payment(id) => id.fmt(f),
            Self::Dispute(id) => id.fmt(f),
            Self::Settlement(id) => write!(f, "the payout of {id}"),
            Self::Payout(id) => id.fmt(f),
        }
    }
}
