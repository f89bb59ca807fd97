//! When a pending transfer ends by its timeout: to the nanosecond, in order, and never after the end of time.

use ledger::{
    Account, CreateTransferStatus, Ledger, NANOSECONDS_PER_SECOND as SECOND, TIMESTAMP_MAX, Transfer, TransferFlags,
};

use crate::keeper::Keeper;

const NOON: u64 = 1_000 * SECOND;

fn keeper() -> Keeper {
    let mut keeper = Keeper::default();
    let account = |id| Account { id, ledger: 1, code: 1, ..Account::default() };
    keeper.create_accounts(&[account(1), account(2)], 0);
    keeper
}

fn pending(id: u128, timeout: u32) -> Transfer {
    Transfer {
        id,
        debit_account_id: 1,
        credit_account_id: 2,
        amount: 5,
        timeout,
        ledger: 1,
        code: 1,
        flags: TransferFlags::PENDING,
        ..Transfer::default()
    }
}

fn void(id: u128, pending_id: u128) -> Transfer {
    Transfer { id, pending_id, flags: TransferFlags::VOID_PENDING_TRANSFER, ..Transfer::default() }
}

fn create(keeper: &mut Keeper, event: Transfer, clock: u64) -> CreateTransferStatus {
    keeper.create_transfers(&[event], clock)[0].status
}

fn reserved(ledger: &Ledger) -> u64 {
    ledger.account(1).expect("it was created").debits_pending
}

#[test]
fn the_last_nanosecond_counts_and_the_next_does_not() {
    let (last, expiry) = (NOON + SECOND - 1, NOON + SECOND);
    let mut keeper = keeper();
    create(&mut keeper, pending(1, 1), NOON);
    assert_eq!(keeper.expire(last), []);
    assert_eq!(create(&mut keeper, void(11, 1), last), CreateTransferStatus::Created);

    let mut keeper = self::keeper();
    create(&mut keeper, pending(1, 1), NOON);
    assert_eq!(keeper.expire(expiry), [1]);
    assert_eq!(reserved(&keeper.ledger), 0);
    assert_eq!(create(&mut keeper, void(11, 1), expiry), CreateTransferStatus::PendingTransferExpired);
}

/// Timestamps may run ahead of the clock: what has expired at an event's timestamp cannot be resolved by it, though
/// its reservation is taken back only when the clock comes there.
#[test]
fn an_event_after_the_expiry_comes_too_late_even_before_the_clock_is_there() {
    let mut keeper = keeper();
    create(&mut keeper, pending(1, 1), NOON);
    let clock = NOON + SECOND - 1;
    let results = keeper.create_transfers(&[pending(2, 0), void(11, 1), void(12, 2)], clock);
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    let (created, expired) = (CreateTransferStatus::Created, CreateTransferStatus::PendingTransferExpired);
    assert_eq!(statuses, [created, expired, created]);
    assert_eq!(reserved(&keeper.ledger), 5);
    assert_eq!(keeper.expire(clock + 1), [1]);
    assert_eq!(reserved(&keeper.ledger), 0);
}

#[test]
fn the_first_to_expire_goes_first_then_the_first_created() {
    let mut keeper = keeper();
    create(&mut keeper, pending(9, 3), NOON);
    create(&mut keeper, pending(8, 1), NOON + SECOND);
    create(&mut keeper, pending(1, 1), NOON + 2 * SECOND);
    create(&mut keeper, pending(2, 0), NOON + 2 * SECOND + 1);
    assert_eq!(keeper.expire(NOON + 4 * SECOND), [8, 9, 1]);
    assert_eq!(keeper.ledger.open_pending_count(), 1);
}

#[test]
fn no_timeout_passes_the_end_of_time() {
    let mut keeper = keeper();
    let latest = TIMESTAMP_MAX - SECOND;
    assert_eq!(create(&mut keeper, pending(1, 1), latest), CreateTransferStatus::Created);
    assert_eq!(create(&mut keeper, pending(2, 1), latest + 1), CreateTransferStatus::OverflowsTimeout);
    assert_eq!(create(&mut keeper, pending(2, 0), latest + 2), CreateTransferStatus::Created);
    assert_eq!(keeper.expire(TIMESTAMP_MAX), [1]);
}
