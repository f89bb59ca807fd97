//! `tapstone verify`: checks everything, offline.

use std::fmt::{self, Write};
use std::path::PathBuf;

use clap::Args;
use engine::Report;
use money::Currency;

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;

/// Check every byte of the money plane while no server runs: journal, rules, balances and tables.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    DataFolder(&arguments.data).refuse_ledger()?;
    let report = engine::verify(&arguments.data)?;
    output::print(&describe(&report)?)?;
    Ok(())
}

fn describe(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let journal = &report.journal;
    writeln!(text, "journal  {} records in {} frames, up to {}", report.position, journal.frames, journal.end.hash)?;
    let Report { orders, taps, payments, deposits, .. } = report;
    writeln!(text, "records  {orders} orders, {taps} taps, {payments} payments, {deposits} deposits")?;
    for (ledger, totals) in &report.totals {
        let currency = u16::try_from(*ledger).ok().and_then(|numeric| Currency::from_numeric(numeric).ok());
        let currency = currency.map_or_else(|| ledger.to_string(), |currency| currency.to_string());
        writeln!(text, "{currency:<7}  debits {} = credits {} in minor units", totals.debits, totals.credits)?;
    }
    match report.tables_position {
        Some(position) => writeln!(text, "tables   {} rows agree, at record {position}", report.rows_compared)?,
        None => writeln!(text, "tables   none; the next start makes them from the journal")?,
    }
    writeln!(text, "all is well")?;
    Ok(text)
}
