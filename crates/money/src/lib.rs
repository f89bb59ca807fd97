//! Money: which currencies there are, and how much of one somebody asks for or pays.
//!
//! - A [`Currency`] is one of the active currencies of ISO 4217 that have a minor unit.
//! - An [`Amount`] is a whole, positive number of minor units (cents, fen; yen for the yen).
//! - [`Money`] is the two together. It reads and writes as `{"amount":1250,"currency":"CNY"}` in JSON, strictly and
//!   with errors that begin with the field at fault, and as two variable-length integers in binary formats.
//!
//! Nothing here is a floating-point number and nothing rounds. There is no arithmetic: balances and sums belong to the
//! ledger, whose numbers may be zero.

mod amount;
mod currency;
mod money;
mod table;

pub use amount::{Amount, AmountOutOfRange};
pub use currency::{Currency, UnknownCurrency};
pub use money::{Money, ParseMoneyError};
