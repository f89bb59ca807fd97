//! Random histories, stored in random pieces.

use std::collections::BTreeMap;

use ids::{AccountId, MerchantId, WalletId};
use payments::{Event, Need, Order, OrderStatus, Owner, Payment, Record, State};
use proptest::prelude::*;
use store::tables::{HistoryEntry, Page, RowCounts, TablesReader, TablesWriter};
use tempfile::tempdir;

use crate::support::world::{MERCHANTS, TAGS, WALLETS, World, lives};
use crate::support::{merchant, tag_id, wallet};
use crate::{fold, store_next};

/// What may still change, in a fixed order.
fn picture(state: &State) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut accounts: Vec<_> = state.accounts().collect();
    accounts.sort_by_key(|(account, _)| account.id);
    let mut tags: Vec<_> = state.tags().map(|tag| (tag.tag.id, tag.tag, tag.last_counter, tag.waiting_order)).collect();
    tags.sort_by_key(|(id, ..)| *id);
    let orders: Vec<Order> = state.open_orders().cloned().collect();
    (state.position(), state.now(), accounts, tags, orders, state.next_expiry())
}

/// Every page of a list, each of `limit` items.
fn all<T, C>(limit: u32, ask: impl Fn(Option<C>, u32) -> Page<T>, cursor: impl Fn(&T) -> C) -> Vec<T> {
    let mut items = Vec::new();
    loop {
        let page = ask(items.last().map(&cursor), limit);
        assert!(page.items.len() <= limit as usize);
        assert!(!page.has_more || page.items.len() == limit as usize, "only the last page is short");
        items.extend(page.items);
        assert!(items.len() < 1_000, "the list goes round in circles");
        if !page.has_more {
            return items;
        }
    }
}

fn compare(reader: &TablesReader, world: &World, limit: u32) {
    let model = &world.model;
    for order in &model.orders {
        assert_eq!(reader.order(order.id).unwrap().as_ref(), Some(order));
    }
    for (tap, payment) in &model.taps {
        assert_eq!(reader.tap(tap.id).unwrap(), Some((*tap, *payment)));
    }
    for payment in &model.payments {
        assert_eq!(reader.payment(payment.id).unwrap().as_ref(), Some(payment));
    }
    for deposit in &model.deposits {
        assert_eq!(reader.deposit(deposit.id).unwrap(), Some(*deposit));
    }
    let mut requests = 0;
    for record in &world.journal {
        let Some(request) = record.request else { continue };
        requests += 1;
        let outcome = record.event.outcome().unwrap();
        assert_eq!(reader.request(request.key).unwrap(), Some((request.body, outcome)));
    }
    let expected = RowCounts {
        accounts: model.accounts.len() as u64,
        entries: 2 * (model.payments.len() + model.deposits.len()) as u64,
        tags: model.tags.len() as u64,
        orders: model.orders.len() as u64,
        taps: model.taps.len() as u64,
        payments: model.payments.len() as u64,
        deposits: model.deposits.len() as u64,
        requests,
    };
    assert_eq!(reader.row_counts().unwrap(), expected, "and nothing else");
    for index in 0..MERCHANTS {
        compare_merchant(reader, world, merchant(index), limit);
    }
    for index in 0..WALLETS {
        compare_wallet(reader, world, wallet(index), limit);
    }
    compare_tags(reader, world);
    reader.check_integrity().unwrap();
}

fn compare_tags(reader: &TablesReader, world: &World) {
    for index in 0..MERCHANTS {
        let mut expected: Vec<_> = world.model.tags.clone();
        expected.retain(|(tag, _)| tag.merchant == merchant(index));
        expected.sort_by_key(|(tag, _)| tag.id);
        assert_eq!(reader.tags(merchant(index)).unwrap(), expected);
    }
    assert!(reader.all_tags().unwrap().len() <= TAGS + 1);
}

