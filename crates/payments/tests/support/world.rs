//! Random lives of a small platform, and the decider living them.

mod wishes;

use ids::{DepositId, DisputeId, OrderId, PaymentId, PayoutId, TapId};
use money::{BasisPoints, Currency, Money};
use payments::{
    Action, Answer, BankWord, BodyDigest, Command, Decision, Event, IfPaid, MerchantStatus, NewCapture, NewDispute,
    NewOrder, NewOrderAmount, NewRefund, Order, Owner, Pay, Record, Request, RequestKey, State, TagMode, Tap, Text,
    UnixMillis, account_code, decide,
};
use proptest::prelude::*;
use proptest::sample::Index;
use tag::{SoftwareTag, TagKeys};
use terms::{CutOffTime, FeePlan, FeeRate, Reserve, Schedule, SettlementTerms, Tier, Weekday, Weekdays, ZoneName};

use super::model::{Asked, Model, Verdict, Wish};
use super::table::Table;
use super::{START, account, amount, chip, currency, keys, merchant, registered, wallet};

pub(crate) const WALLETS: usize = 4;
pub(crate) const MERCHANTS: usize = 3;
pub(crate) const TAGS: usize = 5;

/// Nobody waits longer than that for a hold without end.
const MOST_YEARS: u64 = 3;
const YEAR_MS: u64 = 365 * 86_400_000;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Time passes.
    Wait(u64),
    /// Time passes until something is due, or nearly; perhaps what is due then happens.
    WaitUntilDue { early_ms: u64, ticks: bool },
    /// Somebody sets the clock back.
    ClockBack(u64),
    /// Somebody asks for something, perhaps repeatably.
    Ask(Thing, bool),
    /// A shop asks, a phone touches, its owner pays: three things that belong together.
    Sale([Thing; 3], bool),
    /// An earlier repeatable request comes again, perhaps with another body.
    Again(Index, bool),
    /// The tables catch up.
    Store,
    /// Memory forgets what the tables have.
    Forget,
    /// The process starts again from the tables and the records after them.
    Restart { with_live_taps: bool },
}

#[derive(Debug, Clone)]
pub(crate) enum Thing {
    OpenAccount {
        number: u8,
        wallet: u8,
        currency: u8,
    },
    RegisterTag {
        tag: u8,
        merchant: u8,
    },
    Deposit {
        wallet: u8,
        currency: u8,
        amount: u64,
        same_id_as: Option<Index>,
    },
    Create {
        stranger: Option<u8>,
        tag: u8,
        amount: Option<u64>,
        currency: u8,
        lifetime_ms: u64,
        details: Option<Details>,
    },
    Cancel {
        stranger: Option<u8>,
        order: Index,
        refund: bool,
    },
    Resolve {
        stranger: Option<u8>,
        order: Index,
        by_reference: bool,
        close: bool,
    },
    Tap {
        wallet: u8,
        tag: u8,
        fresh: bool,
        earlier: Index,
    },
    Forged {
        tag: u8,
    },
    Pay {
        wallet: Option<u8>,
        tap: Option<Index>,
        named: Named,
        tip: u64,
        forced: Option<Force>,
    },
    PayWithStrangeTap {
        age_ms: u64,
    },
    Capture {
        stranger: Option<u8>,
        payment: Index,
        much: Much,
        is_last: bool,
    },
    Void {
        stranger: Option<u8>,
        payment: Index,
    },
    Refund {
        stranger: Option<u8>,
        payment: Index,
        much: Much,
    },
    Dispute {
        stranger: Option<u8>,
        payment: Index,
        much: Much,
    },
    AnswerDispute {
        stranger: Option<u8>,
        dispute: Index,
    },
    AcceptDispute {
        stranger: Option<u8>,
        dispute: Index,
    },
    DecideDispute {
        dispute: Index,
        won: bool,
    },
    SetStatus {
        merchant: u8,
        status: MerchantStatus,
    },
    SetPlan {
        merchant: u8,
        plan: u8,
        in_ms: u64,
    },
    SetTerms {
        merchant: u8,
        terms: u8,
    },
    CreatePayout {
        merchant: u8,
        currency: u8,
    },
    SubmitPayout {
        payout: Index,
    },
    ReportPayout {
        payout: Index,
        word: BankWord,
    },
    Ticks,
}

