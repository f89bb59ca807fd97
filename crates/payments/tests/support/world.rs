//! Random lives of a small platform, and the decider living them.

use ids::{DepositId, OrderId, PaymentId, TapId};
use money::{Currency, Money};
use payments::{
    Action, Answer, BodyDigest, Command, Decision, IfPaid, NewOrder, NewOrderAmount, Order, Owner, Pay, Record,
    Request, RequestKey, State, TagMode, Tap, Text, UnixMillis, account_code, decide,
};
use proptest::prelude::*;
use proptest::sample::Index;
use tag::{SoftwareTag, TagKeys};

use super::model::{Asked, Model, Verdict, Wish};
use super::table::Table;
use super::{START, account, amount, chip, currency, keys, merchant, registered, tag_id, uid, wallet};

pub(crate) const WALLETS: usize = 4;
pub(crate) const MERCHANTS: usize = 2;
pub(crate) const TAGS: usize = 5;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Time passes.
    Wait(u64),
    /// Somebody sets the clock back.
    ClockBack(u64),
    /// Somebody asks for something, perhaps repeatably.
    Ask(Thing, bool),
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
    OpenAccount { number: u8, wallet: u8, currency: u8 },
    RegisterTag { tag: u8, merchant: u8 },
    Deposit { wallet: u8, currency: u8, amount: u64, same_id_as: Option<Index> },
    Create { stranger: Option<u8>, tag: u8, amount: Option<u64>, currency: u8, lifetime_ms: u64 },
    Cancel { stranger: Option<u8>, order: Index },
    Tap { wallet: u8, tag: u8, fresh: bool, earlier: Index },
    Forged { tag: u8 },
    Pay { wallet: Option<u8>, tap: Option<Index>, named: Named },
    PayWithStrangeTap { age_ms: u64 },
    Expire,
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
    prop_oneof![8 => 1u64..2_000, 1 => Just(most), 1 => most - 2..=most]
}

fn spans() -> impl Strategy<Value = u64> {
    let edges = vec![0u64, 1, 999, 1_000, 179_999, 180_000, 180_001, 360_000, 360_001, 86_400_000];
    prop_oneof![12 => 0u64..2_000, 3 => proptest::sample::select(edges), 1 => 0u64..200_000]
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
        6 => (stranger(MERCHANTS), tags(), proptest::option::weighted(0.7, amounts()), currencies(), lifetimes())
            .prop_map(|(stranger, tag, amount, currency, lifetime_ms)| {
                Thing::Create { stranger, tag, amount, currency, lifetime_ms }
            }),
        2 => (stranger(MERCHANTS), index()).prop_map(|(stranger, order)| Thing::Cancel { stranger, order }),
        9 => (wallets(), tags(), proptest::bool::weighted(0.9), index())
            .prop_map(|(wallet, tag, fresh, earlier)| Thing::Tap { wallet, tag, fresh, earlier }),
        1 => small(TAGS + 1).prop_map(|tag| Thing::Forged { tag }),
        14 => (stranger(WALLETS), maybe(0.4), named).prop_map(|(wallet, tap, named)| Thing::Pay { wallet, tap, named }),
        1 => (0u64..400_000).prop_map(|age_ms| Thing::PayWithStrangeTap { age_ms }),
        1 => Just(Thing::Expire),
    ]
}

/// Lives of at most `length` events.
pub(crate) fn lives(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        20 => (things(), proptest::bool::weighted(0.3)).prop_map(|(thing, repeatable)| Op::Ask(thing, repeatable)),
        4 => spans().prop_map(Op::Wait),
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
    repeatable: Vec<(Request, Wish)>,
    made: u128,
}