fn compare_merchant(reader: &TablesReader, world: &World, id: MerchantId, limit: u32) {
    let mut expected: Vec<Order> = world.model.orders.clone();
    expected.retain(|order| order.merchant == id);
    expected.sort_by_key(|order| std::cmp::Reverse(order.id));
    let listed = |open| all(limit, |before, limit| reader.orders(id, open, before, limit).unwrap(), |order| order.id);
    assert_eq!(listed(false), expected);
    expected.retain(|order| order.status == OrderStatus::Open);
    assert_eq!(listed(true), expected);
    compare_payments(reader, world, Owner::Merchant(id), |payment| payment.merchant == id, limit);
}

fn compare_payments(reader: &TablesReader, world: &World, owner: Owner, theirs: impl Fn(&Payment) -> bool, limit: u32) {
    let mut expected: Vec<Payment> = world.model.payments.clone();
    expected.retain(theirs);
    expected.reverse();
    let ask = |before, limit| reader.payments(owner, before, limit).unwrap();
    assert_eq!(all(limit, ask, |payment: &Payment| payment.id), expected);
}

fn compare_wallet(reader: &TablesReader, world: &World, id: WalletId, limit: u32) {
    compare_payments(reader, world, Owner::Wallet(id), |payment| payment.wallet == id, limit);
    let ask = |before, limit| reader.history(id, before, limit).unwrap();
    let history = all(limit, ask, |entry: &HistoryEntry| entry.position);
    assert_eq!(history, expected_history(&world.journal, id));
    for (account, balance) in reader.accounts(Owner::Wallet(id)).unwrap() {
        let last = history.iter().find(|entry| u32::from(entry.currency.numeric()) == account.ledger);
        assert_eq!(last.map_or(0, |entry| entry.balance_after), balance.available());
    }
}

/// A wallet's account statement, newest first, from the journal alone.
fn expected_history(journal: &[Record], id: WalletId) -> Vec<HistoryEntry> {
    let mut balances = BTreeMap::new();
    let mut history = Vec::new();
    for (record, position) in journal.iter().zip(1..) {
        let (currency, amount, payment) = match &record.event {
            Event::DepositSucceeded(settled) if settled.what.wallet == id => {
                (settled.what.currency, settled.what.amount, None)
            }
            Event::PaymentSucceeded(settled) if settled.what.wallet == id => {
                (settled.what.currency, settled.what.amount, Some(settled.what.clone()))
            }
            _ => continue,
        };
        let balance = balances.entry(currency).or_insert(0_u64);
        let (credit, amount) = (payment.is_none(), amount.minor_units());
        *balance = if credit { *balance + amount } else { *balance - amount };
        let balance_after = *balance;
        history.push(HistoryEntry { position, currency, credit, amount, balance_after, payment, at: record.at });
    }
    history.reverse();
    history
}

