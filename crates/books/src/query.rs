//! Answering: look-ups and queries over the tables and what was decided since they were written.
//!
//! The index says which rows can match; each row is looked at before it is an answer. What was decided since the last
//! stretch was written is not indexed, and is looked through.

use std::ops::Range;
use std::sync::Arc;

use ledger::{
    Account, AccountBalance, AccountFilter, AccountFilterFlags, AccountFlags, Ledger, QueryFilter, QueryFilterFlags,
    Remembered, Resolution, TimestampRange, Transfer, TransferFlags,
};

use crate::catalog::{Catalog, Snapshot, TRANSFERS};
use crate::entries::{FAILED, Field, HistoryEntry};
use crate::error::TablesError;
use crate::numbers::{self, Numbers};
use crate::recent::Recent;
use crate::row_files::RowFiles;

/// Everything that was ever decided, ready to be asked.
#[derive(Debug)]
pub(crate) struct Reader {
    rows: RowFiles<Transfer>,
}

/// What a question is asked about: the tables and what came after them, the oldest first, without a gap.
pub(crate) struct View<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) tables: &'a Snapshot,
    pub(crate) recent: &'a [Arc<Recent>],
    pub(crate) newest: &'a Recent,
}

impl View<'_> {
    /// What is not in the tables yet, the newest first.
    fn newest_first(&self) -> impl Iterator<Item = &Recent> {
        std::iter::once(self.newest).chain(self.recent.iter().rev().map(|recent| &**recent))
    }

    fn oldest_first(&self) -> impl Iterator<Item = &Recent> {
        self.recent.iter().map(|recent| &**recent).chain(std::iter::once(self.newest))
    }

    /// How many transfers there are.
    fn transfers(&self) -> u64 {
        self.newest.first_transfer + self.newest.transfers.len() as u64
    }
}

