//! What was acknowledged is looked for in the books that were opened again.

use std::time::Instant;

use books::Books;
use journal::Journal;
use ledger::{AccountFilter, AccountFilterFlags, BATCH_MAX, CreateTransferStatus, TIMESTAMP_MAX, Transfer};

use super::LedgerArguments;
use super::workload::Workload;
use crate::failure::Failure;

/// Transfers that are looked up by id, spread over all that were measured.
const LOOKED_UP: u64 = 200_000;

/// Accounts whose whole history is listed, and added up to their balance.
const LISTED: u32 = 20;

/// A transfer that the load never made: the first after the kill.
pub(crate) fn first_transfer(books: &mut Books, arguments: &LedgerArguments) -> Result<(), Failure> {
    let template = Workload::new(arguments).transfer(0);
    let transfer = Transfer { id: u128::MAX - 1, ..template };
    let results = books.create_transfers(&[transfer])?;
    match results.as_slice() {
        [result] if result.status == CreateTransferStatus::Created => Ok(()),
        _ => Err(Failure::Fault(format!("the first transfer after the kill was refused: {results:?}"))),
    }
}

pub(crate) fn run(books: &mut Books, arguments: &LedgerArguments) -> Result<(), Failure> {
    let workload = Workload::new(arguments);
    let count = books.transfer_count();
    ensure(count > arguments.transfers, || {
        format!("{} transfers were acknowledged, but {count} are there", arguments.transfers)
    })?;
    let totals = books.ledger().totals();
    ensure(totals.values().all(|totals| totals.balanced()), || format!("the books do not balance: {totals:?}"))?;
    let looked_up = look_up(books, arguments, &workload)?;
    let listed = list_histories(books, arguments, &workload)?;
    let start = Instant::now();
    let verified = Journal::new(books.folder().join("journal")).verify(None)?;
    println!(
        "  checked: all {} acknowledged transfers are there, debits equal credits; {looked_up}; {listed};\n  the \
         journal's {} events are intact ({:.1?})",
        arguments.transfers,
        verified.end.position,
        start.elapsed()
    );
    Ok(())
}

fn look_up(books: &mut Books, arguments: &LedgerArguments, workload: &Workload) -> Result<String, Failure> {
    let step = (arguments.transfers / LOOKED_UP).max(1);
    let expected: Vec<Transfer> =
        (0..arguments.transfers).step_by(usize::try_from(step)?).map(|number| workload.transfer(number)).collect();
    let start = Instant::now();
    for batch in expected.chunks(BATCH_MAX) {
        let ids: Vec<u128> = batch.iter().map(|transfer| transfer.id).collect();
        let found = books.lookup_transfers(&ids)?;
        let same = found.iter().map(|transfer| Transfer { timestamp: 0, ..*transfer }).eq(batch.iter().copied());
        ensure(same, || "an acknowledged transfer is missing or different".to_owned())?;
    }
    let each = start.elapsed() / u32::try_from(expected.len().max(1))?;
    Ok(format!("{} looked up by id, {each:.1?} each", expected.len()))
}

fn list_histories(books: &mut Books, arguments: &LedgerArguments, workload: &Workload) -> Result<String, Failure> {
    let step = (arguments.accounts / LISTED).max(1);
    let (mut transfers, mut accounts) = (0, 0);
    let start = Instant::now();
    for number in (0..arguments.accounts).step_by(usize::try_from(step)?).take(usize::try_from(LISTED)?) {
        let id = workload.account(number).id;
        let history = history(books, id)?;
        let sum = |is_side: fn(&Transfer, u128) -> bool| -> u64 {
            history.iter().filter(|transfer| is_side(transfer, id)).map(|transfer| transfer.amount).sum()
        };
        let (debits, credits) = (sum(|of, id| of.debit_account_id == id), sum(|of, id| of.credit_account_id == id));
        let account = books.lookup_accounts(&[id])?.into_iter().next();
        let same = account.is_some_and(|account| (account.debits_posted, account.credits_posted) == (debits, credits));
        ensure(same, || format!("the history of account {id} does not add up to its balance"))?;
        transfers += history.len();
        accounts += 1;
    }
    let time = start.elapsed();
    Ok(format!("the whole history of {accounts} accounts listed, {transfers} transfers in {time:.1?}"))
}

/// All transfers of an account, page by page.
fn history(books: &mut Books, account_id: u128) -> Result<Vec<Transfer>, Failure> {
    let flags = AccountFilterFlags::DEBITS | AccountFilterFlags::CREDITS;
    let limit = u32::try_from(BATCH_MAX)?;
    let mut filter =
        AccountFilter { account_id, flags, limit, timestamp_max: TIMESTAMP_MAX, ..AccountFilter::default() };
    let mut all = Vec::new();
    loop {
        let page = books.get_account_transfers(&filter)?;
        let Some(last) = page.last() else { return Ok(all) };
        filter.timestamp_min = last.timestamp + 1;
        let is_last = page.len() < BATCH_MAX;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Fault(otherwise())) }
}
