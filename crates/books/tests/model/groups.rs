//! Many rows: what is indexed by groups of 1024, and what is kept in chunks and blocks, is right at their borders.

use books::{Books, Options};
use ledger::{Account, AccountFilter, AccountFilterFlags, QueryFilter, QueryFilterFlags, Transfer};

use crate::beside::{Action, Ids, Known, act, difference_of_filter, difference_of_query};
use crate::folder::Folder;

const BATCH: usize = 1250;
const TRANSFERS: u32 = 5000;

/// More than a chunk of accounts in memory.
const ACCOUNTS: u32 = 16_384 + 1100;

/// The code and the user data that most have, and those of a few at the borders of groups, chunks and stretches.
const USUAL: u16 = 1;
const SPECIAL: u16 = 7;
const AT_BORDERS: [u32; 12] = [0, 699, 1023, 1024, 1250, 2047, 2048, 4096, 4999, 16_383, 16_384, 17_483];

#[test]
fn groups_and_chunks_are_whole_at_their_borders() {
    let folder = Folder::new();
    let options = Options { stretch_rows: 700, in_step: true, ..folder.options() };
    let mut known = Known::default();
    let mut books = Books::open(folder.path(), options.clone()).expect("the disk is well");
    for action in accounts().into_iter().chain(transfers()) {
        assert_eq!(act(&mut books, &action).expect("the disk is well"), known.act(&action));
    }
    ask(&mut books, &known);
    books.close().expect("the disk is well");
    let mut books = Books::open(folder.path(), options.clone()).expect("the disk is well");
    ask(&mut books, &known);
    drop(books);
    folder.remove_tables();
    let mut books = Books::open(folder.path(), options).expect("the disk is well");
    ask(&mut books, &known);
}

fn code(number: u32) -> u16 {
    if AT_BORDERS.contains(&number) { SPECIAL } else { USUAL }
}

fn accounts() -> Vec<Action> {
    let account = |number: u32| Account {
        id: u128::from(number) + 1,
        user_data_128: u128::from(code(number) / SPECIAL),
        user_data_64: u64::from(number % 2048 / 1024),
        user_data_32: number / 1024,
        ledger: 1,
        code: code(number),
        ..Account::default()
    };
    let accounts: Vec<Account> = (0..ACCOUNTS).map(account).collect();
    accounts.chunks(BATCH).map(|some| Action::Accounts(some.to_vec())).collect()
}

fn transfers() -> Vec<Action> {
    let transfer = |number: u32| Transfer {
        id: u128::from(number) + 1,
        debit_account_id: u128::from(number % 3) + 1,
        credit_account_id: u128::from(ACCOUNTS - number % 5),
        amount: 1,
        user_data_128: u128::from(code(number) / SPECIAL),
        user_data_64: u64::from(number % 2048 / 1024),
        user_data_32: number / 1024,
        ledger: 1,
        code: code(number),
        ..Transfer::default()
    };
    let transfers: Vec<Transfer> = (0..TRANSFERS).map(transfer).collect();
    transfers.chunks(BATCH).map(|some| Action::Transfers(Ids::Mixed.rename(some))).collect()
}

fn ask(books: &mut Books, known: &Known) {
    let accounts: Vec<Account> = known.accounts();
    let at_border = |number: u32| usize::try_from(number).ok().and_then(|number| accounts.get(number));
    let mut moments: Vec<u64> =
        AT_BORDERS.iter().filter_map(|number| at_border(*number)).map(|row| row.timestamp).collect();
    let transfers = known.transfers();
    moments.extend([0, 1023, 1024, 2048, 4999].map(|number: usize| transfers[number].timestamp));
    moments.push(0);
    for (place, timestamp_min) in moments.iter().copied().enumerate() {
        let timestamp_max = moments[(place + 3) % moments.len()];
        for filter in queries() {
            let filter = QueryFilter { timestamp_min, timestamp_max, ..filter };
            assert_eq!(difference_of_query(books, known, &filter).expect("the disk is well"), None);
        }
        for account_id in [1, 2, u128::from(ACCOUNTS)] {
            let sides = AccountFilterFlags::DEBITS | AccountFilterFlags::CREDITS;
            for flags in [sides, sides | AccountFilterFlags::REVERSED] {
                let filter = AccountFilter {
                    account_id,
                    code: SPECIAL,
                    limit: 3,
                    timestamp_min,
                    timestamp_max,
                    flags,
                    ..AccountFilter::default()
                };
                assert_eq!(difference_of_filter(books, known, &filter).expect("the disk is well"), None);
            }
        }
    }
}

fn queries() -> Vec<QueryFilter> {
    let few = |limit| QueryFilter { limit, ..QueryFilter::default() };
    let kinds = [
        QueryFilter { code: SPECIAL, ..few(20) },
        QueryFilter { code: SPECIAL, user_data_128: 1, ledger: 1, ..few(2) },
        QueryFilter { code: SPECIAL, user_data_64: 1, user_data_32: 1, ..few(20) },
        QueryFilter { code: USUAL, ledger: 1, ..few(1) },
        QueryFilter { user_data_32: 4, user_data_64: 1, ..few(4) },
        QueryFilter { ledger: 2, ..few(9) },
    ];
    let reversed = kinds.map(|filter| QueryFilter { flags: QueryFilterFlags::REVERSED, ..filter });
    [kinds, reversed].concat()
}
