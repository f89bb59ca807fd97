//! The platform's side: seeds are made and codes verified under one master key.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use money::Money;
use sha2::Sha256;
use zeroize::Zeroize;

use super::digits::{BusinessType, HANDLES, MalformedCode, PaymentCode};
use super::limits::CodeUse;
use super::permutation::Permutation;
use super::seed::{HourKey, HourSeed, Seed};
use super::time::{Hour, Step};

/// The secret from which every seed follows. Its Debug form is redacted and its memory is wiped when it is dropped.
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// The key of 256 random bits.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Which wallet: its number among all, from 0 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletNumber(pub u32);

/// The issuer numbers of a platform: some that follow each other, of six digits each. Each has room for a million wallets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuerBlock {
    first: u32,
    count: u32,
}

impl IssuerBlock {
    /// The most issuer numbers of a platform: a hundred million wallets.
    pub const COUNT_MAX: u32 = 100;

    /// So many numbers from the first on.
    ///
    /// # Errors
    /// [`NoSuchBlock`] if there are none or too many, or one has not six digits.
    pub fn new(first: u32, count: u32) -> Result<Self, NoSuchBlock> {
        let is_right = (1..=Self::COUNT_MAX).contains(&count) && (100_000..=1_000_000 - count).contains(&first);
        if is_right { Ok(Self { first, count }) } else { Err(NoSuchBlock) }
    }

    /// How many wallets have room.
    #[must_use]
    pub fn capacity(self) -> u32 {
        self.count * HANDLES
    }

    /// Whether codes of this issuer are this platform's.
    #[must_use]
    pub fn contains(self, issuer: u32) -> bool {
        issuer.checked_sub(self.first).is_some_and(|place| place < self.count)
    }

    fn split(self, name: u32) -> (u32, u32) {
        (self.first + name / HANDLES, name % HANDLES)
    }

    fn join(self, issuer: u32, handle: u32) -> Option<u32> {
        self.contains(issuer).then(|| (issuer - self.first) * HANDLES + handle)
    }
}

/// The numbers are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block is 1 to {} issuer numbers of six digits", IssuerBlock::COUNT_MAX)]
pub struct NoSuchBlock;

/// What the platform knows of a wallet when its code is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How often its seeds were revoked: with each, all seeds given out before are worth nothing.
    pub generation: u32,
    /// The most that one code pays.
    pub limit: Money,
}

/// A code that was found genuine; only [`CodeIssuer::verify`] makes one. It must be redeemed before anything is paid with it.
#[derive(Debug, PartialEq, Eq)]
pub struct CodeProof {
    wallet: WalletNumber,
    step: Step,
    business: BusinessType,
    limit: Money,
}

impl CodeProof {
    /// Whose code it is.
    #[must_use]
    pub fn wallet(&self) -> WalletNumber {
        self.wallet
    }

    /// What it is for.
    #[must_use]
    pub fn business(&self) -> BusinessType {
        self.business
    }

    /// What must be remembered so that it is taken once.
    #[must_use]
    pub fn code_use(&self) -> CodeUse {
        CodeUse { wallet: self.wallet, step: self.step }
    }

    /// Whether it pays this much.
    ///
    /// # Errors
    /// [`CodeError::AboveLimit`] if this is more than the wallet's limit, or in another currency.
    pub fn covers(&self, money: Money) -> Result<(), CodeError> {
        let is_covered = money.currency() == self.limit.currency() && money.amount() <= self.limit.amount();
        if is_covered { Ok(()) } else { Err(CodeError::AboveLimit) }
    }
}

/// Why a code does not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It is no payment code.
    #[error(transparent)]
    Malformed(#[from] MalformedCode),
    /// It is another platform's.
    #[error("the code belongs to another platform")]
    Foreign,
    /// No wallet shows it, nor did in the last minutes.
    #[error("no wallet shows this code")]
    Unknown,
    /// Its minute is over.
    #[error("the code's minute is over: show the next one")]
    Expired,
    /// It asks for more than the wallet's limit, or in another currency.
    #[error("the amount is above what a payment code of this wallet pays")]
    AboveLimit,
}

impl CodeError {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.code(),
            Self::Foreign => "payment_code_foreign",
            Self::Unknown => "payment_code_unknown",
            Self::Expired => "payment_code_expired",
            Self::AboveLimit => "payment_code_above_limit",
        }
    }
}

/// Makes seeds and verifies codes.
pub struct CodeIssuer {
    block: IssuerBlock,
    permutation: Permutation,
    /// Ready for the keys of wallets' hours.
    keys: Hmac<Sha256>,
}