impl Reader {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { rows: RowFiles::new(Arc::clone(&catalog.disk), catalog.folder.clone(), TRANSFERS) }
    }

    /// What became of a transfer id.
    pub(crate) fn find(&mut self, view: &View<'_>, id: u128) -> Result<Option<Remembered>, TablesError> {
        let number = match view.newest_first().find_map(|recent| recent.number(id)) {
            Some(number) => number,
            None => match view.tables.trees.ids.get(id)? {
                Some(entry) => entry.number,
                None => return Ok(None),
            },
        };
        if number == FAILED {
            return Ok(Some(Remembered::Failed));
        }
        self.transfer(view, number).map(Remembered::Created).map(Some)
    }

    /// The transfer with this number, which exists.
    pub(crate) fn transfer(&mut self, view: &View<'_>, number: u64) -> Result<Transfer, TablesError> {
        match view.newest_first().find_map(|recent| recent.transfer(number)) {
            Some(transfer) => Ok(*transfer),
            None => self.rows.get(number, view.tables.transfers),
        }
    }

    /// How a pending transfer that is not open any more was resolved.
    pub(crate) fn resolution(&mut self, view: &View<'_>, pending: &Transfer) -> Result<Resolution, TablesError> {
        if let Some(how) = view.newest_first().find_map(|recent| recent.resolution(pending.id)) {
            return Ok(how);
        }
        let index = &view.tables.trees.index;
        let among = 0..view.tables.transfers;
        for number in numbers::with_value(index, Field::TransferPendingId, pending.id, among, false) {
            let resolving = self.rows.get(number?, view.tables.transfers)?;
            if resolving.pending_id == pending.id {
                let is_post = resolving.flags.contains(TransferFlags::POST_PENDING_TRANSFER);
                return Ok(if is_post { Resolution::Posted } else { Resolution::Voided });
            }
        }
        let at = pending.timestamp..pending.timestamp.saturating_add(1);
        match numbers::with_value(index, Field::Expired, pending.id, at, false).next().transpose()? {
            Some(_) => Ok(Resolution::Expired),
            None => Err(TablesError::Damaged {
                file: "index".into(),
                what: format!("pending transfer {:#x} is neither open nor resolved", pending.id),
            }),
        }
    }

    /// The transfers of an account that match, in the order asked for.
    pub(crate) fn account_transfers(
        &mut self,
        view: &View<'_>,
        filter: &AccountFilter,
    ) -> Result<Vec<Transfer>, TablesError> {
        let Some((range, limit)) = filter.parse() else { return Ok(Vec::new()) };
        let reversed = filter.flags.contains(AccountFilterFlags::REVERSED);
        let side = |flag| filter.flags.contains(flag);
        let (debits, credits) = (side(AccountFilterFlags::DEBITS), side(AccountFilterFlags::CREDITS));
        let indexed = |among: Range<u64>| {
            let index = &view.tables.trees.index;
            let stream = |field, value| numbers::with_value(index, field, value, among.clone(), reversed);
            let debits = debits.then(|| stream(Field::TransferDebitAccount, filter.account_id));
            let credits = credits.then(|| stream(Field::TransferCreditAccount, filter.account_id));
            let sides = match (debits, credits) {
                (Some(debits), Some(credits)) => Some(numbers::union(debits, credits, reversed)),
                (one, other) => one.or(other),
            };
            let values = [
                (Field::TransferUserData128, filter.user_data_128),
                (Field::TransferUserData64, filter.user_data_64.into()),
                (Field::TransferUserData32, filter.user_data_32.into()),
                (Field::TransferCode, filter.code.into()),
            ];
            let asked = values.into_iter().filter(|(_, value)| *value != 0);
            let streams = sides.into_iter().chain(asked.map(|(field, value)| stream(field, value)));
            numbers::intersection(streams.collect(), reversed)
        };
        let matches = |transfer: &Transfer| {
            let is_side = debits && transfer.debit_account_id == filter.account_id
                || credits && transfer.credit_account_id == filter.account_id;
            is_side
                && is_asked(filter.user_data_128, transfer.user_data_128)
                && is_asked(filter.user_data_64, transfer.user_data_64)
                && is_asked(filter.user_data_32, transfer.user_data_32)
                && is_asked(filter.code, transfer.code)
        };
        self.transfers(view, &Question { range, limit, reversed }, indexed, matches)
    }

    /// The balances that the matching transfers left in an account that keeps its history.
    pub(crate) fn account_balances(
        &mut self,
        view: &View<'_>,
        filter: &AccountFilter,
    ) -> Result<Vec<AccountBalance>, TablesError> {
        let account = view.ledger.account(filter.account_id);
        let Some(account) = account.filter(|account| account.flags.contains(AccountFlags::HISTORY)) else {
            return Ok(Vec::new());
        };
        let Some(number) = view.ledger.account_number(account.id) else { return Ok(Vec::new()) };
        let transfers = self.account_transfers(view, filter)?;
        transfers.iter().map(|transfer| balance_after(view, number, transfer.timestamp)).collect()
    }

    /// The transfers that match, in the order asked for.
    pub(crate) fn query_transfers(
        &mut self,
        view: &View<'_>,
        filter: &QueryFilter,
    ) -> Result<Vec<Transfer>, TablesError> {
        let Some((range, limit)) = filter.parse() else { return Ok(Vec::new()) };
        let reversed = filter.flags.contains(QueryFilterFlags::REVERSED);
        let fields = [
            (Field::TransferUserData128, filter.user_data_128),
            (Field::TransferUserData64, filter.user_data_64.into()),
            (Field::TransferUserData32, filter.user_data_32.into()),
            (Field::TransferCode, filter.code.into()),
            (Field::TransferLedger, filter.ledger.into()),
        ];
        let indexed = |among| by_fields(view, &fields, among, reversed);
        let matches = |transfer: &Transfer| {
            is_asked(filter.user_data_128, transfer.user_data_128)
                && is_asked(filter.user_data_64, transfer.user_data_64)
                && is_asked(filter.user_data_32, transfer.user_data_32)
                && is_asked(filter.ledger, transfer.ledger)
                && is_asked(filter.code, transfer.code)
        };
        self.transfers(view, &Question { range, limit, reversed }, indexed, matches)
    }

    fn transfers<'v>(
        &mut self,
        view: &'v View<'_>,
        question: &Question,
        indexed: impl FnOnce(Range<u64>) -> Numbers<'v>,
        matches: impl Fn(&Transfer) -> bool,
    ) -> Result<Vec<Transfer>, TablesError> {
        let range = self.numbers_in(view, &question.range)?;
        let stored = range.start.min(view.tables.transfers)..range.end.min(view.tables.transfers);
        let recent: Vec<&Recent> = view.oldest_first().collect();
        let mut answers = Vec::new();
        if question.reversed {
            let newest_first = recent.iter().rev().flat_map(|recent| recent.transfers.iter().rev());
            take_recent(&mut answers, newest_first, question, &matches);
        }
        for number in indexed(stored) {
            if answers.len() == question.limit {
                break;
            }
            let transfer = self.rows.get(number?, view.tables.transfers)?;
            if matches(&transfer) {
                answers.push(transfer);
            }
        }
        if !question.reversed {
            let oldest_first = recent.iter().flat_map(|recent| recent.transfers.iter());
            take_recent(&mut answers, oldest_first, question, &matches);
        }
        Ok(answers)
    }

    /// The numbers of the transfers that were created in a range of time.
    fn numbers_in(&mut self, view: &View<'_>, range: &TimestampRange) -> Result<Range<u64>, TablesError> {
        let mut first_after = |timestamp: u64| -> Result<u64, TablesError> {
            let (mut low, mut high) = (0, view.transfers());
            while low < high {
                let middle = low + (high - low) / 2;
                if self.transfer(view, middle)?.timestamp < timestamp { low = middle + 1 } else { high = middle }
            }
            Ok(low)
        };
        let start = if range.min <= 1 { 0 } else { first_after(range.min)? };
        let is_past = view.newest.transfers.last().is_some_and(|last| last.timestamp <= range.max);
        let end = if is_past { view.transfers() } else { first_after(range.max.saturating_add(1))? };
        Ok(start..end)
    }
}

