//! The rules of transfers.

use std::collections::BTreeSet;

use ledger::{
    AMOUNT_MAX, Account, AccountFlags, CreateTransferStatus as Status, Resolution, TIMESTAMP_MAX, Transfer,
    TransferFlags,
};

use crate::batch::Refusal;
use crate::model::State;

const KNOWN_FLAGS: u16 = 0b1111_1111;

/// Creates one transfer, or says why not.
pub(crate) fn create_transfer(
    state: &mut State,
    failed: &BTreeSet<u128>,
    event: &Transfer,
    timestamp: u64,
) -> Result<(), Refusal<Status>> {
    check_form(event)?;
    if let Some(existing) = state.transfers.get(&event.id) {
        return Err(compare(state, event, existing));
    }
    if failed.contains(&event.id) {
        return Err(Status::IdAlreadyFailed.into());
    }
    let transfer = if event.flags.intersects(TransferFlags::RESOLVING) {
        post_or_void(state, event, timestamp)?
    } else {
        transfer_or_reserve(state, event, timestamp)?
    };
    state.transfers.insert(transfer.id, transfer);
    for id in [transfer.debit_account_id, transfer.credit_account_id] {
        let account = &state.accounts[&id];
        if account.flags.contains(AccountFlags::HISTORY) {
            state.balances.insert((timestamp, id), account.balance());
        }
    }
    Ok(())
}

/// Whether the same request could succeed another time.
pub(crate) fn may_pass(status: Status) -> bool {
    [
        Status::DebitAccountNotFound,
        Status::CreditAccountNotFound,
        Status::PendingTransferNotFound,
        Status::ExceedsCredits,
        Status::ExceedsDebits,
        Status::DebitAccountAlreadyClosed,
        Status::CreditAccountAlreadyClosed,
    ]
    .contains(&status)
}

/// The first nanosecond at which a pending transfer cannot be posted or voided any more.
pub(crate) fn expires_at(pending: &Transfer) -> Option<u64> {
    (pending.timeout != 0).then(|| pending.timestamp + u64::from(pending.timeout) * 1_000_000_000)
}

