//! How accounts are kept in memory, seen from outside: chunks of 16,384, columns of user data that begin late, chains
//! taken back across a chunk's border, what counts as changed, and where numbers and time end.

use ledger::{
    Account, AccountFlags, CreateAccountStatus, CreateTransferStatus, Ledger, LedgerFull, Past, TIMESTAMP_MAX,
    Transfer, TransferFlags,
};

const CHUNK: u32 = 16_384;

/// The account with this number has this id: no two alike, and not in order.
fn id(number: u32) -> u128 {
    (u128::from(number.reverse_bits()) << 64) | (u128::from(number) + 1)
}

fn account(number: u32) -> Account {
    Account { id: id(number), ledger: 1, code: 1, ..Account::default() }
}

/// Different in every field of user data.
fn with_user_data(number: u32) -> Account {
    Account {
        user_data_128: u128::MAX - u128::from(number),
        user_data_64: u64::MAX - u64::from(number),
        user_data_32: u32::MAX - number,
        ..account(number)
    }
}

/// Creates the accounts and says how each ended.
fn create(ledger: &mut Ledger, events: &[Account]) -> Vec<CreateAccountStatus> {
    let created = ledger.create_accounts(events, 0).expect("there is room");
    created.results.into_iter().map(|result| result.status).collect()
}

/// A ledger with so many accounts, numbered from 0, whose timestamps are one more than their number.
fn ledger_of(accounts: impl Iterator<Item = Account>) -> (Ledger, Vec<Account>) {
    let mut ledger = Ledger::default();
    let accounts: Vec<Account> = accounts.collect();
    assert!(create(&mut ledger, &accounts).iter().all(|status| *status == CreateAccountStatus::Created));
    let dated = |(account, timestamp): (Account, u64)| Account { timestamp, ..account };
    (ledger, accounts.into_iter().zip(1..).map(dated).collect())
}

fn assert_holds(ledger: &Ledger, expected: &[Account]) {
    assert_eq!(ledger.account_count() as usize, expected.len());
    assert!(ledger.accounts().eq(expected.iter().copied()));
    for (number, account) in (0..).zip(expected) {
        assert_eq!(ledger.account_number(account.id), Some(number));
        assert_eq!(ledger.account(account.id), Some(*account));
        assert_eq!(ledger.account_at(number), Some(*account));
    }
    let end = ledger.account_count();
    assert_eq!((ledger.account_at(end), ledger.account_at(u32::MAX)), (None, None));
}

#[test]
fn accounts_are_found_on_both_sides_of_a_chunks_border() {
    for count in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1] {
        let (ledger, expected) = ledger_of((0..count).map(account));
        assert_holds(&ledger, &expected);
    }
}

#[test]
fn user_data_may_begin_late_end_early_and_have_gaps() {
    for places in [vec![9_000], vec![0], vec![CHUNK - 1], vec![CHUNK], vec![3, 5, CHUNK + 2, 2 * CHUNK - 1]] {
        let some = |number| if places.contains(&number) { with_user_data(number) } else { account(number) };
        let (ledger, expected) = ledger_of((0..2 * CHUNK + 3).map(some));
        assert_holds(&ledger, &expected);
    }
}

#[test]
fn each_column_of_user_data_stands_alone() {
    let only_one = |number: u32| match number {
        70 => Account { user_data_128: 1, ..account(number) },
        80 => Account { user_data_64: 2, ..account(number) },
        90 => Account { user_data_32: 3, ..account(number) },
        _ => account(number),
    };
    let (ledger, expected) = ledger_of((0..100).map(only_one));
    assert_holds(&ledger, &expected);
}

#[test]
fn a_chain_taken_back_across_a_chunks_border_leaves_nothing() {
    for before in [CHUNK - 4, CHUNK - 1, CHUNK, CHUNK + 1] {
        let (mut ledger, mut expected) = ledger_of((0..before).map(account));
        let mut chain: Vec<Account> = (before..before + 8).map(with_user_data).collect();
        chain.iter_mut().for_each(|account| account.flags |= AccountFlags::LINKED);
        chain.push(Account { code: 0, ..account(before + 8) });
        let statuses = create(&mut ledger, &chain);
        assert_eq!(statuses[8], CreateAccountStatus::CodeMustNotBeZero);
        assert!(statuses[..8].iter().all(|status| *status == CreateAccountStatus::LinkedEventFailed));
        assert_holds(&ledger, &expected);
        assert!(chain.iter().all(|account| ledger.account(account.id).is_none()));

        // The same places are taken by others, whose user data is their own.
        let first = ledger.last_timestamp() + 1;
        let others: Vec<Account> = (before..before + 8).map(account).collect();
        assert_eq!(create(&mut ledger, &others), [CreateAccountStatus::Created; 8]);
        expected.extend(others.into_iter().zip(first..).map(|(account, timestamp)| Account { timestamp, ..account }));
        assert_holds(&ledger, &expected);
    }
}

