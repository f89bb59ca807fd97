//! What the platform may do, written a second time: plain lists, sums in 128 bits, no thought of speed. It shares the
//! names of things with the decider, and no rule.

use std::collections::BTreeMap;

use ids::{DepositId, MerchantId, OrderId, PaymentId, TagId, TapId, WalletId};
use money::{Currency, Money};
use payments::{
    Account, Answer, Beginning, CancelledBy, Deposit, Order, OrderStatus, Payment, PaymentStatus, RegisteredTag,
    Rejection, Request, RequestKey, Tap, Text, UnixMillis,
};
use tag::Uid;

pub(crate) type Verdict = Result<Answer, Rejection>;

/// What somebody asks, before new things get their ids.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    OpenAccount(Account),
    RegisterTag(RegisteredTag),
    Deposit { id: DepositId, wallet: WalletId, money: Money },
    Create { merchant: MerchantId, tag: TagId, asked: Asked, text: Option<Text>, lifetime_ms: u64 },
    Cancel { merchant: MerchantId, order: OrderId },
    Tap { wallet: WalletId, url: String, uid: Uid, counter: u32 },
    Forged { claimed: Uid },
    Pay { wallet: WalletId, tap: TapId, money: Option<Money> },
    Expire,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    Fixed(Money),
    Open(Currency),
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) accounts: Vec<(Account, Sums)>,
    pub(crate) tags: Vec<(RegisteredTag, u32)>,
    pub(crate) orders: Vec<Order>,
    pub(crate) taps: Vec<(Tap, Option<PaymentId>)>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) deposits: Vec<Deposit>,
    /// The very words that each request was answered with.
    answers: BTreeMap<RequestKey, (Request, Verdict)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) debits: i128,
    pub(crate) credits: i128,
}

const THREE_MINUTES: u64 = 180_000;
const MOST: i128 = 0xffff_ffff_ffff_ffff;

const FLOAT: u16 = 1;
const WALLET: u16 = 2;
const PENDING: u16 = 3;

impl Model {
    /// `id` names whatever comes into being.
    pub(crate) fn ask(&mut self, now: UnixMillis, request: Option<Request>, wish: &Wish, id: u128) -> Verdict {
        let Some(request) = request else { return self.decide(now, wish, id) };
        if let Some((first, verdict)) = self.answers.get(&request.key) {
            return if first.body == request.body { verdict.clone() } else { Err(Rejection::IdempotencyConflict) };
        }
        let verdict = self.decide(now, wish, id);
        if verdict != Err(Rejection::NothingToPay) {
            self.answers.insert(request.key, (request, verdict.clone()));
        }
        verdict
    }

    fn decide(&mut self, now: UnixMillis, wish: &Wish, id: u128) -> Verdict {
        match wish {
            Wish::OpenAccount(account) => self.open_account(*account),
            Wish::RegisterTag(tag) => self.register_tag(*tag),
            Wish::Deposit { id, wallet, money } => self.deposit(now, *id, *wallet, *money),
            Wish::Create { merchant, tag, asked, text, lifetime_ms } => {
                let id = OrderId::from_u128(id);
                self.create(now, id, *merchant, *tag, *asked, text.clone(), *lifetime_ms)
            }
            Wish::Cancel { merchant, order } => self.cancel(now, *merchant, *order),
            Wish::Tap { wallet, uid, counter, .. } => self.tap(now, TapId::from_u128(id), *wallet, *uid, *counter),
            Wish::Forged { .. } => Err(Rejection::TapForged),
            Wish::Pay { wallet, tap, money } => self.pay(now, PaymentId::from_u128(id), *wallet, *tap, *money),
            Wish::Expire => {
                for order in &mut self.orders {
                    if order.status == OrderStatus::Open && order.expires_at <= now {
                        order.status = OrderStatus::Expired { at: now };
                    }
                }
                Ok(Answer::Done)
            }
        }
    }

    fn open_account(&mut self, account: Account) -> Verdict {
        let same_place =
            |known: &Account| (known.code, known.owner, known.ledger) == (account.code, account.owner, account.ledger);
        if self.accounts.iter().any(|(known, _)| *known == account) {
            return Ok(Answer::Done);
        }
        if self.accounts.iter().any(|(known, _)| known.id == account.id || same_place(known)) {
            return Err(Rejection::Exists);
        }
        self.accounts.push((account, Sums::default()));
        Ok(Answer::Done)
    }

