//! The decider against a slow, obvious model: whatever is asked in whatever order, both say and hold the same.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ids::{AccountId, PaymentId};
use money::Currency;
use payments::{
    Dispute, Event, MerchantBook, Order, OrderStatus, Outcome, Payment, Payout, Record, ReleaseReason, State,
    UnixMillis, account_code, transfer_code,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::model::purse::Place;
use support::world::{Op, World, lives};

/// All that the state shows of itself, in a fixed order.
fn picture(state: &State) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut accounts: Vec<_> = state.accounts().collect();
    accounts.sort_by_key(|(account, _)| account.id);
    let mut tags: Vec<_> = state.tags().map(|tag| (tag.tag.id, tag.tag, tag.last_counter, tag.waiting_order)).collect();
    tags.sort_by_key(|(id, ..)| *id);
    let orders: Vec<Order> = state.open_orders().cloned().collect();
    let mut merchants: Vec<_> = state.merchants().cloned().collect();
    merchants.sort_by_key(|merchant| merchant.id);
    let mut disputes: Vec<Dispute> = state.open_disputes().cloned().collect();
    disputes.sort_by_key(|dispute| dispute.id);
    let mut payouts: Vec<Payout> = state.open_payouts().cloned().collect();
    payouts.sort_by_key(|payout| payout.id);
    let payments: Vec<Payment> = state.open_payments().cloned().collect();
    let due: Vec<_> = state.due_payouts().copied().collect();
    let reserves: Vec<_> = state.reserves().map(|(until, reserve)| (until, *reserve)).collect();
    let waiting = (orders, payments, disputes, payouts, due, reserves);
    (state.position(), state.now(), accounts, tags, (merchants, books(state)), waiting, state.next_due())
}

fn books(state: &State) -> Vec<MerchantBook> {
    let mut books: Vec<_> = state.books().cloned().collect();
    books.sort_by_key(|book| book.pending);
    books
}

fn fold(records: &[Record]) -> State {
    let mut state = State::default();
    records.iter().for_each(|record| state.evolve(record));
    state
}

