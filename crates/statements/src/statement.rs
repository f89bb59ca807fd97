//! What a statement says.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use money::Currency;
use serde::Serialize;

/// All of a statement but its lines. Every amount is in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The settlement's id, such as `stl_01h455vb4pex5vsknk084sn02q`.
    pub settlement: String,
    /// Who is paid.
    pub merchant: Merchant,
    /// What all amounts are in.
    pub currency: Currency,
    /// The business day that the settlement is for.
    pub business_day: Date,
    /// The merchant's time zone: the PDF's times are in it. Those of JSON and CSV are in UTC.
    pub zone: TimeZone,
    /// The time that the settlement covers.
    pub period: Period,
    /// The sums.
    pub totals: Totals,
    /// Where the money went; nothing while no payout was made.
    pub payout: Option<Payout>,
}

/// Whom a statement is made out to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merchant {
    /// The name that shoppers know, in its own script.
    pub name: String,
    /// The company's registered name.
    pub legal_name: String,
    /// The name in Latin letters: printed where no font for the name's script is at hand.
    pub latin_name: Option<String>,
    /// The postal address, line by line.
    pub address: Vec<String>,
}

/// From the previous close, exclusive, to this one, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// When the window opened.
    #[serde(serialize_with = "crate::json::moment")]
    pub from: Timestamp,
    /// When it closed.
    #[serde(serialize_with = "crate::json::moment")]
    pub to: Timestamp,
}

/// The sums of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Payments and captures, before fees.
    pub payments: Counted,
    /// Refunds that were taken from what was not settled yet.
    pub refunds: Counted,
    /// Disputes that took money away.
    pub disputes: Counted,
    /// Disputes that gave it back.
    pub dispute_returns: Counted,
    /// Fees charged.
    pub fees: u64,
    /// What repaid the merchant's debt.
    pub debt_repaid: u64,
    /// What was put into the reserve.
    pub reserve_held: u64,
    /// What is left for the merchant.
    pub net: u64,
}

/// How many, and how much together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// How many there are.
    pub count: u64,
    /// Their sum in minor units.
    pub amount: u64,
}

/// Where a settlement's money went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payout {
    /// The payout's id, such as `po_01h455vb4pex5vsknk084sn02q`.
    pub id: String,
    /// The last four characters of the account; never more of it.
    pub account_last4: String,
    /// The day on which the bank is to pay.
    #[serde(serialize_with = "crate::json::text")]
    pub due_on: Date,
}

/// One movement of the merchant's unsettled balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// The id of what happened: of the payment, the refund, the dispute, the capture.
    pub object: String,
    /// The payment that it belongs to.
    pub payment: Option<String>,
    /// The merchant's own reference of the order.
    pub reference: Option<String>,
    /// The whole amount, before the fee.
    pub gross: u64,
    /// The fee that the settlement charges for it.
    pub fee: u64,
    /// What it does to the balance.
    pub effect: Effect,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A payment in one step.
    Payment,
    /// A capture of a payment in two steps.
    Capture,
    /// Money given back by the merchant.
    Refund,
    /// Money taken back by the payer's dispute.
    Dispute,
    /// A dispute's money, returned to the merchant.
    DisputeReturn,
}

impl Kind {
    /// As JSON and CSV write it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::DisputeReturn => "dispute_return",
        }
    }

    /// As people read it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Payment => "Payment",
            Self::Capture => "Capture",
            Self::Refund => "Refund",
            Self::Dispute => "Dispute",
            Self::DisputeReturn => "Dispute returned",
        }
    }
}

/// What a line does to the merchant's balance, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It grows.
    Credit(u64),
    /// It shrinks.
    Debit(u64),
}
