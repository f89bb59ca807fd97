//! Bytes as actions: absurd times, lifetimes, amounts and ids of strangers. Whatever comes, the decider does not panic,
//! the books balance, and the state is the fold of the records.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;

use ids::{
    AccountId, CaptureId, DepositId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId, TagId, TapId,
    WalletId,
};
use money::{Amount, BasisPoints, Currency, Money};
use payments::{
    Account, AccountFlags, Action, Answer, BankWord, BodyDigest, Command, Evidence, Forced, IfPaid, MerchantStatus,
    NewCapture, NewDispute, NewOrder, NewOrderAmount, NewRefund, OrderDetails, OrderName, Owner, Pay, Record,
    ReferenceKey, RegisteredTag, Rejection, Request, RequestKey, Split, SplitPart, State, TagMode, Text, UnixMillis,
    account_code, decide,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use support::{chip, keys, uid};
use tag::{SoftwareTag, TagKeys};
use terms::{CutOffTime, FeePlan, FeeRate, Reserve, Schedule, SettlementTerms, Tier, Weekday, Weekdays, ZoneName};

/// Takes what it needs from the bytes, and zeros when they have run out.
struct Bytes<'a> {
    rest: &'a [u8],
    /// How many things of each kind were named.
    named: [u128; 8],
}