fn transfer(id: u128, debit: u32, credit: u32) -> Transfer {
    Transfer {
        id,
        debit_account_id: self::id(debit),
        credit_account_id: self::id(credit),
        amount: 1,
        ledger: 1,
        code: 1,
        ..Transfer::default()
    }
}

fn changed(ledger: &mut Ledger) -> Vec<(u32, u64, u64)> {
    let states = ledger.take_changed().into_iter();
    states.map(|state| (state.number, state.balance.debits_posted, state.balance.credits_posted)).collect()
}

#[test]
fn what_changed_is_told_once_and_in_order() {
    let (mut ledger, _) = ledger_of((0..CHUNK + 64).map(account));
    changed(&mut ledger);
    let events = [transfer(1, CHUNK, 63), transfer(2, 64, CHUNK - 1), transfer(3, CHUNK + 63, 0)];
    ledger.create_transfers(&events, 0, &Past::new()).expect("there is time");
    let expected = [(0, 0, 1), (63, 0, 1), (64, 1, 0), (CHUNK - 1, 0, 1), (CHUNK, 1, 0), (CHUNK + 63, 1, 0)];
    assert_eq!(changed(&mut ledger), expected);
    assert_eq!(changed(&mut ledger), []);
    ledger.create_transfers(&[transfer(4, 63, 64)], 0, &Past::new()).expect("there is time");
    assert_eq!(changed(&mut ledger), [(63, 1, 1), (64, 1, 1)]);
}

#[test]
fn an_account_that_was_taken_back_does_not_count_as_changed() {
    let (mut ledger, _) = ledger_of((0..64).map(account));
    changed(&mut ledger);
    let linked = Account { flags: AccountFlags::LINKED, ..account(64) };
    create(&mut ledger, &[linked, account(64)]);
    assert!(changed(&mut ledger).iter().all(|(number, ..)| *number < 64));
}

#[test]
fn time_never_goes_back_and_ends() {
    let (mut ledger, _) = ledger_of((0..2).map(account));
    let create_one = |ledger: &mut Ledger, id, clock| {
        let created = ledger.create_transfers(&[transfer(id, 0, 1)], clock, &Past::new())?;
        Ok::<_, LedgerFull>((created.results[0].status, created.results[0].timestamp))
    };
    assert_eq!(create_one(&mut ledger, 1, 100), Ok((CreateTransferStatus::Created, 100)));
    assert_eq!(create_one(&mut ledger, 2, 50), Ok((CreateTransferStatus::Created, 101)));
    let two = [transfer(3, 0, 1), transfer(4, 0, 1)];
    assert_eq!(ledger.create_transfers(&two, TIMESTAMP_MAX, &Past::new()).err(), Some(LedgerFull::Timestamps));
    assert_eq!(ledger.create_transfers(&two, u64::MAX, &Past::new()).err(), Some(LedgerFull::Timestamps));
    assert_eq!((ledger.last_timestamp(), ledger.account(id(0)).unwrap().debits_posted), (101, 2));
    assert_eq!(create_one(&mut ledger, 5, TIMESTAMP_MAX), Ok((CreateTransferStatus::Created, TIMESTAMP_MAX)));
    assert_eq!(create_one(&mut ledger, 6, 0), Err(LedgerFull::Timestamps));
    assert_eq!(ledger.create_accounts(&[account(2)], 0).err(), Some(LedgerFull::Timestamps));
    assert_eq!(ledger.account_count(), 2);
}

mod facts_that_cannot_be {
    use super::*;

    #[test]
    #[should_panic(expected = "created twice")]
    fn an_account_twice() {
        let (mut ledger, accounts) = ledger_of((0..2).map(account));
        ledger.apply_account(&accounts[0]);
    }

    #[test]
    #[should_panic(expected = "which does not exist")]
    fn a_transfer_of_an_unknown_account() {
        let (mut ledger, _) = ledger_of((0..2).map(account));
        ledger.apply_transfer(&transfer(1, 0, 2), &mut Default::default());
    }

    #[test]
    #[should_panic(expected = "which is not open")]
    fn a_post_of_what_is_not_open() {
        let (mut ledger, _) = ledger_of((0..2).map(account));
        let post = Transfer { pending_id: 9, flags: TransferFlags::POST_PENDING_TRANSFER, ..transfer(1, 0, 1) };
        ledger.apply_transfer(&post, &mut Default::default());
    }

    #[test]
    #[should_panic(expected = "but it is not open")]
    fn an_expiry_of_what_is_not_open() {
        Ledger::default().apply_expired(9);
    }
}
