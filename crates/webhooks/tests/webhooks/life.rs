//! Deliveries from the event to their end.

use std::collections::BTreeMap;

use webhooks::{DeliveryStatus, EndpointState, Limits, RETRY_WAITS_MS, Selection};

use crate::world::{HOUR, MERCHANT, MINUTE, START, World, always, down_until};

#[test]
fn an_endpoint_is_told_of_what_it_asked_for_once() {
    let mut world = World::new();
    world.event("payment.succeeded", "pay_0");
    let endpoint = world.endpoint(1, &["payment.*"], always(200));
    let paid = world.event("payment.succeeded", "pay_1");
    world.event("order.created", "ord_1");
    let refunded = world.event("payment.refunded", "pay_1");
    world.work();
    assert_eq!(world.arrived(endpoint), [paid, refunded]);
    world.run_until(START + 100 * HOUR);
    assert_eq!(world.sent_to(endpoint), 2);
    assert_eq!(world.webhooks().wakes_at(START + 100 * HOUR), None);
}

#[test]
fn bug_24_retries_send_the_stored_bytes_under_the_same_id() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], down_until(START + 3 * HOUR));
    let position = world.event("payment.succeeded", "pay_1");
    world.work();
    let bytes = world.events[&position].1.body.clone();
    // Were it rendered again, it would say something else.
    world.events.get_mut(&position).unwrap().1.body = b"changed".to_vec();
    world.crash();
    world.run_until(START + 10 * HOUR);
    let waits: u64 = RETRY_WAITS_MS[..4].iter().sum();
    assert!(waits < 3 * HOUR && world.sent_to(endpoint) == 6, "{:?}", world.sent);
    assert!(world.sent.iter().all(|(_, _, body, _)| *body == bytes));
}

#[test]
fn bug_24_deliveries_of_one_object_keep_their_order_and_others_go_on() {
    let mut world = World::new();
    let refuses_one = Box::new(|sending: &webhooks::Sending, now: u64| {
        let is_refused = sending.body.windows(5).any(|window| window == b"pay_1");
        Some(if is_refused && now < START + HOUR { 500 } else { 200 })
    });
    let endpoint = world.endpoint(1, &["*"], refuses_one);
    let (first, second) = (world.event("payment.created", "pay_1"), world.event("payment.succeeded", "pay_1"));
    let other = world.event("payment.succeeded", "pay_2");
    world.work();
    assert_eq!(world.arrived(endpoint), [other]);
    let third = world.event("payment.refunded", "pay_1");
    world.run_until(START + 5 * HOUR);
    assert_eq!(world.arrived(endpoint), [other, first, second, third]);
}

#[test]
fn invariant_09_a_receiver_that_was_down_for_a_day_gets_everything_once_and_in_order() {
    let mut world = World::new();
    let back = START + 24 * HOUR;
    let endpoint = world.endpoint(1, &["*"], down_until(back));
    let mut expected = Vec::new();
    for minute in 0..24 * 60 {
        expected.push(world.event("payment.succeeded", &format!("pay_{}", minute % 37)));
        world.run_until(START + minute * MINUTE);
        if minute % 500 == 0 {
            world.crash();
        }
    }
    assert_eq!(world.arrived(endpoint), []);
    let attempts = world.sent_to(endpoint);
    assert!(attempts < 100, "a dead receiver is only asked now and then: {attempts}");
    assert!(world.webhooks().waiting(endpoint) < 80);
    world.run_until(back + HOUR);
    let arrived = world.arrived(endpoint);
    let mut of_objects = BTreeMap::new();
    for position in &arrived {
        let object = &world.events[position].1.object;
        assert!(of_objects.insert(object, *position).is_none_or(|before| before < *position), "{object}");
    }
    let mut sorted = arrived.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected, "each once");
    // All that was behind the cursor came in order altogether.
    let tail = arrived.len() - 1_000;
    assert!(arrived[tail..].is_sorted());
}

#[test]
fn a_dead_endpoint_costs_the_other_nothing() {
    let mut world = World::new();
    let (dead, well) = (world.endpoint(1, &["*"], down_until(u64::MAX)), world.endpoint(2, &["*"], always(200)));
    let mut expected = Vec::new();
    for number in 0..5_000 {
        expected.push(world.event("payment.succeeded", &format!("pay_{number}")));
        if number % 100 == 0 {
            world.now += 1_000;
            world.work();
        }
    }
    world.work();
    assert_eq!(world.arrived(well), expected);
    assert!(world.sent_to(dead) < 30, "{}", world.sent_to(dead));
    assert!(world.webhooks().is_failing(dead) && !world.webhooks().is_failing(well));
    assert!(world.webhooks().waiting(dead) <= Limits::default().ahead);
}

#[test]
fn what_fails_for_three_days_is_a_dead_letter_and_can_be_replayed() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], down_until(START + 200 * HOUR));
    let position = world.event("payment.succeeded", "pay_1");
    world.run_until(START + 72 * HOUR);
    let dead = Selection { status: Some(DeliveryStatus::Dead), limit: 10, ..Selection::default() };
    let now = world.now;
    assert_eq!(world.webhooks().deliveries(MERCHANT, endpoint, &dead, now).unwrap().items, []);
    world.run_until(START + 100 * HOUR);
    let now = world.now;
    let letters = world.webhooks().deliveries(MERCHANT, endpoint, &dead, now).unwrap().items;
    assert_eq!((letters.len(), letters[0].position, letters[0].attempts), (1, position, 10));
    world.run_until(START + 201 * HOUR);
    assert_eq!(world.sent_to(endpoint), 10);
    world.crash();
    let now = world.now;
    let again = world.webhooks().replay(MERCHANT, letters[0].id, now).unwrap();
    assert_eq!((again.status, again.attempts), (DeliveryStatus::Pending, 10));
    world.work();
    assert_eq!(world.arrived(endpoint), [position]);
    let now = world.now;
    let details = world.webhooks().delivery(MERCHANT, letters[0].id, now).unwrap();
    assert_eq!((details.delivery.status, details.delivery.attempts), (DeliveryStatus::Succeeded, 11));
    assert_eq!((details.attempts.len(), details.body), (11, world.events[&position].1.body.clone()));
}

