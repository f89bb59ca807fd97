//! The state: the fold of all events, less what was stored and forgotten.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use ids::{AccountId, DepositId, IdHasher, IdMap, OrderId, PaymentId, TagId, TapId, WalletId};
use ledger::{Balance, CreateAccountStatus, CreateTransferStatus, Effects, Ledger, Transfer};
use money::Currency;
use tag::Uid;

use crate::account::{Account, Owner, account_code};
use crate::command::{Action, BodyDigest, Command, Request, RequestKey};
use crate::event::{Event, Outcome, Record};
use crate::model::{Deposit, Order, OrderStatus, Payment, RegisteredTag, Tap, UnixMillis};
use crate::rejection::Rejection;

/// How long a tap is remembered after its time is over, in milliseconds, so that the merchant of a slow payer is told.
const LATE_TAP_MS: u64 = 3 * 60 * 1000;

/// Everything that the decider knows.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) ledger: Ledger,
    /// The one account of each kind, owner and currency. Owners are the platform's own ids, as keys of an [`IdMap`] are.
    accounts: HashMap<(u16, u128, u32), AccountId, BuildHasherDefault<IdHasher>>,
    pub(crate) tags: HashMap<Uid, TagState>,
    uids: IdMap<ids::Tag, Uid>,
    pub(crate) taps: IdMap<ids::Tap, LiveTap>,
    pub(crate) orders: IdMap<ids::Order, Order>,
    /// Open orders by the moment they expire.
    pub(crate) due: BTreeSet<(UnixMillis, OrderId)>,
    pub(crate) payments: IdMap<ids::Payment, Payment>,
    pub(crate) deposits: IdMap<ids::Deposit, Deposit>,
    pub(crate) requests: HashMap<RequestKey, (BodyDigest, Outcome)>,
    /// What is closed, and can be forgotten once the journal is stored up to the position beside it.
    forgettable: VecDeque<(u64, Forgettable)>,
    /// Taps in the order they were made, to be forgotten some time after their own is over if nobody paid with them.
    expiring: VecDeque<(u64, TapId, UnixMillis)>,
    position: u64,
    now: UnixMillis,
}

/// A tag, and what its taps have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagState {
    /// The tag as it was registered.
    pub tag: RegisteredTag,
    /// The highest read counter accepted; 0 before the first.
    pub last_counter: u32,
    /// The open order that waits at this tag.
    pub waiting_order: Option<OrderId>,
    /// When a refused reading was last reported. Not stored: after a restart the next report is let through.
    pub(crate) last_refusals: LastRefusals,
}

/// When readings of a tag were last reported as refused, for each reason: a repeated reading must not hide a forged one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LastRefusals {
    forged: Option<UnixMillis>,
    replayed: Option<UnixMillis>,
}

impl LastRefusals {
    pub(crate) fn of(self, reason: Rejection) -> Option<UnixMillis> {
        if reason == Rejection::TapForged { self.forged } else { self.replayed }
    }

    fn note(&mut self, reason: Rejection, at: UnixMillis) {
        let last = if reason == Rejection::TapForged { &mut self.forged } else { &mut self.replayed };
        *last = Some(at);
    }
}

/// A tap that can still be paid with, or could until lately.
#[derive(Debug)]
pub(crate) struct LiveTap {
    pub(crate) tap: Tap,
    pub(crate) payment: Option<PaymentId>,
    /// Declines reported so far. Not stored: it bounds noise, not money. A tap that was recalled long after its time
    /// reports no more.
    pub(crate) declines: u8,
}

#[derive(Debug)]
enum Forgettable {
    Request(RequestKey),
    Order(OrderId),
    Payment(PaymentId),
    Deposit(DepositId),
    Tap(TapId),
}

/// Something old that a command refers to and that memory has forgotten, or that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// What a request came to.
    Request(RequestKey),
    /// An order.
    Order(OrderId),
    /// A tap.
    Tap(TapId),
    /// A payment.
    Payment(PaymentId),
    /// A deposit.
    Deposit(DepositId),
}

/// Something old, as it was stored.
#[derive(Debug)]
pub enum Recalled {
    /// What a request came to.
    Request(Request, Outcome),
    /// An order.
    Order(Order),
    /// A tap, and the payment that used it.
    Tap(Tap, Option<PaymentId>),
    /// A payment.
    Payment(Payment),
    /// A deposit.
    Deposit(Deposit),
}

impl State {
    /// How many records have been folded into the state: the journal position that it reflects.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The latest moment that the state knows of; time never runs backwards from here.
    pub fn now(&self) -> UnixMillis {
        self.now
    }

