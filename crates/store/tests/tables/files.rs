//! Files that are not what they should be: each says so in words that help.

use std::path::PathBuf;

use rusqlite::Connection;
use store::tables::{TablesError, TablesReader, TablesWriter};
use tempfile::{TempDir, tempdir};

use crate::store_next;
use crate::support::world::World;

fn file() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    (folder, file)
}

/// A file with some records.
fn filled() -> (TempDir, PathBuf) {
    let (folder, file) = file();
    let mut tables = TablesWriter::open(&file).unwrap();
    store_next(&mut tables, &World::new().journal, usize::MAX / 2);
    (folder, file)
}

#[test]
fn a_missing_or_empty_file_is_made() {
    let (_folder, file) = file();
    assert_eq!(TablesWriter::peek(&file).unwrap(), None);
    assert!(TablesReader::open(&file).is_err(), "a reader makes no file");
    assert!(!file.exists());
    std::fs::write(&file, b"").unwrap();
    assert_eq!(TablesWriter::peek(&file).unwrap(), None);
    let tables = TablesWriter::open(&file).unwrap();
    assert_eq!(tables.mark().frame.position, 0);
    assert_eq!(TablesWriter::peek(&file).unwrap(), Some(tables.mark()));
}

#[test]
fn a_newer_version_is_refused_and_left_as_it_is() {
    let (_folder, file) = filled();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = TablesWriter::open(&file).unwrap_err();
    assert!(matches!(error, TablesError::NewerVersion { found: 3, .. }), "{error:?}");
    assert!(error.to_string().contains("newer Tapstone (tables version 3, this one knows 2)"), "{error}");
    assert!(matches!(TablesReader::open(&file), Err(TablesError::NewerVersion { .. })));
    assert!(matches!(TablesWriter::peek(&file), Err(TablesError::NewerVersion { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn somebody_elses_database_is_refused_and_left_as_it_is() {
    for application_id in [0, 0x1234_5678] {
        let (_folder, file) = file();
        let other = Connection::open(&file).unwrap();
        other.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('milk')").unwrap();
        other.pragma_update(None, "application_id", application_id).unwrap();
        drop(other);
        let before = std::fs::read(&file).unwrap();
        for error in [
            TablesWriter::open(&file).unwrap_err(),
            TablesReader::open(&file).unwrap_err(),
            TablesWriter::peek(&file).unwrap_err(),
        ] {
            assert!(matches!(error, TablesError::Foreign { .. }), "{error:?}");
            assert!(error.to_string().contains("is not Tapstone's"), "{error}");
        }
        assert_eq!(std::fs::read(&file).unwrap(), before, "not even its journal mode");
    }
}

#[test]
fn a_file_that_is_no_database_says_so() {
    let (_folder, file) = file();
    std::fs::write(&file, "shopping list: milk, eggs and a great deal of other things\n".repeat(200)).unwrap();
    let error = TablesWriter::open(&file).unwrap_err();
    assert!(error.to_string().contains("not a database"), "{error}");
    assert!(error.to_string().contains("made anew from the journal"), "{error}");
}

#[test]
fn damage_is_found_by_the_check_and_never_panics() {
    let (_folder, file) = filled();
    let whole = std::fs::read(&file).unwrap();
    let mut found = 0;
    for at in (4_096..whole.len()).step_by(1_024) {
        let mut damaged = whole.clone();
        damaged[at..at + 512].fill(0xa5);
        std::fs::write(&file, &damaged).unwrap();
        let verdict = TablesReader::open(&file).and_then(|reader| {
            reader.check_integrity()?;
            reader.all_accounts()?;
            reader.all_tags()?;
            reader.row_counts()
        });
        found += u32::from(verdict.is_err());
        if let Ok(tables) = TablesWriter::open(&file) {
            drop(tables.load_state());
        }
    }
    assert!(found > 0, "free space may be damaged without harm, rows may not");
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cut = TablesReader::open(&file).and_then(|reader| reader.check_integrity());
    assert!(cut.is_err());
}

/// A log that was left beside a file that was deleted belongs to nobody: the new file starts empty.
#[test]
fn a_left_over_log_does_not_come_back() {
    let (_folder, file) = file();
    let mut tables = TablesWriter::open(&file).unwrap();
    store_next(&mut tables, &World::new().journal, usize::MAX / 2);
    let log = PathBuf::from(format!("{}-wal", file.display()));
    let bytes = std::fs::read(&log).unwrap();
    assert!(!bytes.is_empty());
    drop(tables);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&log, bytes).unwrap();
    let tables = TablesWriter::open(&file).unwrap();
    assert_eq!(tables.mark().frame.position, 0);
    assert_eq!(tables.load_state().unwrap().accounts().count(), 0);
}
