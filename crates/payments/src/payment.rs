//! Payments: an order's money moving, at once or by way of a hold; and the money that goes back.

use ids::{CaptureId, DisputeId, MerchantId, OrderId, PaymentId, RefundId, TagId, TapId, WalletId};
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};

use crate::model::{Text, UnixMillis};

/// Money that moved from a wallet to a merchant, or is held for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its name; its first ledger transfer has the same bits.
    pub id: PaymentId,
    /// Who pays.
    pub wallet: WalletId,
    /// Who is paid.
    pub merchant: MerchantId,
    /// Where.
    pub tag: TagId,
    /// The tap that proves the payer's presence.
    pub tap: TapId,
    /// The order that it pays; `None` at a standing tag.
    pub order: Option<OrderId>,
    /// The order's words for the payer.
    pub description: Option<Text>,
    /// What it is paid in.
    pub currency: Currency,
    /// How much the payer agreed to, a tip included.
    pub amount: Amount,
    /// When.
    pub created_at: UnixMillis,
    /// How it began.
    pub began: Beginning,
    /// How much of the amount is a tip.
    pub tip: u64,
    /// What the platform charges the merchant for what was captured so far.
    pub fee: u64,
    /// How much has moved to the merchant and the other receivers.
    pub captured: u64,
    /// How much of it was refunded.
    pub refunded: u64,
    /// How much of it was taken away by disputes, open or lost.
    pub disputed: u64,
    /// The dispute that is open.
    pub open_dispute: Option<DisputeId>,
    /// Who receives how much; empty if the merchant receives all of it.
    pub shares: Vec<Share>,
    /// Where it stands.
    pub status: PaymentStatus,
}

/// How a payment began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Beginning {
    /// The money moved at once.
    Captured,
    /// It was held, for the merchant to capture.
    Held {
        /// Until then at most.
        until: UnixMillis,
    },
    /// It was held until somebody else's answer.
    Processing {
        /// The answer comes then.
        until: UnixMillis,
        /// And is this.
        succeeds: bool,
    },
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentStatus {
    /// All that is ever captured has been.
    Succeeded,
    /// The payer's money is held; some of it may have been captured.
    Held,
    /// Whether it succeeds is not known yet.
    Processing,
    /// What was held went back whole.
    Cancelled {
        /// Then.
        at: UnixMillis,
    },
    /// It did not succeed; what was held went back.
    Failed {
        /// Then.
        at: UnixMillis,
    },
}

/// A receiver's share of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Who receives it.
    pub merchant: MerchantId,
    /// How much of the payment's amount.
    pub amount: u64,
    /// How much of it was captured.
    pub captured: u64,
    /// How much of that went back, by refunds and disputes.
    pub returned: u64,
}

impl Share {
    pub(crate) fn new(merchant: MerchantId, amount: u64) -> Self {
        Self { merchant, amount, captured: 0, returned: 0 }
    }
}

/// A receiver's part of one movement, in minor units.
pub type Part = (MerchantId, u64);

impl Payment {
    /// What can still be refunded or disputed, in minor units.
    pub fn refundable(&self) -> u64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.disputed)
    }

    /// What is held and can still be captured, in minor units.
    pub fn capturable(&self) -> u64 {
        if self.is_open() { self.amount.minor_units().saturating_sub(self.captured) } else { 0 }
    }

    /// Until when money is held for it, if that was ever so.
    pub fn held_until(&self) -> Option<UnixMillis> {
        match self.began {
            Beginning::Captured => None,
            Beginning::Held { until } | Beginning::Processing { until, .. } => Some(until),
        }
    }

    /// Whether money is held for it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, PaymentStatus::Held | PaymentStatus::Processing)
    }

    /// The payment as it was when it was made: what a repeated request is answered with.
    #[must_use]
    pub fn as_created(&self) -> Self {
        let (status, captured, fee) = match self.began {
            Beginning::Captured => (PaymentStatus::Succeeded, self.amount.minor_units(), self.fee),
            Beginning::Held { .. } => (PaymentStatus::Held, 0, 0),
            Beginning::Processing { .. } => (PaymentStatus::Processing, 0, 0),
        };
        let captured_of = |share: &Share| if captured == 0 { 0 } else { share.amount };
        let shares = self.shares.iter().map(|share| Share { captured: captured_of(share), returned: 0, ..*share });
        Self {
            status,
            captured,
            fee,
            refunded: 0,
            disputed: 0,
            open_dispute: None,
            shares: shares.collect(),
            ..self.clone()
        }
    }

    /// Takes `amount` of what is held; gives each receiver's part of it.
    pub(crate) fn capture(&mut self, amount: u64) -> Vec<Part> {
        self.captured += amount;
        if self.shares.is_empty() {
            return vec![(self.merchant, amount)];
        }
        let open: Vec<u64> = self.shares.iter().map(|share| share.amount - share.captured).collect();
        let parts = money::allocate(amount, &open);
        self.shares.iter_mut().zip(&parts).for_each(|(share, part)| share.captured += part);
        self.parts(&parts)
    }

    /// Takes back `amount` of what was captured; gives each receiver's part of it. No receiver gives back more than it
    /// received, and when all went back, each has given back exactly what it received.
    pub(crate) fn give_back(&mut self, amount: u64) -> Vec<Part> {
        if self.shares.is_empty() {
            return vec![(self.merchant, amount)];
        }
        let kept: Vec<u64> = self.shares.iter().map(|share| share.captured - share.returned).collect();
        let parts = money::allocate(amount, &kept);
        self.shares.iter_mut().zip(&parts).for_each(|(share, part)| share.returned += part);
        self.parts(&parts)
    }

    /// Undoes [`Payment::give_back`] of these parts: they are in the order of the shares.
    pub(crate) fn take_again(&mut self, parts: &[Part]) {
        for (share, (_, part)) in self.shares.iter_mut().zip(parts) {
            share.returned = share.returned.saturating_sub(*part);
        }
    }

    fn parts(&self, amounts: &[u64]) -> Vec<Part> {
        self.shares.iter().zip(amounts).map(|(share, amount)| (share.merchant, *amount)).collect()
    }
}

/// A part of a hold that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Its name.
    pub id: CaptureId,
    /// Of which payment.
    pub payment: PaymentId,
    /// Who took it.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// What the platform charges for it.
    pub fee: u64,
    /// What of the hold went back to the payer with it, in minor units: all the rest, if it was the last capture.
    pub released: u64,
    /// When.
    pub created_at: UnixMillis,
}

/// What was left of a hold going back to the payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Of which payment.
    pub payment: PaymentId,
    /// Whose hold it was.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// How much, in minor units.
    pub amount: u64,
    /// Why.
    pub reason: ReleaseReason,
    /// When.
    pub created_at: UnixMillis,
}

/// Why a hold was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReleaseReason {
    /// The merchant gave it back.
    Voided,
    /// Its time was over.
    Expired,
    /// The answer that was waited for was no.
    Failed,
}

/// Money that went back from a merchant to a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its name.
    pub id: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// Who gave it back.
    pub merchant: MerchantId,
    /// Who received it.
    pub wallet: WalletId,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// Why, in the merchant's words.
    pub reason: Option<Text>,
    /// When.
    pub created_at: UnixMillis,
}
