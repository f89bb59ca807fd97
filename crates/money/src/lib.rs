//! Money: which currencies there are, and how much of one somebody asks for or pays.
//!
//! - A [`Currency`] is one of the active currencies of ISO 4217 that have a minor unit.
//! - An [`Amount`] is a whole, positive number of minor units (cents, fen; yen for the yen).
//! - [`Money`] is the two together. It reads and writes as `{"amount":1250,"currency":"CNY"}` in JSON, strictly and
//!   with errors that begin with the field at fault, and as two variable-length integers in binary formats.
//!
//! - A [`Decimal`] is an exact number with decimals, which becomes minor units by a named [`Rounding`].
//! - [`BasisPoints`] are a rate; the part of an amount that it makes is exact and rounded once, as the caller says.
//! - [`allocate`] splits an amount by weights and [`allocate_part`] returns it in steps; no unit is lost or made.
//!
//! Nothing here is a floating-point number, and nothing rounds unless the caller names how. Balances and sums belong to
//! the ledger, whose numbers may be zero.

mod allocation;
mod amount;
mod currency;
mod money;
mod rate;
mod rounding;
mod table;

pub use allocation::{AllocatePartError, allocate, allocate_part};
pub use amount::{Amount, AmountOutOfRange};
pub use currency::{Currency, UnknownCurrency};
pub use money::{Money, ParseMoneyError};
pub use rate::{BasisPoints, RateOutOfRange};
pub use rounding::{Decimal, DecimalOutOfRange, ParseDecimalError, Rounding};