/// What an order may say besides.
#[derive(Debug, Clone)]
pub(crate) struct Details {
    hold_ms: Option<u64>,
    tipping: bool,
    splits: Vec<(u8, bool, u64)>,
    reference: Option<u8>,
}

/// How much of what is left.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Much {
    /// All, and that without a number.
    All,
    /// So many of 256 parts.
    Part(u8),
    /// More than there is, by so much.
    Beyond(u64),
}

/// What a sandbox forces.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Force {
    ByAmount,
    Declined,
    Processing { for_ms: u64, succeeds: bool },
}

/// The amount that a payer names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    Nothing,
    AsAsked,
    Other(u64, u8),
}

pub(crate) fn amounts() -> impl Strategy<Value = u64> {
    let most = u64::try_from(i64::MAX).expect("positive");
    prop_oneof![60 => 1u64..2_000, 1 => Just(most), 1 => most - 2..=most]
}

fn spans() -> impl Strategy<Value = u64> {
    let edges = vec![0u64, 1, 999, 1_000, 179_999, 180_000, 180_001, 360_000, 360_001, 86_400_000];
    prop_oneof![24 => 0u64..2_000, 6 => proptest::sample::select(edges), 1 => 0u64..200_000, 1 => 0u64..2_000_000_000]
}

fn lifetimes() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 1_000u64..400_000, 1 => Just(0u64), 1 => Just(u64::MAX), 1 => Just(180_000u64)]
}

/// Mostly the first currency, so that things meet.
fn currencies() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(0u8), 1 => Just(1u8), 1 => Just(2u8)]
}

fn small(below: usize) -> impl Strategy<Value = u8> {
    0u8..u8::try_from(below).expect("few")
}

/// Mostly nobody: the one whom it concerns does it.
fn stranger(among: usize) -> impl Strategy<Value = Option<u8>> {
    proptest::option::weighted(0.1, small(among))
}

/// Mostly those that hold money.
fn wallets() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(0u8), 3 => Just(1u8), 1 => small(WALLETS)]
}

/// Mostly those that work; the last is registered nowhere at first.
fn tags() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0u8), 4 => Just(1u8), 2 => Just(4u8), 2 => small(TAGS + 1)]
}

fn things() -> impl Strategy<Value = Thing> {
    let index = any::<Index>;
    let maybe = |one_in: f64| proptest::option::weighted(one_in, index());
    let named = prop_oneof![
        2 => Just(Named::Nothing),
        8 => Just(Named::AsAsked),
        1 => (amounts(), currencies()).prop_map(|(amount, currency)| Named::Other(amount, currency)),
    ];
    prop_oneof![
        1 => (small(8), small(WALLETS), currencies())
            .prop_map(|(number, wallet, currency)| Thing::OpenAccount { number, wallet, currency }),
        1 => (small(TAGS + 1), small(MERCHANTS)).prop_map(|(tag, merchant)| Thing::RegisterTag { tag, merchant }),
        3 => (wallets(), currencies(), amounts(), maybe(0.3)).prop_map(
            |(wallet, currency, amount, same_id_as)| Thing::Deposit { wallet, currency, amount, same_id_as }),
        9 => (stranger(MERCHANTS), tags(), proptest::option::weighted(0.7, amounts()), currencies(), lifetimes(),
            proptest::option::weighted(0.6, details()))
            .prop_map(|(stranger, tag, amount, currency, lifetime_ms, details)| {
                Thing::Create { stranger, tag, amount, currency, lifetime_ms, details }
            }),
        5 => (stranger(MERCHANTS), index(), any::<bool>())
            .prop_map(|(stranger, order, refund)| Thing::Cancel { stranger, order, refund }),
        2 => (stranger(MERCHANTS), index(), any::<bool>(), proptest::bool::weighted(0.3)).prop_map(
            |(stranger, order, by_reference, close)| Thing::Resolve { stranger, order, by_reference, close }),
        14 => (wallets(), tags(), proptest::bool::weighted(0.9), index())
            .prop_map(|(wallet, tag, fresh, earlier)| Thing::Tap { wallet, tag, fresh, earlier }),
        1 => small(TAGS + 1).prop_map(|tag| Thing::Forged { tag }),
        20 => (stranger(WALLETS), maybe(0.3), named, tips(), proptest::option::weighted(0.1, forces())).prop_map(
            |(wallet, tap, named, tip, forced)| Thing::Pay { wallet, tap, named, tip, forced }),
        1 => (0u64..400_000).prop_map(|age_ms| Thing::PayWithStrangeTap { age_ms }),
        6 => (stranger(MERCHANTS), index(), much(), proptest::bool::weighted(0.2)).prop_map(
            |(stranger, payment, much, is_last)| Thing::Capture { stranger, payment, much, is_last }),
        1 => (stranger(MERCHANTS), index()).prop_map(|(stranger, payment)| Thing::Void { stranger, payment }),
        8 => (stranger(MERCHANTS), index(), much())
            .prop_map(|(stranger, payment, much)| Thing::Refund { stranger, payment, much }),
        5 => (stranger(WALLETS), index(), much())
            .prop_map(|(stranger, payment, much)| Thing::Dispute { stranger, payment, much }),
        2 => (stranger(MERCHANTS), index()).prop_map(|(stranger, dispute)| Thing::AnswerDispute { stranger, dispute }),
        1 => (stranger(MERCHANTS), index()).prop_map(|(stranger, dispute)| Thing::AcceptDispute { stranger, dispute }),
        3 => (index(), any::<bool>()).prop_map(|(dispute, won)| Thing::DecideDispute { dispute, won }),
        2 => (small(MERCHANTS), statuses()).prop_map(|(merchant, status)| Thing::SetStatus { merchant, status }),
        1 => (small(MERCHANTS), small(PLANS), spans())
            .prop_map(|(merchant, plan, in_ms)| Thing::SetPlan { merchant, plan, in_ms }),
        2 => (small(MERCHANTS), small(TERMS)).prop_map(|(merchant, terms)| Thing::SetTerms { merchant, terms }),
        2 => (small(MERCHANTS), currencies())
            .prop_map(|(merchant, currency)| Thing::CreatePayout { merchant, currency }),
        4 => index().prop_map(|payout| Thing::SubmitPayout { payout }),
        5 => (index(), bank_words()).prop_map(|(payout, word)| Thing::ReportPayout { payout, word }),
        6 => Just(Thing::Ticks),
    ]
}

