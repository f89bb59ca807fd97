//! Bytes as what chip makers, encoding machines and warehouses send: lists of UIDs, separated by zeros, which are also taken
//! for logs and deliveries.

use std::collections::BTreeSet;

use factory::{Binding, Check, Order, OrderCode, Problems, Reconciliation, Seed, TOLD_MAX, UidImport};
use tag::{KeyVersion, Uid};

/// Imports the lists; whatever is taken are different UIDs of NXP's chips, and are the same when they are read again.
pub fn uid_lists(data: &[u8]) {
    let mut import = UidImport::new();
    let mut taken = 0;
    for list in data.split(|byte| *byte == 0) {
        taken += import.read(list).expect("bytes can be read");
    }
    match import.finish() {
        Ok(uids) => {
            let different: BTreeSet<&Uid> = uids.iter().collect();
            assert_eq!((uids.len() as u64, different.len()), (taken, uids.len()));
            assert!(uids.iter().all(|uid| uid.0[0] == 4));
            let text: String = uids.iter().map(|uid| format!("{uid}\n")).collect();
            let mut again = UidImport::new();
            again.read(text.as_bytes()).expect("bytes can be read");
            assert_eq!(again.finish(), Ok(uids));
        }
        Err(problems) => check(&problems),
    }
    let code = OrderCode::from_bits(7);
    let order = Order::new(code, 300, 100, KeyVersion(1), "https://pay.example", Seed([0; 16])).expect("an order");
    if let Err(problems) = Binding::from_log(&order, &[Uid([4; 7])], data).expect("bytes can be read") {
        check(&problems);
    }
    let mut readings = Check::new(&order, None);
    data.split(|byte| *byte == b'\n').for_each(|line| readings.read(line));
    check(readings.problems());
    deliver(&order, data);
}

fn deliver(order: &Order, data: &[u8]) {
    let mut report = Vec::new();
    let mut reconciliation = Reconciliation::new(order, None, &mut report).expect("memory can be written");
    reconciliation.read(data).expect("bytes can be read");
    let summary = reconciliation.finish().expect("memory can be written");
    let breaks: u64 = summary.breaks.values().sum();
    let no_column = u64::from(summary.breaks.contains_key("no_serial_column"));
    assert_eq!(summary.right + breaks, summary.rows + no_column);
    let rows = report.split(|byte| *byte == b'\n').count() as u64;
    assert_eq!(rows, 2 + breaks + summary.missing);
}

fn check(problems: &Problems) {
    let told = problems.told();
    assert!(told.len() <= TOLD_MAX && told.len() as u64 <= problems.total());
    assert!(told.iter().all(|problem| (1..200).contains(&problem.message.len())), "{told:?}");
}
