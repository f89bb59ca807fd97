//! What the platform may do, written a second time: plain lists, sums in 128 bits, no thought of speed. It shares the
//! names of things with the decider, and no rule. Prices and calendars are those of the crate `terms`, which has tests
//! of its own.

mod merchants;
pub(crate) mod purse;
mod returns;

use std::collections::BTreeMap;

use ids::{
    CaptureId, DepositId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId, TagId, TapId, WalletId,
};
use money::{Amount, Currency, Money};
use payments::{
    Account, Answer, BankWord, Beginning, CancelledBy, Capture, Deposit, Dispute, Forced, MerchantStatus, Order,
    OrderDetails, OrderName, OrderStatus, Payment, PaymentStatus, Payout, ReferenceKey, RegisteredTag, Rejection,
    Release, ReleaseReason, Request, RequestKey, Share, SplitPart, Tap, Text, UnixMillis, forced_by,
};
use tag::Uid;
use terms::{FeePlan, SettlementTerms};

use self::merchants::Merchant;
use self::purse::{FLOAT, HOLD, PENDING, Place, Purse, WALLET, Why, units};
pub(crate) use self::returns::evidence;

pub(crate) type Verdict = Result<Answer, Rejection>;

/// What somebody asks, before new things get their ids.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    OpenAccount(Account),
    RegisterTag(RegisteredTag),
    Deposit {
        id: DepositId,
        wallet: WalletId,
        money: Money,
    },
    Create(NewOrder),
    Cancel {
        merchant: MerchantId,
        order: OrderId,
        refund: bool,
    },
    Resolve {
        merchant: MerchantId,
        order: OrderName,
        close: bool,
    },
    Tap {
        wallet: WalletId,
        url: String,
        uid: Uid,
        counter: u32,
    },
    Forged {
        claimed: Uid,
    },
    Pay {
        wallet: WalletId,
        tap: TapId,
        money: Option<Money>,
        tip: u64,
        forced: Option<Forced>,
    },
    Capture {
        merchant: MerchantId,
        payment: PaymentId,
        amount: Option<Amount>,
        is_last: bool,
    },
    Void {
        merchant: MerchantId,
        payment: PaymentId,
    },
    Refund {
        merchant: MerchantId,
        payment: PaymentId,
        amount: Option<Amount>,
        reason: Option<Text>,
    },
    Dispute {
        wallet: WalletId,
        payment: PaymentId,
        amount: Option<Amount>,
        reason: Text,
    },
    AnswerDispute {
        merchant: MerchantId,
        dispute: DisputeId,
    },
    AcceptDispute {
        merchant: MerchantId,
        dispute: DisputeId,
    },
    DecideDispute {
        dispute: DisputeId,
        won: bool,
    },
    SetStatus {
        merchant: MerchantId,
        status: MerchantStatus,
    },
    SetPlan {
        merchant: MerchantId,
        plan: FeePlan,
        from: UnixMillis,
    },
    SetTerms {
        merchant: MerchantId,
        terms: SettlementTerms,
    },
    CreatePayout {
        merchant: MerchantId,
        currency: Currency,
    },
    SubmitPayout {
        payout: PayoutId,
        reference: Option<Text>,
    },
    ReportPayout {
        payout: PayoutId,
        word: BankWord,
    },
    /// All that is due happens.
    Ticks,
}