    /// The ledger that the money is in. What a fold of the journal and a state from stored tables agree on are
    /// [`State::accounts`]: when accounts were opened, and in which order, the tables do not keep.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Every account with its balance, in no particular order.
    pub fn accounts(&self) -> impl Iterator<Item = (Account, Balance)> {
        self.ledger.accounts().map(|account| (account.into(), account.balance()))
    }

    /// An account with its balance.
    pub fn account(&self, id: AccountId) -> Option<(Account, Balance)> {
        self.ledger.account(id.as_u128()).map(|account| (account.into(), account.balance()))
    }

    /// Whether the ledger lets an account be opened at this moment, and if so, as what.
    pub fn check_account(&self, account: Account, at: UnixMillis) -> Result<ledger::Account, CreateAccountStatus> {
        self.ledger.check_account(&account.into(), at.nanoseconds())
    }

    /// Whether the ledger lets a transfer be posted at this moment, and if so, as what.
    ///
    /// Its timestamp follows from the fold alone: the moment in nanoseconds, or the next nanosecond after the last one
    /// given, whichever is later. From the year 2262 on all have the ledger's last one.
    pub fn check_transfer(&self, transfer: &Transfer, at: UnixMillis) -> Result<Transfer, CreateTransferStatus> {
        self.ledger.check(transfer, at.nanoseconds())
    }

    /// Every registered tag, in no particular order.
    pub fn tags(&self) -> impl Iterator<Item = &TagState> {
        self.tags.values()
    }

    /// Every order that waits to be paid, the first to expire first.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.due.iter().filter_map(|(_, order)| self.orders.get(order))
    }

    /// An order, unless it was closed and forgotten.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// A tag by its id.
    pub fn tag(&self, id: TagId) -> Option<&TagState> {
        self.uids.get(&id).and_then(|uid| self.tags.get(uid))
    }

    /// A tap, if it can still be paid with or could until lately, and the payment that used it.
    pub fn tap(&self, id: TapId) -> Option<(&Tap, Option<PaymentId>)> {
        self.taps.get(&id).map(|live| (&live.tap, live.payment))
    }

    /// The next moment at which an order expires.
    pub fn next_expiry(&self) -> Option<UnixMillis> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(crate) fn wallet_account(&self, wallet: WalletId, currency: Currency) -> Option<AccountId> {
        self.account_of(account_code::WALLET, Owner::Wallet(wallet), currency)
    }

    /// Whether an account of this kind, owner and currency is open, under whatever id.
    pub(crate) fn has_account_like(&self, account: &Account) -> bool {
        self.accounts.contains_key(&(account.code, account.owner, account.ledger))
    }

    pub(crate) fn account_of(&self, code: u16, owner: Owner, currency: Currency) -> Option<AccountId> {
        self.accounts.get(&(code, owner.bits(), u32::from(currency.numeric()))).copied()
    }

    /// Folds one record into the state. No rules here: what is in the journal has happened.
    pub fn evolve(&mut self, record: &Record) {
        self.position += 1;
        self.now = self.now.max(record.at);
        self.apply(&record.event, record.at);
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            self.remember_request(request, outcome);
        }
    }

    fn apply(&mut self, event: &Event, at: UnixMillis) {
        match event {
            Event::AccountOpened(account) => self.open_account(*account, at),
            Event::TagRegistered(tag) => self.restore_tag(*tag, 0),
            Event::DepositSucceeded(settled) => {
                self.post(&settled.transfer(), at);
                self.remember_deposit(settled.what);
            }
            Event::OrderCreated(order) => self.restore_open_order(order.clone()),
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
            Event::PaymentSucceeded(settled) => {
                let payment = &settled.what;
                self.post(&settled.transfer(), at);
                if let Some(live) = self.taps.get_mut(&payment.tap) {
                    live.payment = Some(payment.id);
                    self.forgettable.push_back((self.position, Forgettable::Tap(payment.tap)));
                }
                if let Some(order) = payment.order {
                    self.close_order(order, OrderStatus::Paid { payment: payment.id, amount: payment.amount, at });
                }
                self.remember_payment(payment.clone());
            }
            Event::PaymentDeclined(declined) => {
                if let Some(live) = self.taps.get_mut(&declined.tap) {
                    live.declines = live.declines.saturating_add(1);
                }
            }
            Event::RequestRefused(_) | Event::RequestAnswered(_) => {}
        }
    }

    fn open_account(&mut self, account: Account, at: UnixMillis) {
        match self.check_account(account, at) {
            Ok(recorded) => self.add_account(&recorded),
            Err(broken) => panic!("account {} may not be opened: {broken}", account.id),
        }
    }

    /// Moves the money. The ledger's rules are asserted once more, in release builds too: breaking one means that
    /// memory or history is damaged, and a ledger that is known to be wrong must not go on.
    fn post(&mut self, transfer: &Transfer, at: UnixMillis) {
        // No account keeps its history here and nothing is pending, so there are no effects but on balances.
        let posted = self.ledger.create_transfer(transfer, at.nanoseconds(), &mut Effects::default());
        if let Err(broken) = posted {
            panic!("transfer {:#x} may not be posted: {broken}", transfer.id);
        }
    }

    fn add_account(&mut self, recorded: &ledger::Account) {
        let Account { id, ledger, code, owner, .. } = Account::from(*recorded);
        self.accounts.insert((code, owner, ledger), id);
        self.ledger.apply_account(recorded);
    }

    fn tag_mut(&mut self, id: TagId) -> Option<&mut TagState> {
        let uid = self.uids.get(&id)?;
        self.tags.get_mut(uid)
    }

    fn close_order(&mut self, id: OrderId, status: OrderStatus) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.status = status;
            self.due.remove(&(order.expires_at, id));
            self.forgettable.push_back((self.position, Forgettable::Order(id)));
            let tag = order.tag;
            if let Some(known) = self.tag_mut(tag).filter(|known| known.waiting_order == Some(id)) {
                known.waiting_order = None;
            }
        }
    }

    fn remember_request(&mut self, request: Request, outcome: Outcome) {
        self.requests.insert(request.key, (request.body, outcome));
        self.forgettable.push_back((self.position, Forgettable::Request(request.key)));
    }

    fn remember_payment(&mut self, payment: Payment) {
        self.forgettable.push_back((self.position, Forgettable::Payment(payment.id)));
        self.payments.insert(payment.id, payment);
    }

    fn remember_deposit(&mut self, deposit: Deposit) {
        self.forgettable.push_back((self.position, Forgettable::Deposit(deposit.id)));
        self.deposits.insert(deposit.id, deposit);
    }
}

