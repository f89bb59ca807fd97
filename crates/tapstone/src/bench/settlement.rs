//! `tapstone bench settlement`: windows with very many payments close by the clock while taps go on at a fixed rate.
//!
//! The payments are made first, without a server, as fast as the money core takes them. Then every merchant gets
//! settlement terms whose cut-off is some seconds ahead, a server is started, and shoppers tap. What is asked is how
//! much longer a tap takes while windows close, statements are compared with their payments, and one statement with all
//! of its lines is downloaded.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use directory::{Actor, Directory, Purpose, Token};
use engine::{Clock, SystemClock};
use ids::{Id, Kind, MerchantId, WalletId};
use money::{Amount, Currency, Money};
use payments::{Action, Pay, UnixMillis};
use tag::{SoftwareTag, TagKeys};
use terms::{CutOffTime, Schedule, SettlementTerms, Weekday, Weekdays, ZoneName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::client::{Connection, text_field};
use super::load::{Dice, Place, Seen, Town, shop};
use super::plan::SettlementArguments;
use super::server::Server;
use super::{books, town};
use crate::failure::Failure;
use crate::folder::{DataFolder, OpenFolder};
use crate::provision::{crowd, submit_all};

/// How long the server and the shoppers run before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// How long a server may take to start until the cut-off is missed.
const START: Duration = Duration::from_secs(5);

/// How long the load goes on before the server is killed.
const KILL_DELAY: Duration = Duration::from_millis(200);

/// How often the server is asked how far it is.
const POLL: Duration = Duration::from_millis(50);

/// How long everything may take at most.
const PATIENCE: Duration = Duration::from_secs(600);

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What was made before the server starts.
struct Made {
    wallet_tokens: Vec<String>,
    places: Vec<Place>,
    merchant_key: String,
    cut_off: Instant,
    filling: Duration,
}

/// When what was seen to be done.
#[derive(Default)]
struct Done {
    closed: Option<Duration>,
    paid_out: Option<Duration>,
    compared: Option<Duration>,
}

/// What the load left behind.
struct Measured {
    seen: Seen,
    done: Done,
    statement: Statement,
    /// When everything was done, and the statement read.
    done_at: Instant,
    read_at: Instant,
    /// In KiB: before the statement was read, and after.
    memory: [Option<u64>; 2],
}

struct Statement {
    lines: usize,
    bytes: usize,
    time: Duration,
}

/// Runs the benchmark and prints its figures. Fails if anything acknowledged was lost or the books do not balance.
pub(crate) fn run(arguments: &SettlementArguments) -> Result<(), Failure> {
    let folder = town::temporary_folder(&arguments.folder)?;
    let SettlementArguments { payments, merchants, rate, connections, .. } = *arguments;
    println!(
        "tapstone bench settlement: {payments} payments to {merchants} merchants, {rate} taps/s over {connections} connections"
    );
    println!("  sync: full (fdatasync before every reply)");
    let made = make(folder.path(), arguments)?;
    println!("  made the payments in {:.1?}", made.filling);
    let cut_off = made.cut_off;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = LocalSet::new().block_on(&runtime, measure(arguments, folder.path(), made))?;
    let books = books::check(folder.path(), &measured.seen.acknowledged)?;
    report(arguments, &measured, cut_off, &books);
    Ok(())
}

/// Wallets, merchants, their payments, and then the terms by which they are settled.
fn make(folder: &Path, arguments: &SettlementArguments) -> Result<Made, Failure> {
    let begin = Instant::now();
    let data = DataFolder(folder);
    let (directory, _) = data.initialise()?;
    directory.declare(Purpose::Live)?;
    drop(directory);
    let open = data.open(Purpose::Live)?;
    let money = Money::new(Amount::new(town::OPENING_BALANCE)?, Currency::from_alpha("CNY")?);
    let payers = crowd::wallets(&open, arguments.wallets, money)?;
    let url = "http://bench.example".parse().map_err(Failure::Fault)?;
    let tags_each = arguments.connections.div_ceil(arguments.merchants);
    let mut stalls = crowd::merchants(&open, arguments.merchants, tags_each, money.currency(), &url)?;
    let wallet_tokens: Vec<String> = payers.iter().map(|payer| payer.token.expose().to_owned()).collect();
    let wallets = payers.iter().map(|payer| wallet_of(&open.directory, &payer.token)).collect::<Result<Vec<_>, _>>()?;
    fill(&open, &mut stalls, &wallets, arguments.payments)?;
    let merchants =
        stalls.iter().map(|stall| merchant_of(&open.directory, &stall.key)).collect::<Result<Vec<_>, _>>()?;
    let cut_off = set_terms(&open, &merchants, arguments)?;
    let merchant_key = stalls.first().map(|stall| stall.key.expose().to_owned()).unwrap_or_default();
    let tags = stalls.into_iter().flat_map(|stall| stall.tags).zip(0..arguments.connections);
    let place = |((_, tag), number)| Place { number, tag, order_at: None, acknowledged_counter: 0 };
    let places = tags.map(place).collect();
    open.close();
    Ok(Made { wallet_tokens, places, merchant_key, cut_off, filling: begin.elapsed() })
}

fn wallet_of(directory: &Directory, token: &Token) -> Result<WalletId, Failure> {
    match directory.authenticate(token.expose(), SystemClock.now()).map(|grant| grant.actor) {
        Some(Actor::Wallet(wallet)) => Ok(wallet),
        other => Err(Failure::Fault(format!("a payer's token is {other:?}"))),
    }
}

fn merchant_of(directory: &Directory, token: &Token) -> Result<MerchantId, Failure> {
    match directory.authenticate(token.expose(), SystemClock.now()).map(|grant| grant.actor) {
        Some(Actor::Merchant(merchant)) => Ok(merchant),
        other => Err(Failure::Fault(format!("a stall's key is {other:?}"))),
    }
}

/// Makes the payments, each with a tap of its own, one merchant after the other.
fn fill(open: &OpenFolder, stalls: &mut [crowd::Stall], wallets: &[WalletId], payments: u32) -> Result<(), Failure> {
    let keys = TagKeys::from_master(&open.tag_master_key);
    let mut dice = Dice::new(1);
    let currency = Currency::from_alpha("CNY")?;
    let mut chips: Vec<&mut SoftwareTag> =
        stalls.iter_mut().filter_map(|stall| stall.tags.first_mut()).map(|(_, tag)| tag).collect();
    let count = chips.len().max(1);
    // One failure ends the filling; `submit_all` sees what came before it.
    let mut failure = None;
    let actions = (0..payments as usize).map_while(|number| {
        let chip = chips.get_mut(number % count)?;
        let touch = chip.touch(dice.padding()).map_err(|error| error.to_string());
        let reading = touch.and_then(|url| keys.verify_url(&url).map_err(|error| error.to_string()));
        let reading = reading.map_err(|error| failure = Some(error)).ok()?;
        let wallet = wallets.get(number % wallets.len().max(1)).copied()?;
        let amount = Amount::new(1 + dice.below(500)).ok()?;
        let tap = new_id(&mut dice);
        let pay =
            Pay { id: new_id(&mut dice), wallet, tap, money: Some(Money::new(amount, currency)), tip: 0, forced: None };
        Some([Action::OpenTap { id: tap, wallet, reading }, Action::Pay(pay)])
    });
    submit_all(&open.engine, actions.flatten())?;
    failure.map_or(Ok(()), |failure| Err(Failure::Fault(failure)))
}

fn new_id<K: Kind>(dice: &mut Dice) -> Id<K> {
    Id::from_parts(SystemClock.now().0, u128::from(dice.below(u64::MAX)) << 64 | u128::from(dice.below(u64::MAX)))
}

/// Every window that has gathered closes at the same moment, which is given: soon after the first measuring.
fn set_terms(open: &OpenFolder, merchants: &[MerchantId], arguments: &SettlementArguments) -> Result<Instant, Failure> {
    let ahead = START + WARM_UP + arguments.measured();
    let (now, at) = (Instant::now(), SystemClock.now().plus(u64::try_from(ahead.as_millis())?));
    // To the whole second.
    let at = UnixMillis(at.0.div_ceil(1_000) * 1_000);
    let second = u8::try_from(at.0 / 1_000 % 60)?;
    let (hour, minute) = (u8::try_from(at.0 % DAY_MS / 3_600_000)?, u8::try_from(at.0 / 60_000 % 60)?);
    let terms = SettlementTerms {
        zone: ZoneName::parse("UTC")?,
        cut_off: CutOffTime::new(hour, minute, second)?,
        business_days: Weekdays::new(Weekday::ALL)?,
        holidays: Vec::new(),
        schedule: Schedule::Daily,
        payout_delay_days: 0,
        reserve: None,
        negative_balance_limit: 0,
    };
    let set = |merchant: &MerchantId| Action::SetSettlementTerms { merchant: *merchant, terms: terms.clone() };
    submit_all(&open.engine, merchants.iter().map(set))?;
    Ok(now + Duration::from_millis(at.0.saturating_sub(SystemClock.now().0)) - now.elapsed())
}

/// Runs the load against a server over the cut-off, and kills the server in the middle of it.
async fn measure(arguments: &SettlementArguments, folder: &Path, made: Made) -> Result<Measured, Failure> {
    let server = Server::start(folder).await?;
    let shared = Rc::new(Town {
        address: server.address,
        wallet_tokens: Rc::new(made.wallet_tokens),
        measure_from: made.cut_off,
        measure_until: made.cut_off,
        interval: Some(arguments.interval()),
    });
    if Instant::now() + WARM_UP + arguments.measured() > made.cut_off {
        return Err(Failure::Fault("the server took too long to start: the cut-off is too near".to_owned()));
    }
    let shoppers: Vec<_> =
        made.places.into_iter().map(|place| tokio::task::spawn_local(shop(shared.clone(), place))).collect();
    let done = wait_until_done(server.address, made.cut_off, arguments.merchants).await?;
    let done_at = Instant::now();
    tokio::time::sleep(arguments.measured()).await;
    let before = server.peak_memory_kib();
    let statement = download(server.address, &made.merchant_key).await?;
    let (read_at, memory) = (Instant::now(), [before, server.peak_memory_kib()]);
    // Shoppers are still tapping: the kill comes in the middle of their requests.
    tokio::time::sleep(KILL_DELAY).await;
    server.kill()?;
    let mut seen = Seen::default();
    for shopper in shoppers {
        seen.merge(shopper.await?.1);
    }
    Ok(Measured { seen, done, statement, done_at, read_at, memory })
}

/// Asks how far the server is until all windows are closed, paid out and compared.
async fn wait_until_done(address: SocketAddr, cut_off: Instant, merchants: u32) -> Result<Done, Failure> {
    let mut connection = Connection::open(address).await?;
    let mut done = Done::default();
    tokio::time::sleep_until(cut_off.into()).await;
    while done.closed.is_none() || done.paid_out.is_none() || done.compared.is_none() {
        let text = connection.get("/metrics").await?.body.to_owned();
        let since = cut_off.elapsed();
        for (name, when) in [
            ("tapstone_settlements_closed_total", &mut done.closed),
            ("tapstone_payouts_created_total", &mut done.paid_out),
            ("tapstone_settlements_compared_total", &mut done.compared),
        ] {
            if when.is_none() && count(&text, name) >= u64::from(merchants) {
                *when = Some(since);
            }
        }
        if since > PATIENCE {
            return Err(Failure::Fault(format!("not done after {PATIENCE:?}")));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(done)
}

/// A counter of the server's.
fn count(metrics: &str, name: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
    metrics.lines().find_map(value).unwrap_or(0)
}

/// Reads the whole statement of the first merchant as CSV.
async fn download(address: SocketAddr, key: &str) -> Result<Statement, Failure> {
    let listed =
        get(address, key, "/v1/settlements?limit=1", Vec::new(), |all, bytes| all.extend_from_slice(bytes)).await?;
    let listed = String::from_utf8_lossy(&listed);
    let id = text_field(&listed, "id").ok_or_else(|| Failure::Fault(format!("no settlement: {listed}")))?;
    let begin = Instant::now();
    let path = format!("/v1/settlements/{id}/statement?format=csv");
    let counted = Statement { lines: 0, bytes: 0, time: Duration::ZERO };
    let read = get(address, key, &path, counted, |counted, bytes| {
        counted.bytes += bytes.len();
        counted.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
    });
    let read = read.await?;
    Ok(Statement { time: begin.elapsed(), ..read })
}

/// One request on a connection of its own; what comes, head and framing included, goes to `take` as it comes.
async fn get<T>(
    address: SocketAddr,
    key: &str,
    path: &str,
    mut taken: T,
    mut take: impl FnMut(&mut T, &[u8]),
) -> io::Result<T> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    let mut end = Vec::new();
    loop {
        let read = stream.read(&mut buffer).await?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        take(&mut taken, bytes);
        end.extend_from_slice(bytes.get(bytes.len().saturating_sub(8)..).unwrap_or_default());
        end.drain(..end.len().saturating_sub(8));
    }
    // A list has a length, a statement comes in chunks, the last of which is empty.
    if path.contains("/statement") && !end.ends_with(b"0\r\n\r\n") {
        return Err(io::Error::other("the statement broke off"));
    }
    Ok(taken)
}

fn report(arguments: &SettlementArguments, measured: &Measured, cut_off: Instant, books: &books::Books) {
    let Measured { seen, done, statement, done_at, read_at, memory } = measured;
    let before = cut_off - arguments.measured();
    let read_from = *done_at + arguments.measured();
    println!("  whole taps, from when each was due");
    println!("    before            {}", seen.whole_between(before, cut_off).summary());
    println!("    while it closes   {}", seen.whole_between(cut_off, *done_at).summary());
    println!("    afterwards        {}", seen.whole_between(*done_at, read_from).summary());
    println!("    while one reads   {}", seen.whole_between(read_from, *read_at).summary());
    let seconds = |when: Option<Duration>| when.map_or("never".to_owned(), |when| format!("{when:.2?}"));
    println!("  after the cut-off");
    println!("    all windows closed           {}", seconds(done.closed));
    println!("    all payouts created          {}", seconds(done.paid_out));
    println!("    all statements compared      {}", seconds(done.compared));
    let Statement { lines, bytes, time } = statement;
    println!("  a statement         {lines} lines, {} MB as CSV in {time:.1?}", bytes / 1_000_000);
    let [before, after] = memory.map(|kib| kib.unwrap_or(0) / 1024);
    println!("  server memory       {before} MiB at most before it was read, {after} MiB after");
    if let Some(refusal) = &seen.first_refusal {
        println!("  refused             {}, the first: {refusal}", seen.refused);
    }
    let found = &books.report;
    println!(
        "  killed (SIGKILL) under load; recovered in {:.0?}; books balance: {} payments, {} journal records; all {} \
         acknowledged payments there",
        books.recovery_time,
        found.payments,
        found.position,
        seen.acknowledged.len(),
    );
}