    fn register_tag(&mut self, tag: RegisteredTag) -> Verdict {
        if self.tags.iter().any(|(known, _)| *known == tag) {
            return Ok(Answer::Done);
        }
        if self.tags.iter().any(|(known, _)| known.id == tag.id || known.uid == tag.uid) {
            return Err(Rejection::Exists);
        }
        self.tags.push((tag, 0));
        Ok(Answer::Done)
    }

    fn deposit(&mut self, now: UnixMillis, id: DepositId, wallet: WalletId, money: Money) -> Verdict {
        let (currency, amount) = (money.currency(), money.amount());
        if let Some(known) = self.deposits.iter().find(|known| known.id == id) {
            let same = known.wallet == wallet && known.currency == currency && known.amount == amount;
            return if same { Ok(Answer::Deposit(*known)) } else { Err(Rejection::Exists) };
        }
        let from = self.place(FLOAT, 0, currency);
        let to = self.place(WALLET, wallet.as_u128(), currency);
        let (Some(from), Some(to)) = (from, to) else { return Err(Rejection::CurrencyNotHeld { currency }) };
        self.transfer(from, to, amount.minor_units())?;
        let deposit = Deposit { id, wallet, currency, amount, created_at: now };
        self.deposits.push(deposit);
        Ok(Answer::Deposit(deposit))
    }

    #[allow(clippy::too_many_arguments, reason = "an order has as many parts")]
    fn create(
        &mut self,
        now: UnixMillis,
        id: OrderId,
        merchant: MerchantId,
        tag: TagId,
        asked: Asked,
        text: Option<Text>,
        lifetime_ms: u64,
    ) -> Verdict {
        let known = self.tags.iter().find(|(known, _)| known.id == tag && known.merchant == merchant);
        let Some((known, _)) = known else { return Err(Rejection::NotFound) };
        if !known.active {
            return Err(Rejection::TagInactive);
        }
        let (currency, amount) = match asked {
            Asked::Fixed(money) => (money.currency(), Some(money.amount())),
            Asked::Open(currency) => (currency, None),
        };
        if self.place(PENDING, merchant.as_u128(), currency).is_none() {
            return Err(Rejection::CurrencyNotAccepted { currency });
        }
        for order in &mut self.orders {
            if order.tag == tag && order.status == OrderStatus::Open {
                if now < order.expires_at {
                    return Err(Rejection::TagBusy { order: order.id });
                }
                order.status = OrderStatus::Expired { at: now };
            }
        }
        let order = Order {
            id,
            merchant,
            tag,
            currency,
            amount,
            description: text.clone(),
            reference: text,
            created_at: now,
            expires_at: UnixMillis(now.0.saturating_add(lifetime_ms)),
            status: OrderStatus::Open,
            details: None,
        };
        self.orders.push(order.clone());
        Ok(Answer::Order(order))
    }

    fn cancel(&mut self, now: UnixMillis, merchant: MerchantId, id: OrderId) -> Verdict {
        let order = self.orders.iter_mut().find(|order| order.id == id && order.merchant == merchant);
        let Some(order) = order else { return Err(Rejection::NotFound) };
        match order.status {
            OrderStatus::Paid { .. } | OrderStatus::Held { .. } => return Err(Rejection::OrderAlreadyPaid),
            OrderStatus::Expired { .. } => return Err(Rejection::OrderExpired),
            OrderStatus::Open if order.expires_at <= now => return Err(Rejection::OrderExpired),
            OrderStatus::Open => order.status = OrderStatus::Cancelled { at: now },
            OrderStatus::Cancelled { .. } => {}
        }
        Ok(Answer::Cancelled(order.clone(), CancelledBy::Closing))
    }

    fn tap(&mut self, now: UnixMillis, id: TapId, wallet: WalletId, uid: Uid, counter: u32) -> Verdict {
        let Some((tag, last)) = self.tags.iter_mut().find(|(tag, _)| tag.uid == uid) else {
            return Err(Rejection::TagUnknown);
        };
        if !tag.active {
            return Err(Rejection::TagInactive);
        }
        if counter <= *last {
            return Err(Rejection::TapReplayed);
        }
        let waiting =
            |order: &&Order| order.tag == tag.id && order.status == OrderStatus::Open && now < order.expires_at;
        let order = self.orders.iter().find(waiting).cloned();
        if order.is_none() && tag.mode == payments::TagMode::Till {
            return Err(Rejection::NothingToPay);
        }
        *last = counter;
        let tap = Tap {
            id,
            wallet,
            tag: tag.id,
            merchant: tag.merchant,
            counter,
            order: order.as_ref().map(|order| order.id),
            currency: order.as_ref().map_or(tag.currency, |order| order.currency),
            created_at: now,
        };
        self.taps.push((tap, None));
        Ok(Answer::Tap(tap, order))
    }

