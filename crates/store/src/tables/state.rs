//! The decider's state, loaded from the tables.

use ids::TapId;
use payments::{State, TAP_LIFETIME_MS, UnixMillis};

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
