//! What an order says of its tags, and what comes of logs, samples and deliveries.

#![allow(clippy::unwrap_used)]

use factory::{
    Binding, Check, Order, OrderCode, OrderError, Problems, Reconciliation, Seed, Serial, Summary, Verdict, label_svg,
    qr_modules, sampling,
};
use proptest::prelude::*;
use tag::{KeyVersion, Uid};

fn order(count: u32, reel_labels: u32) -> Order {
    let code = OrderCode::from_bits(7);
    Order::new(code, count, reel_labels, KeyVersion(1), "https://pay.example", Seed([5; 16])).unwrap()
}

fn uid(number: u32) -> Uid {
    let [a, b, c, d] = number.to_be_bytes();
    Uid([4, 0x0A, 0, a, b, c, d])
}

fn serial(order: &Order, number: u32) -> Serial {
    order.tag(number).unwrap().serial
}

#[test]
fn orders_that_cannot_be_are_refused() {
    let make = |count, reel, url: &str| {
        Order::new(OrderCode::from_bits(7), count, reel, KeyVersion(1), url, Seed([0; 16])).err()
    };
    let url = "https://pay.example";
    assert_eq!(make(0, 5_000, url), Some(OrderError::Count));
    assert_eq!(make(factory::COUNT_MAX + 1, 5_000, url), Some(OrderError::Count));
    assert_eq!(make(factory::COUNT_MAX, 5_000, url), None);
    assert_eq!(make(1, 99, url), Some(OrderError::ReelLabels));
    assert_eq!(make(1, 100_001, url), Some(OrderError::ReelLabels));
    for url in ["", "pay.example", "https://", "https://a/b", "https://a,b", "https://a\"b", "https://a\nb"] {
        assert_eq!(make(1, 5_000, url), Some(OrderError::PublicUrl), "{url}");
    }
    assert!(matches!(make(1, 5_000, &format!("https://{}", "a".repeat(200))), Some(OrderError::Template(_))));
    assert_eq!("00".repeat(15).parse::<Seed>(), Err(OrderError::Seed));
    assert_eq!("0g".repeat(16).parse::<Seed>(), Err(OrderError::Seed));
    assert_eq!(Order::from_json("{"), Err(OrderError::File));
    assert_eq!(Order::from_json(&order(10, 100).to_json()), Ok(order(10, 100)));
    assert_eq!(Order::from_json(&order(10, 100).to_json().replace("\"count\": 10", "\"count\": 9")), Ok(order(9, 100)));
}

proptest! {
    #[test]
    fn reels_hold_all_tags_each_once(count in 1u32..20_000, reel_labels in 100u32..5_000) {
        let order = order(count, reel_labels);
        let mut next = 1;
        for reel in (1..=order.reels()).map(|number| order.reel(number).unwrap()) {
            prop_assert_eq!(reel.first, next);
            for (position, number) in (1..).zip(reel.first..=reel.last()) {
                let tag = order.tag(number).unwrap();
                prop_assert_eq!((tag.reel, tag.position, tag.serial.number()), (reel.number, position, number));
            }
            next = reel.last() + 1;
        }
        prop_assert_eq!(next, count + 1);
        prop_assert_eq!((order.reel(0), order.reel(order.reels() + 1)), (None, None));
        prop_assert_eq!((order.tag(0), order.tag(count + 1)), (None, None));
    }

    #[test]
    fn every_row_of_a_delivery_is_right_or_told_and_every_label_is_delivered_or_missing(
        rows in prop::collection::vec((1u32..130, 0u32..4, any::<bool>()), 0..200),
    ) {
        let order = order(120, 100);
        let mut text = "serial,reel\n".to_owned();
        let mut delivered = std::collections::BTreeSet::new();
        for (number, reel, typo) in &rows {
            let mut row = Serial::new(order.code(), *number).unwrap().to_string();
            if *typo && *number % 5 == 0 {
                row.replace_range(11.., "U");
            } else if *number <= 120 {
                delivered.insert(*number);
            }
            text.push_str(&format!("{row},{reel}\n"));
        }
        let (summary, report) = reconcile(&order, None, &text);
        prop_assert_eq!(summary.rows, rows.len() as u64);
        prop_assert_eq!(summary.right + summary.breaks.values().sum::<u64>(), summary.rows);
        prop_assert_eq!(summary.missing, 120 - delivered.len() as u64);
        prop_assert_eq!(report.lines().count() as u64, 1 + summary.rows - summary.right + summary.missing);
    }

    #[test]
    fn no_delivery_log_or_reading_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let order = order(120, 100);
        let mut check = Check::new(&order, None);
        bytes.split(|byte| *byte == b'\n').for_each(|line| check.read(line));
        for head in [&b""[..], b"serial,uid,reel\n"] {
            let text = [head, &bytes].concat();
            let _ = Binding::from_log(&order, &[uid(1)], &text[..]).unwrap();
            let mut reconciliation = Reconciliation::new(&order, None, Vec::new()).unwrap();
            reconciliation.read(&text[..]).unwrap();
            prop_assert!(reconciliation.finish().unwrap().missing <= 120);
        }
    }
}

