//! What the tables should say, as plain lists made from the journal alone.

use std::collections::BTreeMap;

use ids::{AccountId, MerchantId, OrderId, PaymentId, PayoutId, WalletId};
use ledger::Transfer;
use money::Currency;
use payments::{
    Account, Capture, Deposit, Dispute, Event, Moved, Order, OrderStatus, Outcome, Payment, PaymentStatus, Payout,
    Record, Refund, RegisteredTag, Request, Settlement, Tap, UnixMillis, account_code,
};
use store::tables::{EventKind, HistoryEntry, RowCounts, SettledPayout, StatementEntry, StoredEvent};

#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) position: u64,
    /// With what was debited and credited.
    pub(crate) accounts: BTreeMap<AccountId, (Account, u64, u64)>,
    pub(crate) entries: Vec<Line>,
    pub(crate) tags: Vec<(RegisteredTag, u32)>,
    pub(crate) orders: Vec<Order>,
    pub(crate) taps: Vec<(Tap, Option<PaymentId>)>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) captures: Vec<Capture>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
    pub(crate) settlements: Vec<SettledPayout>,
    pub(crate) payouts: Vec<Payout>,
    pub(crate) deposits: Vec<Deposit>,
    pub(crate) requests: Vec<(Request, Outcome)>,
    pub(crate) events: Vec<(MerchantId, Said)>,
}

/// One line of an account.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) account: AccountId,
    pub(crate) position: u64,
    pub(crate) leg: u32,
    pub(crate) credit: bool,
    pub(crate) amount: u64,
    pub(crate) balance_after: u64,
    pub(crate) at: UnixMillis,
    pub(crate) code: u16,
    pub(crate) payment: Option<PaymentId>,
    pub(crate) object: Option<[u8; 16]>,
}

/// What a merchant was told, and about which order if that has changed since.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) position: u64,
    pub(crate) at: UnixMillis,
    pub(crate) kind: EventKind,
    pub(crate) event: Event,
    order: Option<OrderId>,
}

impl Lists {
    pub(crate) fn of(journal: &[Record]) -> Self {
        let mut lists = Self::default();
        journal.iter().for_each(|record| lists.fold(record));
        lists
    }

    fn fold(&mut self, record: &Record) {
        self.position += 1;
        let event = &record.event;
        self.list(event, record.at);
        self.enter(event, record.at);
        if let Some(request) = record.request {
            self.requests.push((request, event.outcome().unwrap()));
        }
        if let Some((kind, merchant, order)) = self.whose(event) {
            let event = as_told(event);
            self.events.push((merchant, Said { position: self.position, at: record.at, kind, event, order }));
        }
    }

    fn list(&mut self, event: &Event, at: UnixMillis) {
        match event.clone() {
            Event::AccountOpened(account) => drop(self.accounts.insert(account.id, (account, 0, 0))),
            Event::TagRegistered(tag) => self.tags.push((tag, 0)),
            Event::DepositSucceeded(moved) => self.deposits.push(moved.what),
            Event::OrderCreated(order) | Event::OrderPlaced(order) => self.orders.push(order),
            Event::OrderCancelled(id) => self.order_mut(id).status = OrderStatus::Cancelled { at },
            Event::OrderExpired(id) => self.order_mut(id).status = OrderStatus::Expired { at },
            Event::TapAccepted(tap) => {
                self.tags.iter_mut().find(|(known, _)| known.id == tap.tag).unwrap().1 = tap.counter;
                self.taps.push((tap, None));
            }
            Event::PaymentSucceeded(Moved { what, .. }) | Event::PaymentMade(Moved { what, .. }) => {
                self.taps.iter_mut().find(|(tap, _)| tap.id == what.tap).unwrap().1 = Some(what.id);
                if let Some(order) = what.order {
                    let (payment, amount) = (what.id, what.amount);
                    self.order_mut(order).status = match what.status {
                        PaymentStatus::Succeeded => OrderStatus::Paid { payment, amount, at },
                        _ => OrderStatus::Held { payment, amount, at },
                    };
                }
                self.payments.push(what);
            }
            Event::PaymentCaptured(Moved { what, .. }) => {
                self.captures.push(what.capture);
                self.change(what.payment, what.order);
            }
            Event::HoldReleased(Moved { what, .. }) => self.change(what.payment, what.order),
            Event::PaymentRefunded(Moved { what, .. }) => {
                self.refunds.push(what.refund);
                self.change(what.payment, None);
            }
            Event::DisputeOpened(Moved { what, .. }) => {
                self.disputes.push(what.dispute);
                self.change(what.payment, None);
            }
            Event::DisputeAnswered(dispute) => self.change_dispute(dispute),
            Event::DisputeClosed(Moved { what, .. }) => {
                self.change_dispute(what.dispute);
                self.change(what.payment, None);
            }
            Event::SettlementClosed(Moved { what, .. }) => {
                self.settlements.push(SettledPayout { settlement: what, position: self.position, payout: None });
            }
            Event::PayoutCreated(Moved { what, .. }) => {
                let called_for = |row: &&mut SettledPayout| Some(row.settlement.id) == what.settlement;
                if let Some(row) = self.settlements.iter_mut().find(called_for) {
                    row.payout = Some(what.id);
                }
                self.payouts.push(what);
            }
            Event::PayoutSubmitted(payout) | Event::PayoutReported(Moved { what: payout, .. }) => {
                let id = payout.id;
                *self.payouts.iter_mut().find(|known| known.id == id).unwrap() = payout;
            }
            _ => {}
        }
    }