#[derive(Clone, Copy)]
enum Kind {
    Order,
    Tap,
    Payment,
    Capture,
    Refund,
    Dispute,
    Payout,
    Deposit,
}

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// Mostly one of a few, so that things meet; else anything.
    fn id(&mut self) -> u128 {
        match self.byte() {
            0xff => u128::MAX,
            small if small < 0xf0 => 1 + u128::from(small % 3),
            _ => (0..16).fold(0, |bits, _| bits << 8 | u128::from(self.byte())),
        }
    }

    /// A new name for a thing; seldom one that is known or that nobody can have.
    fn new_id(&mut self, kind: Kind) -> u128 {
        match self.byte() {
            0 => 0,
            1 => u128::MAX,
            2 => u128::MAX - 1,
            3..8 => self.known_id(kind),
            _ => {
                self.named[kind as usize] += 1;
                self.name(kind, 0)
            }
        }
    }

    /// One of the latest things of that kind.
    fn known_id(&mut self, kind: Kind) -> u128 {
        match self.byte() {
            0 => 0,
            1 => u128::MAX,
            2..8 => self.id(),
            byte => self.name(kind, u128::from(byte % 4)),
        }
    }

    /// Of its own, with the numbers after it free for the legs of its movement.
    fn name(&self, kind: Kind, back: u128) -> u128 {
        (kind as u128 + 1) << 100 | self.named[kind as usize].saturating_sub(back) << 32
    }

    /// Mostly the same one.
    fn payer(&mut self) -> WalletId {
        WalletId::from_u128(if self.byte() < 0xd0 { 1 } else { self.id() })
    }

    fn number(&mut self) -> u64 {
        match self.byte() {
            0xff => u64::MAX,
            0xfe => u64::MAX - 1,
            0xfd => i64::MAX.unsigned_abs(),
            small if small < 0xc0 => u64::from(small),
            _ => (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte())),
        }
    }

    fn currency(&mut self) -> Currency {
        let codes = ["JPY", "KWD", "CNY"];
        Currency::from_alpha(codes[usize::from(self.byte() % 16).min(2)]).unwrap()
    }

    fn money(&mut self) -> Money {
        Money::new(Amount::new(self.number()).unwrap_or(Amount::MAX), self.currency())
    }

    fn account(&mut self) -> Account {
        let code =
            [account_code::FLOAT, account_code::WALLET, account_code::MERCHANT_PENDING][usize::from(self.byte() % 3)];
        // Seldom one that the decider would open by itself, with other limits.
        let code = if self.byte() == 0 { 4 + u16::from(self.byte() % 7) } else { code };
        Account {
            id: AccountId::from_u128(self.id()),
            ledger: u32::from(self.currency().numeric()),
            code,
            owner: if code == account_code::FLOAT { 0 } else { self.id() },
            flags: AccountFlags {
                debits_must_not_exceed_credits: code != account_code::FLOAT,
                credits_must_not_exceed_debits: self.byte().is_multiple_of(16),
            },
        }
    }

    fn action(&mut self, keys: &TagKeys, chips: &mut [SoftwareTag]) -> Action {
        match self.byte() % 32 {
            0 | 1 => Action::OpenAccount(self.account()),
            2 => Action::RegisterTag(RegisteredTag {
                id: TagId::from_u128(self.id()),
                uid: uid(usize::from(self.byte() % 4)),
                merchant: MerchantId::from_u128(self.id()),
                mode: if self.byte().is_multiple_of(2) { TagMode::Till } else { TagMode::Standing },
                currency: self.currency(),
                active: !self.byte().is_multiple_of(8),
            }),
            3 | 4 => Action::Deposit {
                id: DepositId::from_u128(self.new_id(Kind::Deposit)),
                wallet: WalletId::from_u128(self.id()),
                money: self.money(),
            },
            5..8 => {
                let merchant = self.id();
                Action::CreateOrder(NewOrder {
                    id: OrderId::from_u128(self.new_id(Kind::Order)),
                    merchant: MerchantId::from_u128(merchant),
                    tag: TagId::from_u128(if self.byte() < 0xe0 { merchant } else { self.id() }),
                    amount: match self.byte() % 2 {
                        0 => NewOrderAmount::Fixed(self.money()),
                        _ => NewOrderAmount::Open(self.currency()),
                    },
                    description: None,
                    reference: None,
                    lifetime_ms: self.number(),
                    details: self.byte().is_multiple_of(2).then(|| Box::new(self.details())),
                })
            }
            8 => {
                let (merchant, order) =
                    (MerchantId::from_u128(self.id()), OrderId::from_u128(self.known_id(Kind::Order)));
                let refund = RefundId::from_u128(self.new_id(Kind::Refund));
                let if_paid = if self.byte().is_multiple_of(2) { IfPaid::Refund(refund) } else { IfPaid::Refuse };
                Action::CancelOrder { merchant, order, if_paid }
            }
            9..12 => {
                let url = chips[usize::from(self.byte() % 4)].touch([0; 5]).unwrap();
                let reading = keys.verify_url(&url).unwrap();
                Action::OpenTap { id: TapId::from_u128(self.new_id(Kind::Tap)), wallet: self.payer(), reading }
            }
            12 => Action::ReportForgedTap { claimed: uid(usize::from(self.byte() % 8)) },
            13 | 14 => Action::Pay(Pay {
                id: PaymentId::from_u128(self.new_id(Kind::Payment)),
                wallet: self.payer(),
                tap: TapId::from_u128(self.known_id(Kind::Tap)),
                money: self.byte().is_multiple_of(4).then(|| self.money()),
                tip: if self.byte().is_multiple_of(4) { self.number() } else { 0 },
                forced: self.forced(),
            }),
            15 => Action::ResolveOrder {
                merchant: MerchantId::from_u128(self.id()),
                order: match self.byte() % 2 {
                    0 => OrderName::Id(OrderId::from_u128(self.known_id(Kind::Order))),
                    _ => OrderName::Reference(ReferenceKey([self.byte() % 8; 16])),
                },
                close: self.byte().is_multiple_of(2),
            },
            16..18 => Action::Tick,
            _ => self.later_action(),
        }
    }

    /// What is done with what was paid, and by whom.
    fn later_action(&mut self) -> Action {
        let (merchant, payment) =
            (MerchantId::from_u128(self.id()), PaymentId::from_u128(self.known_id(Kind::Payment)));
        let dispute = DisputeId::from_u128(self.known_id(Kind::Dispute));
        let payout = PayoutId::from_u128(self.known_id(Kind::Payout));
        match self.byte() % 16 {
            0 | 1 => Action::Capture(NewCapture {
                id: CaptureId::from_u128(self.new_id(Kind::Capture)),
                merchant,
                payment,
                amount: self.amount(),
                is_last: self.byte().is_multiple_of(4),
            }),
            2 => Action::Void { merchant, payment },
            3 | 4 => Action::Refund(NewRefund {
                id: RefundId::from_u128(self.new_id(Kind::Refund)),
                merchant,
                payment,
                amount: self.amount(),
                reason: None,
            }),
            5 | 6 => Action::OpenDispute(NewDispute {
                id: DisputeId::from_u128(self.new_id(Kind::Dispute)),
                wallet: self.payer(),
                payment,
                amount: self.amount(),
                reason: text(),
            }),
            7 => Action::AnswerDispute { merchant, dispute, evidence: Evidence::try_from("no".to_owned()).unwrap() },
            8 => Action::AcceptDispute { merchant, dispute },
            9 => Action::DecideDispute { dispute, won: self.byte().is_multiple_of(2) },
            10 => Action::SetMerchantStatus {
                merchant,
                status: match self.byte() {
                    0 => MerchantStatus::Closed,
                    1..8 => MerchantStatus::Suspended,
                    _ => MerchantStatus::Active,
                },
            },
            11 => Action::SetFeePlan { merchant, plan: self.plan(), from: UnixMillis(self.number()) },
            12 => Action::SetSettlementTerms { merchant, terms: self.terms() },
            13 => Action::CreatePayout {
                id: PayoutId::from_u128(self.new_id(Kind::Payout)),
                merchant,
                currency: self.currency(),
            },
            14 => Action::SubmitPayout { payout, bank_reference: None },
            _ => Action::ReportPayout {
                payout,
                word: match self.byte() % 3 {
                    0 => BankWord::Paid,
                    1 => BankWord::Failed(text()),
                    _ => BankWord::Returned(text()),
                },
            },
        }
    }

    fn amount(&mut self) -> Option<Amount> {
        if self.byte().is_multiple_of(4) { None } else { Some(Amount::new(self.number()).unwrap_or(Amount::MIN)) }
    }

    fn forced(&mut self) -> Option<Forced> {
        match self.byte() {
            0..8 => Some(Forced::Declined(Rejection::Declined)),
            8..32 => Some(Forced::Processing { for_ms: self.number(), succeeds: self.byte().is_multiple_of(2) }),
            32..40 => Some(Forced::ByAmount),
            _ => None,
        }
    }

    /// As whoever builds an action checks them, and often enough as nobody checked them.
    fn details(&mut self) -> OrderDetails {
        let split = |bytes: &mut Self| Split {
            merchant: MerchantId::from_u128(bytes.id()),
            part: match bytes.byte() % 2 {
                0 => SplitPart::Fixed(bytes.number()),
                _ => SplitPart::Rate(BasisPoints::new(u32::from(bytes.byte()) * 39).unwrap()),
            },
        };
        OrderDetails {
            hold_ms: self.byte().is_multiple_of(2).then(|| self.number()),
            tipping: self.byte().is_multiple_of(2),
            splits: (0..self.byte() % 4).map(|_| split(self)).collect(),
            reference_key: self.byte().is_multiple_of(4).then(|| ReferenceKey([self.byte() % 8; 16])),
            ..OrderDetails::default()
        }
    }

    fn plan(&mut self) -> FeePlan {
        let rate = BasisPoints::new(u32::from(self.byte()) * 39).unwrap();
        let tiers = vec![
            Tier { from_volume: 0, rate, fixed: self.number() },
            Tier { from_volume: self.number().max(1), rate: BasisPoints::ZERO, fixed: 1 },
        ];
        let minimum = self.byte().is_multiple_of(2).then(|| self.number());
        let rate = FeeRate { method: None, currency: self.currency(), tiers, minimum, maximum: None };
        FeePlan::new(vec![rate]).unwrap()
    }

    fn terms(&mut self) -> SettlementTerms {
        let zones = ["Asia/Shanghai", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"];
        let reserve = Reserve { rate: BasisPoints::new(u32::from(self.byte() % 250) * 40 + 1).unwrap(), days: 1 };
        SettlementTerms {
            zone: ZoneName::parse(zones[usize::from(self.byte() % 4)]).unwrap(),
            cut_off: CutOffTime::new(self.byte() % 24, 0, 0).unwrap(),
            business_days: Weekdays::ALL,
            holidays: Vec::new(),
            schedule: match self.byte() % 2 {
                0 => Schedule::Daily,
                _ => Schedule::Weekly(Weekday::Friday),
            },
            payout_delay_days: self.byte() % 31,
            reserve: self.byte().is_multiple_of(2).then_some(reserve),
            negative_balance_limit: self.number(),
        }
    }

    fn request(&mut self) -> Option<Request> {
        let request = Request { key: RequestKey([self.byte() % 32; 16]), body: BodyDigest([self.byte() % 2; 16]) };
        self.byte().is_multiple_of(4).then_some(request)
    }
}

