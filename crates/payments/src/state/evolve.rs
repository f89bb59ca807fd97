//! Folding: what each event changes. No rules here: what is in the journal has happened.

use ids::{AccountId, MerchantId, OrderId, TagId};
use ledger::{Effects, Transfer};
use money::Currency;

use super::{DuePayout, Forgettable, Kept, State, TagState};
use crate::account::{Account, account_code};
use crate::books::Books;
use crate::command::Request;
use crate::dispute::{Dispute, DisputeStatus};
use crate::event::{Event, Moved, Outcome, Record};
use crate::merchant::MerchantState;
use crate::model::{Deposit, UnixMillis};
use crate::order::{Order, OrderStatus};
use crate::payment::{Capture, Payment, PaymentStatus, Refund};
use crate::settlement::{Payout, ReserveRelease, Settlement};

impl State {
    /// Folds one record into the state.
    pub fn evolve(&mut self, record: &Record) {
        self.position += 1;
        self.now = self.now.max(record.at);
        self.post(&record.event, record.at);
        self.keep_books(&record.event, record.at);
        self.apply(&record.event, record.at);
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            self.remember_request(request, outcome);
        }
    }

    /// Moves the money. The ledger's rules are asserted once more, in release builds too: breaking one means that
    /// memory or history is damaged, and a ledger that is known to be wrong must not go on.
    fn post(&mut self, event: &Event, at: UnixMillis) {
        // No account keeps its history here and nothing is pending, so there are no effects but on balances.
        let mut effects = Effects::default();
        event.for_each_transfer(|transfer: Transfer| {
            if let Err(broken) = self.ledger.create_transfer(&transfer, at.nanoseconds(), &mut effects) {
                panic!("transfer {:#x} may not be posted: {broken}", transfer.id);
            }
        });
    }

    fn apply(&mut self, event: &Event, at: UnixMillis) {
        match event {
            Event::AccountOpened(account) => self.open_account(*account, at),
            Event::TagRegistered(tag) => self.restore_tag(*tag, 0),
            Event::DepositSucceeded(moved) => self.remember_deposit(moved.what),
            Event::OrderCreated(order) | Event::OrderPlaced(order) => self.place_order(order),
            Event::OrderCancelled(order) => self.close_order(*order, OrderStatus::Cancelled { at }),
            Event::OrderExpired(order) => self.close_order(*order, OrderStatus::Expired { at }),
            Event::TapAccepted(tap) => {
                if let Some(state) = self.tag_mut(tap.tag) {
                    state.last_counter = tap.counter;
                }
                self.restore_live_tap(*tap);
            }
            Event::TapRefused(refused) => {
                if let Some(state) = self.tag_mut(refused.tag) {
                    state.last_refusals.note(refused.reason, at);
                }
            }
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => self.make_payment(moved, at),
            Event::PaymentDeclined(declined) => {
                if let Some(live) = self.taps.get_mut(&declined.tap) {
                    live.declines = live.declines.saturating_add(1);
                }
            }
            Event::PaymentCaptured(Moved { what, .. }) => {
                self.remember_capture(what.capture);
                self.change_payment(&what.payment, what.order.as_ref());
            }
            Event::HoldReleased(Moved { what, .. }) => self.change_payment(&what.payment, what.order.as_ref()),
            Event::PaymentRefunded(Moved { what, .. }) => {
                self.remember_refund(what.refund.clone());
                self.change_payment(&what.payment, None);
            }
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                self.change_dispute(&what.dispute);
                self.change_payment(&what.payment, None);
            }
            Event::DisputeAnswered(dispute) => self.change_dispute(dispute),
            Event::MerchantStatusSet(merchant, _)
            | Event::FeePlanSet(merchant, ..)
            | Event::SettlementTermsSet(merchant, _) => self.merchant_mut(*merchant).fold(event),
            Event::SettlementClosed(moved) => self.settle(&moved.what),
            Event::ReserveReleased(moved) => {
                let ReserveRelease { settlement, .. } = moved.what;
                // It is the first, or among the first.
                let mut places = self.due.reserves.keys().copied();
                if let Some(place) = places.find(|(_, kept_by)| *kept_by == settlement) {
                    self.due.reserves.remove(&place);
                }
            }
            Event::PayoutCreated(moved) => {
                if let Some(settlement) = moved.what.settlement {
                    self.forget_due_payout(settlement);
                }
                self.remember_payout(moved.what.clone());
            }
            Event::PayoutSkipped(settlement) => self.forget_due_payout(*settlement),
            Event::PayoutSubmitted(payout) => self.remember_payout(payout.clone()),
            Event::PayoutReported(moved) => self.remember_payout(moved.what.clone()),
            Event::RequestRefused(_) | Event::RequestAnswered(_) | Event::WindowOpened(_) => {}
        }
    }
}

