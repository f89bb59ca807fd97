//! The random histories reach every status, so that what the model says of each is compared.

use std::collections::BTreeMap;

use ledger::{CreateAccountStatus, CreateTransferStatus};
use ledger_model::random::history;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::beside_model::run;

const HISTORIES: usize = 500;

#[test]
fn every_status_occurs() {
    let mut runner = TestRunner::deterministic();
    let (mut of_accounts, mut of_transfers) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..HISTORIES {
        let history = history(12).new_tree(&mut runner).expect("histories are made without rejection").current();
        run(&history, |_, _, statuses| {
            statuses.of_accounts.iter().for_each(|status| *of_accounts.entry(*status).or_insert(0_usize) += 1);
            statuses.of_transfers.iter().for_each(|status| *of_transfers.entry(*status).or_insert(0_usize) += 1);
        });
    }
    println!("{of_accounts:#?}\n{of_transfers:#?}");
    let missing: Vec<_> = CreateAccountStatus::ALL.iter().filter(|status| !of_accounts.contains_key(status)).collect();
    assert!(missing.is_empty(), "no account ever got {missing:?}");
    let missing: Vec<_> =
        CreateTransferStatus::ALL.iter().filter(|status| !of_transfers.contains_key(status)).collect();
    assert!(missing.is_empty(), "no transfer ever got {missing:?}");
}