#[test]
fn a_receiver_that_is_gone_is_left_alone_until_its_owner_says_otherwise() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], always(410));
    let first = world.event("payment.succeeded", "pay_1");
    world.work();
    world.event("payment.succeeded", "pay_2");
    world.run_until(START + 100 * HOUR);
    assert_eq!(world.sent_to(endpoint), 1);
    world.crash();
    assert_eq!(world.webhooks().endpoint(MERCHANT, endpoint).unwrap().state, EndpointState::Gone);
    world.receivers.insert(endpoint, always(200));
    let change = webhooks::Change { enabled: Some(true), ..webhooks::Change::default() };
    let _ = world.webhooks().update(MERCHANT, endpoint, change).unwrap();
    let third = world.event("payment.succeeded", "pay_3");
    world.work();
    assert_eq!(
        world.arrived(endpoint),
        [first + 2, third],
        "what came meanwhile is told, the dead letter is replayed on demand"
    );
}

/// At each moment between two steps of the work the process may stop: what was not written is done again.
#[test]
fn bug_05_invariant_09_a_crash_between_the_event_and_the_delivery_loses_nothing() {
    for crash_after in 0..36 {
        let mut world = World::new();
        let endpoint = world.endpoint(1, &["*"], always(200));
        let expected: Vec<_> =
            (0..20).map(|number| world.event("payment.succeeded", &format!("pay_{}", number % 7))).collect();
        let mut steps = 0;
        'life: for _ in 0..40 {
            let now = world.now;
            let reads = world.webhooks().reads(now);
            let taken = reads
                .into_iter()
                .map(|read| {
                    let events = world
                        .events
                        .range(read.after + 1..)
                        .take(read.limit.min(5))
                        .map(|(_, (_, event))| event.clone());
                    let mut taken = webhooks::Taken { events: events.collect(), read };
                    taken.read.limit = taken.read.limit.min(5);
                    taken
                })
                .collect();
            steps += 1;
            if steps == crash_after {
                world.crash();
                continue 'life;
            }
            world.webhooks().store(taken, now).unwrap();
            steps += 1;
            if steps == crash_after {
                world.crash();
                continue 'life;
            }
            for sending in world.webhooks().due(now, 3).unwrap() {
                steps += 1;
                if steps == crash_after {
                    world.crash();
                    continue 'life;
                }
                world.send(sending);
            }
        }
        let arrived = world.arrived(endpoint);
        let mut once = arrived.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once, expected, "after {crash_after} steps");
        assert!(arrived.len() <= expected.len() + 20);
    }
}

#[test]
fn bug_04_one_event_read_twice_is_one_delivery() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], always(200));
    let position = world.event("payment.succeeded", "pay_1");
    let now = world.now;
    let read = world.webhooks().reads(now)[0];
    let event = world.events[&position].1.clone();
    world.webhooks().store(vec![webhooks::Taken { read, events: vec![event.clone()] }], now).unwrap();
    // The same read answered once more, and an event before the cursor.
    world.webhooks().store(vec![webhooks::Taken { read, events: vec![event] }], now).unwrap();
    world.work();
    assert_eq!(world.arrived(endpoint), [position]);
    // An attempt that is told twice, and one that nobody made.
    let attempt = || webhooks::Attempt {
        at: now,
        duration_ms: 1,
        outcome: webhooks::Outcome::Answered { status: 200, response: Vec::new() },
    };
    world.webhooks().finished(endpoint, position, attempt(), 0);
    world.webhooks().finished(endpoint, 4_711, attempt(), 0);
    world.work();
    assert_eq!(world.sent_to(endpoint), 1);
}

#[test]
fn an_event_that_comes_while_others_are_read_is_not_forgotten() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], always(200));
    let now = world.now;
    let read = world.webhooks().reads(now)[0];
    // It has been read that there is nothing; but before that is told, something happens.
    let position = world.event("payment.succeeded", "pay_1");
    world.webhooks().store(vec![webhooks::Taken { read, events: Vec::new() }], now).unwrap();
    world.work();
    assert_eq!(world.arrived(endpoint), [position]);
}

/// Whoever waits for the next thing to do must not be told that it was long ago.
#[test]
fn while_a_probe_is_under_way_there_is_nothing_to_do() {
    let mut world = World::new();
    let endpoint = world.endpoint(1, &["*"], down_until(u64::MAX));
    for number in 0..20 {
        world.event("payment.succeeded", &format!("pay_{number}"));
    }
    world.work();
    assert!(world.webhooks().is_failing(endpoint));
    for _ in 0..30 {
        world.now += HOUR;
        let now = world.now;
        let due = world.webhooks().due(now, 10).unwrap();
        assert!(due.len() <= 1);
        assert!(world.webhooks().wakes_at(now).is_none_or(|at| at > now), "it would spin");
        due.into_iter().for_each(|sending| world.send(sending));
        world.work();
    }
    let change = webhooks::Change { enabled: Some(false), ..webhooks::Change::default() };
    let _ = world.webhooks().update(MERCHANT, endpoint, change).unwrap();
    world.now += HOUR;
    let now = world.now;
    assert!(world.webhooks().wakes_at(now).is_none() && world.webhooks().reads(now).is_empty());
}
