//! What is printed reads back as what it was.

#![allow(clippy::unwrap_used)]

use exec::{Line, Request, answer};
use fuzzing::{CheckedBooks, line};
use ledger::{
    Account, AccountFilter, AccountFilterFlags, AccountFlags, QueryFilter, QueryFilterFlags, Transfer, TransferFlags,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn accounts() -> impl Strategy<Value = Account> {
    let sums = any::<(u64, u64, u64, u64)>();
    let rest = any::<(u128, u128, u64, u32, u32, u32, u16, u16, u64)>();
    (sums, rest).prop_map(
        |(sums, (id, user_data_128, user_data_64, user_data_32, reserved, ledger, code, flags, timestamp))| Account {
            id,
            debits_pending: sums.0,
            debits_posted: sums.1,
            credits_pending: sums.2,
            credits_posted: sums.3,
            user_data_128,
            user_data_64,
            user_data_32,
            reserved,
            ledger,
            code,
            flags: AccountFlags::from_bits_truncate(flags),
            timestamp,
        },
    )
}

fn transfers() -> impl Strategy<Value = Transfer> {
    let ids = any::<(u128, u128, u128, u128, u128)>();
    let rest = any::<(u64, u64, u32, u32, u32, u16, u16, u64)>();
    (ids, rest).prop_map(|(ids, (amount, user_data_64, user_data_32, timeout, ledger, code, flags, timestamp))| {
        Transfer {
            id: ids.0,
            debit_account_id: ids.1,
            credit_account_id: ids.2,
            amount,
            pending_id: ids.3,
            user_data_128: ids.4,
            user_data_64,
            user_data_32,
            timeout,
            ledger,
            code,
            flags: TransferFlags::from_bits_truncate(flags),
            timestamp,
        }
    })
}

fn account_filters() -> impl Strategy<Value = AccountFilter> {
    any::<(u128, u128, u64, u32, u16, u64, u64, u32, u32)>().prop_map(
        |(account_id, user_data_128, user_data_64, user_data_32, code, timestamp_min, timestamp_max, limit, flags)| {
            let flags = AccountFilterFlags::from_bits_truncate(flags);
            AccountFilter {
                account_id,
                user_data_128,
                user_data_64,
                user_data_32,
                code,
                timestamp_min,
                timestamp_max,
                limit,
                flags,
            }
        },
    )
}

fn query_filters() -> impl Strategy<Value = QueryFilter> {
    any::<(u32, u128, u64, u32, u16, u64, u64, u32, u32)>().prop_map(
        |(ledger, user_data_128, user_data_64, user_data_32, code, timestamp_min, timestamp_max, limit, flags)| {
            let flags = QueryFilterFlags::from_bits_truncate(flags);
            QueryFilter {
                user_data_128,
                user_data_64,
                user_data_32,
                ledger,
                code,
                timestamp_min,
                timestamp_max,
                limit,
                flags,
            }
        },
    )
}

fn requests() -> impl Strategy<Value = Request> {
    prop_oneof![
        vec(accounts(), 0..5).prop_map(Request::CreateAccounts),
        vec(transfers(), 0..5).prop_map(Request::CreateTransfers),
        vec(any::<u128>(), 0..5).prop_map(Request::LookupAccounts),
        vec(any::<u128>(), 0..5).prop_map(Request::LookupTransfers),
        account_filters().prop_map(Request::GetAccountTransfers),
        account_filters().prop_map(Request::GetAccountBalances),
        query_filters().prop_map(Request::QueryAccounts),
        query_filters().prop_map(Request::QueryTransfers),
        any::<u64>().prop_map(Request::Tick),
    ]
}

/// Books that show one account and one transfer, whatever is asked.
struct Shown(Account, Transfer);

impl exec::Books for Shown {
    type Error = String;

    fn create_accounts(&mut self, _: &[Account]) -> Result<Vec<ledger::CreateAccountResult>, String> {
        Err("closed".to_owned())
    }

    fn create_transfers(&mut self, _: &[Transfer]) -> Result<Vec<ledger::CreateTransferResult>, String> {
        Err("closed".to_owned())
    }

    fn tick(&mut self, _: u64) -> Result<u64, String> {
        Ok(u64::MAX)
    }

    fn lookup_accounts(&mut self, _: &[u128]) -> Result<Vec<Account>, String> {
        Ok(vec![self.0])
    }

    fn lookup_transfers(&mut self, _: &[u128]) -> Result<Vec<Transfer>, String> {
        Ok(vec![self.1, self.1])
    }

    fn get_account_transfers(&mut self, _: &AccountFilter) -> Result<Vec<Transfer>, String> {
        Ok(vec![])
    }

    fn get_account_balances(&mut self, _: &AccountFilter) -> Result<Vec<ledger::AccountBalance>, String> {
        Ok(vec![])
    }

    fn query_accounts(&mut self, _: &QueryFilter) -> Result<Vec<Account>, String> {
        Ok(vec![])
    }

    fn query_transfers(&mut self, _: &QueryFilter) -> Result<Vec<Transfer>, String> {
        Ok(vec![])
    }
}

fn ask(books: &mut Shown, request: &Request) -> String {
    let mut out = Vec::new();
    let _told = answer(Line::Whole(line(request).as_bytes()), books, &mut out);
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn requests_read_back(request in requests()) {
        let text = line(&request);
        prop_assert_eq!(Request::parse(text.as_bytes()), Ok(request), "{}", text);
    }

    #[test]
    fn answers_can_be_sent_again(account in accounts(), transfer in transfers()) {
        let account = Account { reserved: 0, ..account };
        let mut books = Shown(account, transfer);
        let shown = ask(&mut books, &Request::LookupAccounts(vec![1])).replace("results", "create_accounts");
        prop_assert_eq!(Request::parse(shown.as_bytes()), Ok(Request::CreateAccounts(vec![account])));
        let shown = ask(&mut books, &Request::LookupTransfers(vec![1])).replace("results", "create_transfers");
        prop_assert_eq!(Request::parse(shown.as_bytes()), Ok(Request::CreateTransfers(vec![transfer, transfer])));
    }

    #[test]
    fn no_bytes_stop_it(bytes in vec(any::<u8>(), 0..200)) {
        let mut out = Vec::new();
        let _told = answer(Line::Whole(&bytes), &mut CheckedBooks::default(), &mut out);
        let lines = out.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!((lines, out.last()), (1, Some(&b'\n')));
    }
}

#[test]
fn an_error_of_the_books_is_told_and_handed_on() {
    let mut books = Shown(Account::default(), Transfer::default());
    let mut out = Vec::new();
    let told = answer(Line::Whole(br#"{"create_transfers":[{}]}"#), &mut books, &mut out);
    assert_eq!((told, &*out), (Err("closed".to_owned()), &b"{\"error\":\"closed\"}\n"[..]));
}