    fn order_mut(&mut self, id: OrderId) -> &mut Order {
        self.orders.iter_mut().find(|order| order.id == id).unwrap()
    }

    fn change(&mut self, payment: Payment, order: Option<Order>) {
        if let Some(order) = order {
            let id = order.id;
            *self.order_mut(id) = order;
        }
        let id = payment.id;
        *self.payments.iter_mut().find(|known| known.id == id).unwrap() = payment;
    }

    fn change_dispute(&mut self, dispute: Dispute) {
        let id = dispute.id;
        *self.disputes.iter_mut().find(|known| known.id == id).unwrap() = dispute;
    }

    /// Each leg is a line of the account that gave and one of the account that received.
    fn enter(&mut self, event: &Event, at: UnixMillis) {
        let (payment, object) = about(event);
        let mut transfers = Vec::new();
        event.for_each_transfer(|transfer: Transfer| transfers.push(transfer));
        for (transfer, leg) in transfers.iter().zip(0..) {
            for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
                let account = AccountId::from_u128(account);
                let (_, debits, credits) = self.accounts.get_mut(&account).unwrap();
                *(if credit { &mut *credits } else { &mut *debits }) += transfer.amount;
                let (balance_after, position) = (credits.saturating_sub(*debits), self.position);
                let (amount, code) = (transfer.amount, transfer.code);
                let line = Line { account, position, leg, credit, amount, balance_after, at, code, payment, object };
                self.entries.push(line);
            }
        }
    }

    /// Whose business an event is, and which order it closes.
    fn whose(&self, event: &Event) -> Option<(EventKind, MerchantId, Option<OrderId>)> {
        use EventKind as Kind;
        let closed = |kind, id: &OrderId| {
            let order = self.orders.iter().find(|order| order.id == *id).unwrap();
            (kind, order.merchant, Some(*id))
        };
        let told = |kind, merchant| (kind, merchant, None);
        Some(match event {
            Event::OrderCreated(order) | Event::OrderPlaced(order) => told(Kind::OrderCreated, order.merchant),
            Event::OrderCancelled(id) => closed(Kind::OrderCancelled, id),
            Event::OrderExpired(id) => closed(Kind::OrderExpired, id),
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => told(Kind::PaymentMade, moved.what.merchant),
            Event::PaymentDeclined(declined) => told(Kind::PaymentDeclined, declined.merchant),
            Event::PaymentCaptured(moved) => told(Kind::PaymentCaptured, moved.what.payment.merchant),
            Event::HoldReleased(moved) => told(Kind::HoldReleased, moved.what.payment.merchant),
            Event::PaymentRefunded(moved) => told(Kind::PaymentRefunded, moved.what.payment.merchant),
            Event::DisputeOpened(moved) => told(Kind::DisputeOpened, moved.what.dispute.merchant),
            Event::DisputeAnswered(dispute) => told(Kind::DisputeAnswered, dispute.merchant),
            Event::DisputeClosed(moved) => told(Kind::DisputeClosed, moved.what.dispute.merchant),
            Event::MerchantStatusSet(merchant, _) => told(Kind::MerchantStatusSet, *merchant),
            Event::FeePlanSet(merchant, ..) => told(Kind::FeePlanSet, *merchant),
            Event::SettlementTermsSet(merchant, _) => told(Kind::SettlementTermsSet, *merchant),
            Event::SettlementClosed(moved) => told(Kind::SettlementClosed, moved.what.merchant),
            Event::ReserveReleased(moved) => told(Kind::ReserveReleased, moved.what.merchant),
            Event::PayoutCreated(moved) => told(Kind::PayoutCreated, moved.what.merchant),
            Event::PayoutSubmitted(payout) => told(Kind::PayoutSubmitted, payout.merchant),
            Event::PayoutReported(moved) => told(Kind::PayoutReported, moved.what.merchant),
            _ => return None,
        })
    }
}

/// An event as merchants are told it: new and old forms alike, and payments without their legs.
fn as_told(event: &Event) -> Event {
    match event.clone() {
        Event::OrderCreated(order) => Event::OrderPlaced(order),
        Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
            Event::PaymentMade(Moved { legs: Vec::new(), ..moved })
        }
        event => event,
    }
}

