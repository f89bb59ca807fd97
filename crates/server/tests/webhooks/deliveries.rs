//! Deliveries from the event to the receiver.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use server::webhooks::Network;
use webhooks::{DeliveryStatus, EndpointState, Secret, Selection, verify};

use crate::receiver::{Answer, Received, Receiver};
use crate::town::{HOUR, MERCHANT, OLD_SECRET, START, Town, eventually, number};

fn is_signed_by(received: &Received, secret: [u8; 32]) -> bool {
    let header = |name| received.header(name);
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let now = timestamp.parse().unwrap();
    verify(&[Secret::from_random(secret)], id, timestamp, signature, &received.body, now).is_ok()
}

#[test]
fn a_delivery_is_a_signed_post_of_the_event() {
    let (town, receiver) = (Town::new(), Receiver::well());
    town.endpoint(1, &receiver.url(), &["payment.*"]);
    town.event("order.created", "ord_1");
    let paid = town.event("payment.succeeded", "pay_1");
    eventually(|| receiver.count() == 1);
    let received = &receiver.received()[0];
    assert_eq!((received.path.as_str(), number(received)), ("/hooks", paid));
    assert_eq!(received.header("webhook-id"), webhooks::event_id(START, paid).to_string());
    assert_eq!(received.header("webhook-timestamp"), (START / 1_000).to_string());
    assert_eq!(received.header("content-type"), "application/json");
    assert!(is_signed_by(received, OLD_SECRET) && !is_signed_by(received, [8; 32]));
}

#[test]
fn bug_24_retries_are_the_first_bytes_again_with_a_new_timestamp() {
    let mut town = Town::new();
    let receiver = Receiver::start(|_| Answer::Status(503));
    town.endpoint(1, &receiver.url(), &["*"]);
    let position = town.event("payment.succeeded", "pay_1");
    eventually(|| receiver.count() == 1);
    let bytes = town.rewrite(position);
    town.pass(6_000);
    eventually(|| receiver.count() == 2);
    receiver.answer(|_| Answer::HangUp);
    town.pass(400_000);
    eventually(|| receiver.count() >= 3);
    town.crash();
    receiver.answer(|_| Answer::Status(204));
    let before = receiver.count();
    town.pass(HOUR);
    eventually(|| receiver.count() > before);
    let received = receiver.received();
    let ids: HashSet<_> = received.iter().map(|received| received.header("webhook-id").to_owned()).collect();
    let times: HashSet<_> = received.iter().map(|received| received.header("webhook-timestamp").to_owned()).collect();
    assert!(received.iter().all(|received| received.body == bytes && is_signed_by(received, OLD_SECRET)));
    assert_eq!((ids.len(), times.len()), (1, 4));
}

#[test]
fn bug_24_deliveries_of_one_object_come_in_order_and_others_go_on() {
    let town = Town::new();
    let stuck = Arc::new(AtomicBool::new(true));
    let is_stuck = stuck.clone();
    let receiver = Receiver::start(move |received| {
        let is_first = String::from_utf8_lossy(&received.body).contains("\"pay_0\"");
        Answer::Status(if is_first && is_stuck.load(Ordering::SeqCst) { 500 } else { 200 })
    });
    let endpoint = town.endpoint(1, &receiver.url(), &["*"]);
    for number in 0..400 {
        town.event("payment.changed", &format!("pay_{}", number % 8));
    }
    eventually(|| town.with_webhooks(move |webhooks, _| webhooks.waiting(endpoint)) == 50);
    let tried: Vec<_> = receiver.received().iter().map(number).filter(|number| number % 8 == 1).collect();
    assert!(tried.iter().all(|number| *number == 1), "nothing about it overtakes: {tried:?}");
    stuck.store(false, Ordering::SeqCst);
    town.pass(HOUR);
    eventually(|| town.with_webhooks(move |webhooks, _| webhooks.waiting(endpoint)) == 0);
    let mut last = BTreeMap::new();
    for number in receiver.received().iter().map(number) {
        assert!(last.insert(number % 8, number).is_none_or(|before| before <= number));
    }
}

