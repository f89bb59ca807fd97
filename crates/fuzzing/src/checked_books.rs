//! The ledger in memory, decided twice: by the real one and by the slow, obvious one.

use exec::Books;
use ledger::{
    Account, AccountBalance, AccountFilter, CreateAccountResult, CreateTransferResult, Ledger, LedgerFull, Past,
    QueryFilter, Remembered, TIMESTAMP_MAX, Transfer,
};
use ledger_model::Model;

/// Books that keep everything in memory and compare the ledger with its model at each step.
#[derive(Debug, Default)]
pub struct CheckedBooks {
    ledger: Ledger,
    model: Model,
    clock: u64,
}

/// What these books refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Time does not go backwards.
    #[error("the clock stands at {clock} and cannot go back to {asked}")]
    ClockBackwards {
        /// Where the clock stands.
        clock: u64,
        /// What was asked for.
        asked: u64,
    },
    /// Time ends.
    #[error("{asked} is no time: the last is 2^63 - 1 nanoseconds since 1970")]
    ClockOutOfRange {
        /// What was asked for.
        asked: u64,
    },
    /// The ledger takes nothing more.
    #[error(transparent)]
    Full(#[from] LedgerFull),
}

impl CheckedBooks {
    /// Stops the process unless debits equal credits and both ledgers hold the same.
    pub fn check(&self) {
        for (number, totals) in self.ledger.totals() {
            assert!(totals.balanced(), "ledger {number} is not balanced: {totals:?}");
        }
        let mut accounts: Vec<_> = self.ledger.accounts().collect();
        accounts.sort_unstable_by_key(|account| account.id);
        assert!(accounts.iter().eq(self.model.accounts().values()), "{accounts:#?}\n{:#?}", self.model.accounts());
        let mut pending: Vec<_> = self.ledger.open_pending().copied().collect();
        pending.sort_unstable_by_key(|transfer| transfer.id);
        assert_eq!(pending, self.model.open_pending());
    }

    /// Voids what has expired, and says how much that was.
    fn expire(&mut self, now: u64) -> u64 {
        let expired: Vec<_> = std::iter::from_fn(|| self.ledger.expire_one(now)).map(|closed| closed.id).collect();
        assert_eq!(expired, self.model.expire(now));
        expired.len() as u64
    }

    fn past(&self, events: &[Transfer]) -> Past {
        let mut past = Past::new();
        for id in self.ledger.asks(events) {
            if let Some(transfer) = self.model.transfers().get(&id) {
                past.remember(id, Remembered::Created(*transfer));
            } else if self.model.failed().contains(&id) {
                past.remember(id, Remembered::Failed);
            }
            if let Some(how) = self.model.resolution(id) {
                past.resolve(id, how);
            }
        }
        past
    }
}

impl Books for CheckedBooks {
    type Error = Refused;

    fn create_accounts(&mut self, events: &[Account]) -> Result<Vec<CreateAccountResult>, Refused> {
        let created = self.ledger.create_accounts(events, self.clock)?;
        assert_eq!(created.results, self.model.create_accounts(events, self.clock), "{events:#?}");
        Ok(created.results)
    }

    fn create_transfers(&mut self, events: &[Transfer]) -> Result<Vec<CreateTransferResult>, Refused> {
        self.expire(self.clock.max(self.ledger.last_timestamp().saturating_add(1)));
        let past = self.past(events);
        let created = self.ledger.create_transfers(events, self.clock, &past)?;
        assert_eq!(created.results, self.model.create_transfers(events, self.clock), "{events:#?}");
        Ok(created.results)
    }

    fn tick(&mut self, nanoseconds: u64) -> Result<u64, Refused> {
        if nanoseconds < self.clock {
            return Err(Refused::ClockBackwards { clock: self.clock, asked: nanoseconds });
        }
        if nanoseconds > TIMESTAMP_MAX {
            return Err(Refused::ClockOutOfRange { asked: nanoseconds });
        }
        self.clock = nanoseconds;
        Ok(self.expire(nanoseconds))
    }

    fn lookup_accounts(&mut self, ids: &[u128]) -> Result<Vec<Account>, Refused> {
        Ok(self.model.lookup_accounts(ids))
    }

    fn lookup_transfers(&mut self, ids: &[u128]) -> Result<Vec<Transfer>, Refused> {
        Ok(self.model.lookup_transfers(ids))
    }

    fn get_account_transfers(&mut self, filter: &AccountFilter) -> Result<Vec<Transfer>, Refused> {
        Ok(self.model.get_account_transfers(filter))
    }

    fn get_account_balances(&mut self, filter: &AccountFilter) -> Result<Vec<AccountBalance>, Refused> {
        Ok(self.model.get_account_balances(filter))
    }

    fn query_accounts(&mut self, filter: &QueryFilter) -> Result<Vec<Account>, Refused> {
        Ok(self.model.query_accounts(filter))
    }

    fn query_transfers(&mut self, filter: &QueryFilter) -> Result<Vec<Transfer>, Refused> {
        Ok(self.model.query_transfers(filter))
    }
}