/// Mostly of a size that a wallet has.
fn sales() -> impl Strategy<Value = [Thing; 3]> {
    let tag = prop_oneof![3 => Just(0u8), 2 => Just(4u8), 1 => Just(1u8)];
    let order = (tag, 1u64..2_000, proptest::option::weighted(0.6, details()));
    let word = (tips(), proptest::option::weighted(0.1, forces()), wallets(), any::<Index>());
    (order, word).prop_map(|((tag, amount, details), (tip, forced, wallet, earlier))| {
        let lifetime_ms = 300_000 + amount;
        let order = Thing::Create { stranger: None, tag, amount: Some(amount), currency: 0, lifetime_ms, details };
        let tap = Thing::Tap { wallet, tag, fresh: true, earlier };
        [order, tap, Thing::Pay { wallet: None, tap: None, named: Named::AsAsked, tip, forced }]
    })
}

fn details() -> impl Strategy<Value = Details> {
    let holds = vec![0u64, 1, 1_000, 60_000, 86_400_000, 864_000_000, 30 * 86_400_000, u64::MAX];
    let split = (small(MERCHANTS), any::<bool>(), 0u64..6_000);
    (
        proptest::option::weighted(0.5, proptest::sample::select(holds)),
        any::<bool>(),
        proptest::collection::vec(split, 0..3),
        proptest::option::weighted(0.4, small(12)),
    )
        .prop_map(|(hold_ms, tipping, splits, reference)| Details { hold_ms, tipping, splits, reference })
}

fn tips() -> impl Strategy<Value = u64> {
    prop_oneof![6 => Just(0u64), 2 => 1u64..300, 1 => Just(u64::MAX)]
}

fn forces() -> impl Strategy<Value = Force> {
    let spans = proptest::sample::select(vec![0u64, 1, 5_000, 60_000, 86_400_000]);
    let processing = (spans, any::<bool>()).prop_map(|(for_ms, succeeds)| Force::Processing { for_ms, succeeds });
    prop_oneof![1 => Just(Force::Declined), 1 => Just(Force::ByAmount), 3 => processing]
}

fn much() -> impl Strategy<Value = Much> {
    prop_oneof![2 => Just(Much::All), 6 => any::<u8>().prop_map(Much::Part), 1 => (0u64..3).prop_map(Much::Beyond)]
}