impl Wish {
    /// Whether the same request gets the first answer again.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Resolve { .. } | Self::SubmitPayout { .. } | Self::ReportPayout { .. } | Self::Ticks)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct NewOrder {
    pub(crate) merchant: MerchantId,
    pub(crate) tag: TagId,
    pub(crate) asked: Asked,
    pub(crate) text: Option<Text>,
    pub(crate) lifetime_ms: u64,
    pub(crate) details: Option<Box<OrderDetails>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    Fixed(Money),
    Open(Currency),
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Those that somebody asked for.
    pub(crate) accounts: Vec<Account>,
    pub(crate) purse: Purse,
    pub(crate) tags: Vec<(RegisteredTag, u32)>,
    pub(crate) merchants: BTreeMap<MerchantId, Merchant>,
    pub(crate) orders: Vec<Order>,
    references: BTreeMap<ReferenceKey, OrderId>,
    pub(crate) taps: Vec<(Tap, Option<PaymentId>)>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) disputes: Vec<Dispute>,
    pub(crate) payouts: Vec<Payout>,
    pub(crate) deposits: Vec<Deposit>,
    /// The very words that each request was answered with.
    answers: BTreeMap<RequestKey, (Request, Verdict)>,
}

const THREE_MINUTES: u64 = 180_000;

impl Model {
    /// `id` names whatever comes into being.
    pub(crate) fn ask(&mut self, now: UnixMillis, request: Option<Request>, wish: &Wish, id: u128) -> Verdict {
        let Some(request) = request.filter(|_| wish.is_repeatable()) else { return self.decide(now, wish, id) };
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
        match wish.clone() {
            Wish::OpenAccount(account) => self.open_account(account),
            Wish::RegisterTag(tag) => self.register_tag(tag),
            Wish::Deposit { id, wallet, money } => self.deposit(now, id, wallet, money),
            Wish::Create(new) => self.create(now, OrderId::from_u128(id), new),
            Wish::Cancel { merchant, order, refund } => {
                let refund = refund.then_some(RefundId::from_u128(id));
                self.attempt(|model| model.cancel(now, merchant, order, refund))
            }
            Wish::Resolve { merchant, order, close } => self.resolve(now, merchant, order, close),
            Wish::Tap { wallet, uid, counter, .. } => self.tap(now, TapId::from_u128(id), wallet, uid, counter),
            Wish::Forged { .. } => Err(Rejection::TapForged),
            Wish::Pay { wallet, tap, money, tip, forced } => {
                self.attempt(|model| model.pay(now, PaymentId::from_u128(id), (wallet, tap), money, tip, forced))
            }
            Wish::Capture { merchant, payment, amount, is_last } => {
                let id = CaptureId::from_u128(id);
                self.attempt(|model| model.capture(now, id, (merchant, payment), amount, is_last))
            }
            Wish::Void { merchant, payment } => self.attempt(|model| model.void(now, merchant, payment)),
            Wish::Refund { merchant, payment, amount, reason } => {
                let id = RefundId::from_u128(id);
                self.attempt(|model| model.refund(now, id, (merchant, payment), amount, reason)).map(Answer::Refund)
            }
            Wish::Dispute { wallet, payment, amount, reason } => {
                let id = DisputeId::from_u128(id);
                self.attempt(|model| model.dispute(now, id, (wallet, payment), amount, reason))
            }
            Wish::AnswerDispute { merchant, dispute } => self.answer_dispute(now, merchant, dispute),
            Wish::AcceptDispute { merchant, dispute } => {
                self.attempt(|model| model.decide_dispute(now, Some(merchant), dispute, false))
            }
            Wish::DecideDispute { dispute, won } => self.attempt(|model| model.decide_dispute(now, None, dispute, won)),
            Wish::SetStatus { merchant, status } => self.set_status(merchant, status),
            Wish::SetPlan { merchant, plan, from } => self.set_plan(now, merchant, plan, from),
            Wish::SetTerms { merchant, terms } => self.set_terms(now, merchant, terms),
            Wish::CreatePayout { merchant, currency } => {
                let id = PayoutId::from_u128(id);
                self.attempt(|model| model.pay_out(now, id, (merchant, currency))).map(Answer::Payout)
            }
            Wish::SubmitPayout { payout, reference } => self.submit_payout(now, payout, reference),
            Wish::ReportPayout { payout, word } => self.attempt(|model| model.report_payout(now, payout, word)),
            Wish::Ticks => self.ticks(now),
        }
    }

