//! What the bank's thread does, round by round.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use directory::{Directory, PayoutAccount};
use engine::{Engine, Overloaded, ReadError, Unavailable};
use ids::{AccountId, MerchantId};
use money::Money;
use partners::PartnerError;
use partners::bank::{Account, Bank, LocalAccount, PayoutInstruction, Submission};
use partners::reconciliation::{Happening, PayoutFact, PayoutState, Report, SettlementFact};
use payments::{Action, Answer, BankWord, Payout, PayoutStatus, Rejection, Text, UnixMillis};
use store::tables::{SettledPayout, TablesError, TablesReader};
use terms::{BusinessDay, SettlementTerms};

use super::service::Shared;

/// Settlements that are compared, payouts that are prepared, reports that are taken in together.
const AT_ONCE: u32 = 100;

/// Movements of a settlement that are added up at once: few enough that the tables' file can be tidied in between.
const MOVEMENTS_AT_ONCE: u32 = 2_000;

/// Business days after the day on which a bank is to pay until its silence is a break.
const PATIENCE_DAYS: u8 = 3;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) struct Worker {
    pub(super) engine: Engine,
    pub(super) directory: Directory,
    pub(super) bank: Option<Box<dyn Bank>>,
    pub(super) shared: Arc<Shared>,
}

/// What came of a round.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Round {
    pub(super) did_something: bool,
    /// A bank has been asked and has not answered.
    pub(super) is_unanswered: bool,
    /// Something waits for a bank, for a merchant's account, or for what failed to be tried again.
    pub(super) is_owed: bool,
    /// There was ever a payout.
    pub(super) has_payouts: bool,
}

/// What kept a step from being done. It is tried again.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Partner(#[from] PartnerError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the money core is too busy")]
    Overloaded,
    #[error("the server is going down")]
    Closing,
}

impl From<Overloaded> for StepError {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}

impl Worker {
    /// Does a bounded part of each kind of work. What fails does not keep the rest from being done.
    pub(super) fn round(&self) -> Round {
        let mut round = Round::default();
        self.step("settlements could not be compared", &mut round, Self::compare);
        if let Some(bank) = self.bank.as_deref() {
            self.step("payouts could not be submitted", &mut round, |worker, round| worker.submit(bank, round));
            self.step("the bank's lines could not be read", &mut round, |worker, _| worker.pull(bank));
            self.step("what the bank said could not be taken in", &mut round, Self::report);
        }
        self.step("it is not known what waits", &mut round, Self::look_what_waits);
        round
    }

    fn step(&self, failure: &str, round: &mut Round, step: impl FnOnce(&Self, &mut Round) -> Result<bool, StepError>) {
        match step(self, round) {
            Ok(did_something) => round.did_something |= did_something,
            Err(StepError::Closing) => {}
            Err(error) => {
                tracing::error!(%error, "{failure}; it is tried again");
                round.is_owed = true;
            }
        }
    }

    /// Compares settlements that have closed since the last time.
    fn compare(&self, _: &mut Round) -> Result<bool, StepError> {
        let until = self.shared.with_books(|books, _| books.compared_until())?;
        let settled = self.engine.read(move |tables| tables.settlements_after(until, AT_ONCE))?;
        let Some(last) = settled.last() else { return Ok(false) };
        let facts = settled.iter().map(|settled| self.added_up(settled)).collect::<Result<Vec<_>, _>>()?;
        self.shared.with_books(|books, now| books.note_settlements(&facts, last.position, now))?;
        self.shared.count_compared(facts.len());
        Ok(true)
    }

    fn added_up(&self, settled: &SettledPayout) -> Result<SettlementFact, StepError> {
        let settlement = &settled.settlement;
        let (mut payments, mut ledger) = (0_u64, 0_u64);
        let account = |tables: &TablesReader| pending_account(tables, settlement.merchant, settlement.currency);
        let pending = self.engine.read_from(settled.position, account)?;
        let mut after = pending.map(|_| settlement.after_position);
        while let (Some(from), Some(pending)) = (after, pending) {
            if self.shared.is_closing.load(Ordering::Acquire) {
                return Err(StepError::Closing);
            }
            let add_up = |tables: &TablesReader| tables.add_up(settled, pending, from, MOVEMENTS_AT_ONCE);
            let part = self.engine.read_from(settled.position, add_up)?;
            payments = payments.saturating_add(part.payments);
            ledger = ledger.saturating_add(part.ledger);
            after = part.next;
        }
        let statement = settlement.totals.gross;
        Ok(SettlementFact { settlement: settlement.id, currency: settlement.currency, payments, ledger, statement })
    }

