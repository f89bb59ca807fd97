//! Requests, read from a line.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use ledger::{Account, AccountFilter, BATCH_MAX, QueryFilter, Transfer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::integer::Integer;
use crate::objects::{Name, Object};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Create these accounts; at most [`BATCH_MAX`].
    CreateAccounts(Vec<Account>),
    /// Create these transfers; at most [`BATCH_MAX`].
    CreateTransfers(Vec<Transfer>),
    /// Show the accounts with these ids; at most [`BATCH_MAX`].
    LookupAccounts(Vec<u128>),
    /// Show the transfers with these ids; at most [`BATCH_MAX`].
    LookupTransfers(Vec<u128>),
    /// Show the transfers of an account.
    GetAccountTransfers(AccountFilter),
    /// Show the balances that an account had.
    GetAccountBalances(AccountFilter),
    /// Show the accounts that match.
    QueryAccounts(QueryFilter),
    /// Show the transfers that match.
    QueryTransfers(QueryFilter),
    /// Set the clock to so many nanoseconds since 1970.
    Tick(u64),
}

/// Why a line is no request: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError(String);

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RequestError {}

impl Request {
    /// Reads a line. Only a refused one is read a second time, to find the place at fault.
    pub fn parse(line: &[u8]) -> Result<Self, RequestError> {
        if line.trim_ascii().is_empty() {
            return Err(RequestError("the line is empty: every line is one request".to_owned()));
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| RequestError(format!("byte {} is not UTF-8", error.valid_up_to() + 1)))?;
        serde_json::from_str(text).map_err(|error| RequestError(describe(text, &error)))
    }
}

/// Bytes of a reason that are said: what is wrong may be the whole line.
const REASON_BYTES_MAX: usize = 500;

fn describe(text: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let reason = message.rsplit_once(" at line ").map_or(&*message, |(reason, _place)| reason);
    if !error.is_data() {
        return format!("this is not JSON from byte {} on: {reason}", error.column());
    }
    let mut again = serde_json::Deserializer::from_str(text);
    let path = match serde_path_to_error::deserialize::<_, Request>(&mut again) {
        Err(located) if located.path().iter().len() > 0 => format!("{}: ", located.path()),
        _ => String::new(),
    };
    format!("{}{}", shortened(&path), shortened(reason))
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.len() {
        0..=REASON_BYTES_MAX => text.into(),
        _ => format!("{}… ", &text[..text.floor_char_boundary(REASON_BYTES_MAX)]).into(),
    }
}

/// The names of requests.
#[derive(Debug, Clone, Copy)]
enum Kind {
    CreateAccounts,
    CreateTransfers,
    LookupAccounts,
    LookupTransfers,
    GetAccountTransfers,
    GetAccountBalances,
    QueryAccounts,
    QueryTransfers,
    Tick,
}

const KINDS: &[&str] = &[
    "create_accounts",
    "create_transfers",
    "lookup_accounts",
    "lookup_transfers",
    "get_account_transfers",
    "get_account_balances",
    "query_accounts",
    "query_transfers",
    "tick",
];

impl Kind {
    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "create_accounts" => Self::CreateAccounts,
            "create_transfers" => Self::CreateTransfers,
            "lookup_accounts" => Self::LookupAccounts,
            "lookup_transfers" => Self::LookupTransfers,
            "get_account_transfers" => Self::GetAccountTransfers,
            "get_account_balances" => Self::GetAccountBalances,
            "query_accounts" => Self::QueryAccounts,
            "query_transfers" => Self::QueryTransfers,
            "tick" => Self::Tick,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RequestVisitor)
    }
}

struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = Request;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with one of {}", KINDS.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request, A::Error> {
        let Some(kind) = map.next_key_seed(Name { names: KINDS, find: Kind::find })? else {
            return Err(A::Error::custom(format_args!("the request is missing: one of {}", KINDS.join(", "))));
        };
        let request = match kind {
            Kind::CreateAccounts => Request::CreateAccounts(map.next_value::<Batch<Object<_>>>()?.unwrap_all()),
            Kind::CreateTransfers => Request::CreateTransfers(map.next_value::<Batch<Object<_>>>()?.unwrap_all()),
            Kind::LookupAccounts => Request::LookupAccounts(map.next_value::<Batch<Integer<_>>>()?.unwrap_all()),
            Kind::LookupTransfers => Request::LookupTransfers(map.next_value::<Batch<Integer<_>>>()?.unwrap_all()),
            Kind::GetAccountTransfers => Request::GetAccountTransfers(map.next_value::<Object<_>>()?.0),
            Kind::GetAccountBalances => Request::GetAccountBalances(map.next_value::<Object<_>>()?.0),
            Kind::QueryAccounts => Request::QueryAccounts(map.next_value::<Object<_>>()?.0),
            Kind::QueryTransfers => Request::QueryTransfers(map.next_value::<Object<_>>()?.0),
            Kind::Tick => Request::Tick(map.next_value::<Integer<_>>()?.0),
        };
        match map.next_key_seed(Name { names: KINDS, find: Kind::find })? {
            None => Ok(request),
            Some(_) => Err(A::Error::custom("one request a line: put the second one on a line of its own")),
        }
    }
}

/// A list of at most [`BATCH_MAX`] items.
struct Batch<T>(Vec<T>);

impl<T> Batch<Object<T>> {
    fn unwrap_all(self) -> Vec<T> {
        self.0.into_iter().map(|object| object.0).collect()
    }
}

impl<T> Batch<Integer<T>> {
    fn unwrap_all(self) -> Vec<T> {
        self.0.into_iter().map(|integer| integer.0).collect()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Batch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor(PhantomData))
    }
}

struct BatchVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BatchVisitor<T> {
    type Value = Batch<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {BATCH_MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Batch<T>, A::Error> {
        let mut batch = Vec::new();
        while let Some(item) = items.next_element()? {
            if batch.len() == BATCH_MAX {
                return Err(A::Error::custom(format_args!("more than {BATCH_MAX} in one batch: split it")));
            }
            batch.push(item);
        }
        Ok(Batch(batch))
    }
}