/// Accounts and tags.
impl State {
    fn open_account(&mut self, account: Account, at: UnixMillis) {
        match self.check_account(account, at) {
            Ok(recorded) => self.add_account(&recorded),
            Err(broken) => panic!("account {} may not be opened: {broken}", account.id),
        }
    }

    pub(super) fn add_account(&mut self, recorded: &ledger::Account) {
        let Account { id, ledger, code, owner, .. } = Account::from(*recorded);
        self.accounts.insert((code, owner, ledger), id);
        self.ledger.apply_account(recorded);
    }

    pub(super) fn tag_mut(&mut self, id: TagId) -> Option<&mut TagState> {
        let uid = self.uids.get(&id)?;
        self.tags.get_mut(uid)
    }

    fn merchant_mut(&mut self, id: MerchantId) -> &mut MerchantState {
        self.merchants.entry(id).or_insert_with(|| MerchantState::unwritten(id))
    }
}

/// Orders and payments.
impl State {
    fn place_order(&mut self, order: &Order) {
        if let Some(key) = order.details.as_ref().and_then(|details| details.reference_key) {
            self.references.insert(key, order.id);
            self.forgettable.push_back((self.position, Forgettable::Reference(key)));
        }
        self.restore_open_order(order.clone());
    }

    fn close_order(&mut self, id: OrderId, status: OrderStatus) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.status = status;
            self.due.orders.remove(&(order.expires_at, id));
            if order.is_closed() {
                self.forgettable.push_back((self.position, Forgettable::Order(id)));
            }
            let tag = order.tag;
            if let Some(known) = self.tag_mut(tag).filter(|known| known.waiting_order == Some(id)) {
                known.waiting_order = None;
            }
        }
    }

    fn make_payment(&mut self, moved: &Moved<Payment>, at: UnixMillis) {
        let payment = &moved.what;
        if let Some(live) = self.taps.get_mut(&payment.tap) {
            live.payment = Some(payment.id);
            self.forgettable.push_back((self.position, Forgettable::Tap(payment.tap)));
        }
        if let Some(order) = payment.order {
            let (id, amount) = (payment.id, payment.amount);
            self.close_order(
                order,
                match payment.status {
                    PaymentStatus::Succeeded => OrderStatus::Paid { payment: id, amount, at },
                    _ => OrderStatus::Held { payment: id, amount, at },
                },
            );
        }
        self.remember_payment(payment.clone());
    }

    fn change_payment(&mut self, payment: &Payment, order: Option<&Order>) {
        self.remember_payment(payment.clone());
        if let Some(order) = order {
            self.orders.insert(order.id, order.clone());
            if order.is_closed() {
                self.forgettable.push_back((self.position, Forgettable::Order(order.id)));
            }
        }
    }

    fn change_dispute(&mut self, dispute: &Dispute) {
        self.due.disputes.remove(&(dispute.evidence_due, dispute.id));
        if dispute.status == DisputeStatus::NeedsResponse {
            self.due.disputes.insert((dispute.evidence_due, dispute.id));
        }
        self.remember_dispute(dispute.clone());
    }
}

