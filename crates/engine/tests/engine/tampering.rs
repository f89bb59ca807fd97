//! Tables that somebody has changed: whatever it is, and however little, verifying finds it.

use std::num::NonZeroU32;
use std::path::Path;

use journal::{FrameBuffer, Journal, JournalId, WriterOptions};
use payments::Record;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use crate::bench::{Watch, open};
use crate::support::world::{World, lives};

/// Writes records as a journal, so many in a frame.
pub(crate) fn write_journal(folder: &Path, records: &[Record], in_a_frame: usize) {
    std::fs::create_dir_all(folder).unwrap();
    let journal = Journal::new(folder.join("journal"));
    let (mut writer, _) = journal.writer(WriterOptions::new(JournalId::from_bytes([7; 16]))).unwrap();
    for records in records.chunks(in_a_frame) {
        let mut frame = FrameBuffer::new();
        records.iter().for_each(|record| store::records::encode(record, &mut frame));
        let count = NonZeroU32::new(u32::try_from(records.len()).unwrap()).unwrap();
        writer.append(count, &mut frame).unwrap();
    }
}

/// A platform that has lived this life, closed. Nothing is decided when it opens.
fn lived(records: &[Record]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_journal(folder.path(), records, 7);
    let mut tables = store::tables::TablesWriter::open(&folder.path().join("tables.sqlite")).unwrap();
    let mut reader = Journal::new(folder.path().join("journal")).reader().unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        let records = store::records::decode(frame.payload, frame.count.get()).unwrap();
        let time = records.last().unwrap().at;
        let mark = store::tables::Mark { frame: frame.anchor(), time };
        tables.apply(&records.iter().collect::<Vec<_>>(), mark).unwrap();
    }
    folder
}

/// A life that has left something in every table, and something of every kind in those that change.
fn rich_life() -> Vec<Record> {
    let mut runner = TestRunner::deterministic();
    let ops = lives(300);
    for _ in 0..200 {
        let mut world = World::new();
        ops.new_tree(&mut runner).unwrap().current().iter().for_each(|op| world.live(op));
        let folder = lived(&world.journal);
        let tables = Connection::open(folder.path().join("tables.sqlite")).unwrap();
        let has = |select: &str| tables.query_row(select, [], |row| row.get::<_, i64>(0)).unwrap() > 0;
        let full = table_names(&tables).iter().all(|table| has(&format!("SELECT count(*) FROM {table}")));
        let varied = [
            "SELECT count(*) FROM settlements WHERE payout IS NOT NULL",
            "SELECT count(*) FROM settlements WHERE reserve_due IS NOT NULL",
            "SELECT count(*) FROM disputes WHERE open = 0",
            "SELECT count(*) FROM payouts WHERE open = 0",
            "SELECT count(*) FROM payments WHERE progress IS NULL",
            "SELECT count(*) FROM orders WHERE status = 4",
            "SELECT count(*) FROM orders WHERE reference_key IS NOT NULL",
        ];
        if full && varied.iter().all(|select| has(select)) {
            return world.journal;
        }
    }
    panic!("no life is rich enough");
}

fn table_names(tables: &Connection) -> Vec<String> {
    let mut names = tables.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A table's columns, and whether each is part of its key.
fn columns(tables: &Connection, table: &str) -> Vec<(String, bool)> {
    let mut info = tables.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let columns = info.query_map([], |row| Ok((row.get("name")?, row.get::<_, i64>("pk")? > 0))).unwrap();
    columns.map(Result::unwrap).collect()
}

/// The least change that there is.
fn changed(value: &Value) -> Value {
    match value {
        Value::Null => Value::Integer(1),
        Value::Integer(number) => Value::Integer(number ^ 1),
        Value::Text(text) => Value::Text(format!("{text}.")),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            *bytes.last_mut().expect("something in it") ^= 1;
            Value::Blob(bytes)
        }
        Value::Real(_) => panic!("no floats"),
    }
}

/// Changes one column of the row at this place; what the column had, if the table can be told so at all.
fn tamper(tables: &Connection, table: &str, column: &str, place: u32) -> Option<Value> {
    let columns = columns(tables, table);
    let keys: Vec<&str> = columns.iter().filter(|(_, is_key)| *is_key).map(|(name, _)| name.as_str()).collect();
    let select = format!("SELECT {column}, {} FROM {table} LIMIT 1 OFFSET {place}", keys.join(", "));
    let values =
        |row: &rusqlite::Row<'_>| (0..=keys.len()).map(|index| row.get(index)).collect::<Result<Vec<Value>, _>>();
    let row = tables.query_row(&select, [], values).unwrap();
    let is_row: Vec<String> = keys.iter().zip(2..).map(|(key, place)| format!("{key} = ?{place}")).collect();
    let update = format!("UPDATE {table} SET {column} = ?1 WHERE {}", is_row.join(" AND "));
    let mut new = vec![changed(&row[0])];
    if row[0] == Value::Null {
        // Whatever the column takes.
        new.extend([Value::Blob(vec![7; 16]), Value::Text("x".to_owned())]);
    }
    new.into_iter().find_map(|new| {
        let fields: Vec<Value> = [new].into_iter().chain(row[1..].iter().cloned()).collect();
        tables.execute(&update, rusqlite::params_from_iter(fields)).ok().map(|_| row[0].clone())
    })
}

/// Tables beside their journal, to be changed, verified and put back.
struct Victim {
    folder: TempDir,
    whole: Vec<u8>,
}

