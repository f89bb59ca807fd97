//! The delivery log: lists, replays, bounds.

use ids::{DeliveryId, MerchantId};
use webhooks::{DeliveryStatus, Limits, Selection, WebhooksError};

use crate::world::{HOUR, MERCHANT, World, always, down_until};

fn selection(limit: u32) -> Selection {
    Selection { limit, ..Selection::default() }
}

#[test]
fn the_log_is_listed_in_parts_by_status_and_by_type() {
    let mut world = World::new();
    let fails_some =
        Box::new(|sending: &webhooks::Sending, _| Some(if sending.position.is_multiple_of(3) { 500 } else { 200 }));
    let endpoint = world.endpoint(1, &["*"], fails_some);
    world.endpoint(2, &["*"], always(200));
    for number in 0..50 {
        world.event(if number % 2 == 0 { "order.created" } else { "payment.succeeded" }, &format!("x_{number}"));
        world.work();
    }
    let now = world.now;
    let mut list = |selection: &Selection| world.webhooks().deliveries(MERCHANT, endpoint, selection, now).unwrap();
    let mut all = Vec::new();
    loop {
        let before = all.last().map(|delivery: &webhooks::Delivery| delivery.id);
        let page = list(&Selection { before, ..selection(7) });
        all.extend(page.items);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(all.len(), 50);
    assert!(all.is_sorted_by(|a, b| a.position > b.position));
    for (status, of_three) in [(DeliveryStatus::Pending, true), (DeliveryStatus::Succeeded, false)] {
        for event_type in [None, Some("order.created"), Some("payment.succeeded"), Some("never.heard")] {
            let asked = Selection { status: Some(status), event_type: event_type.map(str::to_owned), ..selection(100) };
            let expected = all.iter().filter(|delivery| {
                delivery.position.is_multiple_of(3) == of_three
                    && event_type.is_none_or(|name| delivery.event_type == name)
            });
            assert_eq!(list(&asked).items, expected.cloned().collect::<Vec<_>>(), "{asked:?}");
        }
    }
    let dead = Selection { status: Some(DeliveryStatus::Dead), ..selection(100) };
    assert_eq!(list(&dead).items, []);
}

#[test]
fn invariant_10_another_merchants_deliveries_do_not_exist() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], always(200));
    world.event("payment.succeeded", "pay_1");
    world.work();
    let (now, other) = (world.now, MerchantId::from_u128(2));
    let id = world.webhooks().deliveries(MERCHANT, endpoint, &selection(1), now).unwrap().items[0].id;
    let webhooks = world.webhooks();
    assert!(matches!(webhooks.deliveries(other, endpoint, &selection(1), now), Err(WebhooksError::NotFound)));
    assert!(matches!(webhooks.delivery(other, id, now), Err(WebhooksError::NotFound)));
    assert!(matches!(webhooks.replay(other, id, now), Err(WebhooksError::NotFound)));
    assert!(matches!(webhooks.replay_range(other, endpoint, 0, 9), Err(WebhooksError::NotFound)));
    for id in [DeliveryId::from_u128(0), DeliveryId::from_u128(u128::MAX), DeliveryId::from_parts(1, id.as_u128())] {
        assert!(matches!(webhooks.delivery(MERCHANT, id, now), Err(WebhooksError::NotFound)));
    }
    assert!(webhooks.delivery(MERCHANT, id, now).is_ok());
}

#[test]
fn a_range_of_events_is_replayed_with_the_stored_bytes() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["payment.*"], always(200));
    let positions: Vec<_> = (0..3_000)
        .map(|number| {
            world.event(if number % 2 == 0 { "payment.succeeded" } else { "order.created" }, &format!("x_{number}"))
        })
        .collect();
    world.work();
    assert_eq!(world.arrived(endpoint).len(), 1_500);
    let stored = world.events.clone();
    for (_, event) in world.events.values_mut() {
        event.body = b"changed".to_vec();
    }
    world.sent.clear();
    world.webhooks().replay_range(MERCHANT, endpoint, positions[10], positions[2_899]).unwrap();
    world.crash();
    world.work();
    let mut arrived = world.arrived(endpoint);
    arrived.sort_unstable();
    assert_eq!(arrived, positions[10..2_900].iter().copied().step_by(2).collect::<Vec<_>>());
    assert!(world.sent.iter().all(|(_, position, body, _)| *body == stored[position].1.body));
    // Nothing is replayed that was not told before, or twice.
    world.sent.clear();
    world.webhooks().replay_range(MERCHANT, endpoint, u64::MAX, u64::MAX).unwrap();
    world.webhooks().replay_range(MERCHANT, endpoint, 9, 3).unwrap();
    world.work();
    assert_eq!(world.sent.len(), 0);
    let later = world.event("payment.succeeded", "later");
    world.webhooks().replay_range(MERCHANT, endpoint, positions[0], u64::MAX).unwrap();
    world.work();
    assert_eq!(world.arrived(endpoint).len(), 1_501);
    assert_eq!(world.arrived(endpoint).iter().filter(|position| **position == later).count(), 1);
}