    /// Whatever fails has moved nothing.
    pub(crate) fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Rejection>) -> Result<T, Rejection> {
        let before = self.purse.clone();
        let done = work(self);
        if done.is_err() {
            self.purse = before;
        }
        done
    }

    fn open_account(&mut self, account: Account) -> Verdict {
        let same_place =
            |known: &Account| (known.code, known.owner, known.ledger) == (account.code, account.owner, account.ledger);
        if self.accounts.contains(&account) {
            return Ok(Answer::Done);
        }
        if self.accounts.iter().any(|known| known.id == account.id || same_place(known)) {
            return Err(Rejection::Exists);
        }
        self.accounts.push(account);
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
        self.purse.transfer(Why::Other, from, to, amount.minor_units().into())?;
        let deposit = Deposit { id, wallet, currency, amount, created_at: now };
        self.deposits.push(deposit);
        Ok(Answer::Deposit(deposit))
    }

    fn create(&mut self, now: UnixMillis, id: OrderId, new: NewOrder) -> Verdict {
        let known = self.tags.iter().find(|(known, _)| known.id == new.tag && known.merchant == new.merchant);
        let Some((known, _)) = known.copied() else { return Err(Rejection::NotFound) };
        self.active(new.merchant)?;
        if !known.active {
            return Err(Rejection::TagInactive);
        }
        let (currency, amount) = match new.asked {
            Asked::Fixed(money) => (money.currency(), Some(money.amount())),
            Asked::Open(currency) => (currency, None),
        };
        if self.place(PENDING, new.merchant.as_u128(), currency).is_none() {
            return Err(Rejection::CurrencyNotAccepted { currency });
        }
        let reference = new.details.as_ref().and_then(|details| details.reference_key);
        if let Some(order) = reference.and_then(|key| self.references.get(&key)) {
            return Err(Rejection::ReferenceTaken { order: *order });
        }
        for split in new.details.iter().flat_map(|details| &details.splits) {
            let takes_it = self.place(PENDING, split.merchant.as_u128(), currency).is_some();
            if !takes_it || self.active(split.merchant).is_err() {
                return Err(Rejection::ReceiverNotAccepted { merchant: split.merchant });
            }
        }
        for order in &mut self.orders {
            if order.tag == new.tag && order.status == OrderStatus::Open {
                if now < order.expires_at {
                    return Err(Rejection::TagBusy { order: order.id });
                }
                order.status = OrderStatus::Expired { at: now };
            }
        }
        let order = Order {
            id,
            merchant: new.merchant,
            tag: new.tag,
            currency,
            amount,
            description: new.text.clone(),
            reference: new.text,
            created_at: now,
            expires_at: UnixMillis(now.0.saturating_add(new.lifetime_ms)),
            status: OrderStatus::Open,
            details: new.details,
        };
        self.references.extend(reference.map(|key| (key, id)));
        self.orders.push(order.clone());
        Ok(Answer::Order(order))
    }

    fn cancel(&mut self, now: UnixMillis, merchant: MerchantId, id: OrderId, refund: Option<RefundId>) -> Verdict {
        let order = self.orders.iter_mut().find(|order| order.id == id && order.merchant == merchant);
        let Some(order) = order else { return Err(Rejection::NotFound) };
        let payment = match order.status {
            OrderStatus::Paid { payment, .. } | OrderStatus::Held { payment, .. } => payment,
            OrderStatus::Expired { .. } => return Err(Rejection::OrderExpired),
            OrderStatus::Open if order.expires_at <= now => return Err(Rejection::OrderExpired),
            OrderStatus::Open | OrderStatus::Cancelled { .. } => {
                if order.status == OrderStatus::Open {
                    order.status = OrderStatus::Cancelled { at: now };
                }
                return Ok(Answer::Cancelled(order.clone(), CancelledBy::Closing));
            }
        };
        let payment = self.payment(payment).clone();
        match (payment.status, payment.captured, refund) {
            (PaymentStatus::Processing, ..) => Err(Rejection::PaymentProcessing),
            (PaymentStatus::Held, 0, _) => {
                self.release(now, payment.id, ReleaseReason::Voided)?;
                Ok(Answer::Cancelled(self.order(id).clone(), CancelledBy::Releasing))
            }
            (PaymentStatus::Held, ..) | (_, _, None) => Err(Rejection::OrderAlreadyPaid),
            (_, _, Some(refund)) => {
                self.refund(now, refund, (merchant, payment.id), None, None)?;
                Ok(Answer::Cancelled(self.order(id).clone(), CancelledBy::Refunding(refund)))
            }
        }
    }

    fn resolve(&mut self, now: UnixMillis, merchant: MerchantId, name: OrderName, close: bool) -> Verdict {
        let id = match name {
            OrderName::Id(id) => Some(id),
            OrderName::Reference(key) => self.references.get(&key).copied(),
        };
        let order = self.orders.iter_mut().find(|order| Some(order.id) == id && order.merchant == merchant);
        let Some(order) = order else { return Err(Rejection::NotFound) };
        if order.status == OrderStatus::Open {
            if order.expires_at <= now {
                order.status = OrderStatus::Expired { at: now };
            } else if close {
                order.status = OrderStatus::Cancelled { at: now };
            }
        }
        let order = order.clone();
        let payment = match order.status {
            OrderStatus::Paid { payment, .. } | OrderStatus::Held { payment, .. } => {
                Some(self.payment(payment).clone())
            }
            _ => None,
        };
        Ok(Answer::Resolved(order, payment))
    }

    fn tap(&mut self, now: UnixMillis, id: TapId, wallet: WalletId, uid: Uid, counter: u32) -> Verdict {
        let Some(place) = self.tags.iter().position(|(tag, _)| tag.uid == uid) else {
            return Err(Rejection::TagUnknown);
        };
        let (tag, last) = self.tags[place];
        if !tag.active {
            return Err(Rejection::TagInactive);
        }
        self.active(tag.merchant)?;
        if counter <= last {
            return Err(Rejection::TapReplayed);
        }
        let waiting =
            |order: &&Order| order.tag == tag.id && order.status == OrderStatus::Open && now < order.expires_at;
        let order = self.orders.iter().find(waiting).cloned();
        if order.is_none() && tag.mode == payments::TagMode::Till {
            return Err(Rejection::NothingToPay);
        }
        self.tags[place].1 = counter;
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

    fn pay(
        &mut self,
        now: UnixMillis,
        id: PaymentId,
        (wallet, tap): (WalletId, TapId),
        money: Option<Money>,
        tip: u64,
        forced: Option<Forced>,
    ) -> Verdict {
        let (tap, order) = self.usable_tap(now, wallet, tap)?;
        self.active(tap.merchant)?;
        let currency = tap.currency;
        let details = order.as_ref().and_then(|order| order.details.clone());
        let amount = to_pay(currency, order.as_ref(), money)?;
        if tip > 0 && !details.as_ref().is_some_and(|details| details.tipping) {
            return Err(Rejection::TipNotAccepted);
        }
        let amount = i128::from(amount.minor_units()) + i128::from(tip);
        let amount = u64::try_from(amount).ok().and_then(|amount| Amount::new(amount).ok());
        let amount = amount.ok_or(Rejection::BalanceOverflow)?;
        let hold = details.as_ref().and_then(|details| details.hold_ms);
        let after = |span: u64| UnixMillis(now.0.saturating_add(span));
        let forced = if forced == Some(Forced::ByAmount) { forced_by(amount.minor_units()) } else { forced };
        let (began, status) = match (forced, hold) {
            (Some(Forced::Declined(why)), _) => return Err(why),
            (Some(Forced::Processing { for_ms, succeeds }), _) => {
                (Beginning::Processing { until: after(for_ms), succeeds }, PaymentStatus::Processing)
            }
            (_, Some(hold)) => (Beginning::Held { until: after(hold) }, PaymentStatus::Held),
            (_, None) => (Beginning::Captured, PaymentStatus::Succeeded),
        };
        let shares = details.map_or(Vec::new(), |details| shares_of(&details, tap.merchant, amount.minor_units()));
        self.receivers_active(&shares)?;
        let mut payment = Payment {
            id,
            wallet,
            merchant: tap.merchant,
            tag: tap.tag,
            tap: tap.id,
            order: tap.order,
            description: order.and_then(|order| order.description),
            currency,
            amount,
            created_at: now,
            began,
            tip,
            fee: 0,
            captured: 0,
            refunded: 0,
            disputed: 0,
            open_dispute: None,
            shares,
            status,
        };
        self.move_payment(now, &mut payment)?;
        self.taps.iter_mut().filter(|(known, _)| known.id == tap.id).for_each(|(_, used)| *used = Some(id));
        let at = now;
        self.set_order(
            &payment,
            match status {
                PaymentStatus::Succeeded => OrderStatus::Paid { payment: id, amount, at },
                _ => OrderStatus::Held { payment: id, amount, at },
            },
        );
        self.payments.push(payment.clone());
        Ok(Answer::Payment(payment))
    }

    fn usable_tap(&self, now: UnixMillis, wallet: WalletId, tap: TapId) -> Result<(Tap, Option<Order>), Rejection> {
        let Some((known, used)) = self.taps.iter().find(|(known, _)| known.id == tap && known.wallet == wallet) else {
            let old = i128::from(now.0) - i128::from(tap.unix_ms()) > i128::from(THREE_MINUTES);
            return Err(if old { Rejection::TapExpired } else { Rejection::NotFound });
        };
        if used.is_some() {
            return Err(Rejection::TapAlreadyUsed);
        }
        let order = known.order.map(|id| self.order(id).clone());
        match order.as_ref().map(|order| order.status) {
            Some(OrderStatus::Paid { .. } | OrderStatus::Held { .. }) => return Err(Rejection::OrderAlreadyPaid),
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
        Ok((*known, order))
    }

    fn move_payment(&mut self, now: UnixMillis, payment: &mut Payment) -> Result<(), Rejection> {
        let (currency, amount) = (payment.currency, i128::from(payment.amount.minor_units()));
        let from = self.place(WALLET, payment.wallet.as_u128(), currency);
        let from = from.ok_or(Rejection::CurrencyNotHeld { currency })?;
        let to = self.place(PENDING, payment.merchant.as_u128(), currency);
        let to = to.ok_or(Rejection::CurrencyNotAccepted { currency })?;
        // The whole amount must fit, whatever way it takes.
        self.purse.clone().transfer(Why::Other, from, to, amount)?;
        match payment.began {
            Beginning::Captured => self.take(now, payment, from, payment.amount.minor_units()).map(drop),
            _ => self.purse.transfer(Why::Other, from, (HOLD, payment.wallet.as_u128(), currency), amount),
        }
    }

    /// Takes some of a payment's money, from the wallet or from what is held, for its receivers; gives the fee.
    fn take(&mut self, now: UnixMillis, payment: &mut Payment, from: Place, amount: u64) -> Result<u64, Rejection> {
        let currency = payment.currency;
        let open: Vec<u64> = payment.shares.iter().map(|share| share.amount - share.captured).collect();
        let parts = split(amount, &open);
        payment.shares.iter_mut().zip(&parts).for_each(|(share, part)| share.captured += part);
        payment.captured += amount;
        let receivers = receivers(payment, &parts, amount);
        for (receiver, part) in receivers.into_iter().filter(|(_, part)| *part > 0) {
            self.window(now, receiver, currency)?;
            self.purse.transfer(Why::Paid, from, (PENDING, receiver.as_u128(), currency), part.into())?;
        }
        let plan = self.merchants.get(&payment.merchant).and_then(|merchant| merchant.plan_at(now)).cloned();
        let book = self.window(now, payment.merchant, currency)?;
        let volume = u64::try_from(book.volume).expect("few");
        let fee = plan.map_or(0, |plan| plan.fee(terms::Method::Tap, currency, amount, volume));
        book.volume = (book.volume + i128::from(amount)).min(u64::MAX.into());
        book.window.as_mut().expect("it is open").gathered.fees += i128::from(fee);
        payment.fee += fee;
        Ok(fee)
    }

    fn capture(
        &mut self,
        now: UnixMillis,
        id: CaptureId,
        (merchant, payment): (MerchantId, PaymentId),
        amount: Option<Amount>,
        is_last: bool,
    ) -> Verdict {
        let mut payment = self.payment_of(merchant, payment)?;
        self.active(merchant)?;
        self.receivers_active(&payment.shares)?;
        let until = match (payment.status, payment.began) {
            (PaymentStatus::Processing, _) => return Err(Rejection::PaymentProcessing),
            (PaymentStatus::Held, Beginning::Held { until }) => until,
            _ => return Err(Rejection::NothingHeld),
        };
        if until <= now {
            return Err(Rejection::NothingHeld);
        }
        let held = payment.amount.minor_units() - payment.captured;
        let amount = amount.map_or(held, Amount::minor_units);
        if amount > held {
            return Err(Rejection::CaptureExceedsHold { capturable: held });
        }
        self.capture_some(now, id, &mut payment, amount, is_last).map(Answer::Capture)
    }

    pub(super) fn capture_some(
        &mut self,
        now: UnixMillis,
        id: CaptureId,
        payment: &mut Payment,
        amount: u64,
        is_last: bool,
    ) -> Result<Capture, Rejection> {
        let (currency, wallet) = (payment.currency, payment.wallet.as_u128());
        let hold = (HOLD, wallet, currency);
        let fee = self.take(now, payment, hold, amount)?;
        let rest = payment.amount.minor_units() - payment.captured;
        let released = if is_last { rest } else { 0 };
        self.purse.transfer(Why::Other, hold, (WALLET, wallet, currency), released.into())?;
        if is_last || rest == 0 {
            payment.status = PaymentStatus::Succeeded;
            let amount = Amount::new(payment.captured).expect("something");
            self.set_order(payment, OrderStatus::Paid { payment: payment.id, amount, at: now });
        }
        self.set_payment(payment.clone());
        Ok(Capture {
            id,
            payment: payment.id,
            merchant: payment.merchant,
            currency,
            amount: Amount::new(amount).expect("something"),
            fee,
            released,
            created_at: now,
        })
    }

    fn void(&mut self, now: UnixMillis, merchant: MerchantId, payment: PaymentId) -> Verdict {
        let payment = self.payment_of(merchant, payment)?;
        match payment.status {
            PaymentStatus::Processing => Err(Rejection::PaymentProcessing),
            PaymentStatus::Held => self.release(now, payment.id, ReleaseReason::Voided).map(Answer::Release),
            _ => Err(Rejection::NothingHeld),
        }
    }

    pub(super) fn release(
        &mut self,
        now: UnixMillis,
        id: PaymentId,
        reason: ReleaseReason,
    ) -> Result<Release, Rejection> {
        let mut payment = self.payment(id).clone();
        let (currency, wallet) = (payment.currency, payment.wallet.as_u128());
        let amount = payment.amount.minor_units() - payment.captured;
        self.purse.transfer(Why::Other, (HOLD, wallet, currency), (WALLET, wallet, currency), amount.into())?;
        let at = now;
        payment.status = match Amount::new(payment.captured) {
            Ok(amount) => {
                self.set_order(&payment, OrderStatus::Paid { payment: id, amount, at });
                PaymentStatus::Succeeded
            }
            Err(_) => {
                self.set_order(&payment, OrderStatus::Cancelled { at });
                let failed = reason == ReleaseReason::Failed;
                if failed { PaymentStatus::Failed { at } } else { PaymentStatus::Cancelled { at } }
            }
        };
        self.set_payment(payment.clone());
        Ok(Release { payment: id, merchant: payment.merchant, currency, amount, reason, created_at: now })
    }
}

/// Finding things.
impl Model {
    pub(crate) fn order(&self, id: OrderId) -> &Order {
        self.orders.iter().find(|order| order.id == id).expect("an order")
    }

    pub(crate) fn payment(&self, id: PaymentId) -> &Payment {
        self.payments.iter().find(|payment| payment.id == id).expect("a payment")
    }

    fn payment_of(&self, merchant: MerchantId, id: PaymentId) -> Result<Payment, Rejection> {
        let known = self.payments.iter().find(|payment| payment.id == id && payment.merchant == merchant);
        known.cloned().ok_or(Rejection::NotFound)
    }

    pub(super) fn set_payment(&mut self, payment: Payment) {
        let known = self.payments.iter_mut().find(|known| known.id == payment.id);
        *known.expect("a payment") = payment;
    }

    fn set_order(&mut self, payment: &Payment, status: OrderStatus) {
        self.orders.iter_mut().filter(|order| Some(order.id) == payment.order).for_each(|order| order.status = status);
    }

    /// The account of somebody who has one.
    fn place(&self, code: u16, owner: u128, currency: Currency) -> Option<Place> {
        let wanted = (code, owner, u32::from(currency.numeric()));
        let found = self.accounts.iter().any(|known| (known.code, known.owner, known.ledger) == wanted);
        found.then_some((code, owner, currency))
    }
}

/// What the order asks, or what the payer names.
fn to_pay(currency: Currency, order: Option<&Order>, money: Option<Money>) -> Result<Amount, Rejection> {
    if money.is_some_and(|money| money.currency() != currency) {
        return Err(Rejection::CurrencyMismatch { expected: currency });
    }
    let asked = order.and_then(|order| order.amount);
    let named = money.map(Money::amount);
    if let (Some(expected), Some(named)) = (asked, named)
        && expected != named
    {
        return Err(Rejection::AmountMismatch { expected });
    }
    asked.or(named).ok_or(Rejection::AmountRequired)
}

fn shares_of(details: &OrderDetails, merchant: MerchantId, amount: u64) -> Vec<Share> {
    let part = |part: &SplitPart| match part {
        SplitPart::Fixed(part) => *part,
        SplitPart::Rate(rate) => units(i128::from(amount) * i128::from(rate.get()) / 10_000),
    };
    let share = |merchant, amount| Share { merchant, amount, captured: 0, returned: 0 };
    let mut shares: Vec<_> = details.splits.iter().map(|split| share(split.merchant, part(&split.part))).collect();
    if !shares.is_empty() {
        shares.push(share(merchant, amount - shares.iter().map(|share| share.amount).sum::<u64>()));
    }
    shares
}

/// Whole units in proportion to the weights; those left over go to the largest fractions, the first of equal ones first.
pub(super) fn split(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let exact = |weight: &u64| i128::from(total) * i128::from(*weight);
    let mut parts: Vec<u64> = weights.iter().map(|weight| units(exact(weight) / sum)).collect();
    let mut by_fraction: Vec<usize> = (0..weights.len()).collect();
    by_fraction.sort_by_key(|place| -(exact(&weights[*place]) % sum));
    let left = if weights.is_empty() { 0 } else { total - parts.iter().sum::<u64>() };
    by_fraction.into_iter().take(usize::try_from(left).expect("few")).for_each(|place| parts[place] += 1);
    parts
}

/// Who gets or gives which part.
pub(super) fn receivers(payment: &Payment, parts: &[u64], whole: u64) -> Vec<(MerchantId, u64)> {
    if payment.shares.is_empty() {
        return vec![(payment.merchant, whole)];
    }
    payment.shares.iter().zip(parts).map(|(share, part)| (share.merchant, *part)).collect()
}
