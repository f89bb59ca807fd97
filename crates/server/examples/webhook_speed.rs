//! How many webhooks leave this machine: `cargo run --release -p server --example webhook_speed -- FOLDER [PER_SECOND]`.
//!
//! Events of one merchant wait, or come at that rate; a receiver on a loopback port in this process takes them. Everything
//! is as in a real server: stored and synced before it is sent, signed, sent over kept connections, answered, written down.
//! Prints deliveries a second, and the processor time of the whole process, the receiver's included.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ids::{MerchantId, WebhookEndpointId};
use server::webhooks::{EventSource, Limits, Network, Rendered, Service, Settings, SourceError, Webhooks};
use webhooks::{EventFilter, NewEndpoint, Secret, check_url};

const MERCHANT: MerchantId = MerchantId::from_u128(1);
const SECONDS: u64 = 10;
const BODY_BYTES: usize = 700;

/// Events up to a position.
struct Events(AtomicU64);

impl EventSource for Events {
    fn events_after(&self, _: MerchantId, after: u64, limit: usize) -> Result<Vec<Rendered>, SourceError> {
        let event = |position: u64| Rendered {
            position,
            event_type: "payment.succeeded".into(),
            object: format!("pay_01kar6b1t0fk4v8kq2tq{position:06}"),
            at_ms: 1_795_350_600_000,
            body: vec![b'x'; BODY_BYTES],
        };
        Ok((after + 1..=self.0.load(Ordering::Acquire)).take(limit).map(event).collect())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = tempfile::tempdir_in(arguments.next().expect("name a folder")).unwrap();
    let per_second: Option<u64> = arguments.next().map(|rate| rate.parse().expect("a number of events a second"));
    let received: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        listener.incoming().for_each(|stream| drop(thread::spawn(|| take(stream.unwrap(), received))))
    });

    let mut webhooks = Webhooks::open(folder.path(), Limits::default()).unwrap();
    let new = NewEndpoint {
        id: WebhookEndpointId::from_u128(1),
        merchant: MERCHANT,
        url: check_url(&url, Network::Private).unwrap(),
        events: EventFilter::all(),
        description: None,
        position: 0,
    };
    let _ = webhooks.create(new, &Secret::from_random([1; 32]), 0).unwrap();
    let events = Arc::new(Events(AtomicU64::new(if per_second.is_some() { 0 } else { u64::from(u32::MAX) })));
    let settings = Settings { network: Network::Private, ..Settings::default() };
    let service = Service::start(webhooks, events.clone(), settings).unwrap();

    let (begin, processor) = (Instant::now(), processor_ms());
    while begin.elapsed() < Duration::from_secs(SECONDS) {
        thread::sleep(Duration::from_millis(1));
        if let Some(rate) = per_second {
            let due = rate * u64::try_from(begin.elapsed().as_millis()).unwrap() / 1_000;
            events.0.store(due, Ordering::Release);
            service.ring([MERCHANT]);
        }
    }
    let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap();
    let (count, used) = (received.load(Ordering::Relaxed), processor_ms() - processor);
    println!(
        "{} deliveries/s; {} us of processor time each, the receiver's included ({}% of one processor)",
        count * 1_000 / milliseconds,
        used * 1_000 / count.max(1),
        used * 100 / milliseconds
    );
    service.close();
}

fn take(stream: TcpStream, received: &AtomicU64) {
    stream.set_nodelay(true).unwrap();
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone().unwrap()), stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(length) = line.strip_prefix("content-length: ") {
            body.resize(length.trim().parse().unwrap(), 0);
        }
        if line == "\r\n" {
            reader.read_exact(&mut body).unwrap();
            received.fetch_add(1, Ordering::Relaxed);
            writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        }
    }
}

/// User and system time of this process, in milliseconds, as Linux says it in clock ticks of 10 ms.
fn processor_ms() -> u64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = status.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}