fn statuses() -> impl Strategy<Value = MerchantStatus> {
    use MerchantStatus::{Active, Applied, Closed, Suspended};
    prop_oneof![12 => Just(Active), 4 => Just(Suspended), 1 => Just(Applied), 1 => Just(Closed)]
}

fn bank_words() -> impl Strategy<Value = BankWord> {
    let why = || Text::try_from("account closed".to_owned()).expect("a text");
    prop_oneof![4 => Just(BankWord::Paid), 2 => Just(BankWord::Failed(why())), 2 => Just(BankWord::Returned(why()))]
}

/// Lives of at most `length` events.
pub(crate) fn lives(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        26 => (things(), proptest::bool::weighted(0.3)).prop_map(|(thing, repeatable)| Op::Ask(thing, repeatable)),
        9 => (sales(), proptest::bool::weighted(0.3)).prop_map(|(sale, repeatable)| Op::Sale(sale, repeatable)),
        4 => spans().prop_map(Op::Wait),
        5 => (0u64..3, any::<bool>()).prop_map(|(early_ms, ticks)| Op::WaitUntilDue { early_ms, ticks }),
        1 => spans().prop_map(Op::ClockBack),
        5 => (any::<Index>(), proptest::bool::weighted(0.2)).prop_map(|(which, other)| Op::Again(which, other)),
        3 => Just(Op::Store),
        4 => Just(Op::Forget),
        1 => any::<bool>().prop_map(|with_live_taps| Op::Restart { with_live_taps }),
    ];
    proptest::collection::vec(op, 1..=length)
}

/// The decider, and everything around it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) journal: Vec<Record>,
    pub(crate) table: Table,
    pub(crate) model: Model,
    /// What the machine's clock says.
    clock: UnixMillis,
    /// What the last command was decided by.
    pub(crate) now: UnixMillis,
    keys: TagKeys,
    chips: Vec<SoftwareTag>,
    readings: Vec<(String, u32, usize)>,
    orders: Vec<OrderId>,
    taps: Vec<(Tap, Option<Order>)>,
    deposits: Vec<DepositId>,
    pub(crate) payments: Vec<PaymentId>,
    disputes: Vec<DisputeId>,
    pub(crate) payouts: Vec<PayoutId>,
    repeatable: Vec<(Request, Wish)>,
    made: u128,
}

