//! Random histories through the ledger and the model: the same results and the same state after every step.

use ledger::{
    Account, AccountBalance, AccountFlags, CreateAccountStatus, CreateTransferStatus, Ledger, Totals, Transfer,
    TransferFlags,
};
use ledger_model::Model;
use ledger_model::random::{History, Step, history};
use proptest::prelude::*;

use crate::keeper::{Keeper, open_pending};

proptest! {
    #[test]
    fn the_ledger_does_what_the_model_does(history in history(12)) {
        run(&history, |_, _, _| {});
    }
}

/// Takes the history through both, and compares them after each step.
pub(crate) fn run(history: &History, mut step_done: impl FnMut(&Step, &Model, &Statuses)) {
    let (mut keeper, mut model, mut clock) = (Keeper::default(), Model::default(), history.clock);
    for step in &history.steps {
        let statuses = take(step, &mut keeper, &mut model, &mut clock);
        compare(&keeper, &model);
        step_done(step, &model, &statuses);
    }
    compare_replayed(&keeper, &model);
    compare_accounts(&keeper.restored(), &model);
}

/// The names of the statuses that a batch gave.
#[derive(Debug, Default)]
pub(crate) struct Statuses {
    pub(crate) of_accounts: Vec<CreateAccountStatus>,
    pub(crate) of_transfers: Vec<CreateTransferStatus>,
}

fn take(step: &Step, keeper: &mut Keeper, model: &mut Model, clock: &mut u64) -> Statuses {
    let mut statuses = Statuses::default();
    match step {
        Step::CreateAccounts(events) => {
            events.iter().for_each(|event| compare_check_account(&keeper.ledger, model, event, *clock));
            let (results, expected) = (keeper.create_accounts(events, *clock), model.create_accounts(events, *clock));
            assert_eq!(results, expected, "accounts");
            statuses.of_accounts = results.into_iter().map(|result| result.status).collect();
        }
        Step::CreateTransfers(events) => {
            assert_eq!(keeper.expire(*clock), model.expire(*clock), "expired");
            events.iter().for_each(|event| compare_check(&keeper.ledger, model, event, *clock));
            events.iter().take(1).for_each(|event| compare_created_alone(keeper, model, event, *clock));
            let (results, expected) = (keeper.create_transfers(events, *clock), model.create_transfers(events, *clock));
            assert_eq!(results, expected, "transfers");
            statuses.of_transfers = results.into_iter().map(|result| result.status).collect();
        }
        Step::Tick(nanoseconds) => {
            *clock += nanoseconds;
            assert_eq!(keeper.expire(*clock), model.expire(*clock), "expired");
        }
        Step::Restart => keeper.ledger = keeper.restored(),
    }
    assert_eq!(keeper.ledger.last_timestamp(), model.last_timestamp());
    statuses
}

fn compare(keeper: &Keeper, model: &Model) {
    compare_accounts(&keeper.ledger, model);
    assert_eq!(&keeper.transfers, model.transfers());
    assert_eq!(&keeper.failed, model.failed());
    assert_eq!(keeper.open_pending(), model.open_pending());
    for id in model.transfers().keys() {
        assert_eq!(keeper.resolutions.get(id).copied(), model.resolution(*id));
    }
    let mut history = keeper.history.clone();
    history.sort_by_key(|(id, balance)| (balance.timestamp, *id));
    assert_eq!(history, model.history());
}

fn compare_accounts(ledger: &Ledger, model: &Model) {
    let mut expected: Vec<Account> = model.accounts().values().copied().collect();
    expected.sort_by_key(|account| account.timestamp);
    let accounts: Vec<Account> = ledger.accounts().collect();
    assert_eq!(accounts, expected);
    assert_eq!(ledger.account_count() as usize, expected.len());
    for account in expected {
        assert_eq!(ledger.account(account.id), Some(account));
        assert_eq!(ledger.account_number(account.id).and_then(|number| ledger.account_at(number)), Some(account));
    }
    assert!(ledger.totals().values().all(Totals::balanced), "debits equal credits");
}

/// The facts alone lead to the same state and leave the same behind.
fn compare_replayed(keeper: &Keeper, model: &Model) {
    let (ledger, effects) = keeper.replayed();
    compare_accounts(&ledger, model);
    assert_eq!(open_pending(&ledger), model.open_pending());
    let id_of = |number| ledger.account_at(number).expect("an account that moved").id;
    let history: Vec<(u128, AccountBalance)> =
        effects.history.iter().map(|(number, balance)| (id_of(*number), *balance)).collect();
    assert_eq!(history, keeper.history);
    assert_eq!(effects.closed.len(), keeper.resolutions.len());
    assert!(effects.closed.iter().all(|closed| keeper.resolutions[&closed.id] == closed.how));
}

/// Checking a transfer foretells what creating it alone would do.
fn compare_check(ledger: &Ledger, model: &Model, event: &Transfer, clock: u64) {
    if can_be_alone(ledger, model, event) {
        let (expected, _) = created_alone(model, event, clock);
        assert_eq!(ledger.check(event, clock), expected, "{event:?}");
    }
}

/// Creating a transfer alone does what a batch of it would do.
fn compare_created_alone(keeper: &Keeper, model: &Model, event: &Transfer, clock: u64) {
    if can_be_alone(&keeper.ledger, model, event) {
        let ((mut ledger, mut effects), (expected, alone)) = (keeper.replayed(), created_alone(model, event, clock));
        assert_eq!(ledger.create_transfer(event, clock, &mut effects), expected, "{event:?}");
        compare_accounts(&ledger, &alone);
        assert_eq!(open_pending(&ledger), alone.open_pending());
        assert_eq!(effects.history.len(), alone.history().len());
    }
}

/// Whether a transfer can be decided without a batch and without the past: its id is new, it is not linked, and it
/// resolves nothing but what is open.
fn can_be_alone(ledger: &Ledger, model: &Model, event: &Transfer) -> bool {
    let is_known = model.transfers().contains_key(&event.id) || model.failed().contains(&event.id);
    let names_a_closed_one = event.flags.intersects(TransferFlags::RESOLVING)
        && model.transfers().contains_key(&event.pending_id)
        && ledger.pending(event.pending_id).is_none();
    !is_known && !event.flags.contains(TransferFlags::LINKED) && !names_a_closed_one
}

/// What the model makes of a batch of one.
fn created_alone(model: &Model, event: &Transfer, clock: u64) -> (Result<Transfer, CreateTransferStatus>, Model) {
    let mut alone = model.clone();
    let result = match alone.create_transfers(&[*event], clock)[0].status {
        CreateTransferStatus::Created => Ok(alone.transfers()[&event.id]),
        status => Err(status),
    };
    (result, alone)
}

/// Checking an account foretells what creating it alone would do.
fn compare_check_account(ledger: &Ledger, model: &Model, event: &Account, clock: u64) {
    if event.flags.contains(AccountFlags::LINKED) {
        return;
    }
    let mut alone = model.clone();
    let result = alone.create_accounts(&[*event], clock)[0];
    let expected = match result.status {
        CreateAccountStatus::Created => Ok(alone.accounts()[&event.id]),
        status => Err(status),
    };
    assert_eq!(ledger.check_account(event, clock), expected, "{event:?}");
}
