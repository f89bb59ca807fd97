//! Where deliveries must not go.

use std::time::Duration;

use server::webhooks::Network;
use webhooks::{Outcome, Selection};

use crate::receiver::{Answer, Receiver};
use crate::town::{MERCHANT, Town, eventually};

/// Endpoints that were made while private networks could be reached, or whose names have moved there since: nothing is
/// connected to.
#[test]
fn a_private_address_is_refused_at_the_connection_by_number_and_by_name() {
    let town = Town::with(Network::Public, Duration::from_secs(5));
    let receiver = Receiver::well();
    let port = receiver.address.port();
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
    ];
    for (number, url) in (1..).zip(&urls) {
        let endpoint = town.endpoint(number, url, &["*"]);
        town.event("payment.succeeded", "pay_1");
        let attempts = || {
            let selection = Selection { limit: 1, ..Selection::default() };
            town.with_webhooks(move |webhooks, now| {
                let delivery = webhooks.deliveries(MERCHANT, endpoint, &selection, now).unwrap().items.pop()?;
                Some(webhooks.delivery(MERCHANT, delivery.id, now).unwrap().attempts)
            })
            .unwrap_or_default()
        };
        eventually(|| !attempts().is_empty());
        let (_, attempt) = attempts().remove(0);
        let Outcome::Failed(reason) = attempt.outcome else { panic!("{url} was reached") };
        assert!(reason.contains("not on the public Internet"), "{url}: {reason}");
    }
    assert_eq!((receiver.connections(), receiver.count()), (0, 0));
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let (town, inner) = (Town::new(), Receiver::well());
    let location = format!("location: {}", inner.url());
    let outer = Receiver::start(move |_| Answer::Full(307, location.clone(), Vec::new()));
    let endpoint = town.endpoint(1, &outer.url(), &["*"]);
    town.event("payment.succeeded", "pay_1");
    eventually(|| outer.count() == 1);
    town.pass(6_000);
    eventually(|| outer.count() == 2);
    assert_eq!(inner.connections(), 0);
    assert_eq!(town.with_webhooks(move |webhooks, _| webhooks.waiting(endpoint)), 1);
}

#[test]
fn invariant_12_an_endless_answer_is_cut_off() {
    let town = Town::new();
    let receiver = Receiver::start(|_| Answer::Full(200, "x: y".to_owned(), vec![b'x'; 50_000_000]));
    let endpoint = town.endpoint(1, &receiver.url(), &["*"]);
    town.event("payment.succeeded", "pay_1");
    eventually(|| receiver.count() == 1 && town.with_webhooks(move |webhooks, _| webhooks.waiting(endpoint)) == 0);
}