#[test]
fn too_many_replays_at_once_are_refused() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], down_until(u64::MAX));
    world.event("payment.succeeded", "pay_1");
    world.work();
    for _ in 0..16 {
        world.webhooks().replay_range(MERCHANT, endpoint, 1, 1).unwrap();
    }
    assert!(matches!(world.webhooks().replay_range(MERCHANT, endpoint, 1, 1), Err(WebhooksError::Busy)));
}

#[test]
fn invariant_12_the_log_stays_within_its_bytes_and_its_age() {
    let limits = Limits { stored_bytes: 100_000, log_age_ms: HOUR, ..Limits::default() };
    let mut world = World::with(limits);
    let endpoint = world.endpoint(1, &["*"], always(200));
    for number in 0..2_000 {
        world.event("payment.succeeded", &format!("pay_{number}"));
        if number % 20 == 0 {
            world.work();
        }
    }
    world.work();
    let now = world.now;
    let kept = world.webhooks().deliveries(MERCHANT, endpoint, &selection(10_000), now).unwrap().items;
    assert!((200..600).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[0].position, *world.events.last_key_value().unwrap().0, "the newest are kept");
    world.now += HOUR + 1;
    let now = world.now;
    for _ in 0..10 {
        world.webhooks().tidy(now).unwrap();
    }
    assert_eq!(world.webhooks().deliveries(MERCHANT, endpoint, &selection(10), now).unwrap().items, []);
    // What is replayed now was forgotten, and is made anew.
    world.sent.clear();
    world.webhooks().replay_range(MERCHANT, endpoint, 0, 9).unwrap();
    world.work();
    assert_eq!(world.arrived(endpoint).len(), 5);
}

#[test]
fn a_deleted_endpoint_leaves_nothing_behind() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], always(200));
    for number in 0..5_000 {
        world.event("payment.succeeded", &format!("pay_{number}"));
    }
    world.work();
    world.webhooks().delete(MERCHANT, endpoint).unwrap();
    let next = world.endpoint(2, &["*"], always(200));
    let now = world.now;
    assert_eq!(world.webhooks().deliveries(MERCHANT, next, &selection(10), now).unwrap().items, []);
    for _ in 0..4 {
        world.webhooks().tidy(now).unwrap();
        world.crash();
    }
    for _ in 0..20 {
        world.webhooks().tidy(now).unwrap();
    }
    drop(world.webhooks.take());
    let file = rusqlite::Connection::open(world.folder.path().join(webhooks::Webhooks::FILE_NAME)).unwrap();
    for (table, left) in [("endpoints", 1), ("secrets", 1), ("deliveries", 0), ("attempts", 0)] {
        let count: i64 = file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(count, left, "{table}");
    }
}

/// No question looks through all that is stored.
#[test]
fn every_list_has_its_index() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], down_until(u64::MAX));
    world.event("payment.succeeded", "pay_1");
    world.work();
    let now = world.now;
    for status in [None, Some(DeliveryStatus::Pending), Some(DeliveryStatus::Dead), Some(DeliveryStatus::Succeeded)] {
        for event_type in [None, Some("payment.succeeded".to_owned())] {
            let asked = Selection { status, event_type, ..selection(5) };
            let page = world.webhooks().deliveries(MERCHANT, endpoint, &asked, now).unwrap();
            assert_eq!(page.items.len(), usize::from(matches!(status, None | Some(DeliveryStatus::Pending))));
        }
    }
}