/// State and model hold the same money, counters and open things.
fn same_holdings(world: &World) {
    let mut places = BTreeMap::<Place, (i128, i128)>::new();
    for (account, balance) in world.state.accounts() {
        let currency = Currency::from_numeric(u16::try_from(account.ledger).unwrap()).unwrap();
        let sums = (balance.debits_posted.into(), balance.credits_posted.into());
        assert_eq!(places.insert((account.code, account.owner, currency), sums), None, "one account of each kind");
        match account.code {
            account_code::FLOAT => {}
            account_code::MERCHANT_DEBT => assert!(balance.credits_posted <= balance.debits_posted, "no debt is owed"),
            _ => assert!(balance.debits_posted <= balance.credits_posted, "nobody has less than nothing"),
        }
    }
    places.retain(|_, sums| *sums != (0, 0));
    let expected = world.model.purse.sums.iter().map(|(place, sums)| (*place, (sums.debits, sums.credits)));
    assert_eq!(places, expected.collect());
    for account in &world.model.accounts {
        assert_eq!(world.state.account(account.id).unwrap().0, *account);
    }
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

/// What is remembered of single things is what the model says of them.
fn same_things(world: &World) {
    for payment in &world.model.payments {
        assert!(world.state.payment(payment.id).is_none_or(|known| known == payment), "{payment:?}");
        let receivable: u64 = payment.shares.iter().map(|share| share.amount).sum();
        assert!(payment.captured <= payment.amount.minor_units());
        assert!(payment.refunded + payment.disputed <= payment.captured, "no more goes back than came");
        if !payment.shares.is_empty() {
            assert_eq!(receivable, payment.amount.minor_units(), "the parts are the whole");
            let captured: u64 = payment.shares.iter().map(|share| share.captured).sum();
            let returned: u64 = payment.shares.iter().map(|share| share.returned).sum();
            assert_eq!((captured, returned), (payment.captured, payment.refunded + payment.disputed));
            for share in &payment.shares {
                assert!(share.returned <= share.captured && share.captured <= share.amount);
            }
        }
    }
    for order in &world.model.orders {
        assert!(world.state.order(order.id).is_none_or(|known| known == order), "{order:?}");
    }
    for dispute in &world.model.disputes {
        assert!(world.state.dispute(dispute.id).is_none_or(|known| known == dispute), "{dispute:?}");
    }
    for payout in &world.model.payouts {
        assert!(world.state.payout(payout.id).is_none_or(|known| known == payout), "{payout:?}");
    }
    assert_eq!(
        world.state.open_payments().map(|payment| payment.id).collect::<BTreeSet<_>>(),
        world.model.payments.iter().filter(|payment| payment.is_open()).map(|payment| payment.id).collect()
    );
}

/// Each account holds what the things that it is for say.
fn accounts_say_what_they_are_for(state: &State, model: &support::model::Model) {
    let mut expected = BTreeMap::<Place, i128>::new();
    let mut add = |place: Place, amount: u64| *expected.entry(place).or_default() += i128::from(amount);
    for payment in state.open_payments() {
        add((account_code::WALLET_HOLD, payment.wallet.as_u128(), payment.currency), payment.capturable());
    }
    for dispute in state.open_disputes() {
        add((account_code::DISPUTED, 0, dispute.currency), dispute.amount.minor_units());
    }
    for payout in state.open_payouts() {
        add((account_code::PAYOUTS_IN_TRANSIT, 0, payout.currency), payout.amount.minor_units());
    }
    for (_, reserve) in state.reserves() {
        add((account_code::MERCHANT_RESERVE, reserve.merchant.as_u128(), reserve.currency), reserve.amount);
    }
    for settled in &model.purse.settlements {
        add((account_code::FEES, 0, settled.settlement.currency), settled.settlement.totals.fees);
    }
    for book in state.books() {
        let (_, pending) = state.account(book.pending).unwrap();
        let totals = book.window.map_or_else(Default::default, |window| window.totals);
        assert_eq!(totals.balance(), pending.available(), "the window's totals are what is pending: {book:?}");
        let known = &model.purse.books[&(book.merchant, book.currency)];
        let gathered = known.window.as_ref().map(|window| window.gathered.totals()).unwrap_or_default();
        assert_eq!((totals, book.settlements), (gathered, known.settlements));
        assert_eq!((i128::from(book.volume), book.month), (known.volume, known.month));
        let closes = known.window.as_ref().and_then(|window| window.closes);
        assert_eq!(book.window.and_then(|window| window.closes).map(|closes| (closes.at, closes.business_day)), closes);
        add((account_code::MERCHANT_PENDING, book.merchant.as_u128(), book.currency), totals.balance());
    }
    for (account, balance) in state.accounts() {
        use account_code::{DISPUTED, FEES, MERCHANT_PENDING, MERCHANT_RESERVE, PAYOUTS_IN_TRANSIT, WALLET_HOLD};
        let counted = [WALLET_HOLD, DISPUTED, PAYOUTS_IN_TRANSIT, MERCHANT_RESERVE, FEES, MERCHANT_PENDING];
        if counted.contains(&account.code) {
            let currency = Currency::from_numeric(u16::try_from(account.ledger).unwrap()).unwrap();
            let expected = expected.remove(&(account.code, account.owner, currency)).unwrap_or(0);
            assert_eq!(i128::from(balance.available()), expected, "{account:?}");
        }
    }
    expected.retain(|_, amount| *amount != 0);
    assert!(expected.is_empty(), "an account is missing: {expected:?}");
}

fn holds_true(world: &World) {
    same_holdings(world);
    same_things(world);
    accounts_say_what_they_are_for(&world.state, &world.model);
}

/// What no journal may say.
fn sound(journal: &[Record]) {
    let mut payment_of = BTreeMap::<u128, PaymentId>::new();
    let mut counters = BTreeMap::new();
    let mut transfers = BTreeSet::new();
    let mut now = UnixMillis(0);
    for record in journal {
        assert!(now <= record.at, "time never runs backwards");
        now = record.at;
        record.event.for_each_transfer(|transfer| assert!(transfers.insert(transfer.id), "a transfer's id is its own"));
        match &record.event {
            Event::PaymentMade(moved) => {
                let payment = &moved.what;
                let used = [Some(payment.tap.as_u128()), payment.order.map(ids::OrderId::as_u128)];
                for thing in used.into_iter().flatten() {
                    assert_eq!(payment_of.insert(thing, payment.id), None, "one payment for a tap, one for an order");
                }
            }
            Event::TapAccepted(tap) => {
                let before = counters.insert(tap.tag, tap.counter).unwrap_or(0);
                assert!(before < tap.counter, "a counter only grows");
            }
            Event::OrderCreated(_) | Event::PaymentSucceeded(_) => panic!("an old form is written"),
            _ => {}
        }
    }
}

/// Each entry of a pending account is in exactly one settlement, by its position, or waits in the open window; and the
/// settlement's totals are the sums of its entries.
fn each_entry_is_settled_once(state: &State, journal: &[Record]) {
    let pending: BTreeMap<AccountId, &MerchantBook> = state.books().map(|book| (book.pending, book)).collect();
    let mut entries = BTreeMap::<AccountId, Vec<(u64, i128, u16)>>::new();
    let mut settlements = BTreeMap::<AccountId, Vec<(u64, payments::Settlement)>>::new();
    for (record, position) in journal.iter().zip(1..) {
        record.event.for_each_transfer(|transfer| {
            let amount = i128::from(transfer.amount);
            for (account, amount) in [(transfer.debit_account_id, -amount), (transfer.credit_account_id, amount)] {
                let account = AccountId::from_u128(account);
                if pending.contains_key(&account) {
                    entries.entry(account).or_default().push((position, amount, transfer.code));
                }
            }
        });
        if let Event::SettlementClosed(moved) = &record.event {
            let book = pending
                .values()
                .find(|book| (book.merchant, book.currency) == (moved.what.merchant, moved.what.currency));
            settlements.entry(book.unwrap().pending).or_default().push((position, moved.what));
        }
    }
    for (account, book) in &pending {
        let settlements = settlements.remove(account).unwrap_or_default();
        let mut entries = entries.remove(account).unwrap_or_default();
        let mut before = 0;
        for ((position, settlement), number) in settlements.iter().zip(1..) {
            assert_eq!((settlement.number, settlement.after_position), (number, before), "no gap and no overlap");
            let (covered, later): (Vec<_>, _) = entries.into_iter().partition(|(at, ..)| at <= position);
            entries = later;
            assert_eq!(covered.iter().map(|(_, amount, _)| amount).sum::<i128>(), 0, "nothing is left: {settlement:?}");
            let sum = |codes: &[u16]| {
                covered.iter().filter(|(.., code)| codes.contains(code)).map(|(_, amount, _)| amount).sum::<i128>()
            };
            let totals = settlement.totals;
            assert_eq!(sum(&[transfer_code::PAYMENT, transfer_code::CAPTURE]), totals.gross.into());
            assert_eq!(sum(&[transfer_code::REFUND]), -i128::from(totals.refunded));
            assert_eq!(sum(&[transfer_code::DISPUTE]), -i128::from(totals.disputed));
            assert_eq!(sum(&[transfer_code::DISPUTE_WON]), totals.returned.into());
            let charged = i128::from(totals.fees - settlement.fees_from_elsewhere);
            assert_eq!(sum(&[transfer_code::FEES]), -charged);
            let (reserved, net) = (i128::from(settlement.reserved), i128::from(settlement.net));
            assert_eq!(i128::from(totals.balance()), charged + i128::from(settlement.debt_repaid) + reserved + net);
            assert!(journal[usize::try_from(*position).unwrap() - 1].at >= settlement.closed_at);
            before = *position;
        }
        assert_eq!(book.closed_position, before);
        let waiting = entries.iter().map(|(_, amount, _)| amount).sum::<i128>();
        assert_eq!(waiting, i128::from(book.window.map_or(0, |window| window.totals.balance())));
    }
}

fn is_about_memory(op: &Op) -> bool {
    matches!(op, Op::Store | Op::Forget | Op::Restart { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariants 1, 3, 4, 5 and 8, as long as everything is remembered.
    #[test]
    fn says_and_holds_what_the_model_does(ops in lives(200)) {
        let mut world = World::new();
        for op in ops.iter().filter(|op| !is_about_memory(op)) {
            world.live(op);
            holds_true(&world);
        }
        sound(&world.journal);
        each_entry_is_settled_once(&world.state, &world.journal);
        prop_assert_eq!(picture(&fold(&world.journal)), picture(&world.state));
    }

    /// Invariants 3 and 8: forgetting, recalling and starting again change no answer and no holding.
    #[test]
    fn what_was_forgotten_is_as_if_remembered(ops in lives(240)) {
        let mut world = World::new();
        for op in &ops {
            world.live(op);
            holds_true(&world);
        }
        sound(&world.journal);
        each_entry_is_settled_once(&world.state, &world.journal);
        prop_assert_eq!(picture(&fold(&world.journal)), picture(&world.state));
    }

    /// No entry is left out at a cut-off, and none is settled twice.
    #[test]
    fn bug_08_each_captured_payment_is_in_one_settlement_or_waits_for_one(ops in lives(300)) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        each_entry_is_settled_once(&world.state, &world.journal);
        // However many cut-offs pass: in the end all of it is settled, also what was held until then, but for those who
        // have no terms.
        for _ in 0..2 {
            world.live(&Op::Wait(400 * 86_400_000));
            world.live(&Op::Ask(support::world::Thing::Ticks, false));
        }
        each_entry_is_settled_once(&world.state, &world.journal);
        prop_assert!(world.state.books().all(|book| book.window.is_none_or(|window| window.closes.is_none())));
    }

    /// The journal's bytes carry everything that the fold needs.
    #[test]
    fn records_survive_their_encoding(ops in lives(100)) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        for record in &world.journal {
            let bytes = postcard::to_allocvec(record).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Record>(&bytes).unwrap(), record);
        }
    }
}