impl World {
    /// Wallets 0 and 1 hold yuan, 0 also yen, 3 nothing; merchant 0 takes both, 1 and 2 only yuan. Merchant 0 is settled
    /// each day and pays fees, 2 each week, 1 is not settled at first. Tag 0 stands at a till, 1
    /// alone, 2 alone in a currency that its merchant does not take, 3 is switched off, 4 is at the other till.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            state: State::default(),
            journal: Vec::new(),
            table: Table::default(),
            model: Model::default(),
            clock: START,
            now: START,
            keys: keys(),
            chips: (0..=TAGS).map(chip).collect(),
            readings: Vec::new(),
            orders: Vec::new(),
            taps: Vec::new(),
            deposits: Vec::new(),
            payments: Vec::new(),
            disputes: Vec::new(),
            payouts: Vec::new(),
            repeatable: Vec::new(),
            made: 0,
        };
        for wish in provisioning() {
            world.ask(None, wish).1.expect("provisioning");
        }
        world
    }

    pub(crate) fn live(&mut self, op: &Op) {
        match op {
            Op::Wait(span) => self.clock = self.clock.plus(*span),
            Op::WaitUntilDue { early_ms, ticks } => {
                let due = self.state.next_due().map_or(0, |due| due.0).min(START.0 + MOST_YEARS * YEAR_MS);
                self.clock = self.clock.max(UnixMillis(due.saturating_sub(*early_ms)));
                if *ticks {
                    self.compare(None, Wish::Ticks);
                }
            }
            Op::ClockBack(span) => self.clock = UnixMillis(self.clock.0.saturating_sub(*span)),
            Op::Ask(thing, repeatable) => self.live_thing(thing, *repeatable),
            Op::Sale(things, repeatable) => things.iter().for_each(|thing| self.live_thing(thing, *repeatable)),
            Op::Again(which, other_body) => {
                let Some((mut request, wish)) = pick(&self.repeatable, *which).cloned() else { return };
                if *other_body {
                    request.body.0[15] ^= 1;
                }
                self.compare(Some(request), wish);
            }
            Op::Store => self.store(usize::MAX),
            Op::Forget => self.state.forget(self.table.position()),
            Op::Restart { with_live_taps } => {
                self.state = self.table.state(*with_live_taps);
                let stored = usize::try_from(self.table.position()).expect("few");
                self.journal[stored..].iter().for_each(|record| self.state.evolve(record));
                // Before anything is decided, the tables catch up.
                self.store(usize::MAX);
                self.state.forget(self.table.position());
            }
        }
    }

    fn live_thing(&mut self, thing: &Thing, repeatable: bool) {
        let wish = self.wish(thing);
        let request = repeatable.then(|| self.new_request());
        self.repeatable.extend(request.map(|request| (request, wish.clone())));
        self.compare(request, wish);
    }

    /// The tables take the next `count` records.
    pub(crate) fn store(&mut self, count: usize) {
        let stored = usize::try_from(self.table.position()).expect("few");
        self.journal[stored..].iter().take(count).for_each(|record| self.table.store(record));
    }

    fn compare(&mut self, request: Option<Request>, wish: Wish) {
        let (expected, answer) = self.ask(request, wish.clone());
        assert_eq!(answer, expected, "{wish:?} with {request:?} at {:?}", self.now);
    }

    /// Asks the model and the decider.
    pub(crate) fn ask(&mut self, request: Option<Request>, wish: Wish) -> (Verdict, Verdict) {
        self.now = self.now.max(self.clock);
        self.made += 1;
        // Ids are made by another clock reading than the command's time. The numbers after one are for its legs.
        let id = PaymentId::from_parts(self.clock.0, self.made << 16).as_u128();
        let expected = self.model.ask(self.now, request, &wish, id);
        let answer = match wish {
            Wish::Ticks => self.ticks(request),
            wish => {
                let action = self.action(wish, id);
                self.act(request, action)
            }
        };
        self.notice(&answer);
        (expected, answer)
    }

    /// One tick does a bounded number of things of one kind.
    fn ticks(&mut self, request: Option<Request>) -> Verdict {
        for _ in 0..1_000 {
            let before = self.journal.len();
            let answer = self.act(request, Action::Tick);
            let happened = self.journal.len() - before;
            assert_eq!(answer, Ok(Answer::Ticked(happened)));
            if happened == 0 || self.state.next_due().is_none_or(|due| due > self.now) {
                return Ok(Answer::Done);
            }
        }
        panic!("ticks without end");
    }

    /// Decides and folds.
    fn act(&mut self, request: Option<Request>, action: Action) -> Verdict {
        let Decision { records, answer } = self.decide(Command { now: self.now, request, action });
        let answers = records.iter().filter(|record| record.request.is_some()).count();
        assert!(answers <= 1, "one record answers the request");
        for record in &records {
            assert_eq!(record.at, self.now);
            self.state.evolve(record);
            self.check(&record.event);
        }
        self.journal.extend(records);
        answer
    }

    /// What the decider names by itself; and that a closed window leaves nothing behind.
    fn check(&mut self, event: &Event) {
        match event {
            Event::SettlementClosed(moved) => {
                let settlement = &moved.what;
                self.model.name_settlement(settlement);
                let book = self
                    .state
                    .books()
                    .find(|book| (book.merchant, book.currency) == (settlement.merchant, settlement.currency));
                let pending = self.state.account(book.expect("a book").pending).expect("its account").1;
                assert_eq!(pending.debits_posted, pending.credits_posted, "nothing is left in a closed window");
            }
            Event::PayoutCreated(moved) => {
                if moved.what.settlement.is_some() {
                    self.model.name_payout(&moved.what);
                }
                self.payouts.push(moved.what.id);
            }
            _ => {}
        }
    }

    fn decide(&mut self, command: Command) -> Decision {
        let mut asked = Vec::new();
        while let Some(need) = self.state.next_need(&command, &asked) {
            assert!(!asked.contains(&need), "a need is asked for once");
            if let Some(recalled) = self.table.recall(need) {
                self.state.recall(recalled);
            }
            asked.push(need);
        }
        decide(&self.state, command)
    }

    fn notice(&mut self, answer: &Verdict) {
        match answer {
            Ok(Answer::Order(order)) => self.orders.push(order.id),
            Ok(Answer::Tap(tap, order)) => self.taps.push((*tap, order.clone())),
            Ok(Answer::Deposit(deposit)) => self.deposits.push(deposit.id),
            Ok(Answer::Payment(payment)) => self.payments.push(payment.id),
            Ok(Answer::Dispute(dispute)) => self.disputes.push(dispute.id),
            _ => {}
        }
    }

    fn new_request(&mut self) -> Request {
        self.made += 1;
        Request { key: RequestKey(self.made.to_be_bytes()), body: BodyDigest((self.made ^ u128::MAX).to_be_bytes()) }
    }

    pub(crate) fn action(&self, wish: Wish, id: u128) -> Action {
        match wish {
            Wish::OpenAccount(account) => Action::OpenAccount(account),
            Wish::RegisterTag(tag) => Action::RegisterTag(tag),
            Wish::Deposit { id, wallet, money } => Action::Deposit { id, wallet, money },
            Wish::Create(new) => Action::CreateOrder(NewOrder {
                id: OrderId::from_u128(id),
                merchant: new.merchant,
                tag: new.tag,
                amount: match new.asked {
                    Asked::Fixed(money) => NewOrderAmount::Fixed(money),
                    Asked::Open(currency) => NewOrderAmount::Open(currency),
                },
                description: new.text.clone(),
                reference: new.text,
                lifetime_ms: new.lifetime_ms,
                details: new.details,
            }),
            Wish::Cancel { merchant, order, refund } => {
                let if_paid = if refund { IfPaid::Refund(ids::RefundId::from_u128(id)) } else { IfPaid::Refuse };
                Action::CancelOrder { merchant, order, if_paid }
            }
            Wish::Resolve { merchant, order, close } => Action::ResolveOrder { merchant, order, close },
            Wish::Tap { wallet, url, .. } => {
                let reading = self.keys.verify_url(&url).expect("a genuine URL");
                Action::OpenTap { id: TapId::from_u128(id), wallet, reading }
            }
            Wish::Forged { claimed } => Action::ReportForgedTap { claimed },
            Wish::Pay { wallet, tap, money, tip, forced } => {
                Action::Pay(Pay { id: PaymentId::from_u128(id), wallet, tap, money, tip, forced })
            }
            Wish::Capture { merchant, payment, amount, is_last } => {
                let id = ids::CaptureId::from_u128(id);
                Action::Capture(NewCapture { id, merchant, payment, amount, is_last })
            }
            Wish::Void { merchant, payment } => Action::Void { merchant, payment },
            Wish::Refund { merchant, payment, amount, reason } => {
                Action::Refund(NewRefund { id: ids::RefundId::from_u128(id), merchant, payment, amount, reason })
            }
            Wish::Dispute { wallet, payment, amount, reason } => {
                Action::OpenDispute(NewDispute { id: DisputeId::from_u128(id), wallet, payment, amount, reason })
            }
            Wish::AnswerDispute { merchant, dispute } => {
                Action::AnswerDispute { merchant, dispute, evidence: super::model::evidence() }
            }
            Wish::AcceptDispute { merchant, dispute } => Action::AcceptDispute { merchant, dispute },
            Wish::DecideDispute { dispute, won } => Action::DecideDispute { dispute, won },
            Wish::SetStatus { merchant, status } => Action::SetMerchantStatus { merchant, status },
            Wish::SetPlan { merchant, plan, from } => Action::SetFeePlan { merchant, plan, from },
            Wish::SetTerms { merchant, terms } => Action::SetSettlementTerms { merchant, terms },
            Wish::CreatePayout { merchant, currency } => {
                Action::CreatePayout { id: PayoutId::from_u128(id), merchant, currency }
            }
            Wish::SubmitPayout { payout, reference } => Action::SubmitPayout { payout, bank_reference: reference },
            Wish::ReportPayout { payout, word } => Action::ReportPayout { payout, word },
            Wish::Ticks => Action::Tick,
        }
    }
}