fn check_form(event: &Transfer) -> Result<(), Status> {
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

/// How a transfer with an id that is taken differs from the one that has it. A field that the request leaves out where
/// it may is compared as what it was filled with.
fn compare(state: &State, event: &Transfer, existing: &Transfer) -> Refusal<Status> {
    if event.flags != existing.flags {
        return Status::ExistsWithDifferentFlags.into();
    }
    if event.pending_id != existing.pending_id {
        return Status::ExistsWithDifferentPendingId.into();
    }
    if event.timeout != existing.timeout {
        return Status::ExistsWithDifferentTimeout.into();
    }
    let resolves = event.flags.intersects(TransferFlags::RESOLVING);
    let filled = if resolves { fill(event, &state.transfers[&event.pending_id]) } else { *event };
    if filled.debit_account_id != existing.debit_account_id {
        return Status::ExistsWithDifferentDebitAccountId.into();
    }
    if filled.credit_account_id != existing.credit_account_id {
        return Status::ExistsWithDifferentCreditAccountId.into();
    }
    let balances = event.flags.intersects(TransferFlags::BALANCING_DEBIT | TransferFlags::BALANCING_CREDIT);
    let same_amount = if balances { filled.amount >= existing.amount } else { filled.amount == existing.amount };
    if !same_amount {
        return Status::ExistsWithDifferentAmount.into();
    }
    if filled.user_data_128 != existing.user_data_128 {
        return Status::ExistsWithDifferentUserData128.into();
    }
    if filled.user_data_64 != existing.user_data_64 {
        return Status::ExistsWithDifferentUserData64.into();
    }
    if filled.user_data_32 != existing.user_data_32 {
        return Status::ExistsWithDifferentUserData32.into();
    }
    if filled.ledger != existing.ledger {
        return Status::ExistsWithDifferentLedger.into();
    }
    if filled.code != existing.code {
        return Status::ExistsWithDifferentCode.into();
    }
    Refusal::exists(existing.timestamp)
}

/// A post or void with what it leaves out taken from the pending transfer.
fn fill(event: &Transfer, pending: &Transfer) -> Transfer {
    let means_all = match event.flags.contains(TransferFlags::VOID_PENDING_TRANSFER) {
        true => event.amount == 0,
        false => event.amount == AMOUNT_MAX,
    };
    Transfer {
        debit_account_id: or(event.debit_account_id, pending.debit_account_id),
        credit_account_id: or(event.credit_account_id, pending.credit_account_id),
        amount: if means_all { pending.amount } else { event.amount },
        user_data_128: or(event.user_data_128, pending.user_data_128),
        user_data_64: or(event.user_data_64, pending.user_data_64),
        user_data_32: or(event.user_data_32, pending.user_data_32),
        ledger: or(event.ledger, pending.ledger),
        code: or(event.code, pending.code),
        ..*event
    }
}

/// The value, or the other if it is 0.
fn or<T: Default + PartialEq>(value: T, otherwise: T) -> T {
    if value == T::default() { otherwise } else { value }
}

/// A transfer that resolves a pending one.
fn post_or_void(state: &mut State, event: &Transfer, timestamp: u64) -> Result<Transfer, Status> {
    check_resolving_form(event)?;
    let Some(pending) = state.transfers.get(&event.pending_id).copied() else {
        return Err(Status::PendingTransferNotFound);
    };
    let filled = fill(event, &pending);
    check_matches_pending(&filled, &pending)?;
    match state.resolutions.get(&pending.id) {
        Some(Resolution::Posted) => return Err(Status::PendingTransferAlreadyPosted),
        Some(Resolution::Voided) => return Err(Status::PendingTransferAlreadyVoided),
        Some(Resolution::Expired) => return Err(Status::PendingTransferExpired),
        None => {}
    }
    if expires_at(&pending).is_some_and(|expires_at| expires_at <= timestamp) {
        return Err(Status::PendingTransferExpired);
    }
    let voids = event.flags.contains(TransferFlags::VOID_PENDING_TRANSFER);
    if !voids && is_closed(&state.accounts[&pending.debit_account_id]) {
        return Err(Status::DebitAccountAlreadyClosed);
    }
    if !voids && is_closed(&state.accounts[&pending.credit_account_id]) {
        return Err(Status::CreditAccountAlreadyClosed);
    }
    match voids {
        true => state.resolve(&pending, Resolution::Voided, 0),
        false => state.resolve(&pending, Resolution::Posted, filled.amount),
    }
    Ok(Transfer { timestamp, ..filled })
}

fn check_resolving_form(event: &Transfer) -> Result<(), Status> {
    let kind = event.flags.difference(TransferFlags::LINKED);
    if kind != TransferFlags::POST_PENDING_TRANSFER && kind != TransferFlags::VOID_PENDING_TRANSFER {
        return Err(Status::FlagsAreMutuallyExclusive);
    }
    if event.pending_id == 0 {
        return Err(Status::PendingIdMustNotBeZero);
    }
    if event.pending_id == u128::MAX {
        return Err(Status::PendingIdMustNotBeIntMax);
    }
    if event.pending_id == event.id {
        return Err(Status::PendingIdMustBeDifferent);
    }
    if event.timeout != 0 {
        return Err(Status::TimeoutReservedForPendingTransfer);
    }
    Ok(())
}

fn check_matches_pending(filled: &Transfer, pending: &Transfer) -> Result<(), Status> {
    if !pending.flags.contains(TransferFlags::PENDING) {
        return Err(Status::PendingTransferNotPending);
    }
    if filled.debit_account_id != pending.debit_account_id {
        return Err(Status::PendingTransferHasDifferentDebitAccountId);
    }
    if filled.credit_account_id != pending.credit_account_id {
        return Err(Status::PendingTransferHasDifferentCreditAccountId);
    }
    if filled.ledger != pending.ledger {
        return Err(Status::PendingTransferHasDifferentLedger);
    }
    if filled.code != pending.code {
        return Err(Status::PendingTransferHasDifferentCode);
    }
    if filled.amount > pending.amount {
        return Err(Status::ExceedsPendingTransferAmount);
    }
    if filled.flags.contains(TransferFlags::VOID_PENDING_TRANSFER) && filled.amount != pending.amount {
        return Err(Status::PendingTransferHasDifferentAmount);
    }
    Ok(())
}

/// A transfer in one phase, or the first of two.
fn transfer_or_reserve(state: &mut State, event: &Transfer, timestamp: u64) -> Result<Transfer, Status> {
    check_moving_form(event)?;
    let Some(debit) = state.accounts.get(&event.debit_account_id).copied() else {
        return Err(Status::DebitAccountNotFound);
    };
    let Some(credit) = state.accounts.get(&event.credit_account_id).copied() else {
        return Err(Status::CreditAccountNotFound);
    };
    if debit.ledger != credit.ledger {
        return Err(Status::AccountsMustHaveTheSameLedger);
    }
    if event.ledger != debit.ledger {
        return Err(Status::TransferMustHaveTheSameLedgerAsAccounts);
    }
    if is_closed(&debit) {
        return Err(Status::DebitAccountAlreadyClosed);
    }
    if is_closed(&credit) {
        return Err(Status::CreditAccountAlreadyClosed);
    }
    let amount = balanced_amount(event, &debit, &credit);
    check_overflows(event, amount, &debit, &credit)?;
    if u128::from(timestamp) + u128::from(event.timeout) * 1_000_000_000 > u128::from(TIMESTAMP_MAX) {
        return Err(Status::OverflowsTimeout);
    }
    check_limits(amount, &debit, &credit)?;
    move_amount(state, event, amount);
    Ok(Transfer { amount, timestamp, ..*event })
}

fn check_moving_form(event: &Transfer) -> Result<(), Status> {
    let is_pending = event.flags.contains(TransferFlags::PENDING);
    let closes = event.flags.intersects(TransferFlags::CLOSING_DEBIT | TransferFlags::CLOSING_CREDIT);
    if event.debit_account_id == 0 {
        return Err(Status::DebitAccountIdMustNotBeZero);
    }
    if event.debit_account_id == u128::MAX {
        return Err(Status::DebitAccountIdMustNotBeIntMax);
    }
    if event.credit_account_id == 0 {
        return Err(Status::CreditAccountIdMustNotBeZero);
    }
    if event.credit_account_id == u128::MAX {
        return Err(Status::CreditAccountIdMustNotBeIntMax);
    }
    if event.debit_account_id == event.credit_account_id {
        return Err(Status::AccountsMustBeDifferent);
    }
    if event.pending_id != 0 {
        return Err(Status::PendingIdMustBeZero);
    }
    if event.timeout != 0 && !is_pending {
        return Err(Status::TimeoutReservedForPendingTransfer);
    }
    if closes && !is_pending {
        return Err(Status::ClosingTransferMustBePending);
    }
    if event.ledger == 0 {
        return Err(Status::LedgerMustNotBeZero);
    }
    if event.code == 0 {
        return Err(Status::CodeMustNotBeZero);
    }
    Ok(())
}

fn is_closed(account: &Account) -> bool {
    account.flags.contains(AccountFlags::CLOSED)
}

/// All debits of an account, pending and posted; wider than a sum of two can be.
fn debits(account: &Account) -> u128 {
    u128::from(account.debits_pending) + u128::from(account.debits_posted)
}

fn credits(account: &Account) -> u128 {
    u128::from(account.credits_pending) + u128::from(account.credits_posted)
}

/// The amount asked for, or as much of it as balances the accounts.
fn balanced_amount(event: &Transfer, debit: &Account, credit: &Account) -> u64 {
    let mut amount = u128::from(event.amount);
    if event.flags.contains(TransferFlags::BALANCING_DEBIT) {
        amount = amount.min(u128::from(debit.credits_posted).saturating_sub(debits(debit)));
    }
    if event.flags.contains(TransferFlags::BALANCING_CREDIT) {
        amount = amount.min(u128::from(credit.debits_posted).saturating_sub(credits(credit)));
    }
    u64::try_from(amount).expect("no more than was asked for")
}

fn check_overflows(event: &Transfer, amount: u64, debit: &Account, credit: &Account) -> Result<(), Status> {
    let overflows = |sum: u128| sum + u128::from(amount) > u128::from(u64::MAX);
    let is_pending = event.flags.contains(TransferFlags::PENDING);
    if is_pending && overflows(debit.debits_pending.into()) {
        return Err(Status::OverflowsDebitsPending);
    }
    if is_pending && overflows(credit.credits_pending.into()) {
        return Err(Status::OverflowsCreditsPending);
    }
    if overflows(debit.debits_posted.into()) {
        return Err(Status::OverflowsDebitsPosted);
    }
    if overflows(credit.credits_posted.into()) {
        return Err(Status::OverflowsCreditsPosted);
    }
    if overflows(debits(debit)) {
        return Err(Status::OverflowsDebits);
    }
    if overflows(credits(credit)) {
        return Err(Status::OverflowsCredits);
    }
    Ok(())
}

fn check_limits(amount: u64, debit: &Account, credit: &Account) -> Result<(), Status> {
    let limited = |account: &Account, limit| account.flags.contains(limit);
    if limited(debit, AccountFlags::DEBITS_MUST_NOT_EXCEED_CREDITS)
        && debits(debit) + u128::from(amount) > u128::from(debit.credits_posted)
    {
        return Err(Status::ExceedsCredits);
    }
    if limited(credit, AccountFlags::CREDITS_MUST_NOT_EXCEED_DEBITS)
        && credits(credit) + u128::from(amount) > u128::from(credit.debits_posted)
    {
        return Err(Status::ExceedsDebits);
    }
    Ok(())
}

fn move_amount(state: &mut State, event: &Transfer, amount: u64) {
    let is_pending = event.flags.contains(TransferFlags::PENDING);

    let debit = state.account_mut(event.debit_account_id);
    *(if is_pending { &mut debit.debits_pending } else { &mut debit.debits_posted }) += amount;
    if event.flags.contains(TransferFlags::CLOSING_DEBIT) {
        debit.flags.insert(AccountFlags::CLOSED);
    }

    let credit = state.account_mut(event.credit_account_id);
    *(if is_pending { &mut credit.credits_pending } else { &mut credit.credits_posted }) += amount;
    if event.flags.contains(TransferFlags::CLOSING_CREDIT) {
        credit.flags.insert(AccountFlags::CLOSED);
    }
}
