//! The ledger in memory alone: rules, balances and the transfers kept, on one thread.

use std::time::{Duration, Instant};

use ledger::{BATCH_MAX, CreateTransferStatus, Ledger, Past, Transfer};

use super::workload::Workload;
use super::{LedgerArguments, rate};
use crate::bench::figures::Latencies;
use crate::failure::Failure;

pub(crate) fn run(arguments: &LedgerArguments) -> Result<(), Failure> {
    if arguments.random_ids {
        let message = "in memory alone only ids in the order of time are measured: leave out --random-ids or --memory";
        return Err(Failure::Usage(message.to_owned()));
    }
    let workload = Workload::new(arguments);
    let mut ledger = Ledger::default();
    let accounts: Vec<_> = (0..arguments.accounts).map(|number| workload.account(number)).collect();
    let start = Instant::now();
    for batch in accounts.chunks(BATCH_MAX) {
        ledger.create_accounts(batch, 1)?;
    }
    println!("{}", rate("accounts", arguments.accounts.into(), start.elapsed()));
    let (mut latencies, mut time, mut first, mut highest_id) = (Latencies::default(), Duration::ZERO, 0, 0);
    let mut kept: Vec<Vec<Transfer>> = Vec::new();
    while first < arguments.transfers {
        let next = (first + u64::from(arguments.batch)).min(arguments.transfers);
        // Making the load up is not the ledger's work.
        let transfers: Vec<Transfer> = (first..next).map(|number| workload.transfer(number)).collect();
        let start = Instant::now();
        if transfers.iter().any(|transfer| transfer.id <= highest_id) {
            return Err(Failure::Fault("ids are not in the order of time".to_owned()));
        }
        let created = ledger.create_transfers(&transfers, 1, &Past::new())?;
        highest_id = created.transfers.last().map_or(highest_id, |transfer| transfer.id);
        kept.push(created.transfers);
        time += start.elapsed();
        latencies.add(start.elapsed());
        if let Some(refused) = created.results.iter().find(|result| result.status != CreateTransferStatus::Created) {
            return Err(Failure::Fault(format!("a transfer was refused: {}", refused.status)));
        }
        first = next;
    }
    println!("{}", rate("transfers", arguments.transfers, time));
    println!("  a batch: {}", latencies.summary().of_batches());
    let unbalanced = ledger.totals().into_values().any(|totals| !totals.balanced());
    let sum: u128 = kept.iter().flatten().map(|transfer| u128::from(transfer.amount)).sum();
    let moved: u128 = ledger.totals().into_values().map(|totals| totals.debits).sum();
    if unbalanced || sum != moved {
        return Err(Failure::Fault("the books do not balance".to_owned()));
    }
    println!("  the books balance: {moved} moved");
    Ok(())
}
