//! What deliveries cost here, without a network: `cargo run --release -p webhooks --example webhook_queue_speed -- FOLDER`.
//!
//! Each goes its whole way: taken with its bytes, durable, handed out, signed, succeeded, written down. Prints deliveries a
//! second by the number taken in one transaction, and what a signature costs.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::path::Path;
use std::time::Instant;

use ids::{MerchantId, WebhookEndpointId};
use webhooks::{
    Attempt, EventFilter, Limits, Network, NewEndpoint, Outcome, Rendered, Secret, Taken, Webhooks, check_url, sign,
};

const DELIVERIES: u64 = 200_000;
const BODY_BYTES: usize = 700;

fn main() {
    let folder = std::env::args().nth(1).expect("name a folder");
    println!("{BODY_BYTES}-byte bodies, {DELIVERIES} deliveries each");
    for batch in [64, 256, 1_024] {
        let folder = tempfile::tempdir_in(&folder).unwrap();
        measure(folder.path(), batch);
    }
    let secret = Secret::from_random([1; 32]);
    let (body, begin) = (vec![b'x'; BODY_BYTES], Instant::now());
    let length: usize = (0..DELIVERIES).map(|number| sign([&secret], "evt_1", number, &body).len()).sum();
    println!("a signature: {} ns ({length} bytes)", begin.elapsed().as_nanos() / u128::from(DELIVERIES));
}

fn measure(folder: &Path, batch: usize) {
    let mut webhooks = Webhooks::open(folder, Limits { under_way: batch, ahead: batch, ..Limits::default() }).unwrap();
    let merchant = MerchantId::from_u128(1);
    let new = NewEndpoint {
        id: WebhookEndpointId::from_u128(1),
        merchant,
        url: check_url("https://example.com/", Network::Public).unwrap(),
        events: EventFilter::all(),
        description: None,
        position: 0,
    };
    let _ = webhooks.create(new, &Secret::from_random([1; 32]), 0).unwrap();
    let (begin, mut done, mut now) = (Instant::now(), 0, 1_000);
    while done < DELIVERIES {
        now += 1;
        webhooks.mark(merchant);
        let taken = webhooks.reads(now).into_iter().map(|read| {
            let events = (read.after + 1..).take(read.limit.min(batch)).map(|position| event(position, now)).collect();
            Taken { read, events }
        });
        let taken = taken.collect();
        webhooks.store(taken, now).unwrap();
        for sending in webhooks.due(now, batch).unwrap() {
            let outcome = Outcome::Answered { status: 200, response: b"ok".to_vec() };
            webhooks.finished(sending.endpoint, sending.position, Attempt { at: now, duration_ms: 1, outcome }, 0);
            done += 1;
        }
    }
    webhooks.flush(now).unwrap();
    let micros = u64::try_from(begin.elapsed().as_micros()).unwrap();
    let bytes = std::fs::metadata(folder.join(Webhooks::FILE_NAME)).unwrap().len();
    println!(
        "{batch:>5} a transaction: {:>7} deliveries/s, {} ns each, {} bytes of file each",
        done * 1_000_000 / micros,
        micros * 1_000 / done,
        bytes / done
    );
}

fn event(position: u64, at_ms: u64) -> Rendered {
    let object = format!("pay_01kar6b1t0fk4v8kq2tq{position:06}");
    Rendered { position, event_type: "payment.succeeded".into(), object, at_ms, body: vec![b'x'; BODY_BYTES] }
}
