//! What was stored, as plain lists: stands in for the tables.

use std::collections::BTreeMap;

use ids::{
    AccountId, CaptureId, DepositId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId, SettlementId,
    TagId, TapId,
};
use ledger::{Balance, Transfer};
use money::Currency;
use payments::{
    Account, Capture, Closing, Deposit, Dispute, DuePayout, Event, MerchantBook, MerchantState, Need, Order,
    OrderStatus, Outcome, Payment, PaymentStatus, Payout, Recalled, Record, ReferenceKey, Refund, RegisteredTag,
    Request, RequestKey, ReserveRelease, Settlement, State, Tap, Totals, UnixMillis, Window, account_code,
    transfer_code,
};

#[derive(Debug, Default)]
pub(crate) struct Table {
    position: u64,
    now: UnixMillis,
    accounts: BTreeMap<AccountId, (Account, Balance)>,
    tags: BTreeMap<TagId, (RegisteredTag, u32)>,
    merchants: BTreeMap<MerchantId, MerchantState>,
    /// By the pending account.
    books: BTreeMap<AccountId, MerchantBook>,
    orders: BTreeMap<OrderId, Order>,
    references: BTreeMap<ReferenceKey, OrderId>,
    taps: BTreeMap<TapId, (Tap, Option<PaymentId>)>,
    payments: BTreeMap<PaymentId, Payment>,
    captures: BTreeMap<CaptureId, Capture>,
    refunds: BTreeMap<RefundId, Refund>,
    disputes: BTreeMap<DisputeId, Dispute>,
    payouts: BTreeMap<PayoutId, Payout>,
    settlements: BTreeMap<SettlementId, Settled>,
    deposits: BTreeMap<DepositId, Deposit>,
    requests: BTreeMap<RequestKey, (Request, Outcome)>,
}

/// A settlement, and what has followed it.
#[derive(Debug)]
struct Settled {
    settlement: Settlement,
    payout_came: bool,
    reserve_released: bool,
}