/// The accounts that match, in the order asked for.
pub(crate) fn query_accounts(view: &View<'_>, filter: &QueryFilter) -> Result<Vec<Account>, TablesError> {
    let Some((range, limit)) = filter.parse() else { return Ok(Vec::new()) };
    let reversed = filter.flags.contains(QueryFilterFlags::REVERSED);
    let account = |number: u64| u32::try_from(number).ok().and_then(|number| view.ledger.account_at(number));
    let first_after = |timestamp: u64| {
        let (mut low, mut high) = (0, u64::from(view.ledger.account_count()));
        while low < high {
            let middle = low + (high - low) / 2;
            let is_before = account(middle).is_some_and(|account| account.timestamp < timestamp);
            if is_before { low = middle + 1 } else { high = middle }
        }
        low
    };
    let among = first_after(range.min)..first_after(range.max.saturating_add(1));
    let stored = u64::from(view.tables.accounts);
    let fields = [
        (Field::AccountUserData128, filter.user_data_128),
        (Field::AccountUserData64, filter.user_data_64.into()),
        (Field::AccountUserData32, filter.user_data_32.into()),
        (Field::AccountLedger, filter.ledger.into()),
        (Field::AccountCode, filter.code.into()),
    ];
    let indexed = by_fields(view, &fields, among.start.min(stored)..among.end.min(stored), reversed);
    let recent = numbers::all(among.start.max(stored)..among.end.max(stored), reversed);
    let (first, second) = if reversed { (recent, indexed) } else { (indexed, recent) };
    let mut answers = Vec::new();
    for number in first.chain(second) {
        if answers.len() == limit {
            break;
        }
        let matches = |account: &Account| {
            is_asked(filter.user_data_128, account.user_data_128)
                && is_asked(filter.user_data_64, account.user_data_64)
                && is_asked(filter.user_data_32, account.user_data_32)
                && is_asked(filter.ledger, account.ledger)
                && is_asked(filter.code, account.code)
        };
        answers.extend(account(number?).filter(matches));
    }
    Ok(answers)
}

/// How much is asked for, and in which order.
struct Question {
    range: TimestampRange,
    limit: usize,
    reversed: bool,
}

/// What has all the values that are asked for; everything, if none is.
fn by_fields<'a>(view: &'a View<'_>, fields: &[(Field, u128)], among: Range<u64>, reversed: bool) -> Numbers<'a> {
    let asked = fields.iter().filter(|(_, value)| *value != 0);
    let index = &view.tables.trees.index;
    let streams: Vec<_> =
        asked.map(|(field, value)| numbers::with_value(index, *field, *value, among.clone(), reversed)).collect();
    if streams.is_empty() { numbers::all(among, reversed) } else { numbers::intersection(streams, reversed) }
}

fn take_recent<'a>(
    answers: &mut Vec<Transfer>,
    transfers: impl Iterator<Item = &'a Transfer>,
    question: &Question,
    matches: impl Fn(&Transfer) -> bool,
) {
    let room = question.limit - answers.len();
    let found = transfers.filter(|transfer| question.range.contains(transfer.timestamp) && matches(transfer));
    answers.extend(found.take(room));
}

fn balance_after(view: &View<'_>, account: u32, timestamp: u64) -> Result<AccountBalance, TablesError> {
    let of_account = |(number, balance): &&(u32, AccountBalance)| *number == account && balance.timestamp == timestamp;
    for recent in view.newest_first() {
        let history = &recent.effects.history;
        let start = history.partition_point(|(_, balance)| balance.timestamp < timestamp);
        if let Some((_, balance)) = history[start..].iter().take(2).find(of_account) {
            return Ok(*balance);
        }
    }
    match view.tables.trees.history.get(HistoryEntry::key(account, timestamp))? {
        Some(entry) => Ok(AccountBalance { balance: entry.balance, timestamp }),
        None => Err(TablesError::Damaged {
            file: "history".into(),
            what: format!("the balance of account number {account} at {timestamp} is missing"),
        }),
    }
}

/// Whether a value is the one asked for; 0 asks for none.
fn is_asked<T: Default + PartialEq>(asked: T, value: T) -> bool {
    asked == T::default() || asked == value
}
