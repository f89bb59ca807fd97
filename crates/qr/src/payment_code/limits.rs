//! Single use, and how often a till may be wrong: plain data for whoever decides.

use std::collections::BTreeSet;

use super::issuer::{CodeIssuer, WalletNumber};
use super::time::Step;

/// That a wallet's code of a minute was taken: the key under which this is remembered, for good if room is no matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeUse {
    /// Whose code.
    pub wallet: WalletNumber,
    /// Of which minute.
    pub step: Step,
}

impl CodeUse {
    /// The first minute in which the code is refused as expired even if nobody remembers it, as long as time does not run backwards.
    #[must_use]
    pub fn forgettable_from(self) -> Step {
        Step(self.step.0.saturating_add(CodeIssuer::SKEW + 1))
    }
}

/// The codes that were taken and could still be shown: a few for each wallet that pays within three minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedCodes(BTreeSet<(Step, WalletNumber)>);

impl UsedCodes {
    /// Takes a code, and forgets those that time refuses. `now` never runs backwards.
    ///
    /// # Errors
    /// [`AlreadyUsed`] if it was taken before, or its time is over.
    pub fn redeem(&mut self, code: CodeUse, now: Step) -> Result<(), AlreadyUsed> {
        while self
            .0
            .first()
            .is_some_and(|(step, wallet)| CodeUse { wallet: *wallet, step: *step }.forgettable_from() <= now)
        {
            self.0.pop_first();
        }
        let is_new = code.forgettable_from() > now && self.0.insert((code.step, code.wallet));
        if is_new { Ok(()) } else { Err(AlreadyUsed) }
    }

    /// What is remembered, to write it down and read it again.
    pub fn iter(&self) -> impl Iterator<Item = CodeUse> {
        self.0.iter().map(|(step, wallet)| CodeUse { wallet: *wallet, step: *step })
    }
}

impl FromIterator<CodeUse> for UsedCodes {
    fn from_iter<I: IntoIterator<Item = CodeUse>>(codes: I) -> Self {
        Self(codes.into_iter().map(|code| (code.step, code.wallet)).collect())
    }
}

/// The code was taken before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code was used already: show the next one")]
pub struct AlreadyUsed;

impl AlreadyUsed {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        "payment_code_used"
    }
}

/// How often a till was wrong in the present window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TryLimit {
    window: u32,
    failures: u32,
}

impl TryLimit {
    /// How many wrong codes a till may show in a window before all are refused to its end. Mistyped ones, which the check digit finds,
    /// do not count.
    pub const FAILURES_MAX: u32 = 10;
    /// How many minutes a window has.
    pub const WINDOW: u32 = 10;

    /// Whether another try is allowed.
    ///
    /// # Errors
    /// [`TooManyTries`] if there were too many wrong ones.
    pub fn allow(&self, now: Step) -> Result<(), TooManyTries> {
        let is_over = self.window == now.0 / Self::WINDOW && self.failures >= Self::FAILURES_MAX;
        if is_over { Err(TooManyTries) } else { Ok(()) }
    }

    /// Counts a wrong code.
    pub fn record_failure(&mut self, now: Step) {
        let window = now.0 / Self::WINDOW;
        let failures = if self.window == window { self.failures } else { 0 };
        *self = Self { window, failures: failures.saturating_add(1) };
    }
}

/// The till was wrong too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong codes at this till: wait some minutes")]
pub struct TooManyTries;

impl TooManyTries {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        "payment_code_too_many_tries"
    }
}
