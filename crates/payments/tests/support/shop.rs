//! The decider with one hand on the clock: for tests that tell one story each.

use ids::{DepositId, OrderId, PaymentId, TapId, WalletId};
use money::Money;
use payments::{
    Action, Answer, BodyDigest, Command, Decision, Event, IfPaid, NewOrder, NewOrderAmount, Order, Owner, Pay, Payment,
    Rejection, Request, RequestKey, State, TagMode, Tap, UnixMillis, account_code, decide,
};
use tag::{SoftwareTag, TagKeys};

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

pub(crate) fn request(key: u8, body: u8) -> Request {
    Request { key: RequestKey([key; 16]), body: BodyDigest([body; 16]) }
}

pub(crate) fn yen(minor_units: u64) -> Money {
    Money::new(super::amount(minor_units), currency("JPY"))
}