fn provisioning() -> Vec<Wish> {
    let (yuan, yen) = (a_currency(0), a_currency(1));
    let (wallet_of, merchant_of) = (|index| Owner::Wallet(wallet(index)), |index| Owner::Merchant(merchant(index)));
    let accounts = [
        (account_code::FLOAT, Owner::Platform, yuan),
        (account_code::FLOAT, Owner::Platform, yen),
        (account_code::WALLET, wallet_of(0), yuan),
        (account_code::WALLET, wallet_of(0), yen),
        (account_code::WALLET, wallet_of(1), yuan),
        (account_code::MERCHANT_PENDING, merchant_of(0), yuan),
        (account_code::MERCHANT_PENDING, merchant_of(0), yen),
        (account_code::MERCHANT_PENDING, merchant_of(1), yuan),
        (account_code::MERCHANT_PENDING, merchant_of(2), yuan),
    ];
    let opened = accounts
        .into_iter()
        .zip(1000..)
        .map(|((code, owner, currency), number)| Wish::OpenAccount(account(number, code, owner, currency)));
    let tags = [
        registered(0, merchant(0), TagMode::Till, yuan),
        registered(1, merchant(0), TagMode::Standing, yuan),
        registered(2, merchant(1), TagMode::Standing, yen),
        payments::RegisteredTag { active: false, ..registered(3, merchant(0), TagMode::Standing, yuan) },
        registered(4, merchant(1), TagMode::Till, yuan),
    ];
    let money = [(0, 0, 30_000), (0, 1, 5_000), (1, 0, 9_000)];
    let deposits = money.into_iter().zip(1..).map(|((who, currency, minor_units), number)| Wish::Deposit {
        id: DepositId::from_u128(number),
        wallet: wallet(who),
        money: money_of(minor_units, currency),
    });
    let merchants = [
        Wish::SetPlan { merchant: merchant(0), plan: a_plan(0), from: START },
        Wish::SetTerms { merchant: merchant(0), terms: some_terms(0) },
        Wish::SetTerms { merchant: merchant(2), terms: some_terms(1) },
    ];
    opened.chain(tags.into_iter().map(Wish::RegisterTag)).chain(deposits).chain(merchants).collect()
}