impl Table {
    /// How many records are stored.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn store(&mut self, record: &Record) {
        self.position += 1;
        self.now = record.at;
        record.event.for_each_transfer(|transfer| self.transfer(&transfer, record.at));
        self.change(&record.event, record.at);
        match &record.event {
            Event::RequestRefused(_) | Event::RequestAnswered(_) => assert!(record.request.is_some()),
            _ => {}
        }
        if let Some(request) = record.request {
            let outcome = record.event.outcome().expect("what answers a request has an outcome");
            assert!(self.requests.insert(request.key, (request, outcome)).is_none(), "a request is answered once");
        }
    }

    fn change(&mut self, event: &Event, at: UnixMillis) {
        match event {
            Event::AccountOpened(account) => {
                let known = self.accounts.insert(account.id, (*account, Balance::default()));
                assert!(known.is_none(), "an account is opened once");
            }
            Event::TagRegistered(tag) => drop(self.tags.insert(tag.id, (*tag, 0))),
            Event::DepositSucceeded(moved) => drop(self.deposits.insert(moved.what.id, moved.what)),
            Event::OrderCreated(order) | Event::OrderPlaced(order) => {
                if let Some(key) = order.details.as_ref().and_then(|details| details.reference_key) {
                    assert!(self.references.insert(key, order.id).is_none(), "a reference is unique");
                }
                assert!(self.orders.insert(order.id, order.clone()).is_none(), "an order is placed once");
            }
            Event::OrderCancelled(id) => self.close(*id, OrderStatus::Cancelled { at }),
            Event::OrderExpired(id) => self.close(*id, OrderStatus::Expired { at }),
            Event::TapAccepted(tap) => {
                self.tags.get_mut(&tap.tag).expect("a tag").1 = tap.counter;
                self.taps.insert(tap.id, (*tap, None));
            }
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => self.make_payment(&moved.what, at),
            Event::PaymentCaptured(moved) => {
                let what = &moved.what;
                self.charge(
                    what.capture.merchant,
                    what.capture.currency,
                    what.capture.fee,
                    what.capture.amount.minor_units(),
                );
                assert!(self.captures.insert(what.capture.id, what.capture).is_none(), "a capture happens once");
                self.change_payment(&what.payment, what.order.as_ref());
            }
            Event::HoldReleased(moved) => self.change_payment(&moved.what.payment, moved.what.order.as_ref()),
            Event::PaymentRefunded(moved) => {
                let refund = &moved.what.refund;
                assert!(self.refunds.insert(refund.id, refund.clone()).is_none(), "a refund happens once");
                self.change_payment(&moved.what.payment, None);
            }
            Event::DisputeOpened(moved) | Event::DisputeClosed(moved) => {
                self.disputes.insert(moved.what.dispute.id, moved.what.dispute.clone());
                self.change_payment(&moved.what.payment, None);
            }
            Event::DisputeAnswered(dispute) => drop(self.disputes.insert(dispute.id, dispute.clone())),
            Event::MerchantStatusSet(id, status) => self.merchant(*id).status = *status,
            Event::FeePlanSet(id, from, plan) => {
                let plans = &mut self.merchant(*id).fee_plans;
                plans.retain(|(other, _)| other != from);
                plans.push((*from, plan.clone()));
                plans.sort_by_key(|(from, _)| *from);
            }
            Event::SettlementTermsSet(id, terms) => self.merchant(*id).terms = Some(terms.clone()),
            Event::WindowOpened(opened) => {
                self.open_window(opened.merchant, opened.currency, opened.pending, opened.closes, at);
            }
            Event::SettlementClosed(moved) => self.close_window(moved.what),
            Event::ReserveReleased(moved) => {
                let settled = self.settlements.get_mut(&moved.what.settlement).expect("its settlement");
                assert!(!settled.reserve_released, "a reserve is released once");
                settled.reserve_released = true;
            }
            Event::PayoutCreated(moved) => {
                moved.what.settlement.into_iter().for_each(|settlement| self.payout_came(settlement));
                let known = self.payouts.insert(moved.what.id, moved.what.clone());
                assert!(known.is_none(), "a payout is created once");
            }
            Event::PayoutSkipped(settlement) => self.payout_came(*settlement),
            Event::PayoutSubmitted(payout) => drop(self.payouts.insert(payout.id, payout.clone())),
            Event::PayoutReported(moved) => drop(self.payouts.insert(moved.what.id, moved.what.clone())),
            Event::TapRefused(_) | Event::PaymentDeclined(_) | Event::RequestRefused(_) | Event::RequestAnswered(_) => {
            }
        }
    }

    fn close(&mut self, id: OrderId, status: OrderStatus) {
        let order = self.orders.get_mut(&id).expect("an order");
        assert_eq!(order.status, OrderStatus::Open, "an order is closed once");
        order.status = status;
    }

    fn make_payment(&mut self, payment: &Payment, at: UnixMillis) {
        if payment.captured > 0 {
            self.charge(payment.merchant, payment.currency, payment.fee, payment.captured);
        }
        let used_by = &mut self.taps.get_mut(&payment.tap).expect("a tap").1;
        assert_eq!(*used_by, None, "a tap pays once");
        *used_by = Some(payment.id);
        if let Some(order) = payment.order {
            let (payment_id, amount) = (payment.id, payment.amount);
            self.close(
                order,
                match payment.status {
                    PaymentStatus::Succeeded => OrderStatus::Paid { payment: payment_id, amount, at },
                    _ => OrderStatus::Held { payment: payment_id, amount, at },
                },
            );
        }
        assert!(self.payments.insert(payment.id, payment.clone()).is_none(), "a payment is made once");
    }

    fn change_payment(&mut self, payment: &Payment, order: Option<&Order>) {
        assert!(self.payments.insert(payment.id, payment.clone()).is_some(), "only a payment that was made can change");
        if let Some(order) = order {
            let known = self.orders.insert(order.id, order.clone()).expect("only an order that was placed can change");
            assert!(matches!(known.status, OrderStatus::Held { .. }), "only a held order changes with its payment");
        }
    }

    fn transfer(&mut self, transfer: &Transfer, at: UnixMillis) {
        let [debit, credit] = [transfer.debit_account_id, transfer.credit_account_id].map(AccountId::from_u128);
        self.accounts.get_mut(&debit).expect("an account").1.debits_posted += transfer.amount;
        self.accounts.get_mut(&credit).expect("an account").1.credits_posted += transfer.amount;
        let amount = transfer.amount;
        match transfer.code {
            transfer_code::PAYMENT | transfer_code::CAPTURE => self.gather(credit, at, |totals| {
                totals.payments += 1;
                totals.gross += amount;
            }),
            transfer_code::REFUND => self.gather(debit, at, |totals| {
                totals.refunds += 1;
                totals.refunded += amount;
            }),
            transfer_code::DISPUTE => self.gather(debit, at, |totals| {
                totals.disputes += 1;
                totals.disputed += amount;
            }),
            transfer_code::DISPUTE_WON => self.gather(credit, at, |totals| {
                totals.returns += 1;
                totals.returned += amount;
            }),
            _ => {}
        }
    }
}

/// Merchants.
impl Table {
    fn merchant(&mut self, id: MerchantId) -> &mut MerchantState {
        self.merchants.entry(id).or_insert_with(|| MerchantState::unwritten(id))
    }

    fn gather(&mut self, account: AccountId, at: UnixMillis, count: impl FnOnce(&mut Totals)) {
        let known = self.accounts[&account].0;
        if known.code == account_code::MERCHANT_PENDING {
            let currency = Currency::from_numeric(u16::try_from(known.ledger).expect("a number")).expect("a currency");
            let book = self.book(MerchantId::from_u128(known.owner), currency, account);
            let window = book.window.get_or_insert(Window { opened_at: at, closes: None, totals: Totals::default() });
            count(&mut window.totals);
        }
    }

    fn book(&mut self, merchant: MerchantId, currency: Currency, pending: AccountId) -> &mut MerchantBook {
        self.books.entry(pending).or_insert_with(|| MerchantBook {
            merchant,
            currency,
            pending,
            settlements: 0,
            closed_position: 0,
            month: None,
            volume: 0,
            window: None,
        })
    }