impl fmt::Debug for CodeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeIssuer").field("block", &self.block).finish_non_exhaustive()
    }
}

impl CodeIssuer {
    /// How many minutes around the present are accepted: the last, this and the next.
    pub const SKEW: u32 = 1;

    /// How many minutes before those are looked at to tell a late code from one that nobody shows. Not after them: whoever guesses would
    /// learn which of his guesses will be good soon.
    const EXPLAINED: u32 = 9;

    /// The issuer under a master key.
    #[must_use]
    pub fn new(key: &MasterKey, block: IssuerBlock) -> Self {
        let names = derive(&keyed(&key.0), b"tapstone payment code names v1");
        let keys = derive(&keyed(&key.0), b"tapstone payment code keys v1");
        let [mut permutation_key, _] = halves(names);
        let permutation = Permutation::new(&permutation_key, block.count);
        permutation_key.zeroize();
        Self { block, permutation, keys: keyed(&keys) }
    }

    /// A seed for a wallet and some hours, at most [`Seed::HOURS_MAX`]; `None` if there is no room for such a wallet.
    #[must_use]
    pub fn seed(&self, wallet: WalletNumber, generation: u32, first: Hour, hours: u8) -> Option<Seed> {
        if wallet.0 >= self.block.capacity() {
            return None;
        }
        let hours = u32::from(hours.clamp(1, Seed::HOURS_MAX));
        let hours = (first.0..first.0.saturating_add(hours)).map(|hour| self.hour_seed(wallet, generation, Hour(hour)));
        Some(Seed::new(hours.collect()))
    }

    fn hour_seed(&self, wallet: WalletNumber, generation: u32, hour: Hour) -> HourSeed {
        let (issuer, handle) = self.block.split(self.permutation.encrypt(hour, wallet.0));
        HourSeed { hour, issuer, handle, key: self.hour_key(wallet, generation, hour) }
    }

    fn hour_key(&self, wallet: WalletNumber, generation: u32, hour: Hour) -> HourKey {
        let mut mac = self.keys.clone();
        mac.update(&wallet.0.to_be_bytes());
        mac.update(&generation.to_be_bytes());
        mac.update(&hour.0.to_be_bytes());
        let [key, _] = halves(mac.finalize().into_bytes().into());
        HourKey::new(key)
    }

    /// Whose code this is, if it is good in this minute. `standing` looks a wallet up by its number; there is no search.
    ///
    /// # Errors
    /// [`CodeError`], never `AboveLimit`.
    pub fn verify(
        &self,
        code: &PaymentCode,
        now: Step,
        standing: impl Fn(WalletNumber) -> Option<Standing>,
    ) -> Result<CodeProof, CodeError> {
        let name = self.block.join(code.issuer, code.handle).ok_or(CodeError::Foreign)?;
        let from = |minutes: u32| now.0.saturating_sub(minutes);
        let search = |first: u32, last: u32| self.find(code, name, Step(first), Step(last), &standing);
        if let Some(proof) = search(from(Self::SKEW), now.0.saturating_add(Self::SKEW)) {
            return Ok(proof);
        }
        match search(from(Self::SKEW + Self::EXPLAINED), from(Self::SKEW)) {
            Some(_) => Err(CodeError::Expired),
            None => Err(CodeError::Unknown),
        }
    }

    /// The minute among these for which the code was made, hour by hour: in each the name means another wallet.
    fn find(
        &self,
        code: &PaymentCode,
        name: u32,
        first: Step,
        last: Step,
        standing: &impl Fn(WalletNumber) -> Option<Standing>,
    ) -> Option<CodeProof> {
        (first.hour().0..=last.hour().0).map(Hour).find_map(|hour| {
            let wallet = WalletNumber(self.permutation.decrypt(hour, name));
            let Standing { generation, limit } = standing(wallet)?;
            let key = self.hour_key(wallet, generation, hour).ready();
            let mut steps = (first.0..=last.0).map(Step).filter(|step| step.hour() == hour);
            let step = steps.find(|step| key.mac(code.issuer, code.business, code.handle, *step) == code.mac)?;
            Some(CodeProof { wallet, step, business: code.business, limit })
        })
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    }
}

fn derive(key: &Hmac<Sha256>, label: &[u8]) -> [u8; 32] {
    let mut mac = key.clone();
    mac.update(label);
    mac.finalize().into_bytes().into()
}

fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    [std::array::from_fn(|place| bytes[place]), std::array::from_fn(|place| bytes[16 + place])]
}
