//! What the books must be: the model of the ledger and the clock, and how the two are compared.

mod ids;

use books::{Books, BooksError};
use ledger::{
    Account, AccountFilter, AccountFilterFlags, AccountFlags, BATCH_MAX, CreateAccountResult, CreateTransferResult,
    QueryFilter, QueryFilterFlags, Totals, Transfer,
};
use ledger_model::Model;

pub(crate) use ids::Ids;

/// The state that the books are to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    pub(crate) model: Model,
    pub(crate) clock: u64,
}

/// What changes the books.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Accounts(Vec<Account>),
    Transfers(Vec<Transfer>),
    /// The clock is set to this time.
    Tick(u64),
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Accounts(Vec<CreateAccountResult>),
    Transfers(Vec<CreateTransferResult>),
    /// So many pending transfers expired.
    Ticked(u64),
}

/// Does an action, and waits until it is durable.
pub(crate) fn act(books: &mut Books, action: &Action) -> Result<Outcome, BooksError> {
    Ok(match action {
        Action::Accounts(events) => Outcome::Accounts(books.create_accounts(events)?),
        Action::Transfers(events) => Outcome::Transfers(books.create_transfers(events)?),
        Action::Tick(time) => Outcome::Ticked(books.tick(*time)?),
    })
}

impl Known {
    /// What must become of an action.
    pub(crate) fn act(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Accounts(events) => Outcome::Accounts(self.model.create_accounts(events, self.clock)),
            Action::Transfers(events) => {
                self.begin(action);
                Outcome::Transfers(self.model.create_transfers(events, self.clock))
            }
            Action::Tick(time) => {
                self.clock = *time;
                Outcome::Ticked(self.model.expire(*time).len() as u64)
            }
        }
    }

    /// What happens before a batch is decided, and even if it is not: what has expired by its time is voided.
    pub(crate) fn begin(&mut self, action: &Action) {
        if matches!(action, Action::Transfers(_)) {
            self.model.expire(self.clock.max(self.model.last_timestamp() + 1));
        }
    }

    /// All accounts in the order of their creation.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        in_order(self.model.accounts().values().copied(), |account| account.timestamp)
    }

    /// All transfers in the order of their creation.
    pub(crate) fn transfers(&self) -> Vec<Transfer> {
        in_order(self.model.transfers().values().copied(), |transfer| transfer.timestamp)
    }

    /// Every moment at which something was created.
    pub(crate) fn moments(&self) -> Vec<u64> {
        let accounts = self.model.accounts().values().map(|account| account.timestamp);
        accounts.chain(self.model.transfers().values().map(|transfer| transfer.timestamp)).collect()
    }
}

fn in_order<T>(rows: impl Iterator<Item = T>, timestamp: impl Fn(&T) -> u64) -> Vec<T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_by_key(timestamp);
    rows
}

/// How the books differ from what they must be, if they do. Everything that can be asked is asked.
pub(crate) fn difference(books: &mut Books, known: &Known) -> Result<Option<String>, BooksError> {
    // After the disk was full, the first question lets the books begin anew.
    books.lookup_accounts(&[])?;
    let in_memory = difference_in_memory(books, known);
    if in_memory.is_some() {
        return Ok(in_memory);
    }
    if let Some(transfers) = difference_of_transfers(books, known)? {
        return Ok(Some(transfers));
    }
    for account in known.model.accounts().values() {
        if let Some(account) = difference_of_account(books, known, account)? {
            return Ok(Some(account));
        }
    }
    difference_of_queries(books, known)
}

fn difference_in_memory(books: &Books, known: &Known) -> Option<String> {
    let ledger = books.ledger();
    let accounts: Vec<Account> = ledger.accounts().collect();
    let mut open: Vec<Transfer> = ledger.open_pending().copied().collect();
    open.sort_unstable_by_key(|transfer| transfer.id);
    None.or_else(|| unequal("clock", &books.clock(), &known.clock))
        .or_else(|| unequal("last timestamp", &ledger.last_timestamp(), &known.model.last_timestamp()))
        .or_else(|| unequal("accounts", &accounts, &known.accounts()))
        .or_else(|| unequal("open pending transfers", &open, &known.model.open_pending()))
        .or_else(|| unequal("count of transfers", &books.transfer_count(), &(known.model.transfers().len() as u64)))
        .or_else(|| broken_invariant(books))
}

