//! Banks: whom we ask to pay, and who tells us what became of it.
//!
//! Asking is idempotent: the same payout asked again, after a time-out or a crash, is the same payment. A bank's answer
//! can be *unknown*; that is not a refusal, and the payout is asked again. What truly happened is in the lines that the
//! bank reports later, and only there.

mod account;
mod files;
mod line;
pub(crate) mod log;
mod sandbox;

use jiff::civil::Date;
use money::Money;

use crate::PartnerError;

pub use account::{Account, LocalAccount, LocalAccountError};
pub use files::{Debtor, DebtorError, FileBank, Statement, StatementEntryError, credit_transfer, parse_statement};
pub use line::{BankLine, Cursor, Direction, LineKind, Page};
pub use sandbox::{Outcome, SandboxBank};

/// A bank that pays merchants out.
pub trait Bank: Send + Sync {
    /// What the bank is called: part of what reconciliation remembers, so it must not change.
    fn name(&self) -> &str;

    /// Asks for one payment. Asking again for the same payout is the same payment.
    fn submit(&self, instruction: &PayoutInstruction, now_ms: u64) -> Submission;

    /// What was booked and not yet seen: at most `limit` lines after `cursor`, and where to go on. A page without lines
    /// says that there is nothing more for now.
    ///
    /// # Errors
    /// [`PartnerError`] if the bank or its files cannot be read now. Asking again later loses nothing.
    fn lines_since(&self, cursor: Cursor, limit: usize, now_ms: u64) -> Result<Page, PartnerError>;
}

/// Why a bank cannot say what became of a payment that it was asked for with another amount or account before: something
/// was paid, or will be, and a refusal would have it paid again.
const OTHER_PAYMENT: &str = "another payment was asked for with this reference";

/// One payment that a bank is to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutInstruction {
    /// Which payout it is.
    pub payout: ids::PayoutId,
    /// How much of what.
    pub money: Money,
    /// Where to.
    pub account: Account,
    /// Whose account it is.
    pub holder: String,
    /// The day on which the bank is to pay.
    pub due_on: Date,
    /// When the payout was made, in Unix milliseconds. Part of the instruction, so that asking again says the same.
    pub created_at_ms: u64,
}

impl PayoutInstruction {
    /// The end-to-end reference that travels with the money and comes back on statements.
    #[must_use]
    pub fn end_to_end(&self) -> String {
        end_to_end(self.payout)
    }
}

/// A payout's end-to-end reference: its id in capitals and without the underscore, 28 characters that each bank's
/// character set has (ISO 20022 allows 35).
#[must_use]
pub fn end_to_end(payout: ids::PayoutId) -> String {
    payout.to_string().replace('_', "").to_ascii_uppercase()
}

/// What a bank says when it is asked to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// It will try. Whether it paid, its lines will say.
    Accepted {
        /// The bank's own number for it.
        bank_reference: String,
    },
    /// It will not, and has not. Nothing was asked for with this reference before.
    Refused {
        /// In words, for people.
        reason: String,
    },
    /// No answer, or none that can be understood. It may have paid: ask again.
    Unknown {
        /// What happened instead of an answer, for the log.
        because: String,
    },
}