/// What gathers for merchants.
impl State {
    /// Keeps the books, and the moments at which their windows close.
    fn keep_books(&mut self, event: &Event, at: UnixMillis) {
        let ledger = &self.ledger;
        let owner = |account: AccountId| {
            let known = Account::from(ledger.account(account.as_u128())?);
            let currency = u16::try_from(known.ledger).ok().and_then(|number| Currency::from_numeric(number).ok())?;
            let is_pending = known.code == account_code::MERCHANT_PENDING;
            is_pending.then_some((MerchantId::from_u128(known.owner), currency))
        };
        let closing = |books: &Books, pending| books.get(pending)?.window?.closes.map(|closes| (closes.at, pending));
        let pending = match event {
            Event::WindowOpened(opened) => Some(opened.pending),
            Event::SettlementClosed(Moved { what, .. }) => {
                self.books.of(what.merchant, what.currency).map(|book| book.pending)
            }
            _ => None,
        };
        let before = pending.and_then(|pending| closing(&self.books, pending));
        self.books.fold(event, at, self.position, owner, drop);
        if let Some(before) = before {
            self.due.windows.remove(&before);
        }
        self.due.windows.extend(pending.and_then(|pending| closing(&self.books, pending)));
    }

    fn settle(&mut self, settlement: &Settlement) {
        let Settlement { id, merchant, currency, reserved, .. } = *settlement;
        if let Some(until) = settlement.reserved_until {
            self.restore_reserve(until, ReserveRelease { settlement: id, merchant, currency, amount: reserved });
        }
        if settlement.net > 0 {
            self.restore_due_payout(DuePayout { settlement: id, at: settlement.payout_at, merchant, currency });
        }
    }

    fn forget_due_payout(&mut self, settlement: ids::SettlementId) {
        if let Some(due) = self.due.settled.remove(&settlement) {
            self.due.payouts.remove(&(due.at, settlement));
        }
    }
}

/// What is remembered until it is stored.
impl State {
    pub(super) fn remember_request(&mut self, request: Request, outcome: Outcome) {
        self.requests.insert(request.key, (request.body, outcome));
        self.forgettable.push_back((self.position, Forgettable::Request(request.key)));
    }

    pub(super) fn remember_payment(&mut self, payment: Payment) {
        let id = payment.id;
        if let Some(until) = payment.held_until() {
            if payment.is_open() {
                self.due.holds.insert((until, id));
            } else {
                self.due.holds.remove(&(until, id));
            }
        }
        if !payment.is_open() {
            self.forgettable.push_back((self.position, Forgettable::Payment(id)));
        }
        self.payments.insert(id, Kept { value: payment, touched: self.position });
    }

    pub(super) fn remember_dispute(&mut self, dispute: Dispute) {
        if !dispute.is_open() {
            self.forgettable.push_back((self.position, Forgettable::Dispute(dispute.id)));
        }
        self.disputes.insert(dispute.id, Kept { value: dispute, touched: self.position });
    }

    pub(super) fn remember_payout(&mut self, payout: Payout) {
        if payout.status.is_final() {
            self.forgettable.push_back((self.position, Forgettable::Payout(payout.id)));
        }
        self.payouts.insert(payout.id, Kept { value: payout, touched: self.position });
    }

    pub(super) fn remember_capture(&mut self, capture: Capture) {
        self.forgettable.push_back((self.position, Forgettable::Capture(capture.id)));
        self.captures.insert(capture.id, capture);
    }

    pub(super) fn remember_refund(&mut self, refund: Refund) {
        self.forgettable.push_back((self.position, Forgettable::Refund(refund.id)));
        self.refunds.insert(refund.id, refund);
    }

    pub(super) fn remember_deposit(&mut self, deposit: Deposit) {
        self.forgettable.push_back((self.position, Forgettable::Deposit(deposit.id)));
        self.deposits.insert(deposit.id, deposit);
    }
}
