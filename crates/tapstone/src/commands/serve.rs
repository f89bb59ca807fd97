//! `tapstone serve`: runs the platform until it is told to stop.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use server::bank::{self, Bank, Debtor, FileBank, Reconciliation, SandboxBank};
use server::webhooks::{self, Network, Webhooks};
use server::{AndroidApp, App, AppLinks, AppleApp, ClockSource, Options, RateLimit, Sandbox, StoredEvents};
use tag::{AesKey, TagKeys};
use terms::Iban;
use tokio::net::TcpListener;

use crate::demo;
use crate::failure::Failure;
use crate::folder::{DataFolder, OpenFolder};
use crate::public_url::PublicUrl;
use crate::signals::Signals;
use crate::{logging, open_files, output};

/// Run the platform: API, events and web pages, until SIGTERM or Ctrl-C.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen. It speaks plain HTTP: put a proxy with TLS before it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Run a demonstration, with example shops and wallets and published keys, in a folder of its own.
    #[arg(long)]
    demo: bool,
    /// Where phones reach the platform, if not at the listening address.
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Requests a second that one API key may make in the long run, five times as many at once; 0 is no limit.
    #[arg(long, value_name = "NUMBER", default_value_t = RateLimit::default().per_second,
        value_parser = clap::value_parser!(u32).range(0..=200_000))]
    rate_limit: u32,
    /// An Android app that opens tags by itself: its package, and the SHA-256 of the certificate that it is signed with. For
    /// several, give it several times.
    #[arg(long, value_name = "PACKAGE=FINGERPRINT")]
    android_app: Vec<AndroidApp>,
    /// An iOS app that opens tags by itself. For several, give it several times.
    #[arg(long, value_name = "TEAMID.BUNDLE")]
    apple_app: Vec<AppleApp>,
    #[command(flatten)]
    bank: BankArguments,
}

/// Pay merchants out through a bank that takes and gives files (ISO 20022). Without it their payouts wait; a sandbox and
/// a demonstration have a bank of their own, which pays nobody.
#[derive(Args)]
struct BankArguments {
    /// The folder that the bank's transfer program fetches from and puts into: usually `bank` in the data folder.
    #[arg(long, value_name = "DIR", requires_all = ["bank_holder", "bank_iban", "bank_bic"], conflicts_with = "demo")]
    bank_folder: Option<PathBuf>,
    /// Who pays: the holder of the account that payouts leave.
    #[arg(long, value_name = "NAME", requires = "bank_folder")]
    bank_holder: Option<String>,
    /// The account that payouts leave.
    #[arg(long, value_name = "IBAN", requires = "bank_folder")]
    bank_iban: Option<String>,
    /// The bank that has that account.
    #[arg(long, value_name = "BIC", requires = "bank_folder")]
    bank_bic: Option<String>,
}