/// Invariants 1 and 4 of the design: debits equal credits in each ledger, and no account passes its limit.
fn broken_invariant(books: &Books) -> Option<String> {
    let ledger = books.ledger();
    if !ledger.totals().values().all(Totals::balanced) {
        return Some(format!("debits do not equal credits: {:?}", ledger.totals()));
    }
    let passes = |account: &Account| {
        let debits = u128::from(account.debits_pending) + u128::from(account.debits_posted);
        let credits = u128::from(account.credits_pending) + u128::from(account.credits_posted);
        account.flags.contains(AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS)
            && debits > u128::from(account.credits_posted)
            || account.flags.contains(AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS)
                && credits > u128::from(account.debits_posted)
    };
    ledger.accounts().find(passes).map(|account| format!("an account passes its limit: {account:?}"))
}

fn difference_of_transfers(books: &mut Books, known: &Known) -> Result<Option<String>, BooksError> {
    let transfers = known.transfers();
    for some in transfers.chunks(BATCH_MAX) {
        let ids: Vec<u128> = some.iter().map(|transfer| transfer.id).collect();
        if let Some(looked_up) = unequal("transfers looked up", &books.lookup_transfers(&ids)?, &some.to_vec()) {
            return Ok(Some(looked_up));
        }
    }
    let failed: Vec<u128> = known.model.failed().iter().copied().collect();
    let missing = [failed.as_slice(), &[0, u128::MAX]].concat();
    Ok(unequal("failed transfers looked up", &books.lookup_transfers(&missing)?, &Vec::new()))
}

fn difference_of_account(books: &mut Books, known: &Known, account: &Account) -> Result<Option<String>, BooksError> {
    let sides = AccountFilterFlags::DEBITS | AccountFilterFlags::CREDITS;
    for flags in [sides, sides | AccountFilterFlags::REVERSED] {
        let filter = AccountFilter { account_id: account.id, limit: u32::MAX, flags, ..AccountFilter::default() };
        if let Some(found) = difference_of_filter(books, known, &filter)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How the answers to a filter of an account differ.
pub(crate) fn difference_of_filter(
    books: &mut Books,
    known: &Known,
    filter: &AccountFilter,
) -> Result<Option<String>, BooksError> {
    let (transfers, balances) = (books.get_account_transfers(filter)?, books.get_account_balances(filter)?);
    let what = format!("{filter:?}");
    Ok(unequal(&what, &transfers, &known.model.get_account_transfers(filter))
        .or_else(|| unequal(&what, &balances, &known.model.get_account_balances(filter))))
}

/// How the answers to a query of accounts and transfers differ.
pub(crate) fn difference_of_query(
    books: &mut Books,
    known: &Known,
    filter: &QueryFilter,
) -> Result<Option<String>, BooksError> {
    let (transfers, accounts) = (books.query_transfers(filter)?, books.query_accounts(filter)?);
    let what = format!("{filter:?}");
    Ok(unequal(&what, &transfers, &known.model.query_transfers(filter))
        .or_else(|| unequal(&what, &accounts, &known.model.query_accounts(filter))))
}

fn difference_of_queries(books: &mut Books, known: &Known) -> Result<Option<String>, BooksError> {
    for flags in [QueryFilterFlags::empty(), QueryFilterFlags::REVERSED] {
        for (ledger, code) in [(0, 0), (1, 2), (2, 0)] {
            let filter = QueryFilter { ledger, code, limit: u32::MAX, flags, ..QueryFilter::default() };
            if let Some(found) = difference_of_query(books, known, &filter)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// How a value differs from what it must be.
pub(crate) fn unequal<T: std::fmt::Debug + PartialEq>(what: &str, found: &T, expected: &T) -> Option<String> {
    (found != expected).then(|| format!("{what}: found {found:?}\nexpected {expected:?}"))
}
