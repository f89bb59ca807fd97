//! Shoppers: each connection taps at a tag of its own, again and again.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ids::PaymentId;
use tag::SoftwareTag;

use super::client::{Connection, text_field};
use super::figures::Latencies;

/// What all shoppers know.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) address: SocketAddr,
    pub(crate) wallet_tokens: Rc<Vec<String>>,
    /// Measuring begins then.
    pub(crate) measure_from: Instant,
    /// Measuring ends then. Tapping goes on until the server is gone.
    pub(crate) measure_until: Instant,
    /// The time between two taps of one connection; `None` for no pause at all.
    pub(crate) interval: Option<Duration>,
}

/// A place to tap at, used by one connection only: a tag is touched by one phone at a time.
pub(crate) struct Place {
    pub(crate) number: u32,
    pub(crate) tag: SoftwareTag,
    /// The merchant's key and the tag's id, if each tap begins with an order.
    pub(crate) order_at: Option<(String, String)>,
    /// The read counter of the last tap that was acknowledged.
    pub(crate) acknowledged_counter: u32,
}

/// What one shopper's connection saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) tap_requests: Latencies,
    pub(crate) payment_requests: Latencies,
    /// Whole taps, from touching to paid.
    pub(crate) taps: Latencies,
    /// When each whole tap was due, and how long it took, measured or not.
    pub(crate) whole: Vec<(Instant, Duration)>,
    /// Every payment that was acknowledged, with its amount in minor units, measured or not.
    pub(crate) acknowledged: Vec<(PaymentId, u64)>,
    /// When each payment's request was sent, for those acknowledged.
    pub(crate) sent: Vec<Instant>,
    /// Answers other than success: how many, and the first.
    pub(crate) refused: usize,
    pub(crate) first_refusal: Option<String>,
}

/// Taps until the server is gone.
pub(crate) async fn shop(town: Rc<Town>, mut place: Place) -> (Place, Seen) {
    let mut seen = Seen::default();
    let Ok(mut connection) = Connection::open(town.address).await else { return (place, seen) };
    let mut dice = Dice::new(u64::from(place.number));
    let mut due = first_touch(&town, &mut dice);
    let mut count = 0u64;
    loop {
        if town.interval.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        // Latency counts from when the touch was due: a server that stalls does not get to delay the question.
        let touched = if town.interval.is_some() { due } else { Instant::now() };
        count += 1;
        if tap(&town, &mut place, &mut connection, &mut dice, count, touched, &mut seen).await.is_err() {
            return (place, seen);
        }
        due += town.interval.unwrap_or_default();
    }
}

/// Asks the simplest thing there is until `until`, and says how often it was answered: what this machine and HTTP can
/// do at most.
pub(crate) async fn ask_simply(address: SocketAddr, until: Instant) -> usize {
    let Ok(mut connection) = Connection::open(address).await else { return 0 };
    let mut answered = 0;
    while Instant::now() < until && connection.get("/healthz").await.is_ok() {
        answered += 1;
    }
    answered
}

/// Connections begin spread over one interval, not all at once.
fn first_touch(town: &Town, dice: &mut Dice) -> Instant {
    let spread = town.interval.map_or(0, |interval| u64::try_from(interval.as_micros()).unwrap_or(u64::MAX));
    Instant::now() + Duration::from_micros(dice.below(spread.max(1)))
}

/// One tap, from touching to paid. An error means that the connection is gone; a refusal is counted.
async fn tap(
    town: &Town,
    place: &mut Place,
    connection: &mut Connection,
    dice: &mut Dice,
    count: u64,
    touched: Instant,
    seen: &mut Seen,
) -> std::io::Result<()> {
    let amount = 1 + dice.below(500);
    if let Some((key, tag)) = &place.order_at {
        let body = format!(r#"{{"tag":"{tag}","amount":{{"amount":{amount},"currency":"CNY"}}}}"#);
        let response = connection.post("/v1/orders", key, None, &body).await?;
        if response.status != 201 {
            seen.refuse(response.status, response.body);
            return Ok(());
        }
    }
    let Ok(url) = place.tag.touch(dice.padding()) else {
        return Err(std::io::Error::other("the tag's counter is exhausted"));
    };
    let token = &town.wallet_tokens[usize::try_from(dice.below(town.wallet_tokens.len() as u64)).unwrap_or(0)];
    let before_tap = if place.order_at.is_some() { Instant::now() } else { touched };
    let response = connection.post("/v1/taps", token, None, &format!(r#"{{"url":"{url}"}}"#)).await?;
    let Some(tap) = text_field(response.body, "id").filter(|_| response.status == 201) else {
        seen.refuse(response.status, response.body);
        return Ok(());
    };
    place.acknowledged_counter = place.tag.counter().value();
    let body = format!(r#"{{"tap":"{tap}","amount":{{"amount":{amount},"currency":"CNY"}}}}"#);
    let key = format!("bench-{}-{count}-{}", place.number, place.acknowledged_counter);
    let before_payment = Instant::now();
    let response = connection.post("/v1/payments", token, Some(&key), &body).await?;
    let paid = Instant::now();
    let payment = text_field(response.body, "id").and_then(|id| id.parse().ok());
    let Some(payment) = payment.filter(|_| response.status == 201) else {
        seen.refuse(response.status, response.body);
        return Ok(());
    };
    seen.acknowledged.push((payment, amount));
    seen.sent.push(before_payment);
    seen.whole.push((touched, paid - touched));
    if touched >= town.measure_from && paid <= town.measure_until {
        seen.tap_requests.add(before_payment - before_tap);
        seen.payment_requests.add(paid - before_payment);
        seen.taps.add(paid - touched);
    }
    Ok(())
}

impl Seen {
    fn refuse(&mut self, status: u16, body: &str) {
        self.refused += 1;
        self.first_refusal.get_or_insert_with(|| format!("{status}: {body}"));
    }

    /// How long whole taps took that were due in this time.
    pub(crate) fn whole_between(&self, from: Instant, until: Instant) -> Latencies {
        let mut latencies = Latencies::default();
        let due = self.whole.iter().filter(|(due, _)| (from..until).contains(due));
        due.for_each(|(_, latency)| latencies.add(*latency));
        latencies
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.tap_requests.merge(other.tap_requests);
        self.payment_requests.merge(other.payment_requests);
        self.taps.merge(other.taps);
        self.whole.extend(other.whole);
        self.acknowledged.extend(other.acknowledged);
        self.sent.extend(other.sent);
        self.refused += other.refused;
        if self.first_refusal.is_none() {
            self.first_refusal = other.first_refusal;
        }
    }
}

/// A small deterministic random source (splitmix64): every run chooses alike.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is small against 2^64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn padding(&mut self) -> [u8; 5] {
        let [a, b, c, d, e, ..] = self.next().to_le_bytes();
        [a, b, c, d, e]
    }
}
