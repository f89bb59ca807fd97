//! Bytes as actions: absurd times, lifetimes, amounts and ids of strangers. Whatever comes, the decider does not panic,
//! the books balance, and the state is the fold of the records.
#![allow(clippy::unwrap_used)]

mod support;

use ids::{AccountId, DepositId, MerchantId, OrderId, PaymentId, TagId, TapId, WalletId};
use money::{Amount, Currency, Money};
use payments::{
    Account, AccountFlags, Action, BodyDigest, Command, IfPaid, NewOrder, NewOrderAmount, Pay, RegisteredTag, Request,
    RequestKey, State, TagMode, UnixMillis, account_code, decide,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use support::{chip, keys, uid};
use tag::{SoftwareTag, TagKeys};

/// Takes what it needs from the bytes, and zeros when they have run out.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Mostly one of a few, so that things meet; else anything.
    fn id(&mut self) -> u128 {
        match self.byte() {
            0xff => u128::MAX,
            small if small < 0xf0 => u128::from(small % 4),
            _ => (0..16).fold(0, |bits, _| bits << 8 | u128::from(self.byte())),
        }
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
        let codes = ["CNY", "JPY", "KWD"];
        Currency::from_alpha(codes[usize::from(self.byte() % 3)]).unwrap()
    }

    fn money(&mut self) -> Money {
        Money::new(Amount::new(self.number()).unwrap_or(Amount::MAX), self.currency())
    }

    fn account(&mut self) -> Account {
        let code =
            [account_code::FLOAT, account_code::WALLET, account_code::MERCHANT_PENDING][usize::from(self.byte() % 3)];
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
        match self.byte() % 16 {
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
                id: DepositId::from_u128(self.id()),
                wallet: WalletId::from_u128(self.id()),
                money: self.money(),
            },
            5..8 => Action::CreateOrder(NewOrder {
                id: OrderId::from_u128(self.id()),
                merchant: MerchantId::from_u128(self.id()),
                tag: TagId::from_u128(self.id()),
                amount: match self.byte() % 2 {
                    0 => NewOrderAmount::Fixed(self.money()),
                    _ => NewOrderAmount::Open(self.currency()),
                },
                description: None,
                reference: None,
                lifetime_ms: self.number(),
                details: None,
            }),
            8 => {
                let (merchant, order) = (MerchantId::from_u128(self.id()), OrderId::from_u128(self.id()));
                Action::CancelOrder { merchant, order, if_paid: IfPaid::Refuse }
            }
            9..12 => {
                let url = chips[usize::from(self.byte() % 4)].touch([0; 5]).unwrap();
                let reading = keys.verify_url(&url).unwrap();
                Action::OpenTap { id: TapId::from_u128(self.id()), wallet: WalletId::from_u128(self.id()), reading }
            }
            12 => Action::ReportForgedTap { claimed: uid(usize::from(self.byte() % 8)) },
            13 | 14 => Action::Pay(Pay {
                id: PaymentId::from_u128(self.id()),
                wallet: WalletId::from_u128(self.id()),
                tap: TapId::from_u128(self.id()),
                money: (!self.byte().is_multiple_of(4)).then(|| self.money()),
                tip: 0,
                forced: None,
            }),
            _ => Action::Tick,
        }
    }

    fn request(&mut self) -> Option<Request> {
        let request = Request { key: RequestKey([self.byte() % 32; 16]), body: BodyDigest([self.byte() % 2; 16]) };
        self.byte().is_multiple_of(4).then_some(request)
    }
}

/// Lives the bytes; says how many commands were allowed.
fn live(bytes: &[u8]) -> usize {
    let (keys, mut chips) = (keys(), (0..4).map(chip).collect::<Vec<_>>());
    let (mut state, mut journal, mut allowed) = (State::default(), Vec::new(), 0);
    let mut bytes = Bytes(bytes);
    while !bytes.0.is_empty() {
        let now = match bytes.byte() {
            0xff => UnixMillis(bytes.number()).max(state.now()),
            span => state.now().plus(u64::from(span)),
        };
        let command = Command { now, request: bytes.request(), action: bytes.action(&keys, &mut chips) };
        let decision = decide(&state, command);
        decision.records.iter().for_each(|record| state.evolve(record));
        journal.extend(decision.records);
        allowed += usize::from(decision.answer.is_ok());
        for totals in state.ledger().totals().values() {
            assert!(totals.balanced(), "{totals:?}");
        }
    }
    let mut fold = State::default();
    journal.iter().for_each(|record| fold.evolve(record));
    let open = |state: &State| state.open_orders().cloned().collect::<Vec<_>>();
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
    allowed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_books_balance(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        live(&bytes);
    }
}

#[test]
fn absurd_lives_get_somewhere() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let bytes = proptest::collection::vec(any::<u8>(), 20_000).new_tree(&mut runner).unwrap().current();
    assert!(live(&bytes) > 100, "only {} commands were allowed", live(&bytes));
}
