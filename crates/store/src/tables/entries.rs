//! Lines of accounts, and what they belong to.

use ids::PaymentId;
use payments::{Event, Moved, Payment, UnixMillis};
use rusqlite::{Result, Row};

use super::rows;

/// One line of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The journal position.
    pub position: u64,
    /// Which movement of several there.
    pub leg: u32,
    /// Whether money came (or went).
    pub credit: bool,
    /// How much, in minor units.
    pub amount: u64,
    /// The balance after it, in minor units.
    pub balance_after: u64,
    /// When.
    pub at: UnixMillis,
    /// Why: one of [`payments::transfer_code`].
    pub code: u16,
    /// What it belongs to.
    pub cause: Cause,
}

/// What a line belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cause {
    /// The payment; `None` where there is none, such as for a deposit.
    pub payment: Option<PaymentId>,
    /// The bits of the capture, refund, dispute, settlement or payout that moved it, if not the payment itself.
    pub object: Option<[u8; 16]>,
}

impl Entry {
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let cause = Cause { payment: rows::optional_id(row, "payment")?, object: row.get("object")? };
        Ok(Self {
            position: rows::unsigned(row, "position")?,
            leg: row.get("leg")?,
            credit: row.get("credit")?,
            amount: rows::unsigned(row, "amount")?,
            balance_after: rows::unsigned(row, "balance_after")?,
            at: rows::time(row, "at")?,
            code: row.get("code")?,
            cause,
        })
    }
}

impl Cause {
    /// What the lines of an event belong to.
    pub fn of(event: &Event) -> Self {
        let of = |payment: &Payment, object: [u8; 16]| Self { payment: Some(payment.id), object: Some(object) };
        let object = |object: [u8; 16]| Self { payment: None, object: Some(object) };
        match event {
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
                Self { payment: Some(moved.what.id), object: None }
            }
            Event::PaymentCaptured(Moved { what, .. }) => of(&what.payment, what.capture.id.to_bytes()),
            Event::HoldReleased(Moved { what, .. }) => Self { payment: Some(what.payment.id), object: None },
            Event::PaymentRefunded(Moved { what, .. }) => of(&what.payment, what.refund.id.to_bytes()),
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                of(&what.payment, what.dispute.id.to_bytes())
            }
            Event::SettlementClosed(moved) => object(moved.what.id.to_bytes()),
            Event::ReserveReleased(moved) => object(moved.what.settlement.to_bytes()),
            Event::PayoutCreated(moved) | Event::PayoutReported(moved) => object(moved.what.id.to_bytes()),
            _ => Self::default(),
        }
    }
}
