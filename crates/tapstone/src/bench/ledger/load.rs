//! The load, in a process of its own, which is killed in the end.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use books::{Begun, Books, Options};
use ledger::{BATCH_MAX, CreateAccountStatus, CreateTransferResult, CreateTransferStatus, Transfer};

use super::workload::Workload;
use super::{LedgerArguments, MEASURED, rate};
use crate::bench::figures::Latencies;
use crate::failure::Failure;

/// The measured part of `bench ledger`, which that command starts.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoadArguments {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    #[command(flatten)]
    arguments: LedgerArguments,
}

/// Creates the accounts, measures the transfers, says so, and goes on until it is killed.
pub(crate) fn run(arguments: &LoadArguments) -> Result<(), Failure> {
    let LoadArguments { data, arguments } = arguments;
    let workload = Workload::new(arguments);
    let mut books = Books::open(data, Options::default())?;
    create_accounts(&mut books, arguments, &workload)?;
    let mut load = Load { books, latencies: Latencies::default(), under_way: VecDeque::new(), arguments, workload };
    let start = Instant::now();
    let mut first = 0;
    while first < arguments.transfers {
        first = load.batch(first, arguments.transfers)?;
    }
    load.wait_until_under_way(0)?;
    println!("{}", rate("transfers", arguments.transfers, start.elapsed()));
    let latencies = std::mem::take(&mut load.latencies);
    println!("  a batch: {}", latencies.summary().of_batches());
    println!("{MEASURED}");
    std::io::stdout().flush()?;
    loop {
        first = load.batch(first, u64::MAX)?;
    }
}

fn create_accounts(books: &mut Books, arguments: &LedgerArguments, workload: &Workload) -> Result<(), Failure> {
    let start = Instant::now();
    let batch = u32::try_from(BATCH_MAX)?;
    for first in (0..arguments.accounts).step_by(BATCH_MAX) {
        let last = first.saturating_add(batch).min(arguments.accounts);
        let accounts: Vec<_> = (first..last).map(|number| workload.account(number)).collect();
        let results = books.create_accounts(&accounts)?;
        if let Some(refused) = results.iter().find(|result| result.status != CreateAccountStatus::Created) {
            return Err(Failure::Fault(format!("an account was refused: {}", refused.status)));
        }
    }
    println!("{}", rate("accounts", arguments.accounts.into(), start.elapsed()));
    Ok(())
}

struct Load<'a> {
    books: Books,
    latencies: Latencies,
    under_way: VecDeque<(Instant, Begun<CreateTransferResult>)>,
    arguments: &'a LedgerArguments,
    workload: Workload,
}

impl Load<'_> {
    /// Sends the batch that begins with this transfer, before `end`; returns where the next one begins.
    fn batch(&mut self, first: u64, end: u64) -> Result<u64, Failure> {
        let next = (first + u64::from(self.arguments.batch)).min(end);
        let transfers: Vec<Transfer> = (first..next).map(|number| self.workload.transfer(number)).collect();
        let start = Instant::now();
        let begun = self.books.begin_transfers(&transfers)?;
        self.under_way.push_back((start, begun));
        self.wait_until_under_way(usize::from(self.arguments.in_flight) - 1)?;
        Ok(next)
    }

    /// Waits until at most so many batches are under way. A transfer that is refused is a mistake of the benchmark.
    fn wait_until_under_way(&mut self, count: usize) -> Result<(), Failure> {
        while self.under_way.len() > count {
            let Some((start, begun)) = self.under_way.pop_front() else { break };
            let results = self.books.finish(begun)?;
            self.latencies.add(start.elapsed());
            if let Some(refused) = results.iter().find(|result| result.status != CreateTransferStatus::Created) {
                return Err(Failure::Fault(format!("a transfer was refused: {}", refused.status)));
            }
        }
        Ok(())
    }
}
