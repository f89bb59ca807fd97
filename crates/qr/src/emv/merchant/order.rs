//! Whether a code says what its order says.

use money::Money;

use super::payload::Payload;

/// What a merchant asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// How much.
    pub money: Money,
    /// Until when, in milliseconds since 1970-01-01T00:00:00Z.
    pub expires_at_ms: u64,
}

/// Where a code contradicts its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// It asks for another amount, or its amount cannot be read.
    #[error("the code asks for another amount than its order")]
    Amount,
    /// It is in another currency, or in none.
    #[error("the code is in another currency than its order")]
    Currency,
    /// It ends later than the order does.
    #[error("the code is good for longer than its order")]
    Expiry,
    /// Its time is over.
    #[error("the code has expired")]
    Expired,
}

impl Contradiction {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Amount => "qr_amount_mismatch",
            Self::Currency => "qr_currency_mismatch",
            Self::Expiry => "qr_expiry_mismatch",
            Self::Expired => "qr_expired",
        }
    }
}

impl Payload<'_> {
    /// Compares this code with its order at a moment, in milliseconds since 1970-01-01T00:00:00Z. A code without an amount or an
    /// end leaves them to the order; what it says must agree, and its time must not be over.
    ///
    /// # Errors
    /// The first [`Contradiction`], in the order currency, amount, expired, expiry.
    pub fn agree_with(&self, order: &Order, now_ms: u64) -> Result<(), Contradiction> {
        if self.currency() != Some(order.money.currency()) {
            return Err(Contradiction::Currency);
        }
        if self.amount().map_err(|_| Contradiction::Amount)?.is_some_and(|money| money != order.money) {
            return Err(Contradiction::Amount);
        }
        let expiry = self.summary().expiry.map(|expiry| expiry.unix_milliseconds);
        if expiry.is_some_and(|expiry| expiry <= now_ms) || order.expires_at_ms <= now_ms {
            return Err(Contradiction::Expired);
        }
        if expiry.is_some_and(|expiry| expiry > order.expires_at_ms) {
            return Err(Contradiction::Expiry);
        }
        Ok(())
    }
}
