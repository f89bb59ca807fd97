//! `tapstone`: a whole payment platform in one binary and one folder.
//!
//! Each subcommand is one file in [`commands`]. Exit codes: 0 done, 1 something is wrong with the data or the machine,
//! 2 something is wrong with what was asked. What a command is asked for goes to standard output; everything else,
//! logs included, to standard error.

mod bench;
mod commands;
mod demo;
mod failure;
mod folder;
mod hexadecimal;
mod ledger_folder;
mod logging;
mod open_files;
mod output;
mod personalisation;
mod provision;
mod public_url;
mod signals;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Many small allocations on several threads: what mimalloc is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A mobile payment platform: tap, confirm, paid.
#[derive(Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(commands::init::Arguments),
    Serve(commands::serve::Arguments),
    Import(commands::import::Arguments),
    Verify(commands::verify::Arguments),
    Backup(commands::backup::Arguments),
    Restore(commands::restore::Arguments),
    /// Keep a ledger by itself: accounts and transfers, without a payment platform around them.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Prepare NFC tags, and verify what they say.
    #[command(subcommand)]
    Tag(TagCommand),
    /// Read and write EMVCo's QR codes.
    #[command(subcommand)]
    Qr(QrCommand),
    /// Measure this machine, and prove that nothing is lost.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print the API's description (OpenAPI 3.1, JSON).
    Openapi,
}

#[derive(Subcommand)]
enum BenchCommand {
    Taps(bench::TapsArguments),
    Settlement(bench::SettlementArguments),
    Webhooks(bench::WebhooksArguments),
    Kills(bench::KillsArguments),
    Ledger(bench::LedgerArguments),
    #[command(hide = true)]
    LedgerLoad(bench::LoadArguments),
}

#[derive(Subcommand)]
enum LedgerCommand {
    Exec(commands::ledger_exec::Arguments),
}

#[derive(Subcommand)]
enum TagCommand {
    Keys(commands::tag_keys::Arguments),
    Personalise(commands::tag_personalise::Arguments),
    /// Keep master keys with versions, sealed or in a hardware module; two people make one.
    #[command(subcommand)]
    KeyStore(commands::tag_key_store::Command),
    Verify(commands::tag_verify::Arguments),
    Factory(Box<commands::tag_factory::Arguments>),
}

#[derive(Subcommand)]
enum QrCommand {
    Decode(commands::qr::DecodeArguments),
    Encode(commands::qr::EncodeArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Init(arguments) => commands::init::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Import(arguments) => commands::import::run(&arguments),
        Command::Verify(arguments) => commands::verify::run(&arguments),
        Command::Backup(arguments) => commands::backup::run(&arguments),
        Command::Restore(arguments) => commands::restore::run(&arguments),
        Command::Ledger(LedgerCommand::Exec(arguments)) => commands::ledger_exec::run(&arguments),
        Command::Tag(TagCommand::Keys(arguments)) => commands::tag_keys::run(&arguments),
        Command::Tag(TagCommand::Personalise(arguments)) => commands::tag_personalise::run(&arguments),
        Command::Tag(TagCommand::KeyStore(command)) => commands::tag_key_store::run(&command),
        Command::Tag(TagCommand::Verify(arguments)) => commands::tag_verify::run(&arguments),
        Command::Tag(TagCommand::Factory(arguments)) => commands::tag_factory::run(*arguments),
        Command::Qr(QrCommand::Decode(arguments)) => commands::qr::decode(&arguments),
        Command::Qr(QrCommand::Encode(arguments)) => commands::qr::encode(&arguments),
        Command::Bench(BenchCommand::Taps(arguments)) => bench::taps(&arguments),
        Command::Bench(BenchCommand::Settlement(arguments)) => bench::settlement(&arguments),
        Command::Bench(BenchCommand::Webhooks(arguments)) => bench::webhooks(&arguments),
        Command::Bench(BenchCommand::Kills(arguments)) => bench::kills(&arguments),
        Command::Bench(BenchCommand::Ledger(arguments)) => bench::ledger(&arguments),
        Command::Bench(BenchCommand::LedgerLoad(arguments)) => bench::ledger_load(&arguments),
        Command::Openapi => commands::openapi::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}
