//! The terms on which a merchant is served: what it costs, when it is settled, what trade it is in, where the money goes.
//!
//! - A [`FeePlan`] says what a capture costs: exact, rounded once, never more than the capture.
//! - [`SettlementTerms`] say when a merchant's day ends and when its money leaves: a calendar of business days in the
//!   merchant's time zone. Daylight saving, holidays and year ends are the calendar's business, not its callers'.
//! - An [`Mcc`] is a merchant category code of ISO 18245, an [`Iban`] a bank account number of ISO 13616.
//!
//! All of it is checked when it is made and again when it is read, from JSON or from a journal. Nothing here does any I/O,
//! asks a clock or uses a floating-point number. The rules of the time zones are part of the program: another
//! release may know other rules, so whoever relies on a moment computed here keeps the moment and does not compute it again.

mod calendar;
mod fees;
mod iban;
mod mcc;
mod method;
mod settlement;
mod zone;

pub use calendar::{BusinessDay, NoSuchDay, NoWeekday, Weekday, Weekdays};
pub use fees::{FeePlan, FeePlanError, FeeRate, Tier};
pub use iban::{Iban, ParseIbanError};
pub use mcc::{Mcc, UnknownMcc};
pub use method::{Method, UnknownMethod};
pub use settlement::{CutOff, CutOffTime, NoSuchTime, Reserve, Schedule, SettlementTerms, SettlementTermsError};
pub use zone::{UnknownZone, ZoneName};