    fn book_of(&mut self, merchant: MerchantId, currency: Currency) -> &mut MerchantBook {
        let mut books = self.books.values_mut();
        books.find(|book| book.merchant == merchant && book.currency == currency).expect("a book")
    }

    fn charge(&mut self, merchant: MerchantId, currency: Currency, fee: u64, captured: u64) {
        let book = self.book_of(merchant, currency);
        book.volume = book.volume.saturating_add(captured);
        book.window.as_mut().expect("an open window").totals.fees += fee;
    }

    fn open_window(
        &mut self,
        merchant: MerchantId,
        currency: Currency,
        pending: AccountId,
        closes: Option<Closing>,
        at: UnixMillis,
    ) {
        let book = self.book(merchant, currency, pending);
        let month = closes.map(|closes| closes.business_day.month());
        if month.is_some() && month != book.month {
            (book.month, book.volume) = (month, 0);
        }
        let opened = Window { opened_at: at, closes, totals: Totals::default() };
        book.window = Some(book.window.map_or(opened, |known| Window { closes, ..known }));
    }

    fn close_window(&mut self, settlement: Settlement) {
        let position = self.position;
        let book = self.book_of(settlement.merchant, settlement.currency);
        assert!(book.window.take().is_some(), "an open window is closed");
        book.settlements = settlement.number;
        book.closed_position = position;
        let settled = Settled { settlement, payout_came: settlement.net == 0, reserve_released: false };
        assert!(self.settlements.insert(settlement.id, settled).is_none(), "a window is settled once");
    }

    fn payout_came(&mut self, settlement: SettlementId) {
        let settled = self.settlements.get_mut(&settlement).expect("its settlement");
        assert!(!settled.payout_came, "a settlement is paid out once");
        settled.payout_came = true;
    }
}

impl Table {
    pub(crate) fn recall(&self, need: Need) -> Option<Recalled> {
        match need {
            Need::Request(key) => {
                self.requests.get(&key).map(|(request, outcome)| Recalled::Request(*request, outcome.clone()))
            }
            Need::Order(id) => self.orders.get(&id).cloned().map(Recalled::Order),
            Need::Reference(key) => self.references.get(&key).map(|order| Recalled::Reference(key, *order)),
            Need::Tap(id) => self.taps.get(&id).map(|(tap, payment)| Recalled::Tap(*tap, *payment)),
            Need::Payment(id) => self.payments.get(&id).cloned().map(Recalled::Payment),
            Need::Capture(id) => self.captures.get(&id).copied().map(Recalled::Capture),
            Need::Refund(id) => self.refunds.get(&id).cloned().map(Recalled::Refund),
            Need::Dispute(id) => self.disputes.get(&id).cloned().map(Recalled::Dispute),
            Need::Payout(id) => self.payouts.get(&id).cloned().map(Recalled::Payout),
            Need::Deposit(id) => self.deposits.get(&id).copied().map(Recalled::Deposit),
        }
    }

    /// The state that a platform starts with: what may still change. Whether live taps are among it must not matter,
    /// because they can be recalled.
    pub(crate) fn state(&self, with_live_taps: bool) -> State {
        let mut state = State::restored_at(self.position, self.now);
        self.accounts.values().for_each(|(account, balance)| state.restore_account(*account, *balance));
        self.tags.values().for_each(|(tag, counter)| state.restore_tag(*tag, *counter));
        self.merchants.values().for_each(|merchant| state.restore_merchant(merchant.clone()));
        self.books.values().for_each(|book| state.restore_book(book.clone()));
        let open = |order: &&Order| matches!(order.status, OrderStatus::Open | OrderStatus::Held { .. });
        self.orders.values().filter(open).for_each(|order| state.restore_open_order(order.clone()));
        let open = |payment: &&Payment| payment.is_open();
        self.payments.values().filter(open).for_each(|payment| state.restore_open_payment(payment.clone()));
        let open = |dispute: &&Dispute| dispute.is_open();
        self.disputes.values().filter(open).for_each(|dispute| state.restore_open_dispute(dispute.clone()));
        let open = |payout: &&Payout| !payout.status.is_final();
        self.payouts.values().filter(open).for_each(|payout| state.restore_open_payout(payout.clone()));
        self.settlements.values().for_each(|settled| settled.restore(&mut state));
        if with_live_taps {
            let live = |(tap, payment): &&(Tap, Option<PaymentId>)| payment.is_none() && self.now < tap.expires_at();
            self.taps.values().filter(live).for_each(|(tap, _)| state.restore_live_tap(*tap));
        }
        state
    }
}

impl Settled {
    /// Puts back what is still to follow the settlement.
    fn restore(&self, state: &mut State) {
        let Settlement { id, merchant, currency, payout_at, reserved, reserved_until, .. } = self.settlement;
        if !self.payout_came {
            state.restore_due_payout(DuePayout { settlement: id, at: payout_at, merchant, currency });
        }
        if let Some(until) = reserved_until.filter(|_| !self.reserve_released) {
            state.restore_reserve(until, ReserveRelease { settlement: id, merchant, currency, amount: reserved });
        }
    }
}
