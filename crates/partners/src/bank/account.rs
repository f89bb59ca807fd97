//! Accounts that money is paid to.

use std::fmt;

use terms::Iban;

/// A bank account. `Debug` shows its last four characters only.
#[derive(Clone, PartialEq, Eq)]
pub enum Account {
    /// An international account number.
    Iban(Iban),
    /// A country's own: where there are no IBANs.
    Local(LocalAccount),
}

impl Account {
    /// The number as the bank knows it.
    pub(crate) fn number(&self) -> &str {
        match self {
            Self::Iban(iban) => iban.as_str(),
            Self::Local(local) => &local.number,
        }
    }

    /// The last four characters, for screens and logs.
    #[must_use]
    pub fn last_four(&self) -> &str {
        let number = self.number();
        number.get(number.len().saturating_sub(4)..).unwrap_or_default()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account(…{})", self.last_four())
    }
}

/// A bank and an account number there, as a country writes them.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalAccount {
    bank: String,
    number: String,
}

impl LocalAccount {
    /// The clearing system's number of the bank (1 to 35 characters) and the account's number there (4 to 34): letters,
    /// digits and hyphens.
    ///
    /// # Errors
    /// [`LocalAccountError`] if one has another length or other characters.
    pub fn new(bank: &str, number: &str) -> Result<Self, LocalAccountError> {
        let fits = |text: &str, least, most| {
            (least..=most).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let right = fits(bank, 1, 35) && fits(number, 4, 34);
        if right { Ok(Self { bank: bank.to_owned(), number: number.to_owned() }) } else { Err(LocalAccountError) }
    }

    pub(crate) fn bank(&self) -> &str {
        &self.bank
    }
}

/// No such account can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bank has 1 to 35 and an account 4 to 34 letters, digits and hyphens")]
pub struct LocalAccountError;