fn reconcile(order: &Order, binding: Option<&Binding>, text: &str) -> (Summary, String) {
    let mut report = Vec::new();
    let mut reconciliation = Reconciliation::new(order, binding, &mut report).unwrap();
    reconciliation.read(text.as_bytes()).unwrap();
    let summary = reconciliation.finish().unwrap();
    (summary, String::from_utf8(report).unwrap())
}

#[test]
fn a_delivery_is_told_row_by_row() {
    let order = order(103, 100);
    let binding = Binding::in_list_order(&order, &(1..=102).map(uid).collect::<Vec<_>>());
    let row = |number, reel: &str, uid: &str| format!("{};{reel};{uid}\n", serial(&order, number).grouped());
    let other = Serial::new(OrderCode::from_bits(8), 1).unwrap();
    let surplus = Serial::new(order.code(), 104).unwrap();
    let text = [
        "Serial;Reel;UID\n".to_owned(),
        row(1, "1", &uid(1).to_string()),
        row(1, "1", &uid(1).to_string()),
        row(2, "2", &uid(2).to_string()),
        row(3, "one", &uid(3).to_string()),
        row(4, "1", &uid(5).to_string()),
        row(5, "1", "08123456"),
        row(103, "2", &uid(103).to_string()),
        format!("{other};1;{}\n{surplus};2;{}\n", uid(1), uid(104)),
        "0000-7000-001;1;x\n".to_owned(),
        format!("{};1\n\"\n", serial(&order, 6)),
    ]
    .concat();
    let (summary, report) = reconcile(&order, Some(&binding), &text);
    let told: Vec<(&str, &str)> =
        report.lines().skip(1).filter_map(|row| row.split_once(',')?.1.split_once(',')).collect();
    let told: Vec<_> = told.iter().map(|(row, rest)| (*row, rest.split(',').next().unwrap())).collect();
    let expected = [
        ("3", "twice"),
        ("4", "wrong_reel"),
        ("5", "reel_wrong"),
        ("6", "wrong_uid"),
        ("7", "uid_random_identifier"),
        ("8", "not_bound"),
        ("9", "unknown"),
        ("10", "surplus"),
        ("11", "serial_wrong"),
        ("12", "row_missing_cell"),
        ("13", "row_quotation"),
    ];
    assert_eq!(told[..expected.len()], expected);
    assert!(told[expected.len()..].iter().all(|told| *told == ("", "missing")));
    assert_eq!((summary.rows, summary.right, summary.missing), (12, 1, 103 - 7));
    assert!(!summary.agrees());
    assert_eq!(
        reconcile(&order, None, "a,b\n1,2\n").0.breaks.into_iter().collect::<Vec<_>>(),
        [("no_serial_column", 1)]
    );
    let all: String = (1..=103).map(|number| format!("{}\n", serial(&order, number))).collect();
    assert!(reconcile(&order, None, &format!("label\n{all}")).0.agrees());
}

fn codes(problems: &Problems) -> Vec<(u64, &'static str)> {
    problems.told().iter().map(|problem| (problem.row, problem.code)).collect()
}

#[test]
fn a_log_binds_or_is_told_row_by_row() {
    let order = order(10, 100);
    let known: Vec<Uid> = (1..=10).rev().map(uid).collect();
    let good =
        format!("machine\tuid\tserial\n7\t{}\t{}\n7\t{}\t{}\n", uid(3), serial(&order, 1), uid(1), serial(&order, 2));
    let binding = Binding::from_log(&order, &known, good.as_bytes()).unwrap().unwrap();
    assert_eq!([1, 2, 3].map(|number| binding.uid_of(number)), [Some(uid(3)), Some(uid(1)), None]);
    assert_eq!(binding.bound(), 2);

    let row = |number, uid: Uid| format!("{},{uid}\n", Serial::new(order.code(), number).unwrap());
    let bad = [
        "serial,uid\n".to_owned(),
        row(1, uid(1)),
        row(1, uid(2)),
        row(2, uid(1)),
        row(3, uid(11)),
        row(11, uid(3)),
        format!("{},{}\n", Serial::new(OrderCode::from_bits(9), 1).unwrap(), uid(4)),
        "00000700001,x\n".to_owned(),
        format!("{},\n{}\n", serial(&order, 4), serial(&order, 4)),
    ]
    .concat();
    let problems = Binding::from_log(&order, &known, bad.as_bytes()).unwrap().unwrap_err();
    assert_eq!(
        codes(&problems),
        [
            (3, "serial_twice"),
            (4, "uid_twice"),
            (5, "uid_unknown"),
            (6, "serial_beyond_order"),
            (7, "serial_of_other_order"),
            (8, "serial_wrong"),
            (9, "uid_empty"),
            (10, "row_missing_cell")
        ]
    );
    let problems = Binding::from_log(&order, &known, &b"uid,label number\n"[..]).unwrap().unwrap_err();
    assert_eq!(codes(&problems), [(1, "no_columns")]);
}

