use ids::{MerchantId, WebhookEndpointId};

use super::*;
use crate::{EventFilter, Limits, Network, NewEndpoint, Outcome, Secret, check_url};

fn event(position: Position) -> Rendered {
    let object = format!("pay_{position}");
    Rendered { position, event_type: "payment.succeeded".into(), object, at_ms: 1, body: vec![b'x'; 1_000] }
}

fn take(webhooks: &mut Webhooks, events: Position) -> Result<(), WebhooksError> {
    let taken = webhooks.reads(1).into_iter().map(|read| {
        let events = (read.after + 1..=events).take(read.limit).map(event).collect();
        Taken { read, events }
    });
    let taken = taken.collect();
    webhooks.store(taken, 1)
}

fn let_pages(webhooks: &Webhooks, most: i64) {
    webhooks.database.run(|sql| sql.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))).unwrap();
}

/// What cannot be stored is not sent, and is there as soon as there is room; what was answered meanwhile is not forgotten.
#[test]
fn invariant_09_a_full_disk_sends_nothing_unstored_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut webhooks = Webhooks::open(folder.path(), Limits::default()).unwrap();
    let (id, merchant) = (WebhookEndpointId::from_u128(1), MerchantId::from_u128(1));
    let url = check_url("https://example.com/", Network::Public).unwrap();
    let events = EventFilter::all();
    let new = NewEndpoint { id, merchant, url, events, description: None, position: 0 };
    let _ = webhooks.create(new, &Secret::from_random([1; 32]), 1).unwrap();
    take(&mut webhooks, 5).unwrap();
    let first = webhooks.due(1, 100).unwrap();
    assert_eq!(first.len(), 5);
    let_pages(&webhooks, 1);
    let succeed = |webhooks: &mut Webhooks, sending: &Sending| {
        let outcome = Outcome::Answered { status: 200, response: Vec::new() };
        webhooks.finished(id, sending.position, Attempt { at: 1, duration_ms: 0, outcome }, 0);
    };
    first.iter().for_each(|sending| succeed(&mut webhooks, sending));
    webhooks.mark(merchant);
    for _ in 0..3 {
        assert!(take(&mut webhooks, 500).is_err_and(|error| error.is_full_disk()));
        assert_eq!(webhooks.due(1, 100).unwrap().len(), 0);
    }
    let_pages(&webhooks, 1 << 20);
    take(&mut webhooks, 500).unwrap();
    let mut sent: Vec<_> = first.iter().map(|sending| sending.position).collect();
    loop {
        let due = webhooks.due(1, 100).unwrap();
        if due.is_empty() {
            break;
        }
        due.iter().for_each(|sending| succeed(&mut webhooks, sending));
        sent.extend(due.iter().map(|sending| sending.position));
    }
    sent.sort_unstable();
    assert_eq!(sent, (1..=500).collect::<Vec<_>>());
    webhooks.flush(1).unwrap();
    drop(webhooks);
    assert_eq!(Webhooks::open(folder.path(), Limits::default()).unwrap().waiting(id), 0);
}
