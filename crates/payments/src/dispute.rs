//! Disputes: a payer's word against a payment. While one runs, the platform holds what it is about.

use std::fmt;

use ids::{DisputeId, MerchantId, PaymentId, WalletId};
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};

use crate::model::{Text, UnixMillis};
use crate::payment::Part;

/// How long after a payment it can be disputed, in milliseconds: 120 days.
pub const DISPUTABLE_MS: u64 = 120 * 24 * 60 * 60 * 1000;

/// How long a merchant may take to answer a dispute, in milliseconds: seven days.
pub const EVIDENCE_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// A payer's word against a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Its name.
    pub id: DisputeId,
    /// Against which payment.
    pub payment: PaymentId,
    /// Whose word.
    pub wallet: WalletId,
    /// Who was paid.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// How much of the payment.
    pub amount: Amount,
    /// Why, in the payer's words.
    pub reason: Text,
    /// When it was opened.
    pub created_at: UnixMillis,
    /// From when the merchant can no longer answer; without an answer it is lost then.
    pub evidence_due: UnixMillis,
    /// What the merchant answered.
    pub evidence: Option<Evidence>,
    /// From whom what it is about was taken.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub status: DisputeStatus,
}

impl Dispute {
    /// The dispute as it was opened.
    #[must_use]
    pub fn as_opened(&self) -> Self {
        Self { evidence: None, status: DisputeStatus::NeedsResponse, ..self.clone() }
    }

    /// The dispute as it was answered.
    #[must_use]
    pub fn as_answered(&self) -> Self {
        Self { status: DisputeStatus::UnderReview, ..self.clone() }
    }

    /// Whether it is undecided.
    pub fn is_open(&self) -> bool {
        matches!(self.status, DisputeStatus::NeedsResponse | DisputeStatus::UnderReview)
    }
}

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisputeStatus {
    /// The merchant is asked for evidence.
    NeedsResponse,
    /// The platform looks at the evidence.
    UnderReview,
    /// The merchant was right: it has the money again.
    Won {
        /// Then.
        at: UnixMillis,
    },
    /// The payer was right: the money went back.
    Lost {
        /// Then.
        at: UnixMillis,
    },
}

/// What a merchant says to a dispute: 1 to 4,000 characters of text, line breaks allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Evidence(Box<str>);

impl Evidence {
    /// The longest, in characters.
    pub const MAX_CHARACTERS: usize = 4_000;

    /// The text as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Evidence {
    type Error = EvidenceError;

    fn try_from(text: String) -> Result<Self, EvidenceError> {
        if text.trim().is_empty() {
            return Err(EvidenceError::Empty);
        }
        if text.chars().any(|character| character.is_control() && character != '\n') {
            return Err(EvidenceError::ControlCharacter);
        }
        match text.chars().count() {
            0..=Self::MAX_CHARACTERS => Ok(Self(text.into())),
            found => Err(EvidenceError::TooLong { found }),
        }
    }
}

impl From<Evidence> for String {
    fn from(evidence: Evidence) -> Self {
        evidence.0.into()
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Nothing in it.
    #[error("must not be empty or blank")]
    Empty,
    /// Longer than [`Evidence::MAX_CHARACTERS`].
    #[error("has {found} characters, at most {} are allowed", Evidence::MAX_CHARACTERS)]
    TooLong {
        /// How long it is, in characters.
        found: usize,
    },
    /// An escape or another control character.
    #[error("must not hold control characters other than line breaks")]
    ControlCharacter,
}