    /// Asks the bank for the payouts that it was not asked for yet.
    fn submit(&self, bank: &dyn Bank, round: &mut Round) -> Result<bool, StepError> {
        let mut after = None;
        let mut did_something = false;
        loop {
            let payouts = self.engine.read(move |tables| tables.payouts_to_submit(after, AT_ONCE))?;
            let Some(last) = payouts.last() else { return Ok(did_something) };
            after = Some(last.id);
            did_something |= self.submit_these(bank, &payouts, round)?;
        }
    }

    fn submit_these(&self, bank: &dyn Bank, payouts: &[Payout], round: &mut Round) -> Result<bool, StepError> {
        let mut prepared = Vec::with_capacity(payouts.len());
        for payout in payouts {
            match self.instruction(payout)? {
                Some(ready) => prepared.push(ready),
                None => round.is_owed = true,
            }
        }
        self.shared.with_books(|books, now| books.prepare(&prepared, now))?;
        let mut answers = Vec::with_capacity(prepared.len());
        for (fact, _) in prepared {
            if self.shared.is_closing.load(Ordering::Acquire) {
                break;
            }
            // As it was first asked for, whatever the merchant's account is by now.
            let Some(asked) = self.shared.with_books(|books, _| books.instruction(fact.payout))? else { continue };
            match bank.submit(&asked, self.shared.source.now().0) {
                Submission::Accepted { bank_reference } => {
                    let bank_reference = Text::try_from(bank_reference).ok();
                    answers.push(Action::SubmitPayout { payout: fact.payout, bank_reference });
                }
                Submission::Refused { reason } => {
                    let refused = PayoutFact { state: PayoutState::Failed, ..fact };
                    self.shared.with_books(|books, now| books.note_payouts(&[refused], now))?;
                    answers.push(Action::ReportPayout { payout: fact.payout, word: BankWord::Failed(words(&reason)) });
                }
                Submission::Unknown { because } => {
                    tracing::warn!(payout = %fact.payout, because, "the bank gave no answer; it is asked again");
                    (round.is_unanswered, round.is_owed) = (true, true);
                }
            }
        }
        let did_something = !answers.is_empty();
        self.tell_core(answers)?;
        Ok(did_something)
    }

    /// What the bank is to be asked for; nothing while the merchant has no account for it.
    fn instruction(&self, payout: &Payout) -> Result<Option<(PayoutFact, PayoutInstruction)>, StepError> {
        let profile = self.directory.merchant(payout.merchant);
        let account = profile.as_ref().and_then(|profile| profile.payout_accounts.get(&payout.currency));
        let Some((account, holder)) = account.and_then(destination) else { return Ok(None) };
        let fact = self.fact_of(payout)?;
        let (money, due_on, created_at_ms) = (fact.money, fact.due_on, payout.created_at.0);
        Ok(Some((fact, PayoutInstruction { payout: payout.id, money, account, holder, due_on, created_at_ms })))
    }

    /// What we think of a payout. When it is due follows from its merchant's calendar when it is first thought of.
    fn fact_of(&self, payout: &Payout) -> Result<PayoutFact, StepError> {
        let state = match payout.status {
            PayoutStatus::Created | PayoutStatus::Submitted { .. } => PayoutState::Submitted,
            PayoutStatus::Paid { .. } => PayoutState::Paid,
            PayoutStatus::Failed { .. } => PayoutState::Failed,
            PayoutStatus::Returned { .. } => PayoutState::Returned,
        };
        if let Some(known) = self.shared.with_books(|books, _| books.payout(payout.id))? {
            return Ok(PayoutFact { state, ..known });
        }
        let merchant = payout.merchant;
        let merchant = self.engine.read_from(0, move |tables| tables.merchant(merchant))?;
        let terms = merchant.and_then(|merchant| merchant.terms);
        let (due_on, expected_by_ms) = due(terms.as_ref(), payout.created_at);
        let money = Money::new(payout.amount, payout.currency);
        Ok(PayoutFact { payout: payout.id, money, state, due_on: due_on.date(), expected_by_ms })
    }

    /// Takes in what the bank has booked, and finds out what it should have and has not.
    fn pull(&self, bank: &dyn Bank) -> Result<bool, StepError> {
        if !self.shared.with_books(|books, _| books.has_payouts())? {
            return Ok(false);
        }
        let new = self.shared.with_books(|books, now| books.pull(bank, now))?;
        self.shared.with_books(|books, now| books.look_for_silence(now))?;
        Ok(new > 0)
    }

    /// Tells the money core what the bank did, and then the books that it knows.
    fn report(&self, _: &mut Round) -> Result<bool, StepError> {
        let reports = self.shared.with_books(|books, _| books.reports(AT_ONCE as usize))?;
        if reports.is_empty() {
            return Ok(false);
        }
        let answers = self.tell_core(reports.iter().map(action).collect())?;
        let mut taken_in = Vec::with_capacity(reports.len());
        for (report, answer) in reports.iter().zip(answers) {
            let payout = match answer {
                Ok(Answer::Payout(payout)) => Some(payout),
                Ok(_) => None,
                Err(rejection) => {
                    tracing::error!(payout = %report.payout, ?rejection, "the money core refuses what the bank says");
                    self.engine.read(|tables| tables.payout(report.payout))?
                }
            };
            if let Some(payout) = payout {
                taken_in.push((report.number, self.fact_of(&payout)?));
            }
        }
        self.shared.with_books(|books, now| books.acknowledge(&taken_in, now))?;
        Ok(!taken_in.is_empty())
    }

