//! What was stored, as plain lists: stands in for the tables.

use std::collections::BTreeMap;

use ids::{AccountId, DepositId, OrderId, PaymentId, TagId, TapId};
use ledger::{Balance, Transfer};
use payments::{
    Account, Deposit, Event, Need, Order, OrderStatus, Outcome, Payment, Recalled, Record, RegisteredTag, Request,
    RequestKey, State, Tap, UnixMillis,
};

#[derive(Debug, Default)]
pub(crate) struct Table {
    position: u64,
    now: UnixMillis,
    accounts: BTreeMap<AccountId, (Account, Balance)>,
    tags: BTreeMap<TagId, (RegisteredTag, u32)>,
    orders: BTreeMap<OrderId, Order>,
    taps: BTreeMap<TapId, (Tap, Option<PaymentId>)>,
    payments: BTreeMap<PaymentId, Payment>,
    deposits: BTreeMap<DepositId, Deposit>,
    requests: BTreeMap<RequestKey, (Request, Outcome)>,
}

impl Table {
    /// How many records are stored.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn store(&mut self, record: &Record) {
        self.position += 1;
        self.now = record.at;
        match &record.event {
            Event::AccountOpened(account) => {
                self.accounts.insert(account.id, (*account, Balance::default()));
            }
            Event::TagRegistered(tag) => {
                self.tags.insert(tag.id, (*tag, 0));
            }
            Event::DepositSucceeded(settled) => {
                self.transfer(&settled.transfer());
                self.deposits.insert(settled.what.id, settled.what);
            }
            Event::OrderCreated(order) => {
                self.orders.insert(order.id, order.clone());
            }
            Event::OrderCancelled(id) => self.close(*id, OrderStatus::Cancelled { at: record.at }),
            Event::OrderExpired(id) => self.close(*id, OrderStatus::Expired { at: record.at }),
            Event::TapAccepted(tap) => {
                self.tags.get_mut(&tap.tag).expect("a tag").1 = tap.counter;
                self.taps.insert(tap.id, (*tap, None));
            }
            Event::PaymentSucceeded(settled) => {
                let payment = &settled.what;
                self.transfer(&settled.transfer());
                self.taps.get_mut(&payment.tap).expect("a tap").1 = Some(payment.id);
                if let Some(order) = payment.order {
                    let paid = OrderStatus::Paid { payment: payment.id, amount: payment.amount, at: record.at };
                    self.close(order, paid);
                }
                self.payments.insert(payment.id, payment.clone());
            }
            Event::TapRefused(_) | Event::PaymentDeclined(_) => {}
            Event::RequestRefused(_) | Event::RequestAnswered(_) => assert!(record.request.is_some()),
        }
        if let Some(request) = record.request {
            let outcome = record.event.outcome().expect("what answers a request has an outcome");
            assert!(self.requests.insert(request.key, (request, outcome)).is_none(), "a request is answered once");
        }
    }

    fn close(&mut self, id: OrderId, status: OrderStatus) {
        let order = self.orders.get_mut(&id).expect("an order");
        assert_eq!(order.status, OrderStatus::Open, "an order is closed once");
        order.status = status;
    }

    fn transfer(&mut self, transfer: &Transfer) {
        let [debit, credit] = [transfer.debit_account_id, transfer.credit_account_id].map(AccountId::from_u128);
        self.accounts.get_mut(&debit).expect("an account").1.debits_posted += transfer.amount;
        self.accounts.get_mut(&credit).expect("an account").1.credits_posted += transfer.amount;
    }

    pub(crate) fn recall(&self, need: Need) -> Option<Recalled> {
        match need {
            Need::Request(key) => {
                self.requests.get(&key).map(|(request, outcome)| Recalled::Request(*request, outcome.clone()))
            }
            Need::Order(id) => self.orders.get(&id).cloned().map(Recalled::Order),
            Need::Tap(id) => self.taps.get(&id).map(|(tap, payment)| Recalled::Tap(*tap, *payment)),
            Need::Payment(id) => self.payments.get(&id).cloned().map(Recalled::Payment),
            Need::Deposit(id) => self.deposits.get(&id).copied().map(Recalled::Deposit),
        }
    }

    /// The state that a platform starts with: what may still change. Whether live taps are among it must not matter,
    /// because they can be recalled.
    pub(crate) fn state(&self, with_live_taps: bool) -> State {
        let mut state = State::restored_at(self.position, self.now);
        self.accounts.values().for_each(|(account, balance)| state.restore_account(*account, *balance));
        self.tags.values().for_each(|(tag, counter)| state.restore_tag(*tag, *counter));
        let open = |order: &&Order| order.status == OrderStatus::Open;
        self.orders.values().filter(open).for_each(|order| state.restore_open_order(order.clone()));
        if with_live_taps {
            let live = |(tap, payment): &&(Tap, Option<PaymentId>)| payment.is_none() && self.now < tap.expires_at();
            self.taps.values().filter(live).for_each(|(tap, _)| state.restore_live_tap(*tap));
        }
        state
    }
}
