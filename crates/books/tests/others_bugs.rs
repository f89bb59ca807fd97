//! Bugs that users of other systems reported, as far as a ledger can have them: each under its number.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use books::{Books, Options};
use ledger::{Account, AccountFlags, CreateTransferStatus, Transfer, TransferFlags};

/// A bank, a wallet that cannot be overdrawn and has 10, and a shop.
const BANK: u128 = 1;
const WALLET: u128 = 2;
const SHOP: u128 = 3;

fn open(folder: &Path) -> Books {
    Books::open(folder, Options::default()).unwrap()
}

fn with_ten_in_the_wallet(folder: &Path) -> Books {
    let mut books = open(folder);
    let account = |id, flags| Account { id, ledger: 978, code: 1, flags, ..Account::default() };
    let limited = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS;
    let accounts = [account(BANK, AccountFlags::empty()), account(WALLET, limited), account(SHOP, limited)];
    books.create_accounts(&accounts).unwrap();
    assert_eq!(ask(&mut books, &[transfer(1, BANK, WALLET, 10)]), [CreateTransferStatus::Created]);
    books
}

fn transfer(id: u128, debit_account_id: u128, credit_account_id: u128, amount: u64) -> Transfer {
    Transfer { id, debit_account_id, credit_account_id, amount, ledger: 978, code: 1, ..Transfer::default() }
}

fn ask(books: &mut Books, events: &[Transfer]) -> Vec<CreateTransferStatus> {
    books.create_transfers(events).unwrap().iter().map(|result| result.status).collect()
}

fn resolve(id: u128, pending_id: u128, amount: u64, flags: TransferFlags) -> Transfer {
    Transfer { id, pending_id, amount, flags, ..Transfer::default() }
}

#[test]
fn bug_01_captures_of_one_hold_never_exceed_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = with_ten_in_the_wallet(folder.path());
    let hold = Transfer { flags: TransferFlags::PENDING, ..transfer(2, WALLET, SHOP, 10) };
    assert_eq!(ask(&mut books, &[hold]), [CreateTransferStatus::Created]);
    // A hundred captures of 3 each in one batch, after one of more than there is.
    let mut captures = vec![resolve(99, 2, 11, TransferFlags::POST_PENDING_TRANSFER)];
    captures.extend((100..200).map(|id| resolve(id, 2, 3, TransferFlags::POST_PENDING_TRANSFER)));
    let statuses = ask(&mut books, &captures);
    assert_eq!(statuses[0], CreateTransferStatus::ExceedsPendingTransferAmount);
    assert_eq!(statuses[1], CreateTransferStatus::Created);
    assert!(statuses[2..].iter().all(|status| *status == CreateTransferStatus::PendingTransferAlreadyPosted));
    assert_eq!(books.lookup_accounts(&[SHOP]).unwrap()[0].credits_posted, 3);
}

#[test]
fn bug_14_holds_are_counted_in_the_available_balance() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = with_ten_in_the_wallet(folder.path());
    let hold = Transfer { flags: TransferFlags::PENDING, ..transfer(2, WALLET, SHOP, 7) };
    let too_much = transfer(3, WALLET, SHOP, 4);
    let just_enough = transfer(4, WALLET, SHOP, 3);
    let statuses = ask(&mut books, &[hold, too_much, just_enough]);
    use CreateTransferStatus::{Created, ExceedsCredits};
    assert_eq!(statuses, [Created, ExceedsCredits, Created]);
    assert_eq!(books.lookup_accounts(&[WALLET]).unwrap()[0].balance().available(), 0);
    let freed = [resolve(5, 2, 0, TransferFlags::VOID_PENDING_TRANSFER), transfer(6, WALLET, SHOP, 7)];
    assert_eq!(ask(&mut books, &freed), [Created, Created]);
}

#[test]
fn bug_15_a_transfer_that_failed_fails_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = with_ten_in_the_wallet(folder.path());
    let too_much = transfer(2, WALLET, SHOP, 11);
    assert_eq!(ask(&mut books, &[too_much]), [CreateTransferStatus::ExceedsCredits]);
    assert_eq!(ask(&mut books, &[transfer(3, BANK, WALLET, 100)]), [CreateTransferStatus::Created]);
    assert_eq!(ask(&mut books, &[too_much]), [CreateTransferStatus::IdAlreadyFailed]);
    drop(books);
    assert_eq!(ask(&mut open(folder.path()), &[too_much]), [CreateTransferStatus::IdAlreadyFailed]);
}

#[test]
fn bug_16_the_same_id_with_another_amount_conflicts_also_in_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let mut books = with_ten_in_the_wallet(folder.path());
    let [first, other] = [transfer(2, WALLET, SHOP, 1), transfer(2, WALLET, SHOP, 2)];
    use CreateTransferStatus::{Created, Exists, ExistsWithDifferentAmount};
    assert_eq!(ask(&mut books, &[first, other, first]), [Created, ExistsWithDifferentAmount, Exists]);
    drop(books);
    assert_eq!(ask(&mut open(folder.path()), &[other, first]), [ExistsWithDifferentAmount, Exists]);
}