impl Victim {
    fn new() -> Self {
        let folder = lived(&rich_life());
        engine::verify(folder.path()).unwrap();
        let whole = std::fs::read(folder.path().join("tables.sqlite")).unwrap();
        Self { folder, whole }
    }

    fn open(&self) -> Connection {
        Connection::open(self.folder.path().join("tables.sqlite")).unwrap()
    }

    /// Whether verifying finds this change; puts back what was.
    fn finds<T>(&self, change: impl FnOnce(&Connection) -> Option<T>) -> Option<(T, bool)> {
        let tables = self.open();
        let done = change(&tables);
        // The last connection to go leaves no log beside the file.
        drop(tables);
        let found = engine::verify(self.folder.path()).is_err();
        std::fs::write(self.folder.path().join("tables.sqlite"), &self.whole).unwrap();
        done.map(|done| (done, found))
    }
}

/// Invariant 8: tables equal the fold of the journal, in each column of each row.
#[test]
fn invariant_08_every_changed_column_is_found() {
    let victim = Victim::new();
    let tables = victim.open();
    let mut places = Vec::new();
    for table in table_names(&tables) {
        let rows: u32 = tables.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        for (column, _) in columns(&tables, &table) {
            places.push((table.clone(), column, rows / 2));
        }
    }
    drop(tables);
    let mut found = 0;
    for (table, column, place) in places {
        if let Some((before, is_found)) = victim.finds(|tables| tamper(tables, &table, &column, place)) {
            assert!(is_found, "{table}.{column} was {before:?} in row {place}");
            found += 1;
        }
    }
    assert!(found > 110, "{found}");
}

/// Invariant 8: no row more, and no row less.
#[test]
fn invariant_08_every_lost_and_every_invented_row_is_found() {
    let victim = Victim::new();
    let tables = victim.open();
    let mut changes = Vec::new();
    for table in table_names(&tables).iter().filter(|table| *table != "mark") {
        let columns: Vec<String> = columns(&tables, table).into_iter().map(|(name, _)| name).collect();
        let key = columns[0].as_str();
        let others = columns[1..].join(", ");
        // Another key, and a chip's own name, which is unique, too.
        let other_key = format!("x'{}'", "0f".repeat(16));
        let others = if table == "tags" { others.replacen("uid", "x'04a0a0a0a0a0a0'", 1) } else { others };
        changes.push(format!("INSERT INTO {table} SELECT {other_key}, {others} FROM {table} LIMIT 1"));
        changes.push(format!("DELETE FROM {table} WHERE {key} = (SELECT {key} FROM {table} LIMIT 1)"));
    }
    drop(tables);
    for change in changes {
        let found = victim.finds(|tables| tables.execute(&change, []).ok());
        assert!(found.is_some_and(|(rows, is_found)| rows > 0 && is_found), "{change}: {found:?}");
    }
    engine::verify(victim.folder.path()).unwrap();
}

/// Tables of an older version are nothing to compare with, but what they know of the journal must be in it.
#[test]
fn tables_of_version_1_are_looked_through_and_made_anew() {
    const OLD: &str = include_str!("../../../store/tests/golden/tables-v1.sql");
    let records = rich_life();
    let folder = lived(&records);
    let file = folder.path().join("tables.sqlite");
    let mark = store::tables::TablesWriter::peek(&file).unwrap().unwrap().frame;
    std::fs::remove_file(&file).unwrap();
    let old = Connection::open(&file).unwrap();
    old.execute_batch(OLD).unwrap();
    // Theirs is another journal's: neither verified nor opened, and left as it is.
    let bytes = std::fs::read(&file).unwrap();
    assert!(matches!(engine::verify(folder.path()), Err(engine::VerifyError::Journal(_))));
    assert!(matches!(open(folder.path(), &Watch::new()), Err(engine::OpenError::Journal(_))));
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    old.execute(
        "UPDATE mark SET position = ?1, frame_hash = ?2",
        rusqlite::params![mark.position.cast_signed(), mark.hash.as_bytes()],
    )
    .unwrap();
    drop(old);
    let report = engine::verify(folder.path()).unwrap();
    assert_eq!((report.position, report.tables_position), (records.len() as u64, None));
    let engine = open(folder.path(), &Watch::new()).unwrap();
    assert!(engine.status().stored_position >= records.len() as u64);
    engine.close();
    let report = engine::verify(folder.path()).unwrap();
    assert_eq!(report.tables_position, Some(report.position));
}

/// A journal without which old tables cannot be made again is not begun anew in silence.
#[test]
fn a_lost_journal_is_refused_while_tables_of_version_1_remember_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let old = Connection::open(&file).unwrap();
    old.execute_batch(include_str!("../../../store/tests/golden/tables-v1.sql")).unwrap();
    drop(old);
    let bytes = std::fs::read(&file).unwrap();
    let Err(error) = open(folder.path(), &Watch::new()) else { panic!("a journal made of nothing") };
    assert!(matches!(error, engine::OpenError::Journal(_)), "{error:?}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    /// Verifying finds nothing where nothing is wrong, however the journal was cut into frames.
    #[test]
    fn a_sound_history_is_sound(ops in lives(250), in_a_frame in 1usize..40) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        let folder = tempfile::tempdir().unwrap();
        write_journal(folder.path(), &world.journal, in_a_frame);
        let report = engine::verify(folder.path()).unwrap();
        prop_assert_eq!((report.position, report.tables_position), (world.journal.len() as u64, None));
        open(folder.path(), &Watch::new()).unwrap().close();
        let report = engine::verify(folder.path()).unwrap();
        prop_assert_eq!(report.tables_position, Some(report.position));
        prop_assert!(report.position >= world.journal.len() as u64);
    }
}
