//! `tapstone bench taps`.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use directory::Purpose;
use ids::PaymentId;
use tokio::task::LocalSet;

use super::figures::{Latencies, per_second};
use super::load::{Seen, Town, ask_simply, shop};
use super::plan::TapsArguments;
use super::server::Server;
use super::{books, till, town};
use crate::failure::Failure;

/// How long the load goes on after measuring, before the server is killed.
const KILL_DELAY: Duration = Duration::from_millis(200);

/// How long bare requests are measured.
const BARE_TIME: Duration = Duration::from_secs(2);

/// What the load left behind.
struct Measured {
    bare_requests: usize,
    seen: Seen,
    heard: HashMap<PaymentId, Instant>,
    server_time: Option<Duration>,
    server_memory_kib: Option<u64>,
}

/// Runs the benchmark and prints its figures. Fails if anything acknowledged was lost or the books do not balance.
pub(crate) fn run(arguments: &TapsArguments) -> Result<(), Failure> {
    let folder = town::temporary_folder(&arguments.folder)?;
    println!("tapstone bench taps: {}", setting(arguments, folder.path()));
    let start = Instant::now();
    let TapsArguments { wallets, merchants, connections, orders, .. } = *arguments;
    let size = town::Size { wallets, merchants, places: connections, orders, purpose: Purpose::Live };
    let made = town::make(folder.path(), size)?;
    println!("  made the town in {:.1?}", start.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = LocalSet::new().block_on(&runtime, measure(arguments, folder.path(), made))?;
    let books = books::check(folder.path(), &measured.seen.acknowledged)?;
    report(arguments, measured, &books, size_of(folder.path()));
    Ok(())
}

fn setting(arguments: &TapsArguments, folder: &Path) -> String {
    let TapsArguments { connections, seconds, wallets, merchants, orders, rate, .. } = arguments;
    let load = rate.map_or("full load".to_owned(), |rate| format!("{rate} taps/s"));
    let requests = if *orders { 3 } else { 2 };
    let disk = file_system(folder).unwrap_or_else(|| "an unknown file system".to_owned());
    format!(
        "{load}, {connections} connections, {seconds} s, {wallets} wallets, {merchants} merchants, {requests} requests \
         a tap\n  sync: full (fdatasync before every reply), on {disk}"
    )
}

/// Runs the load against a server, and kills the server in the middle of it.
async fn measure(arguments: &TapsArguments, folder: &Path, made: town::Made) -> Result<Measured, Failure> {
    let server = Server::start(folder).await?;
    let bare_requests = bare_requests(arguments, server.address).await?;
    let listening_merchant = made.merchant_keys.into_iter().next().unwrap_or_default();
    let heard = tokio::task::spawn_local(till::listen(server.address, listening_merchant));
    let measure_from = Instant::now() + arguments.warm_up();
    let measure_until = measure_from + arguments.measured();
    let interval = arguments.rate.map(|rate| Duration::from_secs(1) * arguments.connections / rate.max(1));
    let shared = Rc::new(Town {
        address: server.address,
        wallet_tokens: Rc::new(made.wallet_tokens),
        measure_from,
        measure_until,
        interval,
    });
    let shoppers: Vec<_> =
        made.places.into_iter().map(|place| tokio::task::spawn_local(shop(shared.clone(), place))).collect();
    tokio::time::sleep_until(measure_from.into()).await;
    let time_before = server.processor_time();
    tokio::time::sleep_until(measure_until.into()).await;
    let server_time = server.processor_time().zip(time_before).map(|(after, before)| after.saturating_sub(before));
    let server_memory_kib = server.peak_memory_kib();
    // Shoppers are still tapping: the kill comes in the middle of their requests.
    tokio::time::sleep(KILL_DELAY).await;
    server.kill()?;
    let mut seen = Seen::default();
    for shopper in shoppers {
        seen.merge(shopper.await?.1);
    }
    Ok(Measured { bare_requests, seen, heard: heard.await?, server_time, server_memory_kib })
}

/// Answers to `GET /healthz` in [`BARE_TIME`], over as many connections as will tap.
async fn bare_requests(arguments: &TapsArguments, address: SocketAddr) -> Result<usize, Failure> {
    let until = Instant::now() + BARE_TIME;
    let connections: Vec<_> =
        (0..arguments.connections).map(|_| tokio::task::spawn_local(ask_simply(address, until))).collect();
    let mut answered = 0;
    for connection in connections {
        answered += connection.await?;
    }
    Ok(answered)
}

fn report(arguments: &TapsArguments, measured: Measured, books: &books::Books, bytes_on_disk: u64) {
    let Measured { bare_requests, seen, heard, server_time, server_memory_kib } = measured;
    let time = arguments.measured();
    let taps = seen.taps.count();
    let heard = hearing_delays(&seen, &heard);
    println!("  bare requests/s     {} (GET /healthz, just before)", per_second(bare_requests, BARE_TIME));
    println!("  taps/s              {}", per_second(taps, time));
    println!("  whole tap           {}", seen.taps.summary());
    println!("  POST /v1/taps       {}", seen.tap_requests.summary());
    println!("  POST /v1/payments   {}", seen.payment_requests.summary());
    println!("  till hears          {} of one merchant's payments", heard.count());
    println!("  till hears after    {}", heard.summary());
    if let Some(server_time) = server_time {
        let share = server_time.as_micros() * 100 / time.as_micros().max(1);
        let each = server_time.as_nanos() / 1_000 / (taps.max(1) as u128);
        println!("  server              {share} % of one core, {each} us a tap");
    }
    println!("  server memory       {} MiB at most", server_memory_kib.unwrap_or(0) / 1024);
    if let Some(refusal) = &seen.first_refusal {
        println!("  refused             {}, the first: {refusal}", seen.refused);
    }
    println!("  killed (SIGKILL) under load; recovered in {:.0?}", books.recovery_time);
    let found = &books.report;
    println!(
        "  books balance: {} payments, {} journal records, {} rows compared in {:.1?}; all {} acknowledged payments there",
        found.payments,
        found.position,
        found.rows_compared,
        books.verification_time,
        seen.acknowledged.len(),
    );
    println!("  on disk             {} bytes a payment, tables included", bytes_on_disk / found.payments.max(1));
}

/// From sending a payment's request to the till's hearing of it, for the merchant whose till listens.
fn hearing_delays(seen: &Seen, heard: &HashMap<PaymentId, Instant>) -> Latencies {
    let mut delays = Latencies::default();
    for ((payment, _), sent) in seen.acknowledged.iter().zip(&seen.sent) {
        if let Some(at) = heard.get(payment) {
            delays.add(at.saturating_duration_since(*sent));
        }
    }
    delays
}

/// Bytes of all files under a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The kind of file system that a folder is on, from the longest mount point above it.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = fields.filter(|(mount_point, _)| folder.starts_with(mount_point));
    above.max_by_key(|(mount_point, _)| mount_point.len()).map(|(_, kind)| kind.to_owned())
}