impl World {
    /// Wallets 0 and 1 hold yuan, 0 also yen, 3 nothing; merchant 0 takes both, 1 only yuan. Tag 0 stands at a till, 1
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
            Op::ClockBack(span) => self.clock = UnixMillis(self.clock.0.saturating_sub(*span)),
            Op::Ask(thing, repeatable) => {
                let wish = self.wish(thing);
                let request = repeatable.then(|| self.new_request());
                self.repeatable.extend(request.map(|request| (request, wish.clone())));
                self.compare(request, wish);
            }
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
        // Ids are made by another clock reading than the command's time.
        let id = PaymentId::from_parts(self.clock.0, self.made).as_u128();
        let expected = self.model.ask(self.now, request, &wish, id);
        let command = Command { now: self.now, request, action: self.action(wish, id) };
        let decision = self.decide(command);
        for record in &decision.records {
            assert_eq!(record.at, self.now);
            self.state.evolve(record);
        }
        let answers = decision.records.iter().filter(|record| record.request.is_some()).count();
        assert!(answers <= 1, "one record answers the request");
        self.journal.extend(decision.records);
        self.notice(&decision.answer);
        (expected, decision.answer)
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
            _ => {}
        }
    }

    fn new_request(&mut self) -> Request {
        self.made += 1;
        Request { key: RequestKey(self.made.to_be_bytes()), body: BodyDigest((self.made ^ u128::MAX).to_be_bytes()) }
    }

    fn wish(&mut self, thing: &Thing) -> Wish {
        match *thing {
            Thing::OpenAccount { number, wallet: whose, currency } => {
                let owner = Owner::Wallet(wallet(whose.into()));
                Wish::OpenAccount(account(number.into(), account_code::WALLET, owner, a_currency(currency)))
            }
            Thing::RegisterTag { tag, merchant: whose } => {
                Wish::RegisterTag(registered(tag.into(), merchant(whose.into()), TagMode::Till, a_currency(0)))
            }
            Thing::Deposit { wallet: whose, currency, amount, same_id_as } => {
                self.made += 1;
                let known = same_id_as.and_then(|which| pick(&self.deposits, which).copied());
                let id = known.unwrap_or(DepositId::from_parts(self.clock.0, self.made));
                Wish::Deposit { id, wallet: wallet(whose.into()), money: money_of(amount, currency) }
            }
            Thing::Create { stranger, tag, amount, currency, lifetime_ms } => Wish::Create {
                merchant: stranger.map_or(merchant(usize::from([2, 4].contains(&tag))), |who| merchant(who.into())),
                tag: tag_id(tag.into()),
                asked: match amount {
                    Some(amount) => Asked::Fixed(money_of(amount, currency)),
                    None => Asked::Open(a_currency(currency)),
                },
                text: (lifetime_ms % 2 == 0).then(|| Text::try_from("两碗面 + tea".to_owned()).expect("a text")),
                lifetime_ms,
            },
            Thing::Cancel { stranger, order } => {
                let order = pick(&self.orders, order).copied().unwrap_or(OrderId::from_u128(1));
                let known = self.model.orders.iter().find(|known| known.id == order);
                let owner = known.map_or(merchant(0), |order| order.merchant);
                Wish::Cancel { merchant: stranger.map_or(owner, |who| merchant(who.into())), order }
            }
            Thing::Tap { wallet: whose, tag, fresh, earlier } => {
                let (url, counter, tag) = self.reading(tag.into(), fresh, earlier);
                Wish::Tap { wallet: wallet(whose.into()), url, uid: uid(tag), counter }
            }
            Thing::Forged { tag } => Wish::Forged { claimed: uid(tag.into()) },
            Thing::Pay { wallet: whose, tap, named } => self.payment(whose, tap, named),
            Thing::PayWithStrangeTap { age_ms } => {
                let tap = TapId::from_parts(self.clock.0.saturating_sub(age_ms), 0xdead);
                Wish::Pay { wallet: wallet(0), tap, money: None }
            }
            Thing::Expire => Wish::Expire,
        }
    }

    /// A new reading of a chip, or an earlier one of any chip.
    fn reading(&mut self, tag: usize, fresh: bool, earlier: Index) -> (String, u32, usize) {
        if !fresh && let Some(reading) = pick(&self.readings, earlier) {
            return reading.clone();
        }
        let url = self.chips[tag].touch([7; 5]).expect("few touches");
        self.readings.push((url, self.chips[tag].counter().value(), tag));
        self.readings.last().expect("just pushed").clone()
    }

    /// With some tap, or with the latest.
    fn payment(&mut self, whose: Option<u8>, which: Option<Index>, named: Named) -> Wish {
        let tap = which.map_or(self.taps.last(), |which| pick(&self.taps, which));
        let Some((tap, order)) = tap.cloned() else {
            return Wish::Pay { wallet: wallet(0), tap: TapId::from_u128(1), money: None };
        };
        let asked = order.and_then(|order| order.amount).unwrap_or(amount(5));
        let money = match named {
            Named::Nothing => None,
            Named::AsAsked => Some(Money::new(asked, tap.currency)),
            Named::Other(amount, currency) => Some(money_of(amount, currency)),
        };
        Wish::Pay { wallet: whose.map_or(tap.wallet, |whose| wallet(whose.into())), tap: tap.id, money }
    }

    pub(crate) fn action(&self, wish: Wish, id: u128) -> Action {
        match wish {
            Wish::OpenAccount(account) => Action::OpenAccount(account),
            Wish::RegisterTag(tag) => Action::RegisterTag(tag),
            Wish::Deposit { id, wallet, money } => Action::Deposit { id, wallet, money },
            Wish::Create { merchant, tag, asked, text, lifetime_ms } => Action::CreateOrder(NewOrder {
                id: OrderId::from_u128(id),
                merchant,
                tag,
                amount: match asked {
                    Asked::Fixed(money) => NewOrderAmount::Fixed(money),
                    Asked::Open(currency) => NewOrderAmount::Open(currency),
                },
                description: text.clone(),
                reference: text,
                lifetime_ms,
                details: None,
            }),
            Wish::Cancel { merchant, order } => Action::CancelOrder { merchant, order, if_paid: IfPaid::Refuse },
            Wish::Tap { wallet, url, .. } => {
                let reading = self.keys.verify_url(&url).expect("a genuine URL");
                Action::OpenTap { id: TapId::from_u128(id), wallet, reading }
            }
            Wish::Forged { claimed } => Action::ReportForgedTap { claimed },
            Wish::Pay { wallet, tap, money } => {
                Action::Pay(Pay { id: PaymentId::from_u128(id), wallet, tap, money, tip: 0, forced: None })
            }
            Wish::Expire => Action::Tick,
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
    opened.chain(tags.into_iter().map(Wish::RegisterTag)).chain(deposits).collect()
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