/// Each entry is a side of a transfer, and an account's entries add up to its balance.
fn entries_add_up(reader: &TablesReader, journal: &[Record]) {
    let mut sums = BTreeMap::<AccountId, (u64, u64)>::new();
    for (record, position) in journal.iter().zip(1..) {
        let transfer = match &record.event {
            Event::DepositSucceeded(settled) => settled.transfer(),
            Event::PaymentSucceeded(settled) => settled.transfer(),
            _ => continue,
        };
        for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
            let account = AccountId::from_u128(account);
            let (debits, credits) = sums.entry(account).or_default();
            *(if credit { credits } else { debits }) += transfer.amount;
            let after = sums[&account].1.saturating_sub(sums[&account].0);
            assert_eq!(reader.entry(account, position).unwrap(), Some((credit, transfer.amount, after)));
        }
    }
    for (account, balance) in reader.all_accounts().unwrap() {
        let sums = sums.get(&account.id).copied().unwrap_or_default();
        assert_eq!((balance.debits_posted, balance.credits_posted), sums);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 8: tables equal state, whatever the pieces and however often the file is opened anew.
    #[test]
    fn invariant_08_tables_equal_state(
        ops in lives(200),
        pieces in proptest::collection::vec((1usize..40, any::<bool>()), 1..20),
        limit in 1u32..6,
    ) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        let folder = tempdir().unwrap();
        let file = folder.path().join("tables.sqlite");
        let mut tables = TablesWriter::open(&file).unwrap();
        for (count, reopen) in pieces.iter().cycle() {
            if tables.mark().frame.position == world.journal.len() as u64 {
                break;
            }
            store_next(&mut tables, &world.journal, *count);
            if *reopen {
                drop(tables);
                tables = TablesWriter::open(&file).unwrap();
            }
            let stored = usize::try_from(tables.mark().frame.position).unwrap();
            let mut loaded = tables.load_state().unwrap();
            prop_assert_eq!(picture(&loaded), picture(&fold(&world.journal[..stored])));
            world.journal[stored..].iter().for_each(|record| loaded.evolve(record));
            prop_assert_eq!(picture(&loaded), picture(&fold(&world.journal)));
        }
        let reader = TablesReader::open(&file).unwrap();
        prop_assert_eq!(reader.mark().unwrap(), crate::mark(&world.journal, world.journal.len()));
        compare(&reader, &world, limit);
        entries_add_up(&reader, &world.journal);
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut world = World::new();
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    store_next(&mut tables, &world.journal, usize::MAX / 2);
    world.store(usize::MAX);
    let reader = TablesReader::open(&file).unwrap();
    let needs = [
        Need::Request(payments::RequestKey([9; 16])),
        Need::Order(ids::OrderId::from_u128(9)),
        Need::Tap(ids::TapId::from_u128(9)),
        Need::Payment(ids::PaymentId::from_u128(9)),
        Need::Deposit(ids::DepositId::from_u128(9)),
    ];
    for need in needs {
        assert!(reader.recall(need).unwrap().is_none());
    }
    let (nobody, nothing) = (Owner::Merchant(MerchantId::from_u128(9)), Page { items: Vec::new(), has_more: false });
    assert_eq!(reader.payments(nobody, None, 10).unwrap(), nothing);
    assert!(reader.accounts(nobody).unwrap().is_empty());
    assert_eq!(reader.tags(merchant(0)).unwrap()[0].0.id, tag_id(0));
}

/// A list that is asked to go on after something that is not in it has ended: it must not begin anew.
#[test]
fn a_cursor_that_names_nothing_ends_the_list() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut world = World::new();
    while world.model.payments.is_empty() {
        let ops = proptest::strategy::ValueTree::current(&lives(100).new_tree(&mut runner).unwrap());
        ops.iter().for_each(|op| world.live(op));
    }
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    store_next(&mut tables, &world.journal, usize::MAX / 2);
    let reader = TablesReader::open(&file).unwrap();
    let owner = Owner::Merchant(world.model.payments[0].merchant);
    assert!(!reader.payments(owner, None, 10).unwrap().items.is_empty());
    assert!(reader.payments(owner, Some(ids::PaymentId::from_u128(9)), 10).unwrap().items.is_empty());
}

/// All or nothing: a record that cannot be stored leaves the tables at the mark before it.
#[test]
fn a_piece_that_fails_changes_nothing() {
    let world = World::new();
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    store_next(&mut tables, &world.journal, 3);
    let before = tables.mark();
    // The same account twice: no journal says so.
    let twice = [&world.journal[3], &world.journal[3]];
    let mut after = before;
    after.frame.position += 2;
    tables.apply(&twice, after).unwrap_err();
    assert_eq!(tables.mark(), before);
    let reader = TablesReader::open(&file).unwrap();
    assert_eq!((reader.mark().unwrap(), reader.row_counts().unwrap().accounts), (before, 3));
    store_next(&mut tables, &world.journal, 1);
    assert_eq!(reader.row_counts().unwrap().accounts, 4);
}
