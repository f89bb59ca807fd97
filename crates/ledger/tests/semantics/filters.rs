//! What a filter means: its bounds and limit, as the ledger's user reads them, find the same rows as the model.

use ledger::{AccountFilter, AccountFilterFlags, QueryFilter, QueryFilterFlags, TIMESTAMP_MAX, Transfer};
use ledger_model::Model;
use ledger_model::random::{History, Step, account_filter, history, query_filter};
use proptest::prelude::*;

fn model_of(history: &History) -> Model {
    let (mut model, mut clock) = (Model::default(), history.clock);
    for step in &history.steps {
        match step {
            Step::CreateAccounts(events) => drop(model.create_accounts(events, clock)),
            Step::CreateTransfers(events) => drop(model.create_transfers(events, clock)),
            Step::Tick(nanoseconds) => {
                clock += nanoseconds;
                model.expire(clock);
            }
            Step::Restart => {}
        }
    }
    model
}

/// All transfers by their time, and the moments of those and of the accounts.
fn rows(model: &Model) -> (Vec<Transfer>, Vec<u64>) {
    let mut transfers: Vec<Transfer> = model.transfers().values().copied().collect();
    transfers.sort_by_key(|transfer| transfer.timestamp);
    let mut moments: Vec<u64> = transfers.iter().map(|transfer| transfer.timestamp).collect();
    moments.extend(model.accounts().values().map(|account| account.timestamp));
    (transfers, moments)
}

fn account_transfers(transfers: &[Transfer], filter: &AccountFilter) -> Vec<Transfer> {
    let Some((range, limit)) = filter.parse() else { return Vec::new() };
    let is_any = |wanted: u128, value: u128| wanted == 0 || wanted == value;
    let mut found = transfers.to_vec();
    found.retain(|transfer| {
        let debits =
            filter.flags.contains(AccountFilterFlags::DEBITS) && transfer.debit_account_id == filter.account_id;
        let credits =
            filter.flags.contains(AccountFilterFlags::CREDITS) && transfer.credit_account_id == filter.account_id;
        (debits || credits)
            && range.contains(transfer.timestamp)
            && is_any(filter.user_data_128, transfer.user_data_128)
            && is_any(filter.user_data_64.into(), transfer.user_data_64.into())
            && is_any(filter.user_data_32.into(), transfer.user_data_32.into())
            && is_any(filter.code.into(), transfer.code.into())
    });
    if filter.flags.contains(AccountFilterFlags::REVERSED) {
        found.reverse();
    }
    found.truncate(limit);
    found
}

fn transfers_in_time(transfers: &[Transfer], filter: &QueryFilter) -> Vec<Transfer> {
    let Some((range, limit)) = filter.parse() else { return Vec::new() };
    let mut found = transfers.to_vec();
    found.retain(|transfer| range.contains(transfer.timestamp));
    if filter.flags.contains(QueryFilterFlags::REVERSED) {
        found.reverse();
    }
    found.truncate(limit);
    found
}

proptest! {
    #[test]
    fn account_filters(history in history(10), filters in prop::collection::vec(account_filter(), 20)) {
        let model = model_of(&history);
        let (transfers, moments) = rows(&model);
        for filter in filters.iter().map(|filter| filter.at(&moments)) {
            prop_assert_eq!(account_transfers(&transfers, &filter), model.get_account_transfers(&filter));
        }
    }

    #[test]
    fn query_filters(history in history(10), filters in prop::collection::vec(query_filter(), 20)) {
        let model = model_of(&history);
        let (transfers, moments) = rows(&model);
        for filter in filters.iter().map(|filter| filter.at(&moments)) {
            let only_time = QueryFilter {
                user_data_128: 0, user_data_64: 0, user_data_32: 0, ledger: 0, code: 0, ..filter
            };
            prop_assert_eq!(transfers_in_time(&transfers, &only_time), model.query_transfers(&only_time));
        }
    }
}

#[test]
fn bounds_of_what_can_be_asked() {
    let account =
        AccountFilter { account_id: 1, limit: 1, flags: AccountFilterFlags::DEBITS, ..AccountFilter::default() };
    assert!(account.parse().is_some());
    let query = QueryFilter { limit: u32::MAX, ..QueryFilter::default() };
    assert_eq!(query.parse().map(|(range, limit)| (range.min, range.max, limit)), Some((1, TIMESTAMP_MAX, 8189)));

    for refused in [
        AccountFilter { account_id: 0, ..account },
        AccountFilter { account_id: u128::MAX, ..account },
        AccountFilter { limit: 0, ..account },
        AccountFilter { flags: AccountFilterFlags::REVERSED, ..account },
        AccountFilter { flags: account.flags | AccountFilterFlags::from_bits_retain(8), ..account },
        AccountFilter { timestamp_min: TIMESTAMP_MAX + 1, ..account },
        AccountFilter { timestamp_max: TIMESTAMP_MAX + 1, ..account },
        AccountFilter { timestamp_max: u64::MAX, ..account },
        AccountFilter { timestamp_min: 2, timestamp_max: 1, ..account },
    ] {
        assert_eq!(refused.parse(), None, "{refused:?}");
    }
    for refused in [
        QueryFilter { limit: 0, ..query },
        QueryFilter { flags: QueryFilterFlags::from_bits_retain(2), ..query },
        QueryFilter { timestamp_min: u64::MAX, ..query },
        QueryFilter { timestamp_max: TIMESTAMP_MAX + 1, ..query },
        QueryFilter { timestamp_min: 2, timestamp_max: 1, ..query },
    ] {
        assert_eq!(refused.parse(), None, "{refused:?}");
    }
}