    fn look_what_waits(&self, round: &mut Round) -> Result<bool, StepError> {
        round.has_payouts = self.bank.is_some() && self.shared.with_books(|books, _| books.has_payouts())?;
        let open = self.shared.with_books(|books, _| books.open_breaks())?;
        self.shared.set_open_breaks(open);
        if round.has_payouts && !round.is_owed {
            round.is_owed = !self.engine.read(|tables| tables.open_payouts(1))?.is_empty();
        }
        Ok(false)
    }

    /// Has the money core decide all of these, together, and waits for the outcomes.
    fn tell_core(&self, actions: Vec<Action>) -> Result<Vec<Result<Answer, Rejection>>, StepError> {
        let waiting: Vec<_> = actions
            .into_iter()
            .map(|action| {
                let (sender, receiver) = mpsc::sync_channel(1);
                self.engine.submit(action, None, move |reply| drop(sender.send(reply)))?;
                Ok::<_, Overloaded>(receiver)
            })
            .collect::<Result<_, _>>()?;
        let outcome = |receiver: mpsc::Receiver<engine::Reply>| receiver.recv().unwrap_or(Err(Unavailable::Stopped));
        waiting.into_iter().map(|receiver| outcome(receiver).map_err(StepError::from)).collect()
    }
}

/// The account in which a merchant's payments gather.
pub(crate) fn pending_account(
    tables: &TablesReader,
    merchant: MerchantId,
    currency: money::Currency,
) -> Result<Option<AccountId>, TablesError> {
    let books = tables.books(merchant)?;
    Ok(books.iter().find(|book| book.currency == currency).map(|book| book.pending))
}

/// Where a payout goes, and whose account that is; nothing if no bank could have it.
fn destination(account: &PayoutAccount) -> Option<(Account, String)> {
    let holder = account.holder().as_str().to_owned();
    let account = match account {
        PayoutAccount::Iban { iban, .. } => Account::Iban(iban.clone()),
        PayoutAccount::Local { bank_code, account_number, .. } => {
            Account::Local(LocalAccount::new(bank_code.as_str(), account_number.as_str()).ok()?)
        }
    };
    Some((account, holder))
}

/// The day on which the bank is to pay, and when it should have said something.
fn due(terms: Option<&SettlementTerms>, created_at: UnixMillis) -> (BusinessDay, u64) {
    let by_calendar = terms.and_then(|terms| {
        let day = terms.business_day_at(created_at.0)?;
        Some((day, terms.end_of_business_days_after(day, PATIENCE_DAYS)))
    });
    // Nobody has said how days are counted: in UTC, each of them.
    by_calendar.unwrap_or_else(|| {
        let days = i64::try_from(created_at.0 / DAY_MS).unwrap_or(i64::MAX);
        let day = BusinessDay::from_days_since_epoch(days).unwrap_or(BusinessDay::MAX);
        (day, created_at.0.saturating_add((u64::from(PATIENCE_DAYS) + 1) * DAY_MS))
    })
}

fn action(report: &Report) -> Action {
    let word = match &report.happening {
        Happening::Paid { .. } => BankWord::Paid,
        Happening::Failed { reason, .. } => BankWord::Failed(words(reason)),
        Happening::Returned { reason, .. } => BankWord::Returned(words(reason)),
    };
    Action::ReportPayout { payout: report.payout, word }
}

/// A bank's words as a text of ours: clipped, and without what could garble a screen.
fn words(reason: &str) -> Text {
    let printable = |character: &char| Text::try_from(format!("x{character}")).is_ok();
    let clipped: String = reason.chars().filter(printable).take(Text::MAX_CHARACTERS).collect();
    let unsaid = || Text::try_from("no reason was given".to_owned());
    match Text::try_from(clipped).or_else(|_| unsaid()) {
        Ok(text) => text,
        Err(_) => unreachable!("these words are a text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banks_words_are_made_to_fit() {
        assert_eq!(words("AC04 account closed").as_str(), "AC04 account closed");
        assert_eq!(words("line\r\nbreak\u{202e}").as_str(), "linebreak");
        assert_eq!(words(&"福".repeat(500)).as_str().chars().count(), Text::MAX_CHARACTERS);
        for nothing in ["", " \n ", "\u{0}"] {
            assert_eq!(words(nothing).as_str(), "no reason was given");
        }
    }
}