/// Opening from stored tables.
impl State {
    /// A state that reflects the journal up to `position`, to be filled by the `restore_…` functions.
    pub fn restored_at(position: u64, now: UnixMillis) -> Self {
        let mut state = Self { position, now, ..Self::default() };
        // The tables do not keep the last timestamp that was given: it was one of the last record's millisecond, which
        // has more of them than transfers can be decided in it.
        state.ledger.passed(now.plus(1).nanoseconds());
        state
    }

    /// Puts back an account with its stored balance. When it was opened is not stored, so its timestamp is 0.
    pub fn restore_account(&mut self, account: Account, balance: Balance) {
        self.add_account(&ledger::Account::from(account).with_balance(balance));
    }

    /// Puts back a tag with its stored counter.
    pub fn restore_tag(&mut self, tag: RegisteredTag, last_counter: u32) {
        self.uids.insert(tag.id, tag.uid);
        self.tags.insert(
            tag.uid,
            TagState { tag, last_counter, waiting_order: None, last_refusals: LastRefusals::default() },
        );
    }

    /// Puts back a tap that can still be paid with.
    pub fn restore_live_tap(&mut self, tap: Tap) {
        self.taps.insert(tap.id, LiveTap { tap, payment: None, declines: 0 });
        self.expiring.push_back((self.position, tap.id, tap.expires_at().plus(LATE_TAP_MS)));
    }

    /// Puts back an order that is still open.
    pub fn restore_open_order(&mut self, order: Order) {
        self.due.insert((order.expires_at, order.id));
        if let Some(state) = self.tag_mut(order.tag) {
            state.waiting_order = Some(order.id);
        }
        self.orders.insert(order.id, order);
    }
}

/// Forgetting and recalling.
impl State {
    /// Forgets what is closed and stored: everything decided up to the journal position `stored`.
    pub fn forget(&mut self, stored: u64) {
        while let Some((_, forgettable)) = self.forgettable.pop_front_if(|(position, _)| *position <= stored) {
            match forgettable {
                Forgettable::Request(key) => drop(self.requests.remove(&key)),
                Forgettable::Order(id) => drop(self.orders.remove(&id)),
                Forgettable::Payment(id) => drop(self.payments.remove(&id)),
                Forgettable::Deposit(id) => drop(self.deposits.remove(&id)),
                Forgettable::Tap(id) => drop(self.taps.remove(&id)),
            }
        }
        let now = self.now;
        let over = |(position, _, until): &mut (u64, TapId, UnixMillis)| *position <= stored && *until < now;
        while let Some((_, tap, _)) = self.expiring.pop_front_if(over) {
            // One that has paid waits until its payment is stored too.
            if self.taps.get(&tap).is_some_and(|live| live.payment.is_none()) {
                self.taps.remove(&tap);
            }
        }
    }

