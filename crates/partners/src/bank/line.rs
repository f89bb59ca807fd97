//! What a bank reports.

use money::Money;

/// Something that the bank booked, or says that it could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankLine {
    /// Names the line among all lines of this bank, for ever.
    pub line: String,
    /// The end-to-end reference that came with the money, if one did.
    pub reference: Option<String>,
    /// How much of what.
    pub money: Money,
    /// Whether money left our account or came.
    pub direction: Direction,
    /// When it was booked, in Unix milliseconds; the start of the day in UTC where the bank says the day only.
    pub booked_at_ms: u64,
    /// What it is about.
    pub kind: LineKind,
}

/// Which way money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To our account.
    Credit,
    /// From our account.
    Debit,
}

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind {
    /// A payment that we asked for left our account.
    Paid,
    /// A payment that we asked for did not leave it.
    Failed {
        /// The bank's reason: a code or words.
        reason: String,
    },
    /// A payment that had left came back.
    Returned {
        /// The bank's reason: a code or words.
        reason: String,
    },
    /// Anything else: charges, interest, other people's money.
    Other,
}

/// How far a bank's lines were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor(pub u64);

/// Some lines, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order in which the bank told them.
    pub lines: Vec<BankLine>,
    /// Comes after the last of `lines`.
    pub next: Cursor,
}