#[test]
fn invariant_09_a_receiver_that_was_down_for_a_day_gets_everything_once() {
    let town = Town::new();
    let address = Receiver::nobody();
    let endpoint = town.endpoint(1, &format!("http://{address}/hooks"), &["*"]);
    for hour in 0..24 {
        for number in 0..100 {
            town.event("payment.succeeded", &format!("pay_{}", number % 30 + hour));
        }
        town.pass(HOUR);
        std::thread::sleep(Duration::from_millis(20));
    }
    let receiver = Receiver::start_at(address, |_| Answer::Status(200));
    town.pass_until(HOUR, || receiver.count() >= 2_400);
    eventually(|| town.with_webhooks(move |webhooks, _| webhooks.waiting(endpoint)) == 0);
    let mut numbers: Vec<_> = receiver.received().iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2_400).collect::<Vec<_>>());
}

#[test]
fn a_silent_receiver_costs_only_its_own_queue() {
    let town = Town::with(Network::Private, Duration::from_secs(1));
    let (silent, well) = (Receiver::start(|_| Answer::Silence), Receiver::well());
    let dead = town.endpoint(1, &silent.url(), &["*"]);
    town.endpoint(2, &well.url(), &["*"]);
    let begin = Instant::now();
    for number in 0..3_000 {
        town.event("payment.succeeded", &format!("pay_{number}"));
    }
    eventually(|| well.count() == 3_000);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    eventually(|| town.with_webhooks(move |webhooks, _| webhooks.is_failing(dead)));
    assert!(silent.count() <= 16, "{}", silent.count());
    // From now on it is one probe at a time.
    let before = silent.count();
    town.pass(10_000);
    eventually(|| silent.count() == before + 1);
    for number in 0..100 {
        town.event("payment.succeeded", &format!("late_{number}"));
    }
    eventually(|| well.count() == 3_100);
    assert_eq!(silent.count(), before + 1);
}

#[test]
fn connections_are_kept_and_used_again() {
    let (town, receiver) = (Town::new(), Receiver::well());
    town.endpoint(1, &receiver.url(), &["*"]);
    for number in 0..2_000 {
        town.event("payment.succeeded", &format!("pay_{number}"));
    }
    eventually(|| receiver.count() == 2_000);
    assert!(receiver.connections() <= 200, "{}", receiver.connections());
}