fn text() -> Text {
    Text::try_from("no".to_owned()).unwrap()
}

/// Three of each who can deal with each other, so that bytes get somewhere.
fn provision(state: &mut State, journal: &mut Vec<Record>) {
    let currency = Currency::from_alpha("CNY").unwrap();
    let mut actions = vec![Action::OpenAccount(support::account(90, account_code::FLOAT, Owner::Platform, currency))];
    for number in 1..=3 {
        let (wallet, merchant) = (WalletId::from_u128(number), MerchantId::from_u128(number));
        let kinds = [
            (account_code::WALLET, Owner::Wallet(wallet)),
            (account_code::MERCHANT_PENDING, Owner::Merchant(merchant)),
        ];
        let accounts = kinds.into_iter().zip(0..).map(|((code, owner), offset)| {
            Action::OpenAccount(support::account(100 + number * 10 + offset, code, owner, currency))
        });
        actions.extend(accounts);
        actions.push(Action::RegisterTag(RegisteredTag {
            id: TagId::from_u128(number),
            uid: uid(usize::try_from(number).unwrap()),
            merchant,
            mode: if number == 1 { TagMode::Standing } else { TagMode::Till },
            currency,
            active: true,
        }));
        let money = Money::new(Amount::new(1_000_000).unwrap(), currency);
        actions.push(Action::Deposit { id: DepositId::from_u128(number), wallet, money });
    }
    for action in actions {
        let decision = decide(state, Command { now: UnixMillis(0), request: None, action });
        assert!(decision.answer.is_ok(), "{decision:?}");
        decision.records.iter().for_each(|record| state.evolve(record));
        journal.extend(decision.records);
    }
}