#[test]
fn readings_of_a_sample_decide_about_its_reel() {
    let order = order(1_500, 1_000);
    let uids: Vec<Uid> = (1..=1_500).map(uid).collect();
    let binding = Binding::in_list_order(&order, &uids);
    let reel = order.reel(1).unwrap();
    let sample: Vec<u32> = sampling::positions(&order, reel);
    assert_eq!(sample.len(), 80);
    let mut check = Check::new(&order, Some(&binding));
    let verdict = |check: &Check<'_>| check.reels().map(|reel| reel.verdict()).collect::<Vec<_>>();
    assert_eq!(verdict(&check), [Verdict::Undecided; 2]);

    let good = |number| format!("{{\"valid\":true,\"uid\":\"{}\",\"counter\":1,\"file_data_hex\":null}}", uid(number));
    sample[..78].iter().for_each(|position| check.read(good(*position).as_bytes()));
    assert_eq!(verdict(&check)[0], Verdict::Undecided);
    check.read(good(sample[78]).as_bytes());
    // One is left, and one may be bad.
    assert_eq!(verdict(&check), [Verdict::Accept, Verdict::Undecided]);
    let unreadable = |position| format!("{{\"serial\":\"{}\",\"valid\":false}}", serial(&order, position));
    check.read(unreadable(sample[79]).as_bytes());
    assert_eq!(verdict(&check)[0], Verdict::Accept);
    // Another chip under a label of the sample: a second bad one, which reading again does not make good.
    check.read(
        format!("{{\"serial\":\"{}\",\"valid\":true,\"uid\":\"{}\"}}", serial(&order, sample[0]), uid(1_400))
            .as_bytes(),
    );
    check.read(good(sample[0]).as_bytes());
    let first = check.reels().next().unwrap();
    assert_eq!((first.good, first.bad, first.unread, first.verdict()), (78, 2, 0, Verdict::Reject));
    assert_eq!(check.problems().total(), 0);

    let elsewhere = (1..=1_000).find(|position| !sample.contains(position)).unwrap();
    for line in [
        "{",
        "[1]",
        "{\"uid\":\"04\"}",
        "{\"valid\":true}",
        "{\"valid\":true,\"uid\":\"04\"}",
        "{\"valid\":true,\"serial\":\"04\"}",
        &good(elsewhere),
        &format!("{{\"valid\":true,\"serial\":\"{}\"}}", Serial::new(OrderCode::from_bits(1), 1).unwrap()),
        &"x".repeat(70_000),
    ] {
        check.read(line.as_bytes());
    }
    let expected = [
        "no_answer",
        "no_answer",
        "no_answer",
        "nobody",
        "uid_length",
        "serial_wrong",
        "not_in_sample",
        "serial_of_other_order",
        "line_too_long",
    ];
    assert_eq!(codes(check.problems()).into_iter().map(|(_, code)| code).collect::<Vec<_>>(), expected);

    // Without a MAC nothing is proven.
    let mut check = Check::new(&order, Some(&binding));
    check.read(good(sample[0]).replace("}", ",\"authenticated\":false}").as_bytes());
    assert_eq!(check.reels().next().unwrap().bad, 1);
}

/// The crate `rqrr` reads what the crate `qrcode` drew.
#[test]
fn another_reader_reads_the_qr_code_of_a_label() {
    let order = order(10_000, 5_000);
    for number in [1, 9_999] {
        let url = order.label_url(serial(&order, number));
        let (width, modules) = qr_modules(&url).unwrap();
        let scale = 4;
        let side = (width + 8) * scale;
        let dark = |x: usize, y: usize| {
            let (x, y) = ((x / scale).wrapping_sub(4), (y / scale).wrapping_sub(4));
            x < width && y < width && modules[y * width + x]
        };
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(side, side, dark);
        let codes = image.detect_grids();
        assert_eq!(codes.len(), 1);
        assert_eq!(codes[0].decode().unwrap().1, url);
        let svg = label_svg(&order, serial(&order, number)).unwrap();
        assert_eq!(svg.matches("h1v1h-1z").count(), modules.iter().filter(|dark| **dark).count());
        assert!(svg.contains(&serial(&order, number).grouped()));
    }
}
