//! Tables of every version, kept as SQL: every later build must open them for ever, or know how to bring them up to date.
//!
//! When the layout must change, its version goes up, these files stay, and opening them must work still (at the least by
//! making the tables anew from the journal).

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use store::tables::{SettlementFilter, StoredEvent, TablesError, TablesReader, TablesWriter};
use tempfile::tempdir;

use payments::{DisputeStatus, Event, OrderStatus, PaymentStatus, Record, Rejection, RequestKey};

use crate::story::{self, story};
use crate::support::{START, merchant, tag_id, wallet};
use crate::{fold, mark, store_next};

const VERSION_1: &str = include_str!("../golden/tables-v1.sql");
const VERSION_2: &str = include_str!("../golden/tables-v2.sql");

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
fn version_2_is_still_written_the_same() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let mut tables = TablesWriter::open(&file).unwrap();
    // In pieces, so that rows are changed as well as made.
    for piece in [30, 25, 5, usize::MAX / 2] {
        store_next(&mut tables, &story(), piece);
    }
    let written = dump(&file);
    assert!(written == VERSION_2, "the layout has changed:\n{written}");
}

#[test]
fn version_2_opens_and_is_continued() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    Connection::open(&file).unwrap().execute_batch(VERSION_2).unwrap();
    let mut tables = TablesWriter::open(&file).unwrap();
    let journal = story();
    assert_eq!(tables.mark(), mark(&journal, journal.len()));
    let (state, folded) = (tables.load_state().unwrap(), fold(&journal));
    assert_eq!(state.tag(tag_id(0)).unwrap().last_counter, 7);
    assert_eq!(state.open_orders().cloned().collect::<Vec<_>>(), [story::order(5)]);
    assert!(state.open_payments().eq(folded.open_payments()) && state.open_payments().count() == 1);
    assert!(state.due_payouts().eq(folded.due_payouts()) && state.due_payouts().count() == 1);
    assert!(state.reserves().eq(folded.reserves()) && state.reserves().count() == 1);
    assert_eq!((state.open_disputes().count(), state.open_payouts().count()), (1, 1));
    assert!(state.ledger().totals().values().all(|totals| totals.balanced() && totals.debits > 0));

    let reader = TablesReader::open(&file).unwrap();
    let request = reader.request(RequestKey([64; 16])).unwrap().unwrap();
    assert_eq!(request.1, payments::Outcome::Refused(Rejection::InsufficientFunds { available: 7 }));
    assert!(matches!(reader.order(story::order(1).id).unwrap().unwrap().status, OrderStatus::Paid { .. }));
    let doomed = reader.payment(story::payment(4).id).unwrap().unwrap();
    assert!(matches!(doomed.status, PaymentStatus::Failed { .. }));
    let disputes = reader.disputes(payments::Owner::Wallet(wallet(0)), false, None, 9).unwrap().items;
    let lost = disputes.iter().filter(|dispute| matches!(dispute.status, DisputeStatus::Lost { .. })).count();
    assert_eq!((disputes.len(), lost), (2, 1));
    let [newer, older] = &reader
        .settlements(&SettlementFilter { merchant: Some(merchant(0)), ..SettlementFilter::default() }, None, 9)
        .unwrap()
        .items[..]
    else {
        panic!("two")
    };
    assert_eq!((newer.payout, older.payout), (None, Some(story::payout(1).id)));
    let told = reader.events_after(merchant(0), 0, 99).unwrap();
    assert!(told.iter().any(|StoredEvent { event, .. }| matches!(event, Event::PaymentDeclined(_))), "{told:?}");

    let mut longer = journal.clone();
    longer.push(Record { at: START.plus(999), request: None, event: Event::OrderCancelled(story::order(5).id) });
    store_next(&mut tables, &longer, 1);
    let closed = reader.order(story::order(5).id).unwrap().unwrap();
    assert_eq!(closed.status, OrderStatus::Cancelled { at: START.plus(999) });
}

/// What version 1 said is in the journal, and can say more by now: its file goes, and a new one begins. Until then it
/// says how far the journal must go.
#[test]
fn version_1_is_made_anew() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    Connection::open(&file).unwrap().execute_batch(VERSION_1).unwrap();
    let old = std::fs::read(&file).unwrap();
    assert!(matches!(TablesReader::open(&file), Err(TablesError::OlderVersion { .. })));
    let known = TablesWriter::peek(&file).unwrap().unwrap();
    assert_eq!((known.frame.position, known.frame.hash.as_bytes()), (17, &[17; 32]));
    assert_eq!(std::fs::read(&file).unwrap(), old, "looking changes nothing");
    for left_over in ["tables.sqlite-wal", "tables.sqlite-shm"] {
        std::fs::write(folder.path().join(left_over), "of the old file").unwrap();
    }
    let mut tables = TablesWriter::open(&file).unwrap();
    assert_eq!(tables.mark().frame.position, 0);
    assert_eq!(tables.load_state().unwrap().accounts().count(), 0);
    for piece in [30, 25, 5, usize::MAX / 2] {
        store_next(&mut tables, &story(), piece);
    }
    drop(tables);
    assert!(dump(&file) == VERSION_2);
}

/// What version 1 was made of, made again by this version: the old forms of orders, deposits and payments.
#[test]
fn what_version_1_said_is_said_again() {
    let folder = tempdir().unwrap();
    let (old, new) = (folder.path().join("old.sqlite"), folder.path().join("new.sqlite"));
    Connection::open(&old).unwrap().execute_batch(VERSION_1).unwrap();
    let journal = story::of_version_1();
    let mut tables = TablesWriter::open(&new).unwrap();
    store_next(&mut tables, &journal, 10);
    store_next(&mut tables, &journal, 10);
    drop(tables);
    let (old, new) = (dump(&old), dump(&new));
    let rows = |sql: &str, table: &str| -> Vec<String> {
        let insert = format!("INSERT INTO {table} VALUES");
        sql.lines().filter(|line| line.starts_with(&insert)).map(str::to_owned).collect()
    };
    for table in ["mark", "accounts", "tags", "taps", "deposits", "requests"] {
        assert_eq!(rows(&new, table), rows(&old, table));
        assert!(!rows(&new, table).is_empty());
    }
    let begins_alike = |(new, old): (&String, &String)| new.starts_with(old.trim_end_matches(");"));
    for table in ["orders", "payments"] {
        let (new, old) = (rows(&new, table), rows(&old, table));
        assert!(new.len() == old.len() && new.iter().zip(&old).all(begins_alike), "{new:?}\n{old:?}");
    }
    assert_eq!(rows(&new, "entries").len(), rows(&old, "entries").len());
    // One book begins with the first payment, whose window nothing closes.
    assert_eq!((rows(&new, "books").len(), rows(&new, "events").len()), (1, 7));
}
