//! What the books refuse: each time a clear error, and nothing has changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use books::{Books, BooksError, Options, TablesError};
use journal::JournalError;
use ledger::{Account, AccountFlags, BATCH_MAX, TIMESTAMP_MAX, Transfer};
use sim::FaultyDisk;
use xxhash_rust::xxh3::xxh3_64;

use crate::folder::Folder;

fn options(folder: &Folder) -> Options {
    Options { stretch_rows: 3, segment_bytes: 2000, in_step: true, ..folder.options() }
}

fn open(folder: &Folder) -> Result<Books, BooksError> {
    Books::open(folder.path(), options(folder))
}

/// Books with a little in them: two accounts, some transfers that begin with this id.
fn fill(books: &mut Books, first: u128) {
    let account = |id| Account { id, ledger: 1, code: 1, flags: AccountFlags::HISTORY, ..Account::default() };
    books.create_accounts(&[account(1), account(2)]).expect("the disk is well");
    for id in first..first + 20 {
        books.create_transfers(&[transfer(id)]).expect("the disk is well");
    }
}

fn transfer(id: u128) -> Transfer {
    Transfer { id, debit_account_id: 1, credit_account_id: 2, amount: 5, ledger: 1, code: 1, ..Transfer::default() }
}

fn filled(first: u128) -> Folder {
    let folder = Folder::new();
    let mut books = open(&folder).expect("the disk is well");
    fill(&mut books, first);
    books.close().expect("the disk is well");
    folder
}

/// All bytes of all files.
fn contents(disk: &FaultyDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    disk.files().into_iter().map(|path| (path.clone(), disk.contents(&path).unwrap_or_default())).collect()
}

/// Opening must fail, and change nothing.
fn refused(folder: &Folder) -> BooksError {
    let before = contents(folder.disk());
    let error = open(folder).map(drop).expect_err("this cannot be opened");
    assert!(contents(folder.disk()) == before, "{error} changed something");
    assert!(!error.is_callers_fault());
    error
}

#[test]
fn a_batch_that_is_too_large() {
    let folder = filled(1);
    let mut books = open(&folder).expect("the disk is well");
    let before = (contents(folder.disk()), books.transfer_count(), books.ledger().last_timestamp());
    let ids: Vec<u128> = (100..).take(BATCH_MAX + 1).collect();
    let transfers: Vec<Transfer> = ids.iter().copied().map(transfer).collect();
    let accounts: Vec<Account> =
        ids.iter().map(|id| Account { id: *id, ledger: 1, code: 1, ..Account::default() }).collect();
    let refusals = [
        books.create_accounts(&accounts).map(drop),
        books.create_transfers(&transfers).map(drop),
        books.lookup_accounts(&ids).map(drop),
        books.lookup_transfers(&ids).map(drop),
    ];
    for refusal in refusals {
        let error = refusal.expect_err("too many");
        assert!(matches!(error, BooksError::BatchTooLarge { events } if events == BATCH_MAX + 1));
        assert!(error.is_callers_fault());
        assert_eq!(error.to_string(), "a batch of 8190 events is too large: send at most 8189 at once");
    }
    assert!(before == (contents(folder.disk()), books.transfer_count(), books.ledger().last_timestamp()));
    assert_eq!(books.create_transfers(&transfers[1..]).expect("as many as may be").len(), BATCH_MAX);
}

#[test]
fn a_clock_that_goes_back_or_too_far() {
    let folder = filled(1);
    let mut books = open(&folder).expect("the disk is well");
    books.tick(1000).expect("the disk is well");
    let before = contents(folder.disk());
    let back = books.tick(999).expect_err("backwards");
    assert_eq!(back.to_string(), "the clock stands at 1000 and cannot go back to 999");
    let far = books.tick(TIMESTAMP_MAX + 1).expect_err("too far");
    assert_eq!(far.to_string(), "9223372036854775808 is no time: the last is 2^63 - 1 nanoseconds since 1970");
    assert!(back.is_callers_fault() && far.is_callers_fault());
    assert!(contents(folder.disk()) == before && books.clock() == 1000);
    assert_eq!(books.tick(1000).expect("the same time again"), 0);
    assert!(contents(folder.disk()) == before, "nothing to be recorded");
}

