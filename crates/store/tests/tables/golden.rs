//! Tables of version 1, kept as SQL: every later build must open them for ever, or know how to bring them up to date.
//!
//! When the layout must change, its version goes up, this file stays, and opening it must work still (at the least by
//! making the tables anew from the journal).

use std::fmt::Write as _;
use std::path::Path;

use ids::{AccountId, DepositId, OrderId, PaymentId, TapId};
use payments::{
    BodyDigest, Deposit, Event, Order, OrderStatus, Outcome, Owner, Payment, Record, Rejection, Request, RequestKey,
    Settled, TagMode, Tap, Text, account_code,
};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use store::tables::{TablesReader, TablesWriter};
use tempfile::tempdir;

use crate::support::{START, account, amount, cny, currency, merchant, registered, tag_id, wallet};
use crate::{mark, store_next};

const GOLDEN: &str = include_str!("../golden/tables-v1.sql");

fn order(number: u128) -> Order {
    Order {
        id: OrderId::from_parts(START.0, number),
        merchant: merchant(0),
        tag: tag_id(0),
        currency: cny(),
        amount: (number % 2 == 1).then(|| amount(1_250)),
        description: Some(Text::try_from("it's 两碗面".to_owned()).unwrap()),
        reference: None,
        created_at: START,
        expires_at: START.plus(900_000),
        status: OrderStatus::Open,
    }
}

fn tap(number: u32, order: Option<OrderId>) -> Tap {
    Tap {
        id: TapId::from_parts(START.0, number.into()),
        wallet: wallet(0),
        tag: tag_id(0),
        merchant: merchant(0),
        counter: number,
        order,
        currency: cny(),
        created_at: START,
    }
}

/// A day in the life of a platform: of everything there is, one that is over and one that is not.
fn story() -> Vec<Record> {
    let accounts = [
        account(1, account_code::FLOAT, Owner::Platform, cny()),
        account(2, account_code::WALLET, Owner::Wallet(wallet(0)), cny()),
        account(3, account_code::MERCHANT_PENDING, Owner::Merchant(merchant(0)), cny()),
    ];
    let [float, purse, pending] = accounts.map(|account| account.id);
    let settled = |what, debit_account: AccountId, credit_account| Settled { what, debit_account, credit_account };
    let deposit = Deposit {
        id: DepositId::from_parts(START.0, 1),
        wallet: wallet(0),
        currency: cny(),
        amount: amount(i64::MAX.unsigned_abs()),
        created_at: START,
    };
    let payment = Payment {
        id: PaymentId::from_parts(START.0, 1),
        wallet: wallet(0),
        merchant: merchant(0),
        tag: tag_id(0),
        tap: tap(1, None).id,
        order: Some(order(1).id),
        description: order(1).description,
        currency: cny(),
        amount: amount(1_250),
        created_at: START,
    };
    let events = [
        Event::AccountOpened(accounts[0]),
        Event::AccountOpened(accounts[1]),
        Event::AccountOpened(accounts[2]),
        Event::TagRegistered(registered(0, merchant(0), TagMode::Till, cny())),
        Event::TagRegistered(registered(1, merchant(1), TagMode::Standing, currency("JPY"))),
        Event::DepositSucceeded(Settled { what: deposit, debit_account: float, credit_account: purse }),
        Event::OrderCreated(order(1)),
        Event::TapAccepted(tap(1, Some(order(1).id))),
        Event::PaymentSucceeded(settled(payment, purse, pending)),
        Event::OrderCreated(order(2)),
        Event::OrderCancelled(order(2).id),
        Event::OrderCreated(order(3)),
        Event::OrderExpired(order(3).id),
        Event::OrderCreated(order(4)),
        Event::TapAccepted(tap(2, Some(order(4).id))),
        Event::RequestRefused(Rejection::InsufficientFunds { available: 7 }),
        Event::RequestAnswered(Outcome::OrderCancelled(order(2).id)),
    ];
    let records = events.into_iter().zip(1u8..).map(|(event, number)| {
        let request = Request { key: RequestKey([number; 16]), body: BodyDigest([0xff - number; 16]) };
        let request = event.outcome().map(|_| request);
        Record { at: START.plus(number.into()), request, event }
    });
    records.collect()
}

/// The whole file as SQL, in a fixed order.
fn dump(file: &Path) -> String {
    let database = Connection::open(file).unwrap();
    let mut sql = String::new();
    for pragma in ["application_id", "user_version"] {
        let value: i64 = database.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        writeln!(sql, "PRAGMA {pragma} = {value};").unwrap();
    }
    let mut schema =
        database.prepare("SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
    let mut rows = schema.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (name, kind, create): (String, String, String) =
            (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        writeln!(sql, "{create};").unwrap();
        if kind == "table" {
            dump_rows(&database, &name, &mut sql);
        }
    }
    sql
}

fn dump_rows(database: &Connection, table: &str, sql: &mut String) {
    let mut select = database.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
    let columns = select.column_count();
    let mut rows = select.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let values: Vec<String> = (0..columns).map(|column| literal(row.get_ref(column).unwrap())).collect();
        writeln!(sql, "INSERT INTO {table} VALUES ({});", values.join(", ")).unwrap();
    }
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(_) => panic!("no floats"),
        ValueRef::Text(text) => format!("'{}'", std::str::from_utf8(text).unwrap().replace('\'', "''")),
        ValueRef::Blob(bytes) => bytes.iter().fold("x'".to_owned(), |text, byte| format!("{text}{byte:02x}")) + "'",
    }
}

#[test]
fn version_1_is_still_written_the_same() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    // In two pieces, so that rows are changed as well as made.
    store_next(&mut tables, &story(), 10);
    store_next(&mut tables, &story(), 10);
    let written = dump(&file);
    assert!(written == GOLDEN, "the layout has changed:\n{written}");
}

#[test]
fn version_1_opens_and_is_continued() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    Connection::open(&file).unwrap().execute_batch(GOLDEN).unwrap();
    let mut tables = TablesWriter::open(&file).unwrap();
    assert_eq!(tables.mark(), mark(&story(), story().len()));
    let state = tables.load_state().unwrap();
    assert_eq!(state.tag(tag_id(0)).unwrap().last_counter, 2);
    assert_eq!(state.open_orders().cloned().collect::<Vec<_>>(), [order(4)]);
    assert!(state.ledger().totals().values().all(|totals| totals.balanced() && totals.debits > 0));
    let reader = TablesReader::open(&file).unwrap();
    let request = reader.request(RequestKey([16; 16])).unwrap();
    let refused = Outcome::Refused(Rejection::InsufficientFunds { available: 7 });
    assert_eq!(request, Some((BodyDigest([0xff - 16; 16]), refused)));
    let at = START.plus(9);
    let paid = OrderStatus::Paid { payment: PaymentId::from_parts(START.0, 1), amount: amount(1_250), at };
    assert_eq!(reader.order(order(1).id).unwrap(), Some(Order { status: paid, ..order(1) }));
    let history = reader.history(wallet(0), None, 10).unwrap().items;
    let left = i64::MAX.unsigned_abs() - 1_250;
    assert_eq!(history.iter().map(|entry| entry.balance_after).collect::<Vec<_>>(), [left, left + 1_250]);
    let mut longer = story();
    longer.push(Record { at: START.plus(99), request: None, event: Event::OrderCancelled(order(4).id) });
    store_next(&mut tables, &longer, 1);
    assert_eq!(reader.order(order(4).id).unwrap().unwrap().status, OrderStatus::Cancelled { at: START.plus(99) });
}
