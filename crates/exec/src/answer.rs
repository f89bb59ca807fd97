//! Answers: what the books say, as a line of JSON.
//!
//! Integers of 64 and 128 bits are strings, because most languages read JSON's numbers as floating ones; shorter ones
//! are numbers. All fields of the reference are there but the reserved ones.

use std::fmt::Display;
use std::io::Write;

use bitflags::Flags;
use ledger::{Account, AccountBalance, Balance, CreateResult, Transfer};

use crate::books::Books;
use crate::lines::{LINE_BYTES_MAX, Line};
use crate::objects::flag_names;
use crate::request::Request;

/// Does what a line asks for, and appends the answer's line to `out`.
///
/// # Errors
/// The books' own error, already told in the answer: only their owner knows whether they can go on.
pub fn answer<B: Books>(line: Line<'_>, books: &mut B, out: &mut Vec<u8>) -> Result<(), B::Error> {
    let request = match line {
        Line::Whole(bytes) => Request::parse(bytes).map_err(|error| error.to_string()),
        Line::TooLong => Err(format!("the line has more than {LINE_BYTES_MAX} bytes: split it")),
    };
    match request {
        Ok(request) => carry_out(&request, books, out).inspect_err(|error| refuse(&error.to_string(), out)),
        Err(reason) => {
            refuse(&reason, out);
            Ok(())
        }
    }
}

/// Appends the line that says why there is no other answer.
pub fn refuse(reason: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"error\":");
    // A text always becomes JSON, and a vector takes all that memory holds.
    if let Err(error) = serde_json::to_writer(&mut *out, reason) {
        panic!("an error could not be printed: {error}");
    }
    out.extend_from_slice(b"}\n");
}

fn carry_out<B: Books>(request: &Request, books: &mut B, out: &mut Vec<u8>) -> Result<(), B::Error> {
    match request {
        Request::CreateAccounts(events) => {
            print_all(&books.create_accounts(events)?, out, print_result);
        }
        Request::CreateTransfers(events) => {
            print_all(&books.create_transfers(events)?, out, print_result);
        }
        Request::LookupAccounts(ids) => print_all(&books.lookup_accounts(ids)?, out, print_account),
        Request::LookupTransfers(ids) => print_all(&books.lookup_transfers(ids)?, out, print_transfer),
        Request::GetAccountTransfers(filter) => print_all(&books.get_account_transfers(filter)?, out, print_transfer),
        Request::GetAccountBalances(filter) => print_all(&books.get_account_balances(filter)?, out, print_balance),
        Request::QueryAccounts(filter) => print_all(&books.query_accounts(filter)?, out, print_account),
        Request::QueryTransfers(filter) => print_all(&books.query_transfers(filter)?, out, print_transfer),
        Request::Tick(nanoseconds) => {
            let expired = books.tick(*nanoseconds)?;
            put(out, format_args!("{{\"timestamp\":\"{nanoseconds}\",\"expired\":{expired}}}\n"));
        }
    }
    Ok(())
}

fn print_all<T>(items: &[T], out: &mut Vec<u8>, print: impl Fn(&T, &mut Vec<u8>)) {
    out.extend_from_slice(b"{\"results\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        print(item, out);
    }
    out.extend_from_slice(b"]}\n");
}

fn print_result<Status: Display>(CreateResult { status, timestamp }: &CreateResult<Status>, out: &mut Vec<u8>) {
    put(out, format_args!("{{\"status\":\"{status}\",\"timestamp\":\"{timestamp}\"}}"));
}

fn print_account(account: &Account, out: &mut Vec<u8>) {
    put(out, format_args!("{{\"id\":\"{}\",", account.id));
    print_sums(account.balance(), out);
    let Account { user_data_128, user_data_64, user_data_32, ledger, code, flags, timestamp, .. } = account;
    put(out, format_args!(",\"user_data_128\":\"{user_data_128}\",\"user_data_64\":\"{user_data_64}\""));
    put(out, format_args!(",\"user_data_32\":{user_data_32},\"ledger\":{ledger},\"code\":{code},\"flags\":"));
    print_flags(*flags, out);
    put(out, format_args!(",\"timestamp\":\"{timestamp}\"}}"));
}

fn print_transfer(transfer: &Transfer, out: &mut Vec<u8>) {
    let Transfer { id, debit_account_id, credit_account_id, amount, pending_id, .. } = transfer;
    let Transfer { user_data_128, user_data_64, user_data_32, timeout, ledger, code, flags, timestamp, .. } = transfer;
    put(out, format_args!("{{\"id\":\"{id}\",\"debit_account_id\":\"{debit_account_id}\""));
    put(out, format_args!(",\"credit_account_id\":\"{credit_account_id}\",\"amount\":\"{amount}\""));
    put(out, format_args!(",\"pending_id\":\"{pending_id}\",\"user_data_128\":\"{user_data_128}\""));
    put(out, format_args!(",\"user_data_64\":\"{user_data_64}\",\"user_data_32\":{user_data_32}"));
    put(out, format_args!(",\"timeout\":{timeout},\"ledger\":{ledger},\"code\":{code},\"flags\":"));
    print_flags(*flags, out);
    put(out, format_args!(",\"timestamp\":\"{timestamp}\"}}"));
}

fn print_balance(AccountBalance { balance, timestamp }: &AccountBalance, out: &mut Vec<u8>) {
    out.push(b'{');
    print_sums(*balance, out);
    put(out, format_args!(",\"timestamp\":\"{timestamp}\"}}"));
}

fn print_sums(balance: Balance, out: &mut Vec<u8>) {
    let Balance { debits_pending, debits_posted, credits_pending, credits_posted } = balance;
    put(out, format_args!("\"debits_pending\":\"{debits_pending}\",\"debits_posted\":\"{debits_posted}\""));
    put(out, format_args!(",\"credits_pending\":\"{credits_pending}\",\"credits_posted\":\"{credits_posted}\""));
}

fn print_flags<F: Flags>(flags: F, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, name) in flag_names(flags).enumerate() {
        let comma = if index > 0 { "," } else { "" };
        put(out, format_args!("{comma}\"{name}\""));
    }
    out.push(b']');
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    if let Err(error) = out.write_fmt(text) {
        panic!("memory refused a text: {error}");
    }
}
