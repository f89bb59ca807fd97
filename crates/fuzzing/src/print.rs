//! Requests as lines: the way back from what the protocol reads.

use std::fmt::Display;

use exec::Request;
use ledger::{Account, AccountFilter, QueryFilter, Transfer};
use serde_json::{Value, json};

/// The request as a line of JSON, without its end. What the protocol reads from it is the request.
pub fn line(request: &Request) -> String {
    let text = |value: &dyn Display| value.to_string();
    let ids = |ids: &[u128]| ids.iter().map(|id| text(id)).collect::<Vec<_>>();
    let line = match request {
        Request::CreateAccounts(events) => json!({"create_accounts": events.iter().map(account).collect::<Vec<_>>()}),
        Request::CreateTransfers(events) => {
            json!({"create_transfers": events.iter().map(transfer).collect::<Vec<_>>()})
        }
        Request::LookupAccounts(asked) => json!({"lookup_accounts": ids(asked)}),
        Request::LookupTransfers(asked) => json!({"lookup_transfers": ids(asked)}),
        Request::GetAccountTransfers(filter) => json!({"get_account_transfers": account_filter(filter)}),
        Request::GetAccountBalances(filter) => json!({"get_account_balances": account_filter(filter)}),
        Request::QueryAccounts(filter) => json!({"query_accounts": query_filter(filter)}),
        Request::QueryTransfers(filter) => json!({"query_transfers": query_filter(filter)}),
        Request::Tick(nanoseconds) => json!({"tick": text(nanoseconds)}),
    };
    line.to_string()
}

fn account(account: &Account) -> Value {
    json!({
        "id": account.id.to_string(),
        "debits_pending": account.debits_pending.to_string(),
        "debits_posted": account.debits_posted.to_string(),
        "credits_pending": account.credits_pending.to_string(),
        "credits_posted": account.credits_posted.to_string(),
        "user_data_128": account.user_data_128.to_string(),
        "user_data_64": account.user_data_64.to_string(),
        "user_data_32": account.user_data_32,
        "reserved": account.reserved,
        "ledger": account.ledger,
        "code": account.code,
        "flags": names(account.flags.iter_names()),
        "timestamp": account.timestamp.to_string(),
    })
}

fn transfer(transfer: &Transfer) -> Value {
    json!({
        "id": transfer.id.to_string(),
        "debit_account_id": transfer.debit_account_id.to_string(),
        "credit_account_id": transfer.credit_account_id.to_string(),
        "amount": transfer.amount.to_string(),
        "pending_id": transfer.pending_id.to_string(),
        "user_data_128": transfer.user_data_128.to_string(),
        "user_data_64": transfer.user_data_64.to_string(),
        "user_data_32": transfer.user_data_32,
        "timeout": transfer.timeout,
        "ledger": transfer.ledger,
        "code": transfer.code,
        "flags": names(transfer.flags.iter_names()),
        "timestamp": transfer.timestamp.to_string(),
    })
}

fn account_filter(filter: &AccountFilter) -> Value {
    json!({
        "account_id": filter.account_id.to_string(),
        "user_data_128": filter.user_data_128.to_string(),
        "user_data_64": filter.user_data_64.to_string(),
        "user_data_32": filter.user_data_32,
        "code": filter.code,
        "timestamp_min": filter.timestamp_min.to_string(),
        "timestamp_max": filter.timestamp_max.to_string(),
        "limit": filter.limit,
        "flags": names(filter.flags.iter_names()),
    })
}

fn query_filter(filter: &QueryFilter) -> Value {
    json!({
        "user_data_128": filter.user_data_128.to_string(),
        "user_data_64": filter.user_data_64.to_string(),
        "user_data_32": filter.user_data_32,
        "ledger": filter.ledger,
        "code": filter.code,
        "timestamp_min": filter.timestamp_min.to_string(),
        "timestamp_max": filter.timestamp_max.to_string(),
        "limit": filter.limit,
        "flags": names(filter.flags.iter_names()),
    })
}

fn names<F>(flags: impl Iterator<Item = (&'static str, F)>) -> Vec<String> {
    flags.map(|(name, _)| name.to_lowercase()).collect()
}