#[test]
fn the_end_of_time() {
    let folder = filled(1);
    let mut books = open(&folder).expect("the disk is well");
    books.tick(TIMESTAMP_MAX - 1).expect("the disk is well");
    let error =
        books.create_transfers(&[transfer(50), transfer(51), transfer(52)]).expect_err("only two times are left");
    assert!(matches!(error, BooksError::Full(_)), "{error:?}");
    assert!(books.lookup_transfers(&[50, 51, 52]).expect("reads go on").is_empty());
    assert_eq!(books.create_transfers(&[transfer(50), transfer(51)]).expect("two").len(), 2);
    assert!(books.create_transfers(&[transfer(52)]).is_err());
    books.close().expect("the disk is well");
    let mut books = open(&folder).expect("the disk is well");
    assert_eq!(books.lookup_transfers(&[50, 51, 52]).expect("reads go on").len(), 2);
}

#[test]
fn a_folder_that_is_in_use() {
    let folder = filled(1);
    let mut books = open(&folder).expect("the disk is well");
    let error = refused(&folder);
    assert!(matches!(error, BooksError::Journal(JournalError::Locked { .. })), "{error:?}");
    books.create_transfers(&[transfer(99)]).expect("the first goes on");
    drop(books);
    open(&folder).expect("free again");
}

#[test]
fn a_folder_that_cannot_be_written() {
    if nothing_is_read_only() {
        println!("skipped: this user may write everything");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("books");
    fs::create_dir(&path).expect("a folder");
    set_mode(&path, 0o555);
    let refused = Books::open(&path, Options::default()).map(drop).expect_err("read-only");
    set_mode(&path, 0o755);
    assert!(refused.to_string().contains("journal"), "{refused}");
    assert_eq!(fs::read_dir(&path).expect("a folder").count(), 0);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("an own folder");
}

/// For the superuser no folder is.
fn nothing_is_read_only() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    set_mode(folder.path(), 0o555);
    fs::write(folder.path().join("file"), []).is_ok()
}

#[test]
fn a_manifest_of_a_newer_version() {
    let folder = filled(1);
    let path = folder.path().join("tables/manifest");
    let mut bytes = folder.disk().contents(&path).expect("a manifest");
    bytes[4] = 9;
    let end = bytes.len() - 8;
    let sum = xxh3_64(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    folder.replace(&path, &bytes);
    let error = refused(&folder);
    assert!(matches!(&error, BooksError::Tables(TablesError::NewerVersion { found: 9, .. })), "{error:?}");
    assert!(error.to_string().contains("tables/manifest has version 9"), "{error}");
}

#[test]
fn tables_of_another_journal() {
    let (folder, other) = (filled(1), filled(1000));
    for tables in other.disk().files().iter().filter(|path| path.starts_with("/books/tables")) {
        folder.replace(tables, &other.disk().contents(tables).expect("a file that is there"));
    }
    let error = refused(&folder);
    assert!(matches!(error, BooksError::Journal(JournalError::Forked { .. })), "{error:?}");
    folder.remove_tables();
    let mut books = open(&folder).expect("the tables are made anew");
    assert_eq!(books.lookup_transfers(&[1, 20, 1000]).expect("the disk is well").len(), 2);
}

#[test]
fn a_journal_that_ends_before_the_tables_do() {
    let folder = filled(1);
    let journal: Vec<PathBuf> = folder.disk().files().into_iter().filter(|path| is_segment(path)).collect();
    assert!(journal.len() > 3, "several segments");
    folder.remove(&journal[journal.len() - 1]);
    let error = refused(&folder);
    assert!(matches!(error, BooksError::Journal(JournalError::Shortened { .. })), "{error:?}");
    journal[..journal.len() - 1].iter().for_each(|path| folder.remove(path));
    let error = refused(&folder);
    assert!(matches!(error, BooksError::Journal(JournalError::NoJournal { .. })), "{error:?}");
}

#[test]
fn a_journal_that_begins_too_late() {
    let folder = filled(1);
    let journal: Vec<PathBuf> = folder.disk().files().into_iter().filter(|path| is_segment(path)).collect();
    journal[..2].iter().for_each(|path| folder.remove(path));
    folder.remove_tables();
    let error = refused(&folder);
    assert!(matches!(error, BooksError::Journal(JournalError::MissingSegment { .. })), "{error:?}");
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "journal")
}