const PLANS: usize = 4;

/// Prices by tiers, dear ones, cheap ones, none.
fn a_plan(index: u8) -> FeePlan {
    let tier = |from_volume, rate, fixed| Tier { from_volume, rate: BasisPoints::new(rate).expect("a rate"), fixed };
    let rate = |currency, tiers, minimum, maximum| FeeRate { method: None, currency, tiers, minimum, maximum };
    let (yuan, yen) = (a_currency(0), a_currency(1));
    let rates = match index {
        0 => vec![
            rate(yuan, vec![tier(0, 250, 3), tier(3_000, 120, 1), tier(9_000, 33, 0)], Some(2), Some(40)),
            rate(yen, vec![tier(0, 325, 0)], None, None),
        ],
        1 => vec![rate(yuan, vec![tier(0, 10_000, 0)], None, None)],
        2 => vec![rate(yuan, vec![tier(0, 0, 1)], None, None), rate(yen, vec![tier(0, 1, 0)], Some(1), None)],
        _ => Vec::new(),
    };
    FeePlan::new(rates).expect("a plan")
}

const TERMS: usize = 4;

/// Each day in Shanghai with a reserve; each week in New York; each working day in Berlin, late; each day in Lord Howe's
/// zone of half hours, where much may be owed.
fn some_terms(index: u8) -> SettlementTerms {
    let (zone, hour, schedule, delay, reserve, negative_balance_limit) = match index {
        0 => ("Asia/Shanghai", 18, Schedule::Daily, 0, Some((1_000, 3)), 500),
        1 => ("America/New_York", 0, Schedule::Weekly(Weekday::Sunday), 2, None, 0),
        2 => ("Europe/Berlin", 24, Schedule::Daily, 1, Some((1, 1)), 0),
        _ => ("Australia/Lord_Howe", 2, Schedule::Daily, 0, None, 1_000_000),
    };
    let business_days = if index == 2 { Weekdays::MONDAY_TO_FRIDAY } else { Weekdays::ALL };
    let reserve = reserve.map(|(rate, days)| Reserve { rate: BasisPoints::new(rate).expect("a rate"), days });
    let terms = SettlementTerms {
        zone: ZoneName::parse(zone).expect("a zone"),
        cut_off: CutOffTime::new(hour, 0, 0).expect("a time"),
        business_days,
        holidays: Vec::new(),
        schedule,
        payout_delay_days: delay,
        reserve,
        negative_balance_limit,
    };
    terms.validated().expect("terms that work")
}

pub(crate) fn a_currency(index: u8) -> Currency {
    currency(["CNY", "JPY", "KWD"][usize::from(index)])
}

fn money_of(minor_units: u64, currency: u8) -> Money {
    Money::new(amount(minor_units), a_currency(currency))
}

fn pick<T>(list: &[T], which: Index) -> Option<&T> {
    (!list.is_empty()).then(|| which.get(list))
}