/// Lives the bytes; gives what happened.
fn live(bytes: &[u8]) -> Vec<Record> {
    let (keys, mut chips) = (keys(), (0..4).map(chip).collect::<Vec<_>>());
    let (mut state, mut journal) = (State::default(), Vec::new());
    provision(&mut state, &mut journal);
    let mut bytes = Bytes { rest: bytes, named: [0; 8] };
    while !bytes.rest.is_empty() {
        let now = match bytes.byte() {
            0xff if bytes.byte() == 0 => UnixMillis(bytes.number()).max(state.now()),
            span @ 0xfa.. => state.now().plus(u64::from(span) * 3_600_000),
            0xef => state.next_due().unwrap_or_default().max(state.now()),
            span => state.now().plus(u64::from(span)),
        };
        let command = Command { now, request: bytes.request(), action: bytes.action(&keys, &mut chips) };
        let decision = decide(&state, command);
        decision.records.iter().for_each(|record| state.evolve(record));
        journal.extend(decision.records);
        for totals in state.ledger().totals().values() {
            assert!(totals.balanced(), "{totals:?}");
        }
        for book in state.books() {
            let gathered = book.window.map_or(0, |window| window.totals.balance());
            assert_eq!(state.account(book.pending).unwrap().1.available(), gathered, "{book:?}");
        }
    }
    ticks_come_to_an_end(&mut state, &mut journal);
    let mut fold = State::default();
    journal.iter().for_each(|record| fold.evolve(record));
    let open = |state: &State| {
        let mut books: Vec<_> = state.books().cloned().collect();
        books.sort_by_key(|book| book.pending);
        let (orders, payments): (Vec<_>, Vec<_>) =
            (state.open_orders().cloned().collect(), state.open_payments().cloned().collect());
        (orders, payments, books, state.next_due())
    };
    assert_eq!((fold.position(), fold.now(), open(&fold)), (state.position(), state.now(), open(&state)));
    for (account, balance) in state.accounts() {
        assert_eq!(fold.account(account.id), Some((account, balance)));
        let limits = account.flags;
        assert!(!limits.debits_must_not_exceed_credits || balance.debits_posted <= balance.credits_posted);
        assert!(!limits.credits_must_not_exceed_debits || balance.credits_posted <= balance.debits_posted);
    }
    for tag in state.tags() {
        assert_eq!(
            fold.tag(tag.tag.id).map(|tag| (tag.last_counter, tag.waiting_order)),
            Some((tag.last_counter, tag.waiting_order))
        );
    }
    journal
}

/// However late: each tick does something, or there is nothing more that can be done.
fn ticks_come_to_an_end(state: &mut State, journal: &mut Vec<Record>) {
    for now in [state.now(), state.now().plus(1 << 40), UnixMillis(u64::MAX)] {
        let mut ticks = 0;
        loop {
            let decision = decide(state, Command { now, request: None, action: Action::Tick });
            assert_eq!(decision.answer, Ok(Answer::Ticked(decision.records.len())));
            if decision.records.is_empty() {
                break;
            }
            decision.records.iter().for_each(|record| state.evolve(record));
            journal.extend(decision.records);
            ticks += 1;
            assert!(ticks < 10_000, "ticks without end");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_books_balance(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        live(&bytes);
    }
}

/// Each kind of event that is still written happens, for all the nonsense.
#[test]
fn absurd_lives_get_somewhere() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut happened = HashMap::new();
    for _ in 0..40 {
        let bytes = proptest::collection::vec(any::<u8>(), 40_000).new_tree(&mut runner).unwrap().current();
        for record in live(&bytes) {
            let (times, _) = happened
                .entry(std::mem::discriminant(&record.event))
                .or_insert_with(|| (0, format!("{:.20?}", record.event).chars().take(20).collect::<String>()));
            *times += 1;
        }
    }
    assert_eq!(happened.len(), 28, "{happened:?}");
}