impl BankArguments {
    /// The bank that payouts go to.
    fn open(&self, data: &Path, folder: &OpenFolder) -> Result<Option<Box<dyn Bank>>, Failure> {
        let files = (&self.bank_folder, &self.bank_holder, &self.bank_iban, &self.bank_bic);
        match files {
            (Some(_), ..) if folder.test_clock.is_some() => {
                Err(Failure::Usage("the money of this folder is not real: start it without --bank-folder".to_owned()))
            }
            (Some(spool), Some(holder), Some(iban), Some(bic)) => {
                let iban = Iban::parse(iban).map_err(|error| Failure::Usage(format!("--bank-iban: {error}")))?;
                let debtor = Debtor::new(holder, iban, bic).map_err(|error| Failure::Usage(error.to_string()))?;
                Ok(Some(Box::new(FileBank::open(spool, debtor)?)))
            }
            _ if folder.test_clock.is_some() => Ok(Some(Box::new(SandboxBank::open(data)?))),
            _ => Ok(None),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    logging::start(tracing::Level::INFO);
    open_files::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result<(), Failure> {
    let signals = Signals::install()?;
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        Failure::Fault(format!("cannot listen on {}: {error}; choose another with --listen", arguments.listen))
    })?;
    let url = match &arguments.public_url {
        Some(url) => url.clone(),
        None => PublicUrl::of_listener(listener.local_addr()?),
    };
    let folder = DataFolder(&arguments.data);
    let folder = if arguments.demo { folder.open_demonstration()? } else { folder.open_platform()? };
    let webhooks = start_webhooks(&arguments.data, &folder)?;
    let bank = start_bank(arguments, &folder)?;
    let (app, greeting) = assemble(arguments, &folder, &url, (webhooks.clone(), bank.clone()))?;
    let greeting = format!("Tapstone {} listens on {}\n{greeting}", env!("CARGO_PKG_VERSION"), listener.local_addr()?);
    // Nobody needs to read the greeting.
    drop(output::print(&greeting));
    server::serve(app, listener, signals.first()).await;
    webhooks.close();
    bank.close();
    folder.close();
    tracing::info!("stopped; everything that was answered is on the disk");
    Ok(())
}

/// Begins to tell merchants' servers of what has happened, and of what they have missed.
fn start_webhooks(data: &Path, folder: &OpenFolder) -> Result<webhooks::Service, Failure> {
    let stored = Webhooks::open(data, webhooks::Limits::default())?;
    let source = StoredEvents::new(folder.engine.clone(), folder.directory.clone());
    let clock = folder.clock();
    // Where no money is real, a receiver may be on this machine.
    let network = if folder.test_clock.is_some() { Network::Private } else { Network::Public };
    let settings =
        webhooks::Settings { network, now: Arc::new(move || clock.now().0), ..webhooks::Settings::default() };
    Ok(webhooks::Service::start(stored, Arc::new(source), settings)?)
}

/// Begins to pay merchants out, with what was left to do.
fn start_bank(arguments: &Arguments, folder: &OpenFolder) -> Result<bank::Service, Failure> {
    let books = Reconciliation::open(&arguments.data)?;
    let bank = arguments.bank.open(&arguments.data, folder)?;
    let source = Box::new(ClockSource(folder.clock()));
    Ok(bank::Service::start(books, bank, &folder.engine, folder.directory.clone(), source)?)
}

fn assemble(
    arguments: &Arguments,
    folder: &OpenFolder,
    url: &PublicUrl,
    (webhooks, bank): (webhooks::Service, bank::Service),
) -> Result<(App, String), Failure> {
    let per_second = arguments.rate_limit;
    let rate_limit = (per_second > 0).then_some(RateLimit { per_second, burst: per_second * 5 });
    let app_links = AppLinks { android: arguments.android_app.clone(), apple: arguments.apple_app.clone() };
    let mut options =
        Options { rate_limit, webhooks: Some(webhooks), bank: Some(bank), app_links, ..Options::default() };
    let mut greeting = String::new();
    if arguments.demo {
        let ready = demo::prepare(folder, url)?;
        describe(&ready.world, url, &mut greeting)?;
        options.demo = Some(ready.demo);
    } else {
        writeln!(greeting, "  till       {url}/till\n  wallet     {url}/wallet\n  reference  {url}/reference")?;
    }
    if let Some(clock) = &folder.test_clock {
        let sandbox = Sandbox::new(clock.clone(), AesKey::new(*folder.tag_master_key.expose()), url.of_taps());
        options.source = Box::new(sandbox.source());
        options.sandbox = Some(sandbox);
    }
    let tag_keys = TagKeys::from_master(&folder.tag_master_key);
    Ok((App::new(folder.engine.clone(), folder.directory.clone(), tag_keys, options)?, greeting))
}

/// What to open and what to try. A touch answers with the very body that a tap is opened with.
fn describe(world: &server::World, url: &PublicUrl, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\nDEMONSTRATION: the keys below are published. Never use this folder for real payments.\n")?;
    writeln!(text, "  open the till on one screen   {url}/till")?;
    writeln!(text, "  and the wallet on another     {url}/wallet")?;
    writeln!(text, "  API reference                 {url}/reference\n")?;
    writeln!(text, "  {:<30}{}", "Operator", world.operator_key)?;
    for merchant in &world.merchants {
        writeln!(text, "  {:<30}{}", merchant.name, merchant.key)?;
    }
    for wallet in &world.wallets {
        writeln!(text, "  {:<30}{}", wallet.name, wallet.token)?;
    }
    let (Some(merchant), Some(wallet)) = (world.merchants.first(), world.wallets.first()) else {
        return Ok(());
    };
    let Some(tag) = merchant.tags.first() else { return Ok(()) };
    write!(
        text,
        r#"
Ask to be paid, touch the tag, pay:

  api={url}
  json='Content-Type: application/json'
  till='Authorization: Bearer {key}'
  wallet='Authorization: Bearer {token}'
  curl -s $api/v1/orders -H "$till" -H "$json" -d '{{"tag":"{tag}","amount":{{"amount":1250,"currency":"CNY"}}}}'
  touch=$(curl -s -X POST $api/demo/tags/{tag}/touch)
  tap=$(curl -s $api/v1/taps -H "$wallet" -H "$json" -d "$touch" | cut -d '"' -f 4)
  curl -s $api/v1/payments -H "$wallet" -H "$json" -d "{{\"tap\":\"$tap\"}}"

"#,
        key = merchant.key,
        tag = tag.id,
        token = wallet.token,
    )
}
