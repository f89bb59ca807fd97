//! How long a transfer takes to be read from its line, and its answer to be printed.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use exec::{Books, Line, Request, answer};
use ledger::{
    Account, AccountBalance, AccountFilter, BATCH_MAX, CreateAccountResult, CreateTransferResult, CreateTransferStatus,
    QueryFilter, Transfer,
};

/// Says that all went well and does nothing.
struct Nothing;

impl Books for Nothing {
    type Error = Infallible;

    fn create_accounts(&mut self, _: &[Account]) -> Result<Vec<CreateAccountResult>, Infallible> {
        Ok(vec![])
    }

    fn create_transfers(&mut self, events: &[Transfer]) -> Result<Vec<CreateTransferResult>, Infallible> {
        let result = |event: &Transfer| {
            let timestamp = 1_700_000_000_000_000_000 | (event.amount & 0xFFFF);
            CreateTransferResult { status: CreateTransferStatus::Created, timestamp }
        };
        Ok(events.iter().map(result).collect())
    }

    fn tick(&mut self, _: u64) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn lookup_accounts(&mut self, _: &[u128]) -> Result<Vec<Account>, Infallible> {
        Ok(vec![])
    }

    fn lookup_transfers(&mut self, _: &[u128]) -> Result<Vec<Transfer>, Infallible> {
        Ok(vec![])
    }

    fn get_account_transfers(&mut self, _: &AccountFilter) -> Result<Vec<Transfer>, Infallible> {
        Ok(vec![])
    }

    fn get_account_balances(&mut self, _: &AccountFilter) -> Result<Vec<AccountBalance>, Infallible> {
        Ok(vec![])
    }

    fn query_accounts(&mut self, _: &QueryFilter) -> Result<Vec<Account>, Infallible> {
        Ok(vec![])
    }

    fn query_transfers(&mut self, _: &QueryFilter) -> Result<Vec<Transfer>, Infallible> {
        let transfer = Transfer { id: 1 << 120, debit_account_id: 77, credit_account_id: 99, ..Transfer::default() };
        Ok(vec![transfer; BATCH_MAX])
    }
}

fn main() {
    let events: Vec<_> = (0..BATCH_MAX).map(event).collect();
    let line = format!("{{\"create_transfers\":[{}]}}", events.join(","));
    println!("a line of {BATCH_MAX} transfers, {} bytes each", line.len() / BATCH_MAX);
    measure("read", || {
        black_box(Request::parse(line.as_bytes()).is_ok());
    });
    let mut out = Vec::new();
    measure("read, create nothing, print results", || {
        out.clear();
        let Ok(()) = answer(Line::Whole(line.as_bytes()), &mut Nothing, &mut out);
    });
    measure("print transfers", || {
        out.clear();
        let Ok(()) = answer(Line::Whole(br#"{"query_transfers":{}}"#), &mut Nothing, &mut out);
    });
}

fn event(index: usize) -> String {
    let id = (1_u128 << 120) + index as u128;
    format!(
        r#"{{"id":"{id}","debit_account_id":"{}","credit_account_id":"{}","amount":"{}","ledger":156,"code":1,"flags":[]}}"#,
        index % 10_000 + 1,
        index % 9_973 + 20_000,
        index * 7 + 1,
    )
}

/// The best of several rounds, per transfer.
fn measure(what: &str, mut once: impl FnMut()) {
    let mut best = u128::MAX;
    for _ in 0..50 {
        let start = Instant::now();
        once();
        best = best.min(start.elapsed().as_nanos());
    }
    println!("{:>6} ns  {what}", best / BATCH_MAX as u128);
}