    fn pay(&mut self, now: UnixMillis, id: PaymentId, wallet: WalletId, tap: TapId, money: Option<Money>) -> Verdict {
        let Some((known, used)) = self.taps.iter().find(|(known, _)| known.id == tap && known.wallet == wallet) else {
            let old = i128::from(now.0) - i128::from(tap.unix_ms()) > i128::from(THREE_MINUTES);
            return Err(if old { Rejection::TapExpired } else { Rejection::NotFound });
        };
        let known = *known;
        if used.is_some() {
            return Err(Rejection::TapAlreadyUsed);
        }
        let order = known.order.map(|id| self.orders.iter().find(|order| order.id == id).expect("its order").clone());
        match order.as_ref().map(|order| order.status) {
            Some(OrderStatus::Paid { .. }) => return Err(Rejection::OrderAlreadyPaid),
            Some(OrderStatus::Cancelled { .. }) => return Err(Rejection::OrderCancelled),
            Some(OrderStatus::Expired { .. }) => return Err(Rejection::OrderExpired),
            Some(OrderStatus::Open) if order.as_ref().is_some_and(|order| order.expires_at <= now) => {
                return Err(Rejection::OrderExpired);
            }
            _ => {}
        }
        if i128::from(now.0) - i128::from(known.created_at.0) >= i128::from(THREE_MINUTES) {
            return Err(Rejection::TapExpired);
        }
        let currency = known.currency;
        if money.is_some_and(|money| money.currency() != currency) {
            return Err(Rejection::CurrencyMismatch { expected: currency });
        }
        let asked = order.as_ref().and_then(|order| order.amount);
        let named = money.map(Money::amount);
        if let (Some(expected), Some(named)) = (asked, named)
            && expected != named
        {
            return Err(Rejection::AmountMismatch { expected });
        }
        let Some(amount) = asked.or(named) else { return Err(Rejection::AmountRequired) };
        let from = self.place(WALLET, wallet.as_u128(), currency).ok_or(Rejection::CurrencyNotHeld { currency })?;
        let to = self.place(PENDING, known.merchant.as_u128(), currency);
        let to = to.ok_or(Rejection::CurrencyNotAccepted { currency })?;
        self.transfer(from, to, amount.minor_units())?;
        let payment = Payment {
            id,
            wallet,
            merchant: known.merchant,
            tag: known.tag,
            tap,
            order: known.order,
            description: order.and_then(|order| order.description),
            currency,
            amount,
            created_at: now,
            began: Beginning::Captured,
            tip: 0,
            fee: 0,
            captured: amount.minor_units(),
            refunded: 0,
            disputed: 0,
            open_dispute: None,
            shares: Vec::new(),
            status: PaymentStatus::Succeeded,
        };
        for (tap, used) in &mut self.taps {
            if tap.id == payment.tap {
                *used = Some(id);
            }
        }
        for order in &mut self.orders {
            if Some(order.id) == payment.order {
                order.status = OrderStatus::Paid { payment: id, amount, at: now };
            }
        }
        self.payments.push(payment.clone());
        Ok(Answer::Payment(payment))
    }

    fn place(&self, code: u16, owner: u128, currency: Currency) -> Option<usize> {
        let ledger = u32::from(currency.numeric());
        let wanted = |(known, _): &(Account, Sums)| (known.code, known.owner, known.ledger) == (code, owner, ledger);
        self.accounts.iter().position(wanted)
    }

    fn transfer(&mut self, from: usize, to: usize, amount: u64) -> Result<(), Rejection> {
        let amount = i128::from(amount);
        if self.accounts[from].1.debits + amount > MOST || self.accounts[to].1.credits + amount > MOST {
            return Err(Rejection::BalanceOverflow);
        }
        let has = self.accounts[from].1.credits - self.accounts[from].1.debits;
        if self.accounts[from].0.code != FLOAT && has < amount {
            return Err(Rejection::InsufficientFunds { available: u64::try_from(has).expect("not negative") });
        }
        self.accounts[from].1.debits += amount;
        self.accounts[to].1.credits += amount;
        Ok(())
    }
}
