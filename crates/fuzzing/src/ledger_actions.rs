//! Bytes as requests: few ids, small amounts, every flag, so that requests meet each other.

use exec::{Line, Request, answer};
use ledger::{
    Account, AccountFilter, AccountFilterFlags, AccountFlags, NANOSECONDS_PER_SECOND, QueryFilter, QueryFilterFlags,
    Transfer, TransferFlags,
};

use crate::ledger_exec::check_answer;
use crate::{CheckedBooks, line};

/// The most requests of one input: the model is slow.
const REQUESTS_MAX: usize = 64;

/// Sends well-formed requests: each line reads back as its request, and the books stay balanced.
pub fn ledger_actions(data: &[u8]) {
    let mut books = CheckedBooks::default();
    let mut out = Vec::new();
    for request in requests(data) {
        let text = line(&request);
        assert_eq!(Request::parse(text.as_bytes()).as_ref(), Ok(&request), "{text}");
        out.clear();
        let refused = answer(Line::Whole(text.as_bytes()), &mut books, &mut out).is_err();
        check_answer(&out, refused);
        assert!(refused || !out.starts_with(b"{\"error\""), "{text}");
        books.check();
    }
}

/// The requests that some bytes stand for.
pub fn requests(data: &[u8]) -> impl Iterator<Item = Request> {
    let mut bytes = Bytes { rest: data, clock: 0 };
    std::iter::from_fn(move || bytes.request()).take(REQUESTS_MAX)
}

/// Takes values off the front of the input; 0 where it has ended.
struct Bytes<'a> {
    rest: &'a [u8],
    clock: u64,
}

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    fn request(&mut self) -> Option<Request> {
        let kind = *self.rest.first()?;
        self.next();
        Some(match kind % 16 {
            0..3 => Request::CreateAccounts(self.several(Self::account)),
            3..10 => Request::CreateTransfers(self.several(Self::transfer)),
            10 => Request::LookupAccounts(self.several(Self::id)),
            11 => Request::LookupTransfers(self.several(Self::id)),
            12 => Request::GetAccountTransfers(self.account_filter()),
            13 => Request::GetAccountBalances(self.account_filter()),
            14 if kind < 128 => Request::QueryAccounts(self.query_filter()),
            14 => Request::QueryTransfers(self.query_filter()),
            _ => self.tick(),
        })
    }

    fn several<T>(&mut self, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.next() % 8).map(|_| item(self)).collect()
    }

    /// One of few ids, the forbidden ones among them.
    fn id(&mut self) -> u128 {
        match self.next() {
            255 => u128::MAX,
            id => u128::from(id % 12),
        }
    }

    /// Small most of the time, sometimes near the end of 64 bits.
    fn amount(&mut self) -> u64 {
        match self.next() {
            255 => u64::MAX,
            254 => u64::MAX / 2,
            253 => u64::MAX - u64::from(self.next()),
            amount => amount.into(),
        }
    }

    /// 0 most of the time.
    fn rarely(&mut self) -> u8 {
        self.next().saturating_sub(250)
    }

    fn flags(&mut self, common: u16) -> u16 {
        let (first, second) = (self.next(), self.next());
        let bits = u16::from_le_bytes([first, if second > 250 { 1 } else { 0 }]);
        if second > 128 { bits } else { bits & common }
    }

    fn account(&mut self) -> Account {
        Account {
            id: self.id(),
            user_data_128: self.rarely().into(),
            user_data_64: self.rarely().into(),
            user_data_32: self.rarely().into(),
            reserved: (self.rarely() == 5).into(),
            ledger: u32::from(self.rarely().min(2) ^ 1),
            code: u16::from(self.rarely().min(2) ^ 1),
            flags: AccountFlags::from_bits_truncate(self.flags(0b1011)),
            timestamp: (self.rarely() == 5).into(),
            ..Account::default()
        }
    }

    fn transfer(&mut self) -> Transfer {
        let flags = TransferFlags::from_bits_truncate(self.flags(0b10_1111));
        Transfer {
            id: self.next().into(),
            debit_account_id: self.id(),
            credit_account_id: self.id(),
            amount: self.amount(),
            pending_id: if flags.intersects(TransferFlags::RESOLVING) { self.next() } else { self.rarely() }.into(),
            user_data_128: self.rarely().into(),
            user_data_64: self.rarely().into(),
            user_data_32: self.rarely().into(),
            timeout: if flags.contains(TransferFlags::PENDING) { self.next() % 8 } else { self.rarely() }.into(),
            ledger: u32::from(self.rarely().min(2) ^ 1),
            code: u16::from(self.rarely().min(2) ^ 1),
            flags,
            timestamp: (self.rarely() == 5).into(),
        }
    }

    fn account_filter(&mut self) -> AccountFilter {
        AccountFilter {
            account_id: self.id(),
            user_data_128: self.rarely().into(),
            user_data_64: self.rarely().into(),
            user_data_32: self.rarely().into(),
            code: self.rarely().into(),
            timestamp_min: self.rarely().into(),
            timestamp_max: self.rarely().into(),
            limit: self.next().into(),
            flags: AccountFilterFlags::from_bits_truncate(self.next().into()),
        }
    }

    fn query_filter(&mut self) -> QueryFilter {
        QueryFilter {
            user_data_128: self.rarely().into(),
            user_data_64: self.rarely().into(),
            user_data_32: self.rarely().into(),
            ledger: self.rarely().into(),
            code: self.rarely().into(),
            timestamp_min: self.rarely().into(),
            timestamp_max: self.rarely().into(),
            limit: self.next().into(),
            flags: QueryFilterFlags::from_bits_truncate(self.next().into()),
        }
    }

    fn tick(&mut self) -> Request {
        let seconds = u64::from(self.next());
        if seconds < 250 {
            self.clock += seconds * NANOSECONDS_PER_SECOND / 4;
            return Request::Tick(self.clock);
        }
        Request::Tick(self.amount())
    }
}