/// What happens seldom and must happen nevertheless.
fn rarities(event: &Event) -> Vec<(&'static str, bool)> {
    match event {
        Event::PaymentMade(moved) => vec![
            ("a payment with parts", moved.legs.len() > 1),
            ("a payment with a tip", moved.what.tip > 0),
            ("a payment with a fee", moved.what.fee > 0),
        ],
        Event::PaymentCaptured(moved) => vec![
            ("a further capture", moved.what.payment.captured > moved.what.capture.amount.minor_units()),
            ("a capture that gives the rest back", moved.what.capture.released > 0),
            ("an answer that was yes", moved.what.payment.held_until() <= Some(moved.what.capture.created_at)),
        ],
        Event::HoldReleased(moved) => vec![
            ("voided", moved.what.release.reason == ReleaseReason::Voided),
            ("expired", moved.what.release.reason == ReleaseReason::Expired),
            ("failed", moved.what.release.reason == ReleaseReason::Failed),
            ("released after a capture", moved.what.payment.captured > 0),
        ],
        Event::PaymentRefunded(moved) => vec![
            ("a refund from several accounts", moved.legs.len() > 1),
            ("a further refund", moved.what.payment.refunded > moved.what.refund.amount.minor_units()),
            ("a refund of a disputed payment", moved.what.payment.disputed > 0),
        ],
        Event::DisputeClosed(moved) => {
            let answered = moved.what.dispute.evidence.is_some();
            let won = matches!(moved.what.dispute.status, payments::DisputeStatus::Won { .. });
            vec![("won", won), ("lost", !won), ("lost though answered", answered && !won), ("unanswered", !answered)]
        }
        Event::SettlementClosed(moved) => vec![
            ("fees of a window", moved.what.totals.fees > 0),
            ("fees that are more than gathered", moved.what.fees_from_elsewhere > 0),
            ("a debt repaid", moved.what.debt_repaid > 0),
            ("a reserve", moved.what.reserved > 0),
            ("nothing left", moved.what.net == 0),
        ],
        Event::PayoutCreated(moved) => vec![
            ("a payout that somebody asked for", moved.what.settlement.is_none()),
            ("a payout of one who owes", moved.legs.len() > 1),
        ],
        _ => Vec::new(),
    }
}

