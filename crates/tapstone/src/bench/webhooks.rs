//! `tapstone bench webhooks`: what it costs the taps that merchants are told of each payment.
//!
//! Shoppers tap all the time, in a sandbox, where a merchant's server may be on this machine. First nobody is told; then
//! every merchant has endpoints that a receiver in this process answers; then also one at which nobody listens. At the end
//! the server is killed, started again, and must tell the receiver of every payment that was acknowledged.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use directory::Purpose;
use tokio::task::LocalSet;

use super::client::Connection;
use super::figures::per_second;
use super::load::{Seen, Town, shop};
use super::plan::WebhooksArguments;
use super::receiver::Receiver;
use super::server::Server;
use super::{books, town};
use crate::failure::Failure;

/// How long the load runs before anything is measured, and after each change.
const WARM_UP: Duration = Duration::from_secs(3);

/// How long the load goes on before the server is killed.
const KILL_DELAY: Duration = Duration::from_millis(200);

/// How long the server may take to tell everything, once it is back.
const PATIENCE: Duration = Duration::from_secs(120);

/// One stretch of the run, in which nothing was changed.
struct Stretch {
    name: &'static str,
    from: Instant,
    until: Instant,
    deliveries: usize,
    server_time: Option<Duration>,
}

/// What the load left behind.
struct Measured {
    seen: Seen,
    stretches: Vec<Stretch>,
    /// From the second start until the receiver had been told of everything.
    caught_up: Duration,
}

/// Runs the benchmark and prints its figures. Fails if a payment was lost, or the receiver not told of one.
pub(crate) fn run(arguments: &WebhooksArguments) -> Result<(), Failure> {
    let folder = town::temporary_folder(&arguments.folder)?;
    let WebhooksArguments { rate, connections, wallets, merchants, endpoints, .. } = *arguments;
    let load = if rate == 0 { "full load".to_owned() } else { format!("{rate} taps/s") };
    println!(
        "tapstone bench webhooks: {load}, {connections} connections, {merchants} merchants with {endpoints} endpoints each"
    );
    println!("  sync: full (fdatasync before every reply)");
    let size = town::Size { wallets, merchants, places: connections, orders: false, purpose: Purpose::Sandbox };
    let made = town::make(folder.path(), size)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = LocalSet::new().block_on(&runtime, measure(arguments, folder.path(), made))?;
    let books = books::check(folder.path(), &measured.seen.acknowledged)?;
    report(arguments, &measured, &books);
    Ok(())
}

async fn measure(arguments: &WebhooksArguments, folder: &Path, made: town::Made) -> Result<Measured, Failure> {
    let receiver = Receiver::start()?;
    let paths: Vec<String> = (1..=arguments.endpoints).map(|number| format!("/{number}")).collect();
    let server = Server::start(folder).await?;
    let now = Instant::now();
    let shared = Rc::new(Town {
        address: server.address,
        wallet_tokens: Rc::new(made.wallet_tokens),
        measure_from: now,
        measure_until: now,
        interval: arguments.interval(),
    });
    let shoppers: Vec<_> =
        made.places.into_iter().map(|place| tokio::task::spawn_local(shop(shared.clone(), place))).collect();
    let mut stretches = vec![stretch("nobody is told", arguments, &server, &receiver).await];
    for path in &paths {
        listen(server.address, &made.merchant_keys, receiver.address, path).await?;
    }
    // Endpoints hear of what happens from their making on.
    let told_from = Instant::now();
    stretches.push(stretch("a receiver answers", arguments, &server, &receiver).await);
    listen(server.address, &made.merchant_keys, nobody()?, "/gone").await?;
    stretches.push(stretch("and one is gone", arguments, &server, &receiver).await);
    // Shoppers are still tapping: the kill comes in the middle of their requests.
    tokio::time::sleep(KILL_DELAY).await;
    server.kill()?;
    let mut seen = Seen::default();
    for shopper in shoppers {
        seen.merge(shopper.await?.1);
    }
    let caught_up = tell_the_rest(folder, &receiver, &paths, &seen, told_from).await?;
    Ok(Measured { seen, stretches, caught_up })
}

/// Lets the load run, unchanged, and measures after a while.
async fn stretch(name: &'static str, arguments: &WebhooksArguments, server: &Server, receiver: &Receiver) -> Stretch {
    tokio::time::sleep(WARM_UP).await;
    let (from, deliveries, time) = (Instant::now(), receiver.deliveries(), server.processor_time());
    tokio::time::sleep(arguments.measured()).await;
    let server_time = server.processor_time().zip(time).map(|(after, before)| after.saturating_sub(before));
    Stretch { name, from, until: Instant::now(), deliveries: receiver.deliveries() - deliveries, server_time }
}

/// Gives every merchant an endpoint for its payments.
async fn listen(server: SocketAddr, keys: &[String], receiver: SocketAddr, path: &str) -> Result<(), Failure> {
    let mut connection = Connection::open(server).await?;
    let body = format!(r#"{{"url":"http://{receiver}{path}","events":["payment.succeeded"]}}"#);
    for key in keys {
        let response = connection.post("/v1/webhook_endpoints", key, None, &body).await?;
        if response.status != 201 {
            return Err(Failure::Fault(format!("no endpoint: {} {}", response.status, response.body)));
        }
    }
    Ok(())
}

/// An address at which nobody listens.
fn nobody() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Starts the server again, and waits until the receiver knows of every payment acknowledged since `told_from`.
async fn tell_the_rest(
    folder: &Path,
    receiver: &Receiver,
    paths: &[String],
    seen: &Seen,
    told_from: Instant,
) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let server = Server::start(folder).await?;
    let due = || seen.acknowledged.iter().zip(&seen.sent).filter(|(_, sent)| **sent >= told_from);
    let wanted = due().count() * paths.len();
    loop {
        let told = receiver.told_of(paths, due().map(|((id, _), _)| *id));
        if told == wanted {
            server.kill()?;
            return Ok(begin.elapsed());
        }
        if begin.elapsed() > PATIENCE {
            return Err(Failure::Fault(format!("{} of {wanted} deliveries never came", wanted - told)));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn report(arguments: &WebhooksArguments, measured: &Measured, books: &books::Books) {
    let Measured { seen, stretches, caught_up } = measured;
    for Stretch { name, from, until, deliveries, server_time } in stretches {
        let (taps, time) = (seen.whole_between(*from, *until), *until - *from);
        let share = server_time.map_or(0, |used| used.as_micros() * 100 / time.as_micros().max(1));
        println!(
            "  {name:<20} {} taps/s, {} deliveries/s, server {share} % of one core",
            per_second(taps.count(), time),
            per_second(*deliveries, time),
        );
        println!("    whole tap          {}", taps.summary());
    }
    if let Some(refusal) = &seen.first_refusal {
        println!("  refused             {}, the first: {refusal}", seen.refused);
    }
    println!(
        "  killed (SIGKILL) under load; {caught_up:.1?} after the next start {} had been told of every payment; books \
         balance: {} payments, all {} acknowledged ones there",
        if arguments.endpoints == 1 { "the receiver" } else { "all receivers" },
        books.report.payments,
        seen.acknowledged.len(),
    );
}
