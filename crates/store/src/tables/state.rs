//! The decider's state, loaded from the tables.

use ids::TapId;
use payments::{DuePayout, ReserveRelease, Settlement, State, TAP_LIFETIME_MS, UnixMillis};
use rusqlite::Connection;

use super::{Database, Mark, TablesError, rows};

impl Database {
    /// The decider's state at `mark`, which must be the tables' own: what may still change.
    pub(super) fn load_state(&self, mark: Mark) -> Result<State, TablesError> {
        let mut state = State::restored_at(mark.frame.position, mark.time);
        self.run(|sql| {
            for account in sql.prepare("SELECT * FROM accounts")?.query_map([], rows::account)? {
                let (account, balance) = account?;
                state.restore_account(account, balance);
            }
            for tag in sql.prepare("SELECT * FROM tags")?.query_map([], rows::tag)? {
                let (tag, last_counter) = tag?;
                state.restore_tag(tag, last_counter);
            }
            // The index of open orders by name: sorted by anything else, SQLite would rather read all orders ever.
            let open = "SELECT * FROM orders INDEXED BY orders_open WHERE status = 0";
            for order in sql.prepare(open)?.query_map([], rows::order)? {
                state.restore_open_order(order?);
            }
            let held = "SELECT * FROM orders INDEXED BY orders_held WHERE status = 4";
            for order in sql.prepare(held)?.query_map([], rows::order)? {
                state.restore_open_order(order?);
            }
            let open = "SELECT * FROM payments INDEXED BY payments_open WHERE status IN (1, 2)";
            for payment in sql.prepare(open)?.query_map([], rows::payment)? {
                state.restore_open_payment(payment?);
            }
            load_merchants(sql, &mut state)?;
            // Ids sort by the time they were made, a little before the tap was accepted.
            let oldest_live = UnixMillis(mark.time.0.saturating_sub(2 * TAP_LIFETIME_MS));
            let from = TapId::from_u128(u128::from(oldest_live.0) << 80).to_bytes();
            let mut live = sql.prepare("SELECT * FROM taps WHERE id >= ?1 AND payment IS NULL ORDER BY id")?;
            for tap in live.query_map([from], rows::tap)? {
                state.restore_live_tap(tap?);
            }
            Ok(())
        })?;
        Ok(state)
    }
}

/// What may still change of merchants, their settlements and their disputes.
fn load_merchants(sql: &Connection, state: &mut State) -> rusqlite::Result<()> {
    for merchant in sql.prepare("SELECT * FROM merchants")?.query_map([], rows::merchant)? {
        state.restore_merchant(merchant?);
    }
    for book in sql.prepare("SELECT * FROM books")?.query_map([], rows::book)? {
        state.restore_book(book?);
    }
    for dispute in sql.prepare("SELECT * FROM disputes WHERE open = 1")?.query_map([], rows::dispute)? {
        state.restore_open_dispute(dispute?);
    }
    for payout in sql.prepare("SELECT * FROM payouts WHERE open = 1")?.query_map([], rows::payout)? {
        state.restore_open_payout(payout?);
    }
    let due = "SELECT * FROM settlements WHERE payout_due IS NOT NULL";
    for settlement in sql.prepare(due)?.query_map([], rows::settlement)? {
        let Settlement { id, payout_at, merchant, currency, .. } = settlement?;
        state.restore_due_payout(DuePayout { settlement: id, at: payout_at, merchant, currency });
    }
    let kept = "SELECT * FROM settlements WHERE reserve_due IS NOT NULL";
    for settlement in sql.prepare(kept)?.query_map([], rows::settlement)? {
        let Settlement { id, merchant, currency, reserved, reserved_until, .. } = settlement?;
        if let Some(until) = reserved_until {
            state.restore_reserve(until, ReserveRelease { settlement: id, merchant, currency, amount: reserved });
        }
    }
    Ok(())
}
