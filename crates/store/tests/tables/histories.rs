//! Random histories, stored in random pieces.

use std::fmt::Debug;

use ids::{AccountId, MerchantId, OrderId, PaymentId, WalletId};
use payments::{Event, Need, Order, Owner, Payment, Record, State, transfer_code};
use proptest::prelude::*;
use store::tables::{
    Cause, Entry, EventFilter, EventKind, HistoryEntry, OrderStatusFilter, Page, SettledPayout, TablesReader,
    TablesWriter,
};
use store::tables::{
    PayoutFilter, PayoutStatusFilter, RefundFilter, SettlementFilter, Span, StatementEntry, StoredEvent,
};
use tempfile::tempdir;

use crate::lists::{Line, Lists};
use crate::support::world::{MERCHANTS, WALLETS, World, lives};
use crate::support::{merchant, tag_id, wallet};
use crate::{fold, store_next};

/// All that may still change, in a fixed order.
fn picture(state: &State) -> Vec<String> {
    fn sorted<T: Debug>(what: &str, things: impl Iterator<Item = T>) -> Vec<String> {
        let mut all: Vec<String> = things.map(|thing| format!("{what} {thing:?}")).collect();
        all.sort_unstable();
        all
    }
    fn in_order<T: Debug>(what: &str, things: impl Iterator<Item = T>) -> Vec<String> {
        things.map(|thing| format!("{what} {thing:?}")).collect()
    }
    let tags = state.tags().map(|tag| (tag.tag, tag.last_counter, tag.waiting_order));
    [
        vec![format!("{} {:?} {:?}", state.position(), state.now(), state.next_due())],
        sorted("account", state.accounts()),
        sorted("tag", tags),
        sorted("merchant", state.merchants()),
        sorted("book", state.books()),
        in_order("open order", state.open_orders()),
        in_order("held order", state.held_orders()),
        in_order("open payment", state.open_payments()),
        sorted("open dispute", state.open_disputes()),
        sorted("open payout", state.open_payouts()),
        in_order("due payout", state.due_payouts()),
        in_order("reserve", state.reserves()),
    ]
    .concat()
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

/// The things of which this is true, the greatest key first.
fn newest_first<T: Clone, K: Ord>(things: &[T], of: impl Fn(&T) -> bool, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut chosen: Vec<T> = things.iter().filter(|thing| of(thing)).cloned().collect();
    chosen.sort_by_key(|thing| std::cmp::Reverse(key(thing)));
    chosen
}

fn compare(reader: &TablesReader, journal: &[Record], limit: u32) {
    let (lists, state) = (Lists::of(journal), fold(journal));
    compare_rows(reader, &lists);
    let counts = lists.counts(state.merchants().count(), state.books().count());
    assert_eq!(reader.row_counts().unwrap(), counts, "and nothing else");
    for id in (0..MERCHANTS).map(merchant) {
        compare_merchant(reader, &lists, id, limit);
        compare_events(reader, &lists, id, limit);
        compare_settlements(reader, &lists, &state, id, limit);
    }
    for id in (0..WALLETS).map(wallet) {
        compare_wallet(reader, &lists, id, limit);
    }
    compare_platform(reader, &lists, limit);
    reader.check_integrity().unwrap();
}

/// Each thing by its name.
fn compare_rows(reader: &TablesReader, lists: &Lists) {
    for order in &lists.orders {
        assert_eq!(reader.order(order.id).unwrap().as_ref(), Some(order));
        if let Some(key) = order.details.as_ref().and_then(|details| details.reference_key) {
            assert_eq!(reader.order_of_reference(key).unwrap().as_ref(), Some(order));
        }
    }
    for (tap, payment) in &lists.taps {
        assert_eq!(reader.tap(tap.id).unwrap(), Some((*tap, *payment)));
    }
    for payment in &lists.payments {
        assert_eq!(reader.payment(payment.id).unwrap().as_ref(), Some(payment));
        let mut captures = lists.captures.clone();
        captures.retain(|capture| capture.payment == payment.id);
        captures.sort_by_key(|capture| std::cmp::Reverse(capture.id));
        let ask = |before, limit| reader.captures_of(payment.id, before, limit).unwrap();
        assert_eq!(all(2, ask, |capture| capture.id), captures);
    }
    for (what, found) in [
        ("captures", lists.captures.iter().all(|it| reader.capture(it.id).unwrap().as_ref() == Some(it))),
        ("refunds", lists.refunds.iter().all(|it| reader.refund(it.id).unwrap().as_ref() == Some(it))),
        ("disputes", lists.disputes.iter().all(|it| reader.dispute(it.id).unwrap().as_ref() == Some(it))),
        ("payouts", lists.payouts.iter().all(|it| reader.payout(it.id).unwrap().as_ref() == Some(it))),
        ("deposits", lists.deposits.iter().all(|it| reader.deposit(it.id).unwrap().as_ref() == Some(it))),
        ("settlements", lists.settlements.iter().all(|it| reader.settlement(it.settlement.id).unwrap() == Some(*it))),
    ] {
        assert!(found, "{what}");
    }
    for (request, outcome) in &lists.requests {
        assert_eq!(reader.request(request.key).unwrap(), Some((request.body, outcome.clone())));
    }
    for line in &lists.entries {
        let &Line { account, position, leg, credit, amount, balance_after, at, code, payment, object } = line;
        let cause = Cause { payment, object };
        let entry = Entry { position, leg, credit, amount, balance_after, at, code, cause };
        assert_eq!(reader.entry(account, position, leg).unwrap(), Some(entry));
    }
    for (account, balance) in reader.all_accounts().unwrap() {
        assert_eq!((account, balance.debits_posted, balance.credits_posted), lists.accounts[&account.id]);
    }
}

fn compare_merchant(reader: &TablesReader, lists: &Lists, id: MerchantId, limit: u32) {
    let mut tags: Vec<_> = lists.tags.iter().copied().filter(|(tag, _)| tag.merchant == id).collect();
    tags.sort_by_key(|(tag, _)| tag.id);
    assert_eq!(reader.tags(id).unwrap(), tags);

    use OrderStatusFilter as Filter;
    let filters = [Filter::Open, Filter::Paid, Filter::Cancelled, Filter::Expired, Filter::Held].map(Some);
    for filter in filters.into_iter().chain([None]) {
        let passes = |order: &Order| filter.is_none_or(|filter| filter == Filter::of(order.status));
        let expected = newest_first(&lists.orders, |order| order.merchant == id && passes(order), |order| order.id);
        let ask = |before, limit| reader.orders(id, filter, before, limit).unwrap();
        assert_eq!(all(limit, ask, |order: &Order| order.id), expected, "{filter:?}");
    }
    compare_payments(reader, lists, Owner::Merchant(id), |payment| payment.merchant == id, limit);

    let refunds = newest_first(&lists.refunds, |refund| refund.merchant == id, |refund| refund.id);
    let ask = |before, limit| reader.list_refunds(id, &RefundFilter::default(), before, limit).unwrap();
    assert_eq!(all(limit, ask, |refund| refund.id), refunds);
    for payment in &lists.payments {
        let theirs = payment.merchant == id;
        let refunds = newest_first(&lists.refunds, |refund| theirs && refund.payment == payment.id, |it| it.id);
        let filter = RefundFilter { payment: Some(payment.id), ..RefundFilter::default() };
        let ask = |before, limit| reader.list_refunds(id, &filter, before, limit).unwrap();
        assert_eq!(all(limit, ask, |refund| refund.id), refunds);
    }
    compare_disputes(reader, lists, Owner::Merchant(id), limit);
    compare_payouts(reader, lists, Some(id), limit);
}

fn compare_payments(reader: &TablesReader, lists: &Lists, owner: Owner, of: impl Fn(&Payment) -> bool, limit: u32) {
    let mut expected = lists.payments.clone();
    expected.retain(of);
    expected.reverse();
    let ask = |before, limit| reader.payments(owner, before, limit).unwrap();
    assert_eq!(all(limit, ask, |payment: &Payment| payment.id), expected, "{owner:?}");
}

fn compare_disputes(reader: &TablesReader, lists: &Lists, owner: Owner, limit: u32) {
    for open_only in [false, true] {
        let theirs = |dispute: &payments::Dispute| match owner {
            Owner::Platform => true,
            Owner::Wallet(id) => dispute.wallet == id,
            Owner::Merchant(id) => dispute.merchant == id,
        };
        let shown = |dispute: &payments::Dispute| theirs(dispute) && (dispute.is_open() || !open_only);
        let expected = newest_first(&lists.disputes, shown, |dispute| dispute.id);
        let ask = |before, limit| reader.disputes(owner, open_only, before, limit).unwrap();
        assert_eq!(all(limit, ask, |dispute| dispute.id), expected, "{owner:?}");
    }
}

fn compare_payouts(reader: &TablesReader, lists: &Lists, of: Option<MerchantId>, limit: u32) {
    for status in [None, Some(PayoutStatusFilter::Created), Some(PayoutStatusFilter::Paid)] {
        let theirs = |payout: &payments::Payout| of.is_none_or(|id| payout.merchant == id);
        let stands = |payout: &payments::Payout| match status {
            None => true,
            Some(PayoutStatusFilter::Paid) => matches!(payout.status, payments::PayoutStatus::Paid { .. }),
            Some(_) => payout.status == payments::PayoutStatus::Created,
        };
        let expected = newest_first(&lists.payouts, |payout| theirs(payout) && stands(payout), |payout| payout.id);
        let filter = PayoutFilter { merchant: of, status, ..PayoutFilter::default() };
        let ask = |before, limit| reader.payouts(&filter, before, limit).unwrap();
        assert_eq!(all(limit, ask, |payout: &payments::Payout| payout.id), expected);
    }
}

fn compare_wallet(reader: &TablesReader, lists: &Lists, id: WalletId, limit: u32) {
    compare_payments(reader, lists, Owner::Wallet(id), |payment| payment.wallet == id, limit);
    compare_disputes(reader, lists, Owner::Wallet(id), limit);
    let ask = |before, limit| reader.history(id, before, limit).unwrap();
    let history = all(limit, ask, |entry: &HistoryEntry| entry.position);
    assert_eq!(history, lists.history(id));
    for (account, balance) in reader.accounts(Owner::Wallet(id)).unwrap() {
        let last = history.iter().find(|entry| u32::from(entry.currency.numeric()) == account.ledger);
        if account.code == payments::account_code::WALLET {
            assert_eq!(last.map_or(0, |entry| entry.balance_after), balance.available());
        }
    }
}

fn compare_platform(reader: &TablesReader, lists: &Lists, limit: u32) {
    compare_disputes(reader, lists, Owner::Platform, limit);
    compare_payouts(reader, lists, None, limit);
    let expected = newest_first(&lists.settlements, |_| true, |row| row.settlement.id);
    let ask = |before, limit| reader.settlements(&SettlementFilter::default(), before, limit).unwrap();
    assert_eq!(all(limit, ask, |row: &SettledPayout| row.settlement.id), expected);
    let mut followed: Vec<SettledPayout> = Vec::new();
    loop {
        let after = followed.last().map_or(0, |row| row.position);
        let more = reader.settlements_after(after, limit).unwrap();
        if more.is_empty() {
            break;
        }
        followed.extend(more);
    }
    assert_eq!(followed, lists.settlements);
}

/// What a merchant was told: whole, by any cursor, and filtered by kind.
fn compare_events(reader: &TablesReader, lists: &Lists, id: MerchantId, limit: u32) {
    let told = lists.told(id);
    let mut followed: Vec<StoredEvent> = Vec::new();
    loop {
        let after = followed.last().map_or(0, |event| event.position);
        let more = reader.events_after(id, after, limit).unwrap();
        if more.is_empty() {
            break;
        }
        followed.extend(more);
    }
    assert_eq!(followed, told);
    let mut kinds: Vec<Vec<EventKind>> = EventKind::ALL.iter().map(|kind| vec![*kind]).collect();
    kinds.extend([vec![], vec![EventKind::OrderExpired, EventKind::PayoutCreated, EventKind::OrderCancelled]]);
    kinds.push(vec![EventKind::PaymentMade, EventKind::PaymentRefunded, EventKind::SettlementClosed]);
    for kinds in kinds {
        compare_events_of(reader, &told, id, &EventFilter { kinds, created: Span::default() }, limit);
    }
    let moments: Vec<_> = told.iter().flat_map(|event| [event.at, event.at.plus(1)]).map(Some).collect();
    for (index, after) in moments.iter().enumerate().step_by(3) {
        for before in [None, moments.get(index * 2 % moments.len()).copied().flatten()] {
            let filter = EventFilter { kinds: Vec::new(), created: Span { after: *after, before } };
            compare_events_of(reader, &told, id, &filter, limit);
        }
    }
    for position in 0..=lists.position + 1 {
        let expected = told.iter().find(|event| event.position == position);
        assert_eq!(reader.event(id, position).unwrap().as_ref(), expected);
    }
}

fn compare_events_of(reader: &TablesReader, told: &[StoredEvent], id: MerchantId, filter: &EventFilter, limit: u32) {
    let EventFilter { kinds, created } = filter;
    let passes = |event: &&StoredEvent| {
        (kinds.is_empty() || kinds.contains(&event.kind))
            && created.after.is_none_or(|after| event.at >= after)
            && created.before.is_none_or(|before| event.at < before)
    };
    let expected: Vec<StoredEvent> = told.iter().rev().filter(passes).cloned().collect();
    let ask = |before, limit| reader.list_events(id, filter, before, limit).unwrap();
    assert_eq!(all(limit, ask, |event: &StoredEvent| event.position), expected, "{filter:?}");
}

fn compare_settlements(reader: &TablesReader, lists: &Lists, state: &State, id: MerchantId, limit: u32) {
    let expected = newest_first(&lists.settlements, |row| row.settlement.merchant == id, |row| row.settlement.id);
    let filter = SettlementFilter { merchant: Some(id), ..SettlementFilter::default() };
    let ask = |before, limit| reader.settlements(&filter, before, limit).unwrap();
    assert_eq!(all(limit, ask, |row: &SettledPayout| row.settlement.id), expected);

    let mut books: Vec<_> = state.books().filter(|book| book.merchant == id).cloned().collect();
    books.sort_by_key(|book| book.currency.numeric());
    assert_eq!(reader.books(id).unwrap(), books);
    assert_eq!(reader.merchant(id).unwrap().as_ref(), state.merchant(id));
    for book in books {
        let rows: Vec<_> = lists.settled(id, book.currency).copied().collect();
        assert_eq!(rows.len() as u64, book.settlements);
        let mut settled = Vec::new();
        for row in &rows {
            settled.extend(compare_statement(reader, lists, row, book.pending, limit));
        }
        let closings: Vec<u64> = rows.iter().map(|row| row.position).collect();
        let mut expected = lists.entries.clone();
        expected.retain(|line| line.account == book.pending && line.position < book.closed_position);
        expected.retain(|line| !closings.contains(&line.position));
        let expected: Vec<_> = expected.iter().map(|line| (line.position, line.leg)).collect();
        assert_eq!(settled, expected, "each line is in one settlement");
    }
}

/// A settlement's lines by pages; they add up to what the settlement says.
fn compare_statement(
    reader: &TablesReader,
    lists: &Lists,
    row: &SettledPayout,
    pending: AccountId,
    limit: u32,
) -> Vec<(u64, u32)> {
    let mut lines: Vec<StatementEntry> = Vec::new();
    loop {
        let after = lines.last().map(|line| (line.position, line.leg));
        let more = reader.statement(row, pending, after, limit).unwrap();
        if more.is_empty() {
            break;
        }
        lines.extend(more);
    }
    assert_eq!(lines, lists.statement(row, pending));
    let totals = row.settlement.totals;
    let of = |wanted: &[u16]| {
        let chosen = lines.iter().filter(|line| wanted.contains(&line.code));
        chosen.fold((0, 0), |(count, sum), line| (count + 1, sum + line.amount))
    };
    assert_eq!(of(&[transfer_code::PAYMENT, transfer_code::CAPTURE]), (totals.payments, totals.gross));
    assert_eq!(of(&[transfer_code::REFUND]), (totals.refunds, totals.refunded));
    assert_eq!(of(&[transfer_code::DISPUTE]), (totals.disputes, totals.disputed));
    assert_eq!(of(&[transfer_code::DISPUTE_WON]), (totals.returns, totals.returned));
    assert_eq!(lines.iter().map(|line| line.fee).sum::<u64>(), totals.fees, "{:?}", row.settlement);
    lines.iter().map(|line| (line.position, line.leg)).collect()
}

/// Whatever can be needed again is there as it was stored.
fn compare_recalls(reader: &TablesReader, world: &World) {
    let lists = Lists::of(&world.journal);
    let references = lists.orders.iter().filter_map(|order| order.details.as_ref()?.reference_key);
    let needs = [
        lists.requests.iter().map(|(request, _)| Need::Request(request.key)).collect::<Vec<_>>(),
        lists.orders.iter().map(|order| Need::Order(order.id)).collect(),
        references.map(Need::Reference).collect(),
        lists.taps.iter().map(|(tap, _)| Need::Tap(tap.id)).collect(),
        lists.payments.iter().map(|payment| Need::Payment(payment.id)).collect(),
        lists.captures.iter().map(|capture| Need::Capture(capture.id)).collect(),
        lists.refunds.iter().map(|refund| Need::Refund(refund.id)).collect(),
        lists.disputes.iter().map(|dispute| Need::Dispute(dispute.id)).collect(),
        lists.payout_ids().map(Need::Payout).collect(),
        lists.deposits.iter().map(|deposit| Need::Deposit(deposit.id)).collect(),
    ];
    for need in needs.concat() {
        let (found, expected) = (reader.recall(need).unwrap(), world.table.recall(need));
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{need:?}");
        assert!(expected.is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 8: tables equal state, whatever the pieces and however often the file is opened anew.
    #[test]
    fn invariant_08_tables_equal_state(
        ops in lives(250),
        pieces in proptest::collection::vec((1usize..40, any::<bool>()), 1..20),
        limit in 1u32..6,
    ) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        world.store(usize::MAX);
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
        compare(&reader, &world.journal, limit);
        compare_recalls(&reader, &world);
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
        Need::Order(OrderId::from_u128(9)),
        Need::Reference(payments::ReferenceKey([9; 16])),
        Need::Tap(ids::TapId::from_u128(9)),
        Need::Payment(PaymentId::from_u128(9)),
        Need::Capture(ids::CaptureId::from_u128(9)),
        Need::Refund(ids::RefundId::from_u128(9)),
        Need::Dispute(ids::DisputeId::from_u128(9)),
        Need::Payout(ids::PayoutId::from_u128(9)),
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
    let paid = |world: &World| Lists::of(&world.journal).payments.first().map(|payment| payment.merchant);
    while paid(&world).is_none() {
        let ops = proptest::strategy::ValueTree::current(&lives(100).new_tree(&mut runner).unwrap());
        ops.iter().for_each(|op| world.live(op));
    }
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    store_next(&mut tables, &world.journal, usize::MAX / 2);
    let reader = TablesReader::open(&file).unwrap();
    let owner = Owner::Merchant(paid(&world).unwrap());
    assert!(!reader.payments(owner, None, 10).unwrap().items.is_empty());
    assert!(reader.payments(owner, Some(PaymentId::from_u128(9)), 10).unwrap().items.is_empty());
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

/// What gathers is counted from what is stored: a batch that could not be written, and the trying again, count nothing
/// twice. Somebody else holds the lock, the disk says no, or a record cannot be stored: it is all one.
#[test]
fn a_batch_that_could_not_be_written_counts_nothing_twice() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let ops = proptest::strategy::ValueTree::current(&lives(250).new_tree(&mut runner).unwrap());
    let mut world = World::new();
    ops.iter().for_each(|op| world.live(op));
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    let mut tried = 0;
    while tables.mark().frame.position < world.journal.len() as u64 {
        let from = usize::try_from(tables.mark().frame.position).unwrap();
        let to = world.journal.len().min(from + 4);
        let mut records: Vec<&Record> = world.journal[from..to].iter().collect();
        let mut after = crate::mark(&world.journal, to);
        tried += 1;
        // Waiting for a lock takes its time.
        if tried % 12 == 1 {
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            tables.apply(&records, after).unwrap_err();
            other.execute_batch("ROLLBACK").unwrap();
        } else {
            // An account that is there already.
            records.push(&world.journal[0]);
            after.frame.position += 1;
            tables.apply(&records, after).unwrap_err();
        }
        store_next(&mut tables, &world.journal, 4);
        assert_eq!(picture(&tables.load_state().unwrap()), picture(&fold(&world.journal[..to])));
    }
    assert!(tried > 10, "{tried}");
    compare(&TablesReader::open(&file).unwrap(), &world.journal, 3);
}

/// The histories are worth storing: each kind of row and each thing that merchants are told is among them.
#[test]
fn the_histories_have_something_of_everything() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut kinds = std::collections::BTreeSet::new();
    let (mut shared, mut paged) = (0, 0);
    for _ in 0..24 {
        let mut world = World::new();
        let ops = proptest::strategy::ValueTree::current(&lives(250).new_tree(&mut runner).unwrap());
        ops.iter().for_each(|op| world.live(op));
        let lists = Lists::of(&world.journal);
        kinds.extend(lists.events.iter().map(|(_, said)| said.kind));
        shared += lists.payments.iter().filter(|payment| payment.shares.len() > 1).count();
        paged += lists.settlements.len();
        let declined = |record: &Record| matches!(record.event, Event::PaymentDeclined(_));
        kinds.extend(world.journal.iter().any(declined).then_some(EventKind::PaymentDeclined));
    }
    assert_eq!(kinds.len(), EventKind::ALL.len(), "{kinds:?}");
    assert!(shared > 5 && paged > 20, "{shared} {paged}");
}
