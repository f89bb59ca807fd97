//! Settlement statements: what a merchant was paid for one business day, as JSON, CSV and PDF.
//!
//! Data in, bytes out. All three writers take the lines of a statement one by one and write as they go, so that a
//! settlement of a million payments needs no more memory than one of ten; the PDF prints the first
//! [`PDF_MAXIMUM_LINES`] and says that the CSV has all.
//!
//! - Amounts are whole minor units of the statement's currency: integers in JSON, exact decimals in CSV and PDF.
//! - The same statement gives the same bytes (the PDF: with the same fonts).
//! - No clock, no randomness, no files, except that [`Fonts::of_system`] looks for fonts.
//!
//! Nothing is added up here: totals and lines are what the caller says they are.

mod csv;
mod decimal;
mod fonts;
mod json;
mod page;
mod pdf;
mod statement;
mod text;

pub use csv::write_csv;
pub use decimal::Decimal;
pub use fonts::Fonts;
pub use json::write_json;
pub use pdf::{PDF_MAXIMUM_LINES, write_pdf};
pub use statement::{Counted, Effect, Kind, Line, Merchant, Payout, Period, Statement, Totals};
