//! Today's files open for ever, and a change of a format cannot pass unnoticed.
//!
//! `golden/v1` is a ledger's folder as version 1 of each format writes it: journal, manifest, rows, and runs of all five
//! kinds (`UPDATE_GOLDEN=1 cargo test -p books --test golden` wrote it). A later version gets a folder of its own beside it,
//! and `v1` stays as it is and is still opened.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use books::{Books, Options};
use ledger::{
    Account, AccountFilter, AccountFilterFlags, AccountFlags, CreateTransferStatus, NANOSECONDS_PER_SECOND,
    QueryFilter, Transfer, TransferFlags,
};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn options() -> Options {
    Options {
        journal_id: Some(*b"a golden journal"),
        segment_bytes: 4096,
        stretch_rows: 4,
        in_step: true,
        ..Options::default()
    }
}

fn account(id: u128, flags: AccountFlags) -> Account {
    let user_data_32 = u32::try_from(id).unwrap();
    Account {
        id,
        user_data_128: id * 7,
        user_data_64: 9,
        user_data_32,
        ledger: 156,
        code: 10,
        flags,
        ..Account::default()
    }
}

fn transfer(id: u128, amount: u64, flags: TransferFlags) -> Transfer {
    Transfer {
        id,
        debit_account_id: 1,
        credit_account_id: 2,
        amount,
        user_data_128: id * 3,
        user_data_64: 5,
        user_data_32: 6,
        ledger: 156,
        code: 20,
        flags,
        ..Transfer::default()
    }
}

/// Everything that is ever stored happens once: limits, histories, failures for ever, two phases, expiry, the clock.
fn write(folder: &Path) {
    let mut books = Books::open(folder, options()).unwrap();
    books.tick(1_000).unwrap();
    let limited = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    books.create_accounts(&[account(1, AccountFlags::HISTORY), account(2, limited), account(3, limited)]).unwrap();
    for id in 10..16 {
        books.create_transfers(&[transfer(id, u64::try_from(id).unwrap(), TransferFlags::empty())]).unwrap();
    }
    let timeout = 1;
    let pending = [
        transfer(20, 5, TransferFlags::PENDING),
        Transfer { timeout, ..transfer(21, 6, TransferFlags::PENDING) },
        transfer(23, 8, TransferFlags::PENDING),
        transfer(22, 7, TransferFlags::PENDING | TransferFlags::CLOSING_CREDIT),
    ];
    books.create_transfers(&pending).unwrap();
    let overdraws = Transfer { debit_account_id: 3, ..transfer(30, 1, TransferFlags::empty()) };
    let voids = Transfer {
        pending_id: 22,
        ..Transfer { id: 31, flags: TransferFlags::VOID_PENDING_TRANSFER, ..Transfer::default() }
    };
    let posts = Transfer {
        amount: 4,
        pending_id: 20,
        id: 32,
        flags: TransferFlags::POST_PENDING_TRANSFER,
        ..Transfer::default()
    };
    books.create_transfers(&[overdraws, voids, posts]).unwrap();
    books.tick(2 * NANOSECONDS_PER_SECOND).unwrap();
    books.create_transfers(&[transfer(40, 1, TransferFlags::empty()), overdraws]).unwrap();
    books.close().unwrap();
}

/// The files of a folder by name, but for the lock.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for part in ["journal", "tables"] {
        for entry in fs::read_dir(folder.join(part)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name != "lock" {
                let bytes = fs::read(folder.join(part).join(&name)).unwrap();
                files.insert(format!("{part}/{name}"), bytes);
            }
        }
    }
    files
}

fn copy(files: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn todays_books_write_the_golden_files() {
    let temporary = tempfile::tempdir().unwrap();
    write(temporary.path());
    let written = files(temporary.path());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        copy(&written, &golden());
    }
    let golden = files(&golden());
    assert_eq!(written.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>());
    for (name, bytes) in &golden {
        assert!(written[name] == *bytes, "{name} is written differently: make a golden folder of the new version");
    }
}

#[test]
fn golden_files_answer_as_ever() {
    for with_tables in [true, false] {
        let temporary = tempfile::tempdir().unwrap();
        copy(&files(&golden()), temporary.path());
        if !with_tables {
            fs::remove_dir_all(temporary.path().join("tables")).unwrap();
        }
        let mut books = Books::open(temporary.path(), options()).unwrap();
        assert_eq!(books.clock(), 2 * NANOSECONDS_PER_SECOND);
        let balances: Vec<_> = (books.lookup_accounts(&[1, 2, 3]).unwrap().into_iter())
            .map(|of| [of.debits_pending, of.debits_posted, of.credits_pending, of.credits_posted])
            .collect();
        // 10 to 15 posted, 4 of 20's 5, and 1; 23 is still open, 21 expired, 22 was voided.
        assert_eq!(balances, [[8, 80, 0, 0], [0, 0, 8, 80], [0, 0, 0, 0]]);
        let filter = AccountFilter {
            account_id: 1,
            limit: 100,
            flags: AccountFilterFlags::DEBITS | AccountFilterFlags::REVERSED,
            ..AccountFilter::default()
        };
        let ids: Vec<_> = books.get_account_transfers(&filter).unwrap().iter().map(|of| of.id).collect();
        assert_eq!(ids, [40, 32, 31, 22, 23, 21, 20, 15, 14, 13, 12, 11, 10]);
        let kept = books.get_account_balances(&filter).unwrap();
        assert_eq!(kept.iter().map(|of| of.balance.debits_posted).collect::<Vec<_>>()[..3], [80, 79, 75]);
        let by_code = QueryFilter { code: 20, user_data_64: 5, limit: 100, ..QueryFilter::default() };
        assert_eq!(books.query_transfers(&by_code).unwrap().len(), 13);
        assert_eq!(
            books.query_accounts(&QueryFilter { user_data_128: 14, limit: 9, ..QueryFilter::default() }).unwrap()[0].id,
            2
        );
        // What failed fails for ever, and what is there says how it ended.
        let again = |id, pending_id, flags| Transfer { id, pending_id, flags, ..Transfer::default() };
        let events = [
            transfer(30, 1, TransferFlags::empty()),
            again(50, 21, TransferFlags::VOID_PENDING_TRANSFER),
            again(51, 22, TransferFlags::VOID_PENDING_TRANSFER),
            again(52, 20, TransferFlags::VOID_PENDING_TRANSFER),
            again(53, 23, TransferFlags::VOID_PENDING_TRANSFER),
        ];
        let statuses: Vec<_> = books.create_transfers(&events).unwrap().iter().map(|of| of.status).collect();
        use CreateTransferStatus::*;
        let ended = [PendingTransferExpired, PendingTransferAlreadyVoided, PendingTransferAlreadyPosted];
        assert_eq!(statuses, [[IdAlreadyFailed].as_slice(), &ended, &[Created]].concat());
    }
}
