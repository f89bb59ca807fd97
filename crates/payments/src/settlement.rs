//! Settlement: windows in which a merchant's money gathers, what it is owed when they close, and payouts to its bank.

use ids::{AccountId, MerchantId, PayoutId, SettlementId};
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};
use terms::BusinessDay;

use crate::model::{Text, UnixMillis};

/// What gathers for one merchant in one currency between two closings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it was opened: by the first entry since the last closing.
    pub opened_at: UnixMillis,
    /// When it closes, and for which business day; `None` for a merchant without settlement terms: not by itself.
    pub closes: Option<Closing>,
    /// What has gathered.
    pub totals: Totals,
}

/// When a window closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The cut-off: what is decided at this moment or later belongs to the next window.
    pub at: UnixMillis,
    /// The business day that ends then.
    pub business_day: BusinessDay,
}

/// What went in and out of a merchant's pending account, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many payments and captures came in.
    pub payments: u64,
    /// What came in by them.
    pub gross: u64,
    /// How many refunds went out.
    pub refunds: u64,
    /// What went out by refunds.
    pub refunded: u64,
    /// How many disputes took something.
    pub disputes: u64,
    /// What they took.
    pub disputed: u64,
    /// How many times something came back by disputes that were won.
    pub returns: u64,
    /// What came back by them.
    pub returned: u64,
    /// What the platform charges for the captures, to be taken at the closing.
    pub fees: u64,
}

impl Totals {
    /// What the pending account holds.
    pub fn balance(&self) -> u64 {
        self.gross.saturating_add(self.returned).saturating_sub(self.refunded).saturating_sub(self.disputed)
    }
}

/// What is known of a merchant's money in one currency, beside the balances of its accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantBook {
    /// Whose.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// The account in which payments gather.
    pub pending: AccountId,
    /// How many settlements there were.
    pub settlements: u64,
    /// The journal position of the last closing; 0 before the first.
    pub closed_position: u64,
    /// The month that `volume` counts, as year and month; `None` before the first.
    pub month: Option<(i16, i8)>,
    /// What was captured in that month, in minor units: what tiers of fees go by.
    pub volume: u64,
    /// The open window.
    pub window: Option<Window>,
}

/// What a merchant was owed for a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Its name: follows from the merchant, the currency, the cut-off and the number.
    pub id: SettlementId,
    /// Whose.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// How many the merchant had in this currency, this one included.
    pub number: u64,
    /// The business day that ended.
    pub business_day: BusinessDay,
    /// When the window was opened.
    pub opened_at: UnixMillis,
    /// The cut-off.
    pub closed_at: UnixMillis,
    /// The journal position of the closing before: it covers the entries after it, up to its own position.
    pub after_position: u64,
    /// What had gathered.
    pub totals: Totals,
    /// What of the fees was more than had gathered: taken from the balance, then owed.
    pub fees_from_elsewhere: u64,
    /// What the merchant owed and now does not.
    pub debt_repaid: u64,
    /// What is kept in reserve.
    pub reserved: u64,
    /// When that is released.
    pub reserved_until: Option<UnixMillis>,
    /// What is the merchant's now.
    pub net: u64,
    /// When it is to be paid out.
    pub payout_at: UnixMillis,
}

/// A reserve that came free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveRelease {
    /// Which settlement kept it.
    pub settlement: SettlementId,
    /// Whose.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// How much, in minor units.
    pub amount: u64,
}

/// Settled money on its way to a merchant's bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// Its name.
    pub id: PayoutId,
    /// Whose.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// The settlement that called for it; `None` if somebody asked.
    pub settlement: Option<SettlementId>,
    /// When.
    pub created_at: UnixMillis,
    /// The bank's name for it.
    pub bank_reference: Option<Text>,
    /// Where it stands.
    pub status: PayoutStatus,
}

impl Payout {
    /// The payout as it was created.
    #[must_use]
    pub fn as_created(&self) -> Self {
        Self { bank_reference: None, status: PayoutStatus::Created, ..self.clone() }
    }
}

/// Where a payout stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PayoutStatus {
    /// The bank has not been told.
    Created,
    /// The bank has been told, and it is not known what came of it.
    Submitted {
        /// Then.
        at: UnixMillis,
    },
    /// The bank says that it was paid.
    Paid {
        /// Then.
        at: UnixMillis,
    },
    /// The bank could not pay; the money is the merchant's balance again.
    Failed {
        /// Then.
        at: UnixMillis,
        /// Why, in the bank's words.
        reason: Text,
    },
    /// It was paid and came back; the money is the merchant's balance again.
    Returned {
        /// Then.
        at: UnixMillis,
        /// Why, in the bank's words.
        reason: Text,
    },
}

impl PayoutStatus {
    /// Whether nothing is expected of the bank any more. What was paid may still come back.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Created | Self::Submitted { .. })
    }
}

/// What a bank says of a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BankWord {
    /// It was paid.
    Paid,
    /// It could not be paid.
    Failed(Text),
    /// It was paid and came back.
    Returned(Text),
}
