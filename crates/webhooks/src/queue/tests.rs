use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ladder::RETRY_WAITS_MS;

const MOST: usize = 64;

fn queue(positions: impl IntoIterator<Item = (Position, u64)>) -> Queue {
    let mut queue = Queue::new(MOST);
    for (position, object) in positions {
        queue.push(position, object, 0, Progress::default(), None);
    }
    queue
}

fn sent(queue: &mut Queue, now: u64) -> Vec<Position> {
    std::iter::from_fn(|| queue.next(now).map(|(position, ..)| position)).collect()
}

#[test]
fn bug_24_later_deliveries_of_an_object_wait_and_others_go_on() {
    let mut queue = queue([(1, 7), (2, 7), (3, 8), (4, 7)]);
    assert_eq!(sent(&mut queue, 0), [1, 3]);
    assert!(matches!(queue.failed(1, 1_000, 0), Some(Verdict::Again(_))));
    queue.succeeded(3);
    assert_eq!((sent(&mut queue, 1_000), queue.due_at()), (vec![], Some(6_000)));
    assert_eq!(sent(&mut queue, 6_000), [1]);
    queue.succeeded(1);
    assert_eq!(sent(&mut queue, 6_000), [2]);
    queue.succeeded(2);
    assert_eq!(sent(&mut queue, 6_000), [4]);
}

#[test]
fn a_delivery_that_fails_climbs_the_ladder_and_dies() {
    let mut queue = queue([(1, 7), (2, 7)]);
    let mut now = 1_000_000;
    for wait in RETRY_WAITS_MS {
        assert_eq!(sent(&mut queue, now), [1]);
        let Some(Verdict::Again(progress)) = queue.failed(1, now, 0) else { panic!("it goes on") };
        assert_eq!((progress.next_at, queue.due_at()), (now + wait, Some(now + wait)));
        assert_eq!(sent(&mut queue, now + wait - 1), []);
        now += wait;
    }
    assert_eq!(sent(&mut queue, now), [1]);
    assert!(matches!(queue.failed(1, now, 0), Some(Verdict::Dead(Progress { attempts: 10, .. }))));
    assert_eq!(sent(&mut queue, now), [2], "a dead letter holds up nobody");
}

#[test]
fn one_event_that_cannot_be_digested_does_not_break_the_endpoint() {
    let mut queue = queue([(1, 1)]);
    let mut now = 0;
    for (position, wait) in (2..).zip(RETRY_WAITS_MS) {
        queue.push(position, position, 0, Progress::default(), None);
        assert_eq!(sent(&mut queue, now), [1, position]);
        queue.failed(1, now, 0);
        queue.succeeded(position);
        assert!(!queue.is_broken());
        now += wait;
    }
}

/// Fails everything that goes until the endpoint is taken for dead.
fn broken() -> (Queue, u64) {
    let mut queue = queue((1..=100).map(|position| (position, position % 10)));
    let mut failures = 0;
    while !queue.is_broken() {
        for position in sent(&mut queue, 0) {
            queue.failed(position, 0, 0);
            failures += 1;
        }
    }
    assert!(failures <= BREAKS_AT + FIRST_WINDOW, "{failures}");
    (queue, PROBE_WAITS_MS[0])
}

#[test]
fn a_dead_endpoint_is_asked_by_one_probe_at_a_time_and_wants_nothing_new() {
    let (mut queue, mut now) = broken();
    let mut probed = Vec::new();
    for wait in PROBE_WAITS_MS.into_iter().skip(1).chain([PROBE_WAITS_MS[5]; 10]) {
        assert_eq!((sent(&mut queue, now - 1), queue.due_at()), (vec![], Some(now)));
        // Ten objects have a first delivery each. When all of these were tried, and for long, a new one may try its luck.
        assert_eq!(queue.room(now, 1_000, 10_000), usize::from(probed.len() >= 5), "{}", probed.len());
        let probe = sent(&mut queue, now);
        assert_eq!((probe.len(), queue.due_at()), (1, None));
        queue.failed(probe[0], now, 0);
        probed.push(probe[0]);
        now += wait;
    }
    probed.sort_unstable();
    assert!(probed.windows(2).filter(|pair| pair[0] == pair[1]).count() < probed.len() / 2, "{probed:?}");
}

#[test]
fn bug_24_an_endpoint_that_is_back_gets_everything_in_order_at_once() {
    let (mut queue, now) = broken();
    let probe = sent(&mut queue, now);
    queue.succeeded(probe[0]);
    assert!(!queue.is_broken());
    let mut last = BTreeMap::new();
    let mut count = 0;
    loop {
        let sent = sent(&mut queue, now);
        if sent.is_empty() {
            break;
        }
        for position in sent {
            assert!(last.insert(position % 10, position).is_none_or(|before| before < position));
            queue.succeeded(position);
            count += 1;
        }
    }
    assert_eq!((count, queue.len(), queue.due_at()), (99, 0, None));
}