#[test]
fn a_receiver_that_says_gone_is_told_nothing_more() {
    let (town, receiver) = (Town::new(), Receiver::start(|_| Answer::Status(410)));
    let endpoint = town.endpoint(1, &receiver.url(), &["*"]);
    town.event("payment.succeeded", "pay_1");
    let state =
        move |town: &Town| town.with_webhooks(move |webhooks, _| webhooks.endpoint(MERCHANT, endpoint).unwrap().state);
    eventually(|| state(&town) == EndpointState::Gone);
    for number in 0..50 {
        town.event("payment.succeeded", &format!("pay_{number}"));
        town.pass(HOUR);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(receiver.count(), 1);
}

#[test]
fn a_rotated_secret_signs_beside_the_new_one_for_as_long_as_was_said() {
    let (town, receiver) = (Town::new(), Receiver::well());
    let endpoint = town.endpoint(1, &receiver.url(), &["*"]);
    let new = [8; 32];
    town.with_webhooks(move |webhooks, now| {
        webhooks.rotate_secret(MERCHANT, endpoint, &Secret::from_random(new), HOUR, now).map(drop).unwrap();
    });
    let signed = |by_old: bool| {
        receiver.forget();
        town.event("payment.succeeded", "pay_1");
        eventually(|| receiver.count() == 1);
        let received = &receiver.received()[0];
        assert_eq!((is_signed_by(received, OLD_SECRET), is_signed_by(received, new)), (by_old, true));
    };
    signed(true);
    town.pass(HOUR - 1_000);
    signed(true);
    town.pass(2_000);
    signed(false);
}

#[test]
fn a_dead_letter_is_listed_and_replayed() {
    let (town, receiver) = (Town::new(), Receiver::start(|_| Answer::Full(500, "x: y".to_owned(), vec![b'e'; 5_000])));
    let endpoint = town.endpoint(1, &receiver.url(), &["*"]);
    let position = town.event("payment.succeeded", "pay_1");
    let dead = move |town: &Town| {
        let selection = Selection { status: Some(DeliveryStatus::Dead), limit: 10, ..Selection::default() };
        town.with_webhooks(move |webhooks, now| webhooks.deliveries(MERCHANT, endpoint, &selection, now)).unwrap().items
    };
    town.pass_until(100 * HOUR, || !dead(&town).is_empty());
    assert_eq!(receiver.count(), 10);
    let id = dead(&town)[0].id;
    let details = town.with_webhooks(move |webhooks, now| webhooks.delivery(MERCHANT, id, now)).unwrap();
    assert_eq!((details.attempts.len(), details.delivery.position), (10, position));
    let webhooks::Outcome::Answered { status: 500, response } = &details.attempts[0].1.outcome else { panic!() };
    assert_eq!(response.len(), webhooks::RESPONSE_KEPT_BYTES);
    receiver.answer(|_| Answer::Status(200));
    let _ = town.with_webhooks(move |webhooks, now| webhooks.replay(MERCHANT, id, now)).unwrap();
    eventually(|| receiver.count() == 11 && dead(&town).is_empty());
    let received = receiver.received();
    assert!(received.iter().all(|one| one.body == details.body));
    assert!(received.iter().all(|one| one.header("webhook-id") == received[0].header("webhook-id")));
}

/// Kills at moments that fall anywhere between an event, its delivery and the record of it: nothing is lost, and what
/// comes twice says so by its id.
#[test]
fn bug_05_invariant_09_kills_between_event_and_delivery_lose_nothing() {
    let mut town = Town::new();
    let receiver = Receiver::well();
    let endpoint = town.endpoint(1, &receiver.url(), &["*"]);
    for round in 0..20 {
        for number in 0..100 {
            town.event("payment.succeeded", &format!("pay_{number}"));
        }
        std::thread::sleep(Duration::from_millis(round));
        town.crash();
    }
    eventually(|| {
        let ids: HashSet<_> = receiver.received().iter().map(|one| one.header("webhook-id").to_owned()).collect();
        ids.len() == 2_000
    });
    eventually(|| town.with_webhooks(move |webhooks, _| webhooks.waiting(endpoint)) == 0);
    let mut bodies = BTreeMap::new();
    for received in receiver.received() {
        let id = received.header("webhook-id").to_owned();
        assert_eq!(*bodies.entry(id).or_insert_with(|| received.body.clone()), received.body);
    }
}

/// No delivery leaves before its bytes are in the file: whatever has arrived is there after a kill at that moment.
#[test]
fn bug_05_what_was_sent_was_stored_before() {
    let town = Town::new();
    let folder = town.folder.path().to_owned();
    let missing = Arc::new(Mutex::new(Vec::new()));
    let of_receiver = missing.clone();
    let receiver = Receiver::start(move |received| {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let mut webhooks = server::webhooks::Webhooks::open(copy.path(), server::webhooks::Limits::default()).unwrap();
        let endpoint = webhooks.endpoints(MERCHANT)[0].id;
        let selection = Selection { limit: 100, ..Selection::default() };
        let stored = webhooks.deliveries(MERCHANT, endpoint, &selection, START).unwrap().items;
        if !stored.iter().any(|delivery| delivery.event.to_string() == received.header("webhook-id")) {
            of_receiver.lock().unwrap().push(number(received));
        }
        Answer::Status(200)
    });
    town.endpoint(1, &receiver.url(), &["*"]);
    for number in 0..10 {
        town.event("payment.succeeded", &format!("pay_{number}"));
        std::thread::sleep(Duration::from_millis(15));
    }
    eventually(|| receiver.count() == 10);
    assert_eq!(*missing.lock().unwrap(), Vec::<u64>::new());
}
