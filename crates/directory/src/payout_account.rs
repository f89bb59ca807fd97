//! Where a merchant's settled money goes.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use terms::Iban;

use crate::Name;
use crate::fields::AccountPart;

/// A bank account. Its number is for the bank alone: `Debug`, the audit log and the API show its last four characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayoutAccount {
    /// By its international number.
    Iban {
        /// The number.
        iban: Iban,
        /// Whose account it is.
        holder: Name,
    },
    /// By the numbers of its own country.
    Local {
        /// Which bank, or which branch.
        bank_code: AccountPart,
        /// Which account there.
        account_number: AccountPart,
        /// Whose account it is.
        holder: Name,
    },
}

impl PayoutAccount {
    /// Whose account it is.
    #[must_use]
    pub fn holder(&self) -> &Name {
        match self {
            Self::Iban { holder, .. } | Self::Local { holder, .. } => holder,
        }
    }

    /// The last four characters of its number.
    #[must_use]
    pub fn last_four(&self) -> &str {
        match self {
            Self::Iban { iban, .. } => iban.last_four(),
            Self::Local { account_number, .. } => account_number.last_four(),
        }
    }
}

/// As it is shown: not whole.
impl Serialize for PayoutAccount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_map(None)?;
        match self {
            Self::Iban { iban, .. } => {
                shown.serialize_entry("type", "iban")?;
                shown.serialize_entry("country", iban.country())?;
            }
            Self::Local { bank_code, .. } => {
                shown.serialize_entry("type", "local")?;
                shown.serialize_entry("bank_code", bank_code.as_str())?;
            }
        }
        shown.serialize_entry("last_four", self.last_four())?;
        shown.serialize_entry("holder", self.holder().as_str())?;
        shown.end()
    }
}