#[test]
fn the_window_grows_with_successes_and_shrinks_with_failures() {
    let mut queue = queue((1..=1_000).map(|position| (position, position)));
    let first = sent(&mut queue, 0);
    assert_eq!(first.len(), FIRST_WINDOW);
    first.into_iter().for_each(|position| queue.succeeded(position));
    let second = sent(&mut queue, 0);
    assert_eq!(second.len(), 2 * FIRST_WINDOW);
    queue.failed(second[0], 0, 0);
    second[1..].iter().for_each(|position| queue.succeeded(*position));
    assert!(sent(&mut queue, 0).len() < 2 * FIRST_WINDOW + 8);
    for _ in 0..10 {
        let positions: Vec<_> = queue.lines.values().filter_map(|line| line.under_way).collect();
        positions.into_iter().for_each(|position| queue.succeeded(position));
        assert!(sent(&mut queue, 0).len() <= MOST);
    }
}

#[test]
fn what_was_tried_for_three_days_is_overdue_whatever_stood_for_it() {
    let (mut queue, now) = broken();
    let tried = queue.entries.values().filter(|entry| entry.progress.attempts > 0).count();
    assert_eq!(queue.overdue(now), []);
    assert_eq!(queue.overdue(now + MAX_TRYING_MS).len(), tried);
    for position in queue.overdue(now + MAX_TRYING_MS) {
        queue.remove(position);
    }
    assert_eq!(queue.len(), 100 - tried);
    assert_eq!(sent(&mut queue, now + MAX_TRYING_MS).len(), 1);
}

#[test]
fn an_older_delivery_put_in_later_goes_first() {
    let mut queue = queue([(5, 7), (6, 7)]);
    queue.push(2, 7, 0, Progress::default(), None);
    assert_eq!(sent(&mut queue, 0), [2]);
    queue.push(1, 7, 0, Progress::default(), None);
    assert_eq!(sent(&mut queue, 0), []);
    queue.succeeded(2);
    assert_eq!(sent(&mut queue, 0), [1]);
}

#[derive(Debug, Clone)]
enum Step {
    Push { object: u64 },
    Send,
    Succeed(prop::sample::Index),
    Fail(prop::sample::Index),
    NotTried(prop::sample::Index),
    Hasten(prop::sample::Index),
    Revive,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_u64).prop_map(|object| Step::Push { object }),
        6 => Just(Step::Send),
        4 => any::<prop::sample::Index>().prop_map(Step::Succeed),
        4 => any::<prop::sample::Index>().prop_map(Step::Fail),
        1 => any::<prop::sample::Index>().prop_map(Step::NotTried),
        1 => any::<prop::sample::Index>().prop_map(Step::Hasten),
        1 => Just(Step::Revive),
        2 => (0..100_000_000_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever happens: one under way per object, and never before an older one; nothing is forgotten; and when the
    /// receiver lives, everything comes to an end.
    #[test]
    fn nothing_overtakes_and_nothing_is_forgotten(steps in prop::collection::vec(step(), 1..300)) {
        let mut queue = Queue::new(4);
        let (mut now, mut next) = (0, 1);
        let mut waiting = BTreeMap::new();
        let mut under_way: Vec<Position> = Vec::new();
        for step in steps {
            match step {
                Step::Push { object } => {
                    queue.push(next, object, 0, Progress::default(), None);
                    waiting.insert(next, object);
                    next += 1;
                }
                Step::Send => if let Some((position, ..)) = queue.next(now) {
                    let object = waiting[&position];
                    prop_assert!(waiting.range(..position).all(|(_, other)| *other != object));
                    prop_assert!(!under_way.contains(&position));
                    under_way.push(position);
                    prop_assert!(under_way.len() <= 4);
                },
                Step::Wait(time) => now += time,
                Step::Revive => queue.revive(),
                Step::Hasten(index) => {
                    let all: Vec<_> = waiting.keys().copied().collect();
                    if !all.is_empty() { queue.hasten(*index.get(&all)) }
                }
                Step::Succeed(index) | Step::Fail(index) | Step::NotTried(index) if !under_way.is_empty() => {
                    let position = under_way.remove(index.index(under_way.len()));
                    match step {
                        Step::Succeed(_) => {
                            queue.succeeded(position);
                            waiting.remove(&position);
                        }
                        Step::Fail(_) => if let Some(Verdict::Dead(_)) = queue.failed(position, now, 0) {
                            waiting.remove(&position);
                        },
                        _ => queue.not_tried(position),
                    }
                }
                _ => {}
            }
            prop_assert_eq!(queue.len(), waiting.len());
            prop_assert_eq!(queue.under_way, under_way.len());
        }
        // The receiver is well from now on.
        for _ in 0..2 * waiting.len() + under_way.len() + 10 {
            under_way.drain(..).for_each(|position| { queue.succeeded(position); waiting.remove(&position); });
            now = queue.due_at().map_or(now, |at| at.max(now));
            under_way.extend(sent(&mut queue, now));
        }
        prop_assert_eq!((queue.len(), waiting.len(), queue.lines.len()), (0, 0, 0));
        prop_assert!(queue.ready.is_empty() && queue.timers.is_empty());
    }
}
