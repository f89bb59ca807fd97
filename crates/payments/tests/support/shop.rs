//! The decider with one hand on the clock: for tests that tell one story each.

use ids::{CaptureId, DepositId, DisputeId, OrderId, PaymentId, RefundId, TapId, WalletId};
use money::{BasisPoints, Money};
use payments::{
    Action, Answer, BodyDigest, Command, Decision, Dispute, Event, Forced, IfPaid, NewCapture, NewDispute, NewOrder,
    NewOrderAmount, NewRefund, Order, OrderDetails, Owner, Pay, Payment, Rejection, Request, RequestKey, State,
    TagMode, Tap, Text, UnixMillis, account_code, decide,
};
use tag::{SoftwareTag, TagKeys};
use terms::{CutOffTime, FeePlan, FeeRate, Schedule, SettlementTerms, Tier, Weekdays, ZoneName};

use super::{START, account, chip, cny, currency, keys, merchant, registered, tag_id, wallet};

pub(crate) type Verdict = Result<Answer, Rejection>;

/// Wallets 0 and 1 and merchants 0 and 1 have yuan; tag 0 is at merchant 0's till, tag 1 stands alone at merchant 0's,
/// tag 2 is at merchant 1's till, tag 3 is out of service, chip 4 is registered nowhere.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) state: State,
    pub(crate) now: UnixMillis,
    /// What the last command made happen.
    pub(crate) happened: Vec<Event>,
    keys: TagKeys,
    chips: Vec<SoftwareTag>,
    made: u128,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let mut shop = Self {
            state: State::default(),
            now: START,
            happened: Vec::new(),
            keys: keys(),
            chips: (0..5).map(chip).collect(),
            made: 0,
        };
        let owners = [
            (account_code::FLOAT, Owner::Platform),
            (account_code::WALLET, Owner::Wallet(wallet(0))),
            (account_code::WALLET, Owner::Wallet(wallet(1))),
            (account_code::MERCHANT_PENDING, Owner::Merchant(merchant(0))),
            (account_code::MERCHANT_PENDING, Owner::Merchant(merchant(1))),
        ];
        for ((code, owner), number) in owners.into_iter().zip(0..) {
            assert_eq!(shop.ask(Action::OpenAccount(account(number, code, owner, cny()))), Ok(Answer::Done));
        }
        let tags = [
            registered(0, merchant(0), TagMode::Till, cny()),
            registered(1, merchant(0), TagMode::Standing, cny()),
            registered(2, merchant(1), TagMode::Till, cny()),
            payments::RegisteredTag { active: false, ..registered(3, merchant(0), TagMode::Till, cny()) },
        ];
        for tag in tags {
            assert_eq!(shop.ask(Action::RegisterTag(tag)), Ok(Answer::Done));
        }
        shop
    }

    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.now = self.now.plus(milliseconds);
    }

    fn new_id(&mut self) -> u128 {
        self.made += 1;
        PaymentId::from_parts(self.now.0, self.made).as_u128()
    }

    pub(crate) fn ask(&mut self, action: Action) -> Verdict {
        self.command(None, action)
    }

    pub(crate) fn command(&mut self, request: Option<Request>, action: Action) -> Verdict {
        let Decision { records, answer } = decide(&self.state, Command { now: self.now, request, action });
        records.iter().for_each(|record| self.state.evolve(record));
        self.happened = records.into_iter().map(|record| record.event).collect();
        answer
    }

    /// An action to create an order at a tag: of its merchant, for a quarter of an hour.
    pub(crate) fn new_order(&mut self, tag: usize, amount: NewOrderAmount) -> Action {
        let id = OrderId::from_u128(self.new_id());
        let merchant = merchant(usize::from(tag == 2));
        let lifetime_ms = 900_000;
        let tag = tag_id(tag);
        Action::CreateOrder(NewOrder {
            id,
            merchant,
            tag,
            amount,
            description: None,
            reference: None,
            lifetime_ms,
            details: None,
        })
    }

    pub(crate) fn order(&mut self, tag: usize, money: Money) -> Order {
        let action = self.new_order(tag, NewOrderAmount::Fixed(money));
        match self.ask(action) {
            Ok(Answer::Order(order)) => order,
            other => panic!("{other:?}"),
        }
    }

    /// The URL of a new touch of a chip.
    pub(crate) fn url(&mut self, chip: usize) -> String {
        self.chips[chip].touch([0; 5]).expect("few touches")
    }

    pub(crate) fn open_tap(&mut self, wallet: WalletId, url: &str) -> Verdict {
        let action = self.tap_action(wallet, url);
        self.ask(action)
    }

    pub(crate) fn tap_action(&mut self, wallet: WalletId, url: &str) -> Action {
        let id = TapId::from_u128(self.new_id());
        Action::OpenTap { id, wallet, reading: self.keys.verify_url(url).expect("a genuine URL") }
    }

    /// A new touch of a chip, accepted.
    pub(crate) fn tap(&mut self, who: usize, chip: usize) -> Tap {
        let url = self.url(chip);
        match self.open_tap(wallet(who), &url) {
            Ok(Answer::Tap(tap, _)) => tap,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn pay(&mut self, who: usize, tap: TapId, money: Option<Money>) -> Result<Payment, Rejection> {
        let action = self.pay_action(who, tap, money);
        self.ask(action).map(|answer| match answer {
            Answer::Payment(payment) => payment,
            other => panic!("{other:?}"),
        })
    }

    pub(crate) fn pay_action(&mut self, who: usize, tap: TapId, money: Option<Money>) -> Action {
        let id = PaymentId::from_u128(self.new_id());
        Action::Pay(Pay { id, wallet: wallet(who), tap, money, tip: 0, forced: None })
    }

    /// Asks at merchant 0's till, touches and pays, from wallet 0.
    pub(crate) fn sell(&mut self, money: Money, details: OrderDetails) -> Result<Payment, Rejection> {
        let Action::CreateOrder(order) = self.new_order(0, NewOrderAmount::Fixed(money)) else { unreachable!() };
        self.ask(Action::CreateOrder(NewOrder { details: Some(Box::new(details)), ..order })).expect("it works");
        let tap = self.tap(0, 0);
        self.pay(0, tap.id, None)
    }

    /// Asks at a till, and pays from wallet 0 what is known only in a minute, and good then.
    pub(crate) fn sell_slowly(&mut self, tag: usize, money: Money, details: OrderDetails) -> Payment {
        let Action::CreateOrder(order) = self.new_order(tag, NewOrderAmount::Fixed(money)) else { unreachable!() };
        self.ask(Action::CreateOrder(NewOrder { details: Some(Box::new(details)), ..order })).expect("it works");
        let tap = self.tap(0, tag);
        let Action::Pay(pay) = self.pay_action(0, tap.id, None) else { unreachable!() };
        let forced = Some(Forced::Processing { for_ms: 60_000, succeeds: true });
        match self.ask(Action::Pay(Pay { forced, ..pay })) {
            Ok(Answer::Payment(payment)) => payment,
            other => panic!("{other:?}"),
        }
    }

    /// Sells, and holds the money for so long.
    pub(crate) fn hold(&mut self, money: Money, hold_ms: u64) -> Payment {
        self.sell(money, OrderDetails { hold_ms: Some(hold_ms), ..OrderDetails::default() }).expect("it works")
    }

    /// The last capture if it is told so.
    pub(crate) fn capture(&mut self, payment: PaymentId, amount: Option<u64>, is_last: bool) -> Verdict {
        let id = CaptureId::from_u128(self.new_id());
        let amount = amount.map(super::amount);
        self.ask(Action::Capture(NewCapture { id, merchant: merchant(0), payment, amount, is_last }))
    }

    pub(crate) fn refund(&mut self, payment: PaymentId, amount: Option<u64>) -> Verdict {
        let action = self.refund_action(payment, amount);
        self.ask(action)
    }

    pub(crate) fn refund_action(&mut self, payment: PaymentId, amount: Option<u64>) -> Action {
        let id = RefundId::from_u128(self.new_id());
        let amount = amount.map(super::amount);
        Action::Refund(NewRefund { id, merchant: merchant(0), payment, amount, reason: None })
    }

    /// Wallet 0 disputes.
    pub(crate) fn dispute(&mut self, payment: PaymentId, amount: Option<u64>) -> Result<Dispute, Rejection> {
        let id = DisputeId::from_u128(self.new_id());
        let (wallet, amount) = (wallet(0), amount.map(super::amount));
        let reason = Text::try_from("never came".to_owned()).expect("it works");
        self.ask(Action::OpenDispute(NewDispute { id, wallet, payment, amount, reason })).map(|answer| match answer {
            Answer::Dispute(dispute) => dispute,
            other => panic!("{other:?}"),
        })
    }

    /// All that is due happens.
    pub(crate) fn ticks(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            self.ask(Action::Tick).expect("it works");
            if self.happened.is_empty() {
                return all;
            }
            all.append(&mut self.happened);
        }
    }

    /// A merchant pays this part of each capture, in basis points.
    pub(crate) fn charge(&mut self, who: usize, rate: u32) {
        let tiers = vec![Tier { from_volume: 0, rate: BasisPoints::new(rate).expect("it works"), fixed: 0 }];
        let rate = FeeRate { method: None, currency: cny(), tiers, minimum: None, maximum: None };
        let plan = FeePlan::new(vec![rate]).expect("it works");
        self.ask(Action::SetFeePlan { merchant: merchant(who), plan, from: self.now }).expect("it works");
    }

    pub(crate) fn settle(&mut self, who: usize, terms: SettlementTerms) {
        self.ask(Action::SetSettlementTerms { merchant: merchant(who), terms }).expect("it works");
    }

    pub(crate) fn cancel(&mut self, order: OrderId) -> Verdict {
        self.ask(Action::CancelOrder { merchant: merchant(0), order, if_paid: IfPaid::Refuse })
    }

    pub(crate) fn deposit(&mut self, who: usize, money: Money) {
        let id = DepositId::from_u128(self.new_id());
        let answer = self.ask(Action::Deposit { id, wallet: wallet(who), money });
        assert!(matches!(answer, Ok(Answer::Deposit(_))), "{answer:?}");
    }

    /// What a wallet can spend, in yuan's minor units.
    pub(crate) fn has(&self, who: usize) -> u64 {
        self.holds(account_code::WALLET, Owner::Wallet(wallet(who)))
    }

    /// What a merchant was paid and has not been settled.
    pub(crate) fn got(&self, who: usize) -> u64 {
        self.holds(account_code::MERCHANT_PENDING, Owner::Merchant(merchant(who)))
    }

    /// What an account of yuan has: of a debt, what is owed. Nothing if there is no such account.
    pub(crate) fn holds(&self, code: u16, owner: Owner) -> u64 {
        let wanted = (code, owner.bits(), u32::from(cny().numeric()));
        let mut accounts = self.state.accounts();
        let found = accounts.find(|(account, _)| (account.code, account.owner, account.ledger) == wanted);
        found.map_or(0, |(_, balance)| balance.debits_posted.abs_diff(balance.credits_posted))
    }
}

/// Each day at six in the evening in Shanghai, paid out at once, nothing kept, nothing owed.
pub(crate) fn daily() -> SettlementTerms {
    SettlementTerms {
        zone: ZoneName::parse("Asia/Shanghai").expect("it works"),
        cut_off: CutOffTime::new(18, 0, 0).expect("it works"),
        business_days: Weekdays::ALL,
        holidays: Vec::new(),
        schedule: Schedule::Daily,
        payout_delay_days: 0,
        reserve: None,
        negative_balance_limit: 0,
    }
}

pub(crate) fn request(key: u8, body: u8) -> Request {
    Request { key: RequestKey([key; 16]), body: BodyDigest([body; 16]) }
}

pub(crate) fn yen(minor_units: u64) -> Money {
    Money::new(super::amount(minor_units), currency("JPY"))
}