/// The payment that an event's lines belong to, and what moved it if not the payment itself.
fn about(event: &Event) -> (Option<PaymentId>, Option<[u8; 16]>) {
    match event {
        Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => (Some(moved.what.id), None),
        Event::HoldReleased(moved) => (Some(moved.what.payment.id), None),
        Event::PaymentCaptured(moved) => (Some(moved.what.payment.id), Some(moved.what.capture.id.to_bytes())),
        Event::PaymentRefunded(moved) => (Some(moved.what.payment.id), Some(moved.what.refund.id.to_bytes())),
        Event::DisputeOpened(moved) | Event::DisputeClosed(moved) => {
            (Some(moved.what.payment.id), Some(moved.what.dispute.id.to_bytes()))
        }
        Event::SettlementClosed(moved) => (None, Some(moved.what.id.to_bytes())),
        Event::ReserveReleased(moved) => (None, Some(moved.what.settlement.to_bytes())),
        Event::PayoutCreated(moved) | Event::PayoutReported(moved) => (None, Some(moved.what.id.to_bytes())),
        _ => (None, None),
    }
}

/// What is asked of the lists.
impl Lists {
    pub(crate) fn payment(&self, id: PaymentId) -> &Payment {
        self.payments.iter().find(|payment| payment.id == id).unwrap()
    }

    /// The events of a merchant, oldest first.
    pub(crate) fn told(&self, to: MerchantId) -> Vec<StoredEvent> {
        let theirs = self.events.iter().filter(|(merchant, _)| *merchant == to);
        let stored = theirs.map(|(_, said)| {
            let Said { position, at, kind, event, order } = said.clone();
            let order = order.map(|id| self.orders.iter().find(|order| order.id == id).unwrap().clone());
            StoredEvent { position, kind, at, event, order }
        });
        stored.collect()
    }

    /// A wallet's movements, newest first: the legs of one position are one movement.
    pub(crate) fn history(&self, of: WalletId) -> Vec<HistoryEntry> {
        let mut movements = BTreeMap::<u64, HistoryEntry>::new();
        for line in &self.entries {
            let account = &self.accounts[&line.account].0;
            if (account.code, account.owner) != (account_code::WALLET, of.as_u128()) {
                continue;
            }
            let &Line { position, credit, amount, balance_after, at, code, .. } = line;
            let Some(known) = movements.get_mut(&position) else {
                let currency = Currency::from_numeric(u16::try_from(account.ledger).unwrap()).unwrap();
                let payment = line.payment.map(|id| self.payment(id).clone());
                let entry = HistoryEntry { position, currency, credit, amount, balance_after, code, payment, at };
                movements.insert(position, entry);
                continue;
            };
            assert_eq!((known.credit, known.code), (credit, code), "one movement goes one way");
            known.amount += amount;
            known.balance_after = balance_after;
        }
        movements.into_values().rev().collect()
    }

    /// What a settlement is made of.
    pub(crate) fn statement(&self, row: &SettledPayout, pending: AccountId) -> Vec<StatementEntry> {
        let within = row.settlement.after_position + 1..row.position;
        let lines = self.entries.iter().filter(|line| line.account == pending && within.contains(&line.position));
        let entry = |line: &Line| {
            let &Line { position, leg, code, credit, amount, at, payment, object, .. } = line;
            let paid = payment.map(|id| self.payment(id));
            let own = paid.is_some_and(|payment| payment.merchant == row.settlement.merchant);
            let capture = self.captures.iter().find(|capture| Some(capture.id.to_bytes()) == object);
            let fee = match code {
                payments::transfer_code::PAYMENT if own => paid.map_or(0, |payment| payment.fee),
                payments::transfer_code::CAPTURE if own => capture.map_or(0, |capture| capture.fee),
                _ => 0,
            };
            let order = paid.filter(|_| own).and_then(|payment| payment.order);
            let asked = order.and_then(|id| self.orders.iter().find(|order| order.id == id));
            let reference = asked.and_then(|order| order.reference.clone());
            StatementEntry { position, leg, code, credit, amount, at, payment, object, fee, order, reference }
        };
        lines.map(entry).collect()
    }

    pub(crate) fn counts(&self, merchants: usize, books: usize) -> RowCounts {
        RowCounts {
            accounts: self.accounts.len() as u64,
            entries: self.entries.len() as u64,
            tags: self.tags.len() as u64,
            orders: self.orders.len() as u64,
            taps: self.taps.len() as u64,
            payments: self.payments.len() as u64,
            captures: self.captures.len() as u64,
            refunds: self.refunds.len() as u64,
            disputes: self.disputes.len() as u64,
            settlements: self.settlements.len() as u64,
            payouts: self.payouts.len() as u64,
            merchants: merchants as u64,
            books: books as u64,
            events: self.events.len() as u64,
            deposits: self.deposits.len() as u64,
            requests: self.requests.len() as u64,
        }
    }

    /// Every settlement of one merchant and currency.
    pub(crate) fn settled(&self, merchant: MerchantId, currency: Currency) -> impl Iterator<Item = &SettledPayout> {
        let theirs = move |settlement: &Settlement| settlement.merchant == merchant && settlement.currency == currency;
        self.settlements.iter().filter(move |row| theirs(&row.settlement))
    }

    pub(crate) fn payout_ids(&self) -> impl Iterator<Item = PayoutId> {
        self.payouts.iter().map(|payout| payout.id)
    }
}
