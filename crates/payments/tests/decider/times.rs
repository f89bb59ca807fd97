//! The ledger's timestamps: nanoseconds that follow from the records, each higher than all before.

use ledger::{TIMESTAMP_MAX, Transfer};
use payments::{State, UnixMillis};

use crate::support::shop::Shop;
use crate::support::{START, fen};

const MILLISECOND: u64 = 1_000_000;

/// The timestamp that the next deposit would get at this moment.
fn next(state: &State, at: UnixMillis) -> u64 {
    let accounts: Vec<_> = state.accounts().collect();
    let transfer = Transfer {
        id: 1,
        debit_account_id: accounts[0].0.id.as_u128(),
        credit_account_id: accounts[1].0.id.as_u128(),
        amount: 1,
        ledger: accounts[0].0.ledger,
        code: 1,
        ..Transfer::default()
    };
    state.check_transfer(&transfer, at).unwrap().timestamp
}

fn restarted(shop: &Shop) -> State {
    let mut state = State::restored_at(shop.state.position(), shop.state.now());
    shop.state.accounts().for_each(|(account, balance)| state.restore_account(account, balance));
    state
}

#[test]
fn a_timestamp_is_the_time_of_the_record_or_the_next_after_the_last() {
    let mut shop = Shop::new();
    // Five accounts were opened in the first millisecond.
    assert_eq!(shop.state.ledger().last_timestamp(), START.0 * MILLISECOND + 4);
    shop.deposit(0, fen(1));
    shop.deposit(0, fen(1));
    assert_eq!(shop.state.ledger().last_timestamp(), START.0 * MILLISECOND + 6);
    shop.wait(1);
    shop.deposit(0, fen(1));
    assert_eq!(shop.state.ledger().last_timestamp(), (START.0 + 1) * MILLISECOND);
}

#[test]
fn no_timestamp_is_given_twice_over_a_restart() {
    let mut shop = Shop::new();
    (0..5).for_each(|_| shop.deposit(0, fen(1)));
    let before = shop.state.ledger().last_timestamp();
    assert!(next(&restarted(&shop), shop.now) > before);
}

#[test]
fn a_clock_beyond_the_ledgers_last_moment_stops_nothing() {
    let mut shop = Shop::new();
    for far in [TIMESTAMP_MAX / MILLISECOND, TIMESTAMP_MAX / MILLISECOND + 1, u64::MAX] {
        shop.now = UnixMillis(far);
        (0..3).for_each(|_| shop.deposit(0, fen(1)));
    }
    assert_eq!(shop.has(0), 9);
    assert_eq!(shop.state.ledger().last_timestamp(), TIMESTAMP_MAX);
    assert_eq!(restarted(&shop).ledger().last_timestamp(), TIMESTAMP_MAX);
    assert_eq!(next(&restarted(&shop), shop.now), TIMESTAMP_MAX);
}
