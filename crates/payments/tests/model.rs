//! The decider against a slow, obvious model: whatever is asked in whatever order, both say and hold the same.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ids::PaymentId;
use payments::{Event, Order, OrderStatus, Outcome, Record, State, account_code};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::world::{Op, World, lives};

/// All that the state shows of itself, in a fixed order.
fn picture(state: &State) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut accounts: Vec<_> = state.accounts().collect();
    accounts.sort_by_key(|(account, _)| account.id);
    let mut tags: Vec<_> = state.tags().map(|tag| (tag.tag.id, tag.tag, tag.last_counter, tag.waiting_order)).collect();
    tags.sort_by_key(|(id, ..)| *id);
    let orders: Vec<Order> = state.open_orders().cloned().collect();
    (state.position(), state.now(), accounts, tags, orders, state.next_due())
}

fn fold(records: &[Record]) -> State {
    let mut state = State::default();
    records.iter().for_each(|record| state.evolve(record));
    state
}

/// State and model hold the same money, counters and open orders.
fn same_holdings(world: &World) {
    for (account, sums) in &world.model.accounts {
        let (opened, balance) = world.state.account(account.id).unwrap();
        assert_eq!(opened, *account);
        assert_eq!(
            (i128::from(balance.debits_posted), i128::from(balance.credits_posted)),
            (sums.debits, sums.credits)
        );
        if account.code != account_code::FLOAT {
            assert!(balance.debits_posted <= balance.credits_posted, "no wallet and no merchant below zero");
        }
    }
    assert_eq!(world.state.accounts().count(), world.model.accounts.len());
    for (currency, totals) in world.state.ledger().totals() {
        assert!(totals.balanced(), "debits equal credits in {currency}: {totals:?}");
    }
    for (tag, counter) in &world.model.tags {
        assert_eq!(world.state.tag(tag.id).unwrap().last_counter, *counter);
    }
    assert_eq!(world.state.tags().count(), world.model.tags.len());
    let open = |order: &&Order| order.status == OrderStatus::Open;
    let expected: BTreeSet<_> = world.model.orders.iter().filter(open).map(|order| order.id).collect();
    let waiting: BTreeSet<_> = world.state.open_orders().map(|order| order.id).collect();
    assert_eq!(waiting, expected);
    let at_tags: BTreeSet<_> = world.state.tags().filter_map(|tag| tag.waiting_order).collect();
    assert_eq!(at_tags, expected, "every open order waits at its tag, and nothing else does");
}

/// What no journal may say.
fn sound(journal: &[Record]) {
    let mut payment_of = BTreeMap::<u128, PaymentId>::new();
    let mut counters = BTreeMap::new();
    let mut now = payments::UnixMillis(0);
    for record in journal {
        assert!(now <= record.at, "time never runs backwards");
        now = record.at;
        match &record.event {
            Event::PaymentMade(settled) => {
                let payment = &settled.what;
                let used = [Some(payment.tap.as_u128()), payment.order.map(ids::OrderId::as_u128)];
                for thing in used.into_iter().flatten() {
                    assert_eq!(payment_of.insert(thing, payment.id), None, "one payment for a tap, one for an order");
                }
            }
            Event::TapAccepted(tap) => {
                let before = counters.insert(tap.tag, tap.counter).unwrap_or(0);
                assert!(before < tap.counter, "a counter only grows");
            }
            _ => {}
        }
    }
}

fn is_about_memory(op: &Op) -> bool {
    matches!(op, Op::Store | Op::Forget | Op::Restart { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariants 1, 3, 4, 5 and 8, as long as everything is remembered.
    #[test]
    fn says_and_holds_what_the_model_does(ops in lives(120)) {
        let mut world = World::new();
        for op in ops.iter().filter(|op| !is_about_memory(op)) {
            world.live(op);
            same_holdings(&world);
        }
        sound(&world.journal);
        prop_assert_eq!(picture(&fold(&world.journal)), picture(&world.state));
    }

    /// Invariants 3 and 8: forgetting, recalling and starting again change no answer and no holding.
    #[test]
    fn what_was_forgotten_is_as_if_remembered(ops in lives(160)) {
        let mut world = World::new();
        for op in &ops {
            world.live(op);
            same_holdings(&world);
        }
        sound(&world.journal);
        prop_assert_eq!(picture(&fold(&world.journal)), picture(&world.state));
    }

    /// The journal's bytes carry everything that the fold needs.
    #[test]
    fn records_survive_their_encoding(ops in lives(60)) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        for record in &world.journal {
            let bytes = postcard::to_allocvec(record).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Record>(&bytes).unwrap(), record);
        }
    }
}

/// The lives are worth living: each event and each refusal happens, many times over.
#[test]
fn the_lives_meet_every_rule() {
    let mut runner = TestRunner::deterministic();
    let (mut events, mut refusals) = (HashMap::<_, u32>::new(), BTreeMap::<_, u32>::new());
    for _ in 0..200 {
        let mut world = World::new();
        let ops = lives(160).new_tree(&mut runner).unwrap().current();
        ops.iter().for_each(|op| world.live(op));
        for record in &world.journal {
            *events.entry(std::mem::discriminant(&record.event)).or_default() += 1;
            if let Some(Outcome::Refused(rejection)) = record.event.outcome() {
                *refusals.entry(rejection.code()).or_default() += 1;
            }
        }
    }
    assert_eq!(events.len(), 13, "{events:?}");
    assert!(events.values().all(|count| *count >= 50), "{events:?}");
    // `idempotency_conflict` and `nothing_to_pay` are not stored, `tap_invalid` is reported.
    assert_eq!(refusals.len(), 19, "{refusals:?}");
}
