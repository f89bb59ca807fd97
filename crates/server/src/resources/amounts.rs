//! Amounts in what is asked and answered, beside [`money::Money`]: sums that may be nothing, and whole numbers of a
//! currency that goes without saying.

use money::{Amount, Currency};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reference::schema;

/// A sum of the ledger's, which may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct MinorUnits {
    /// In minor units.
    #[schema(minimum = 0, example = 1_250)]
    amount: u64,
    #[schema(value_type = schema::Currency)]
    currency: Currency,
}

impl MinorUnits {
    pub(crate) fn new(amount: u64, currency: Currency) -> Self {
        Self { amount, currency }
    }
}

/// A whole number of minor units that somebody asks for, 1 to 2^63 - 1, of a currency that goes without saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct WholeUnits(Amount);

impl WholeUnits {
    pub(crate) fn get(self) -> u64 {
        self.0.minor_units()
    }
}

/// Whatever stands there is read first, so that the refusal is ours and the same for all that is no amount.
impl TryFrom<serde_json::Value> for WholeUnits {
    type Error = &'static str;

    fn try_from(written: serde_json::Value) -> Result<Self, &'static str> {
        let amount = written.as_u64().and_then(|minor_units| Amount::new(minor_units).ok());
        amount.map(Self).ok_or("must be a whole number of minor units from 1 to 9223372036854775807, without quotes")
    }
}

/// A list of at most `MOST` items.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<T>", bound = "T: Deserialize<'de>")]
pub(crate) struct AtMost<T, const MOST: usize>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for AtMost<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> TryFrom<Vec<T>> for AtMost<T, MOST> {
    type Error = String;

    fn try_from(items: Vec<T>) -> Result<Self, String> {
        match items.len() {
            found if found > MOST => Err(format!("has {found} items, at most {MOST} are allowed")),
            _ => Ok(Self(items)),
        }
    }
}