    /// The next thing that this command refers to and that must be looked up in the tables before it is decided;
    /// `None` once all is here. `asked` is what was looked up already, found or not.
    pub fn next_need(&self, command: &Command, asked: &[Need]) -> Option<Need> {
        let missing = |need: &Need| !asked.contains(need) && !self.holds(*need);
        if let Some(need) = command.request.map(|request| Need::Request(request.key)).filter(missing) {
            return Some(need);
        }
        match command.request.and_then(|request| self.requests.get(&request.key)) {
            Some((_, outcome)) => self.needs_of_replay(outcome),
            None => self.needs_of_fresh(&command.action),
        }
        .into_iter()
        .flatten()
        .find(missing)
    }

    fn needs_of_replay(&self, outcome: &Outcome) -> [Option<Need>; 2] {
        match outcome {
            Outcome::OrderCreated(id) | Outcome::OrderCancelled(id) => [Some(Need::Order(*id)), None],
            Outcome::TapAccepted(id) => [Some(Need::Tap(*id)), self.order_of(*id)],
            Outcome::PaymentSucceeded(id) => [Some(Need::Payment(*id)), None],
            Outcome::DepositSucceeded(id) => [Some(Need::Deposit(*id)), None],
            Outcome::Refused(_) | Outcome::Done => [None, None],
        }
    }

    fn needs_of_fresh(&self, action: &Action) -> [Option<Need>; 2] {
        match action {
            Action::CancelOrder { order, .. } => [Some(Need::Order(*order)), None],
            Action::Deposit { id, .. } => [Some(Need::Deposit(*id)), None],
            Action::Pay(pay) => [Some(Need::Tap(pay.tap)), self.order_of(pay.tap)],
            _ => [None, None],
        }
    }

    fn order_of(&self, tap: TapId) -> Option<Need> {
        self.taps.get(&tap)?.tap.order.map(Need::Order)
    }

    fn holds(&self, need: Need) -> bool {
        match need {
            Need::Request(key) => self.requests.contains_key(&key),
            Need::Order(id) => self.orders.contains_key(&id),
            Need::Tap(id) => self.taps.contains_key(&id),
            Need::Payment(id) => self.payments.contains_key(&id),
            Need::Deposit(id) => self.deposits.contains_key(&id),
        }
    }

    /// Takes back something old, until it is forgotten again.
    pub fn recall(&mut self, recalled: Recalled) {
        match recalled {
            Recalled::Request(request, outcome) => self.remember_request(request, outcome),
            Recalled::Order(order) => {
                self.forgettable.push_back((self.position, Forgettable::Order(order.id)));
                self.orders.insert(order.id, order);
            }
            // It may still pay, and then must stay until that is stored.
            Recalled::Tap(tap, None) if self.now < tap.expires_at() => self.restore_live_tap(tap),
            Recalled::Tap(tap, payment) => {
                self.forgettable.push_back((self.position, Forgettable::Tap(tap.id)));
                self.taps.insert(tap.id, LiveTap { tap, payment, declines: u8::MAX });
            }
            Recalled::Payment(payment) => self.remember_payment(payment),
            Recalled::Deposit(deposit) => self.remember_deposit(deposit),
        }
    }
}

#[cfg(test)]
mod tests {
    use money::Amount;

    use super::*;
    use crate::account::AccountFlags;
    use crate::event::Settled;

    /// A record that no history has: what is damaged must not go on.
    #[test]
    #[should_panic(expected = "exceeds_credits")]
    fn a_record_that_overdraws_an_account_stops_the_process() {
        let mut state = State::default();
        let flags = AccountFlags { debits_must_not_exceed_credits: true, ..AccountFlags::default() };
        let [debit_account, credit_account] = [1, 2].map(|number| {
            let id = AccountId::from_u128(number);
            state.restore_account(Account { id, ledger: 156, code: 1, owner: number, flags }, Balance::default());
            id
        });
        let deposit = Deposit {
            id: DepositId::from_u128(3),
            wallet: WalletId::from_u128(2),
            currency: Currency::from_numeric(156).unwrap(),
            amount: Amount::MIN,
            created_at: UnixMillis(1),
        };
        let event = Event::DepositSucceeded(Settled { what: deposit, debit_account, credit_account });
        state.evolve(&Record { at: UnixMillis(1), request: None, event });
    }
}