/// The lives are worth living: each event and each refusal happens, many times over.
#[test]
fn the_lives_meet_every_rule() {
    let mut runner = TestRunner::deterministic();
    let (mut events, mut refusals) = (HashMap::<_, (u32, String)>::new(), BTreeMap::<_, u32>::new());
    let mut rare = BTreeMap::<_, u32>::new();
    for _ in 0..500 {
        let mut world = World::new();
        let ops = lives(240).new_tree(&mut runner).unwrap().current();
        ops.iter().for_each(|op| world.live(op));
        for record in &world.journal {
            let (count, _) = events
                .entry(std::mem::discriminant(&record.event))
                .or_insert_with(|| (0, format!("{:?}", record.event).chars().take(20).collect()));
            *count += 1;
            for (name, is_so) in rarities(&record.event) {
                *rare.entry(name).or_default() += u32::from(is_so);
            }
            if let Some(Outcome::Refused(rejection)) = record.event.outcome() {
                *refusals.entry(rejection.code()).or_default() += 1;
            }
        }
    }
    assert_eq!(events.len(), 28, "{events:?}");
    assert!(events.values().all(|(count, _)| *count >= 40), "{events:?}");
    // Not stored are `idempotency_conflict`, `nothing_to_pay` and `payout_closed`; whoever builds actions prevents
    // `splits_exceed_amount`, and nobody has `too_many` plans.
    assert_eq!(refusals.len(), 34, "{refusals:?}");
    assert!(rare.values().all(|count| *count > 0), "{rare:?}");
}
