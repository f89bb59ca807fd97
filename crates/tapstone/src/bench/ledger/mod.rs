//! `tapstone bench ledger`: how many transfers a second the ledger makes durable on this machine.
//!
//! The load runs in a process of its own, with every sync to disk in place. At the end that process is killed in
//! mid-work (SIGKILL); the books are opened again, and everything that was acknowledged is looked for: a figure only
//! counts if nothing was lost.

mod check;
mod load;
mod memory;
mod workload;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use books::{Books, Options};

use super::figures::per_second;
use super::town::temporary_folder;
use crate::failure::Failure;

pub(crate) use load::{LoadArguments, run as load};

/// Measure the ledger: batches of transfers between random accounts, each batch durable before it is acknowledged.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LedgerArguments {
    /// Accounts to move money between.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=4_000_000_000))]
    pub(crate) accounts: u32,
    /// Transfers to measure.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    pub(crate) transfers: u64,
    /// Transfers in a batch.
    #[arg(long, default_value_t = 8189, value_parser = clap::value_parser!(u16).range(1..=8189))]
    pub(crate) batch: u16,
    /// Batches that may be under way at once: with two, one is decided while the other is being written.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) in_flight: u16,
    /// Give transfers random ids instead of ids in the order of time.
    #[arg(long)]
    pub(crate) random_ids: bool,
    /// Choose accounts by Zipf's law (exponent 1) instead of uniformly: few accounts have most of the transfers.
    #[arg(long)]
    pub(crate) zipf: bool,
    /// In memory alone, on one thread: no journal, no tables.
    #[arg(long)]
    pub(crate) memory: bool,
    /// Chooses accounts, amounts and ids.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where to make the temporary data folder: the disk that is measured.
    #[arg(long, default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// The line by which the load says that it has measured all, and goes on only to be killed.
const MEASURED: &str = "measured";

/// How long the load goes on after measuring, before it is killed.
const KILL_DELAY: Duration = Duration::from_millis(200);

/// Runs the benchmark and prints its figures. Fails if anything acknowledged was lost or the books do not balance.
pub(crate) fn run(arguments: &LedgerArguments) -> Result<(), Failure> {
    println!("tapstone bench ledger: {}", setting(arguments));
    if arguments.memory {
        return memory::run(arguments);
    }
    let folder = temporary_folder(&arguments.folder)?;
    let mut load = start_load(arguments, folder.path())?;
    let measured = relay(&mut load);
    let memory = peak_memory_kib(load.id());
    std::thread::sleep(KILL_DELAY);
    load.kill()?;
    load.wait()?;
    measured?;
    let killed = Instant::now();
    let mut books = Books::open(folder.path(), Options::default())?;
    let opened = killed.elapsed();
    check::first_transfer(&mut books, arguments)?;
    let first_transfer = killed.elapsed();
    println!("  killed; open again after {opened:.2?}, first new transfer durable after {first_transfer:.2?}");
    report_size(folder.path(), books.transfer_count(), arguments.accounts, memory);
    check::run(&mut books, arguments)
}

fn setting(arguments: &LedgerArguments) -> String {
    let LedgerArguments { accounts, transfers, batch, in_flight, random_ids, zipf, memory, .. } = arguments;
    let ids = if *random_ids { "random ids" } else { "ids in the order of time" };
    let choice = if *zipf { "chosen by Zipf's law" } else { "chosen uniformly" };
    let disk = if *memory { "in memory alone, one thread" } else { "sync: full (fdatasync before every answer)" };
    format!(
        "{transfers} transfers between {accounts} accounts {choice}, {ids}\n  batches of {batch}, {in_flight} under way; \
         {disk}"
    )
}

fn start_load(arguments: &LedgerArguments, folder: &Path) -> Result<Child, Failure> {
    let LedgerArguments { accounts, transfers, batch, in_flight, seed, .. } = arguments;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "ledger-load", "--data"]).arg(folder);
    for (name, value) in [
        ("--accounts", u64::from(*accounts)),
        ("--transfers", *transfers),
        ("--batch", u64::from(*batch)),
        ("--in-flight", u64::from(*in_flight)),
        ("--seed", *seed),
    ] {
        command.arg(name).arg(value.to_string());
    }
    command.args(arguments.random_ids.then_some("--random-ids")).args(arguments.zipf.then_some("--zipf"));
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?)
}

/// Prints what the load says until it has measured all.
fn relay(load: &mut Child) -> Result<(), Failure> {
    let out: Option<ChildStdout> = load.stdout.take();
    for line in out.map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        match line? {
            line if line == MEASURED => return Ok(()),
            line => println!("{line}"),
        }
    }
    Err(Failure::Fault("the load ended before it had measured anything: see its message above".to_owned()))
}

fn report_size(folder: &Path, transfers: u64, accounts: u32, memory_kib: Option<u64>) {
    let size = |name: &str| size_of(&folder.join(name));
    let (journal, tables) = (size("journal"), size("tables"));
    let each = (journal + tables) / transfers.max(1);
    println!(
        "  on disk: {} MB journal, {} MB tables; {each} bytes for each transfer, accounts included",
        journal / 1_000_000,
        tables / 1_000_000
    );
    if let Some(kib) = memory_kib {
        let each = kib * 1024 / u64::from(accounts);
        println!("  peak memory of the process: {} MB, or {each} bytes for each account", kib * 1024 / 1_000_000);
    }
}

fn size_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// The most memory that a process had at once, as Linux counts it.
fn peak_memory_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// One line: how many in what time.
fn rate(what: &str, count: u64, time: Duration) -> String {
    let rate = per_second(usize::try_from(count).unwrap_or(usize::MAX), time);
    format!("  {count} {what} in {time:.2?}: {rate}/s")
}
