//! The rules of accounts.

use ledger::{Account, AccountFlags, CreateAccountStatus as Status};

use crate::batch::Refusal;
use crate::model::State;

const KNOWN_FLAGS: u16 = 0b10_1111;

/// Creates one account, or says why not.
pub(crate) fn create_account(state: &mut State, event: &Account, timestamp: u64) -> Result<(), Refusal<Status>> {
    check_form(event)?;
    if let Some(existing) = state.accounts.get(&event.id) {
        return Err(compare(event, existing));
    }
    check_new(event)?;
    state.accounts.insert(event.id, Account { timestamp, ..*event });
    Ok(())
}

fn check_form(event: &Account) -> Result<(), Status> {
    if event.reserved != 0 {
        return Err(Status::ReservedField);
    }
    if event.flags.bits() & !KNOWN_FLAGS != 0 {
        return Err(Status::ReservedFlag);
    }
    if event.id == 0 {
        return Err(Status::IdMustNotBeZero);
    }
    if event.id == u128::MAX {
        return Err(Status::IdMustNotBeIntMax);
    }
    Ok(())
}

/// How an account with an id that is taken differs from the one that has it.
fn compare(event: &Account, existing: &Account) -> Refusal<Status> {
    if event.flags != existing.flags {
        return Status::ExistsWithDifferentFlags.into();
    }
    if event.user_data_128 != existing.user_data_128 {
        return Status::ExistsWithDifferentUserData128.into();
    }
    if event.user_data_64 != existing.user_data_64 {
        return Status::ExistsWithDifferentUserData64.into();
    }
    if event.user_data_32 != existing.user_data_32 {
        return Status::ExistsWithDifferentUserData32.into();
    }
    if event.ledger != existing.ledger {
        return Status::ExistsWithDifferentLedger.into();
    }
    if event.code != existing.code {
        return Status::ExistsWithDifferentCode.into();
    }
    Refusal::exists(existing.timestamp)
}

fn check_new(event: &Account) -> Result<(), Status> {
    let both_limits = AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS;
    if event.flags.contains(both_limits) {
        return Err(Status::FlagsAreMutuallyExclusive);
    }
    if event.debits_pending != 0 {
        return Err(Status::DebitsPendingMustBeZero);
    }
    if event.debits_posted != 0 {
        return Err(Status::DebitsPostedMustBeZero);
    }
    if event.credits_pending != 0 {
        return Err(Status::CreditsPendingMustBeZero);
    }
    if event.credits_posted != 0 {
        return Err(Status::CreditsPostedMustBeZero);
    }
    if event.ledger == 0 {
        return Err(Status::LedgerMustNotBeZero);
    }
    if event.code == 0 {
        return Err(Status::CodeMustNotBeZero);
    }
    Ok(())
}
